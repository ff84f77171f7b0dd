"""Without a log book a step with rest after it is no drift; what goes on after it is one."""

from __future__ import annotations

import numpy as np

from metadata.drift.monitor import Monitor
from metadata.drift.verdicts import WARNING, Verdicts
from metadata.series import Limits, LoggedEvent, MetricInfo, Samples

START, DAY = 1.7e9 - 1.7e9 % 86400, 86400.0


def watched(course: np.ndarray, log_book: bool) -> Verdicts:
    """Thirty days with noise 1 and limits at ±12; the log book has one dump, on the first day."""
    times = START + 900.0 * np.arange(len(course))
    values = course + np.random.default_rng(3).normal(0, 1, len(course))
    monitor = Monitor({"axis": MetricInfo("axis", "px", Limits(-12, 12))})
    book = [LoggedEvent(START + 3600, "dump", ""), LoggedEvent(START + 7200, "beam_back", "")]
    [said] = monitor.update([Samples.of("axis", times, values)], book if log_book else [])
    return said


def steps() -> np.ndarray:
    days = np.arange(30 * 96) / 96
    return np.where(days < 14.3, 0.0, 2.8) - np.where(days < 22.6, 0.0, 2.4)


def test_steps_with_rest_after_them_are_no_drift_where_nobody_tells_of_maintenance() -> None:
    assert (watched(steps(), log_book=True).codes == WARNING).any()
    assert not (watched(steps(), log_book=False).codes == WARNING).any()


def test_a_ramp_after_a_step_is_a_drift() -> None:
    days = np.arange(30 * 96) / 96
    course = steps() + np.maximum(days - 18, 0) * 0.7
    said = watched(course, log_book=False)
    first = (said.times[np.argmax(said.codes == WARNING)] - START) / DAY
    assert (said.codes == WARNING).any()
    assert 18 < first < 27
