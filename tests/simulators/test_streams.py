"""Streams of operating metrics: the same for a seed, with windows about what is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from simulators.streams import COVERED, FAMILIES, QUIET, draw_stream


@pytest.mark.parametrize("seed", range(30))
def test_a_stream_has_what_it_says(seed: int) -> None:
    record = draw_stream(seed, healthy=False)
    count = len(record.values)
    assert len(record.times) == count
    assert (np.diff(record.times) > 0).all()
    assert np.isfinite(record.values).all()
    assert len(record.windows) == len(record.kinds) >= 1
    rows = np.zeros(count, int)
    for first, last in record.windows:
        assert QUIET * count - 1 <= first < last < count
        rows[first : last + 1] += 1
    assert rows.max() == 1  # none overlaps another
    assert rows.mean() <= COVERED + 0.02


def test_the_same_seed_is_the_same_stream() -> None:
    one, again = draw_stream(7), draw_stream(7)
    np.testing.assert_array_equal(one.values, again.values)
    assert one.windows == again.windows


def test_every_family_comes() -> None:
    assert {draw_stream(seed, healthy=True).family for seed in range(80)} == set(FAMILIES)


def test_an_anomaly_changes_the_readings_of_its_window() -> None:
    changed = 0
    for seed in range(20):
        sick, well = draw_stream(seed, healthy=False), draw_stream(seed, healthy=True)
        assert sick.family == well.family
        first = sick.windows[0][0]
        changed += bool(np.any(sick.values[first:] != well.values[first : len(sick.values)]))
    assert changed == 20
