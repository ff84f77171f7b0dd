"""A step that creeps on is told from jumps, at whatever hour it was."""

from __future__ import annotations

import numpy as np
import pytest

from metadata.drift.forecast import forecast
from metadata.drift.normal import Normal
from metadata.drift.shapes import STEP_CREEP
from metadata.drift.steps import FINE, courses
from metadata.drift.window import KEPT, PER_DAY, Window, bin_ages, pooling


def window(course: np.ndarray, seed: int) -> Window:
    """Six weeks of bins of twelve readings with noise 1."""
    pool = pooling()
    noise = np.random.default_rng(seed).normal(0, 1 / np.sqrt(12), KEPT)
    rows = np.arange(len(pool))
    empty = np.zeros((len(rows), 0))
    return Window(rows, pool @ bin_ages(), pool @ (course + noise), 12.0 * (pool > 0).sum(axis=1),
                  np.zeros(len(rows)), empty, empty, 0.0, 0.0)  # fmt: skip


@pytest.mark.parametrize("age", [2.0, 4.7, 6.6, 7.9])
def test_a_step_and_creep_is_known_by_its_shape_and_its_end(age: float) -> None:
    life, knee, way, since = 2 * age, 0.3, 12.0, age - bin_ages()
    creep = np.log1p(np.maximum(since, 0) / life / knee) / np.log1p(1 / knee)
    course = np.where(since >= 0, way * (0.4 + 0.6 * creep), 0.0)
    normal = Normal(1.0, 0.3, 0, 0.0)
    found = forecast(normal, window(course, 0), (-12.0, 12.0), (0.0, 0.0), 2.0, 3.0)
    assert found is not None
    told, _ = found
    assert told.side == 1
    assert told.shapes[STEP_CREEP] > 0.5
    assert sum(told.shapes) == pytest.approx(1.0, abs=1e-6)
    low, middle, high = told.days
    assert low < life - age < high
    assert 0.5 < middle / (life - age) < 2.0


def test_each_hypothesis_is_still_on_its_way() -> None:
    known = courses()
    assert (known.life > FINE[known.age_row]).all()
    assert known.creep.shape == (len(pooling()), len(known.life))
    total = np.exp(known.log_prior).sum() * 8
    assert 0 < total < 0.2 * FINE[-1]  # a drift begins each day, and one in five is of this shape
    assert PER_DAY * FINE[0] == 1
