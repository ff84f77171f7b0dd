"""How forecasts of the time to the limit are judged."""

from __future__ import annotations

import numpy as np
import pytest

from planner.benchmarks.drift.case import draw
from planner.benchmarks.drift.forecast import (
    Forecast,
    by_shape,
    forecast,
    half_of_life,
    summarise,
)


def said(true: float, value: float, low: float, high: float) -> Forecast:
    return Forecast(0, "wear", true, value, low, high)


def test_an_interval_costs_its_width_and_twenty_times_what_it_misses_by() -> None:
    assert said(5, 5, 4, 8).interval_score == pytest.approx(np.log(2))
    assert said(2, 5, 4, 8).interval_score == pytest.approx(np.log(2) + 20 * np.log(2))
    assert said(16, 5, 4, 8).interval_score == pytest.approx(np.log(2) + 20 * np.log(2))
    assert said(16, 5, 4, 8).error == pytest.approx(11 / 16)
    assert said(5, 5, 0, 8).interval_score < 8


def test_the_true_interval_scores_best_on_average() -> None:
    rng = np.random.default_rng(0)
    truth = 5 * np.exp(rng.normal(0, 0.5, 4000))

    def mean(width: float) -> float:
        edge = np.exp(1.645 * 0.5 * width)
        return float(np.mean([said(t, 5, 5 / edge, 5 * edge).interval_score for t in truth]))

    assert mean(1.0) < min(mean(0.5), mean(0.8), mean(1.3), mean(2.0))


def test_saying_nothing_is_taken_for_never() -> None:
    case = next(c for c in draw(41500, 6) if c.crossing is not None)
    half = half_of_life(case)
    assert half is not None
    nothing = forecast(case, half, None)
    assert not nothing.said
    assert nothing.value == nothing.low == nothing.high == pytest.approx(60.0)
    assert not nothing.covered
    assert forecast(case, half, (np.inf, 3.0, np.inf)).high == pytest.approx(60.0)
    assert nothing.true_days == pytest.approx((case.life_days or 0) / 2)


def test_always_five_days_errs_by_a_half_and_scores_two_and_a_half() -> None:
    """The lives are as they should be: log-uniform from 3 to 32 days."""
    halves = [(case, half_of_life(case)) for case in draw(43000, 40)]
    guesses = [forecast(c, half, (5.0, 1.5, 16.0)) for c, half in halves if half is not None]
    found = summarise("guess", guesses, 20)
    assert 0.38 < found.error.value < 0.68
    assert 2.36 < found.interval_score.value < 2.9
    assert found.coverage.value > 0.9
    assert found.said.value == 1
    assert sum(s["drifts"] for s in by_shape(guesses).values()) == found.drifts
