"""What comes near its limit between two judgements is warned of at once."""

from __future__ import annotations

import numpy as np
import pytest

from metadata.drift.monitor import Monitor
from metadata.drift.nearing import RUN, Nearing
from metadata.drift.verdicts import ALARM, WARNING, Verdicts
from metadata.series import Limits, MetricInfo, Samples

START, QUARTER, DAY = 1.7e9 - 1.7e9 % 86400, 900.0, 86400.0
JUMP = 12 * DAY + 3000.0


def jumped(share: float) -> Verdicts:
    """Two weeks of a reading each quarter of an hour; on day 12 it jumps by a share of the way."""
    times = START + QUARTER * np.arange(14 * 96)
    values = np.random.default_rng(0).normal(0, 0.5, len(times))
    values[times >= START + JUMP] += 12 * share
    monitor = Monitor({"axis": MetricInfo("axis", "px", Limits(-12, 12))})
    [said] = monitor.update([Samples.of("axis", times, values)])
    return said


def test_a_jump_over_most_of_the_way_is_warned_of_within_the_hour() -> None:
    said = jumped(0.8)
    warned = said.times[said.codes == WARNING]
    assert not (said.codes == ALARM).any()
    assert JUMP < warned.min() - START < JUMP + (RUN + 1) * QUARTER
    first = int(np.argmax(said.codes == WARNING))
    assert said.limits[first] == 12
    assert (said.codes[first:] == WARNING).all()


def test_a_jump_over_half_of_the_way_waits_for_evidence() -> None:
    said = jumped(0.5)
    within = (said.times > START + JUMP) & (said.times < START + JUMP + 2 * 3600)
    assert not (said.codes[within] == WARNING).any()


@pytest.mark.parametrize("step", [1, 7, 60])
def test_no_cut_into_blocks_changes_what_is_near(step: int) -> None:
    rng = np.random.default_rng(1)
    clock = np.cumsum(rng.uniform(100, 500, 600))
    values = np.where((clock // 20000) % 2 == 0, 0.0, rng.choice([-9, 9])) + rng.normal(0, 2, 600)
    use = rng.random(600) < 0.9
    whole = Nearing().update(clock, values, use, -6.0, 6.0)
    assert set(np.unique(np.abs(whole))) == {0, 1}
    now, parts = Nearing(), []
    for a in range(0, 600, step):
        part = slice(a, a + step)
        parts.append(now.update(clock[part], values[part], use[part], -6.0, 6.0))
        now = Nearing.from_state(now.to_state())
    assert np.array_equal(np.concatenate(parts), whole)


def test_single_readings_beyond_are_not_near() -> None:
    clock = QUARTER / 9 * np.arange(900)
    values = np.zeros(900)
    values[::3] = 10.0
    assert not Nearing().update(clock, values, np.ones(900, bool), -6.0, 6.0).any()
