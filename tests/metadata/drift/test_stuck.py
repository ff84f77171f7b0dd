"""Held values: those of a channel that is disconnected, not the steps of a counter."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from metadata.drift.stuck import Stuck

HELD = 2


def marks(values: NDArray, blocks: int = 1) -> NDArray[np.int8]:
    stuck = Stuck()
    parts = np.array_split(values, blocks)
    return np.concatenate([stuck.update(part, np.ones(len(part), bool)) for part in parts])


@pytest.mark.parametrize("steps", [20, 60, 300])
def test_what_goes_in_long_steps_is_not_held_once_that_is_known(steps: int) -> None:
    stairs = np.repeat(np.arange(12000 // steps + 1.0), steps)[:12000]
    found = marks(stairs)
    assert (found[:500] == HELD).any()
    assert not (found[6000:] == HELD).any()
    np.testing.assert_array_equal(found, marks(stairs, 37))


def test_a_channel_that_is_disconnected_most_of_the_time_is_still_told() -> None:
    values = np.random.default_rng(0).normal(size=12000)
    for start in range(0, 12000, 2000):
        values[start + 200 : start + 2000] = values[start + 200]
    held = marks(values, 5).reshape(6, 2000) == HELD
    assert held[:, 300:].mean() > 0.99
    assert not held[:, :200].any()
