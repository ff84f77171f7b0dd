"""What a metric does without beam is an alarm once, and known when it comes again."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from metadata.drift.monitor import Monitor
from metadata.drift.regimes import AWAY, RECOVERY
from metadata.drift.verdicts import ALARM, MOVING, WARNING, Verdicts
from metadata.series import Limits, LoggedEvent, MetricInfo, Samples

DAY = 86400.0
HOURS = {12.0: 10.0, 20.0: 8.0, 27.0: 12.0}  # day of each stop, and its length


def record(days: float = 40.0, cold: float = -30.0) -> tuple[NDArray, NDArray]:
    """A temperature each 15 minutes: 10 ± 0.3, and far below its limit of 5 while a beam is off."""
    times = 1.7e9 + 900.0 * np.arange(int(days * 96))
    values = 10 + 0.3 * np.random.default_rng(1).standard_normal(len(times))
    day = (times - times[0]) / DAY
    for start, hours in HOURS.items():
        level = cold if start == max(HOURS) else -30.0
        off = (day >= start) & (day < start + hours / 24)
        values[off] += level
        warming = (day >= start + hours / 24) & (day < start + hours / 24 + 0.15)
        values[warming] += level * np.exp(-(day[warming] - start - hours / 24) * 60)
    return times, values


def watched(
    times: NDArray, values: NDArray, edges: NDArray | None = None, book: bool = False
) -> Verdicts | list[Verdicts]:
    monitor = Monitor({"x": MetricInfo("x", "K", Limits(5.0, 15.0))})
    events = [LoggedEvent(float(times[0]), "dump"), LoggedEvent(float(times[0]), "beam_back")]
    said = []
    for a, b in pairwise([0, *(edges if edges is not None else []), len(times)]):
        block = Samples.of("x", times[a:b], values[a:b])
        said += list(monitor.update([block], events if book and not a else []))
    return said[0] if edges is None else said


def alarms(said: Verdicts) -> list[int]:
    """Days of the record on which an alarm or a warning stood."""
    on = (said.codes == ALARM) | (said.codes == WARNING)
    return np.unique((said.times[on] - said.times[0]) // DAY).astype(int).tolist()


def test_the_first_time_is_an_alarm_and_the_second_is_known() -> None:
    times, values = record()
    said = watched(times, values)
    assert isinstance(said, Verdicts)
    assert alarms(said) == [12]
    stopped = (values < 0) & (times > times[0] + 15 * DAY)
    assert (said.regimes[stopped] == AWAY).all()
    assert (said.codes[stopped] == MOVING).all()
    assert "came back" in said.one(int(np.flatnonzero(stopped)[0])).message
    after = np.flatnonzero(np.diff(stopped.astype(int)) == -1) + 4
    assert (said.regimes[after] == RECOVERY).all()


def test_another_level_than_the_times_before_is_an_alarm() -> None:
    said = watched(*record(cold=-60.0))
    assert isinstance(said, Verdicts)
    assert alarms(said) == [12, 27]


def test_one_that_does_not_come_back_is_an_alarm() -> None:
    times, values = record()
    gone = times > times[0] + 27 * DAY
    values[gone] = -20 + 0.3 * np.random.default_rng(3).standard_normal(gone.sum())
    said = watched(times, values)
    assert isinstance(said, Verdicts)
    assert alarms(said)[:3] == [12, 28, 29]  # a day later than it began
    assert alarms(said)[-1] == 39


def test_what_drifts_to_its_limit_is_not_known() -> None:
    times, values = record()
    day = (times - times[0]) / DAY
    values -= np.clip(day - 29, 0, None)  # at the limit on day 34
    said = watched(times, values)
    assert isinstance(said, Verdicts)
    assert 30 in alarms(said) or 31 in alarms(said)
    assert set(range(34, 40)) <= set(alarms(said))


def test_a_log_book_knows_better() -> None:
    said = watched(*record(), book=True)
    assert isinstance(said, Verdicts)
    assert alarms(said)[:3] == [12, 20, 27]
    assert not (said.regimes == AWAY).any()


def test_the_blocks_do_not_matter() -> None:
    times, values = record()
    whole = watched(times, values)
    assert isinstance(whole, Verdicts)
    edges = np.sort(np.random.default_rng(2).choice(len(times), 60, replace=False))
    parts = watched(times, values, edges)
    assert isinstance(parts, list)
    for name in ("codes", "regimes", "scores"):
        cut = np.concatenate([getattr(part, name) for part in parts])
        assert np.array_equal(cut, getattr(whole, name)), name


@pytest.mark.parametrize(("limit", "rate", "seed"), [(6.0, 0.3, 1), (4.0, 0.15, 1)])
def test_noise_about_the_limit_is_no_absence(limit: float, rate: float, seed: int) -> None:
    """What drifts slowly and is read noisily crosses its limit many times, to and fro."""
    times = 1.7e9 + 900.0 * np.arange(50 * 96)
    day = (times - times[0]) / DAY
    values = np.random.default_rng(seed).normal(0, 1, len(times))
    values += np.clip((day - 15) * rate, 0, limit + 1.5)
    monitor = Monitor({"x": MetricInfo("x", "", Limits(high=limit))})
    [said] = monitor.update([Samples.of("x", times, values)])
    assert not np.isin(said.regimes, (AWAY, RECOVERY)).any()
    first = int(np.argmax(said.codes == ALARM))
    assert values[first - 96 : first].mean() < limit
    assert (said.codes[first:] == ALARM).all()
    assert np.isfinite(said.limits[first:]).all()


def test_an_alarm_is_not_over_because_it_lasts() -> None:
    """Neither where a state is known no longer, nor after the days that one may last."""
    times, values = record()
    gone = times > times[0] + 27 * DAY
    values[gone] = -20 + 0.3 * np.random.default_rng(3).standard_normal(gone.sum())
    said = watched(times, values)
    assert isinstance(said, Verdicts)
    first = int(np.argmax(gone))
    assert set(said.codes[first:].tolist()) == {MOVING, ALARM}
    assert (np.diff((said.codes[first:] == ALARM).astype(int)) != 0).sum() == 1
