"""Without a log book a step with rest after it is no drift; what goes on after it is one."""

from __future__ import annotations

import numpy as np
import pytest

from metadata.drift.monitor import Monitor
from metadata.drift.verdicts import ALARM, WARNING, Verdicts
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


@pytest.mark.parametrize("seed", range(4))
def test_a_drift_after_a_repair_that_nobody_told_of_is_another_one(seed: int) -> None:
    """Both are warned of before their limit, and each is told once."""
    days = np.arange(40 * 96) / 96
    course = np.where((days > 10) & (days < 20), (days - 10) * 1.5, 0)
    course += np.where(days > 28, (days - 28) * 1.5, 0)
    values = course + np.random.default_rng(seed).normal(0, 1, len(days))
    monitor = Monitor({"axis": MetricInfo("axis", "px", Limits(-np.inf, 10.0))})
    [said] = monitor.update([Samples.of("axis", START + DAY * days, values)])
    warned = days[said.codes == WARNING]
    for begun, reached in ((10, 16.7), (28, 34.7)):
        assert begun < warned[(warned > begun)][0] < reached - 2
    told = (said.codes == WARNING) | (said.codes == ALARM)
    assert np.count_nonzero(told[1:] & ~told[:-1]) <= 3
