"""Set-points that come back after months: what is remembered of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from metadata.drift.normal import Normal
from metadata.drift.saving import pack, unpack
from metadata.drift.set_points import MOST, SetPoints
from metadata.drift.window import KEPT, ROWS, Window, bin_ages, pooling

NORMAL = Normal(noise=0.3, slow=0.4, memory=0, fast=0.0)
STEP, SIZE = 0.5, 3.0


def window(levels: dict[float, float], seed: int = 0, gain: float = 1.0) -> Window:
    """Forty days in which the set-points are in force in turn; at the last of them the swing is
    so many times the usual."""
    rng = np.random.default_rng(seed)
    pool, keys = pooling(), np.array(sorted(levels))
    turn = np.arange(KEPT) // 20 % len(keys)
    share = np.stack([pool @ (turn == k) for k in range(len(keys))], axis=1)
    swing = pool @ np.cos(2 * np.pi * bin_ages())
    y = share @ np.array([levels[k] for k in keys]) + 0.1 * rng.standard_normal(ROWS)
    y = y + (gain - 1) * share[:, -1] * swing
    return Window(np.arange(ROWS), pool @ bin_ages(), y, 12.0 * (pool > 0).sum(axis=1), swing,
                  np.zeros((ROWS, 0)), share, -1.0, 1.0, keys)  # fmt: skip


def test_a_level_is_known_after_months() -> None:
    points = SetPoints()
    points.learn(window({1.0: 0.0, 2.0: 2.5, 3.0: -4.0}), NORMAL, STEP, SIZE, 1000)
    for index in range(1400, 4000, 400):
        points.learn(window({1.0: 7.0, 2.0: 9.5}, seed=index), NORMAL, STEP, SIZE, index)
    level = points.levels(np.array([1.0, 2.0, 3.0, 4.0]), SIZE, 4000)
    assert np.allclose(level[1:3] - level[0], [2.5, -4.0], atol=0.5)
    assert level[3] == 0
    _, ((_, sure, unknown), _) = points.prior(np.array([1.0, 3.0, 4.0]), SIZE, 4000)
    assert sure < 0.3 * SIZE**2
    assert unknown == SIZE**2
    # What is not in force changes by itself.
    _, ((_, later, _), _) = points.prior(np.array([1.0, 3.0, 4.0]), SIZE, 40000)
    assert sure < later <= SIZE**2


def test_a_window_is_told_at_the_set_point_in_force() -> None:
    points, first = SetPoints(), window({1.0: 0.0, 2.0: 2.5, 3.0: -4.0})
    points.learn(first, NORMAL, STEP, SIZE, 1000)
    points.learn(window({1.0: 0.0, 2.0: 2.5}), NORMAL, STEP, SIZE, 1400)
    then = window({1.0: 0.0, 2.0: 2.5, 3.0: -4.0}, seed=5)
    here = points.at(then, 3.0, SIZE, 2000)
    assert abs(here.y.mean() + 4.0) < 0.6
    assert here.y.std() < 0.4 < then.y.std()
    assert here.keys.max() < 1  # surer than what is not known
    assert SetPoints().at(then, 3.0, SIZE, 2000) is then
    alone = replace(then, keys=np.zeros((ROWS, 0)), set_points=np.array([2.0]))
    moved = points.at(alone, 3.0, SIZE, 2000).y - alone.y
    assert np.allclose(moved, -6.5, atol=0.8)
    assert np.array_equal(points.at(alone, 2.0, SIZE, 2000).y, alone.y)


def test_a_swing_is_known_too() -> None:
    points = SetPoints()
    points.learn(window({1.0: 0.0, 2.0: 0.0, 3.0: 0.0}, gain=1.8), NORMAL, STEP, SIZE, 1000)
    points.learn(window({1.0: 0.0, 2.0: 0.0}), NORMAL, STEP, SIZE, 1400)
    then = window({1.0: 0.0, 2.0: 0.0, 3.0: 0.0}, seed=5, gain=1.8)
    assert points.at(then, 3.0, SIZE, 2000).high > 1.2
    assert points.at(then, 1.0, SIZE, 2000).high < 1.0


def test_what_the_same_days_say_counts_once() -> None:
    once, often = SetPoints(), SetPoints()
    same = window({1.0: 0.0, 2.0: 2.5})
    once.learn(same, NORMAL, STEP, SIZE, 1000)
    for index in range(1000, 1000 + KEPT - 1, 40):
        often.learn(same, NORMAL, STEP, SIZE, index)
    keys = np.array([2.0])
    once.learn(window({1.0: 0.0, 5.0: 1.0}), NORMAL, STEP, SIZE, 1500)
    often.learn(window({1.0: 0.0, 5.0: 1.0}), NORMAL, STEP, SIZE, 1500)
    assert np.isclose(once.prior(keys, SIZE, 1500)[1][0, 0], often.prior(keys, SIZE, 1500)[1][0, 0],
                      rtol=0.1)  # fmt: skip


def test_it_is_bounded_and_written_down() -> None:
    points = SetPoints()
    for number in range(MOST + 10):
        points.learn(window({0.0: 0.0, 1.0 + number: 1.0}), NORMAL, STEP, SIZE, 400 * number)
    assert len(points) == MOST
    state = points.to_state()
    again, keys = SetPoints.from_state(unpack(pack({"a": state}))["a"]), np.array([0.0, 40.0])
    for mine, other in zip(points.prior(keys, SIZE, 1), again.prior(keys, SIZE, 1), strict=True):
        assert np.array_equal(mine, other)
    assert state.nbytes < 3000
