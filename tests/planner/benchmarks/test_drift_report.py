"""What the page says of the early warning."""

from __future__ import annotations

import numpy as np

from planner.benchmarks.drift import plain
from planner.benchmarks.drift.baselines import BASELINES
from planner.benchmarks.drift.cause import MOMENTS, Named
from planner.benchmarks.drift.early import Outcome
from planner.benchmarks.drift.forecast import Forecast
from planner.benchmarks.drift.report import causes, forecasts, here, streams, summary, warnings
from planner.benchmarks.drift.simulated import OURS, Simulated, point
from planner.benchmarks.drift.tuning import Tuned

OUTCOMES = [
    Outcome(1, "wear", 30.0, 1, 2, life_days=10.0, left=0.8, stays=0.5),
    Outcome(2, "jumps", 20.0, 0, 0, life_days=5.0, left=0.0, stays=0.0),
    Outcome(3, "none", 50.0, 1, 1),
]
FORECASTS = [
    Forecast(1, "wear", 5.0, 5.0, 4.0, 8.0),
    Forecast(2, "jumps", 2.5, 60.0, 60.0, 60.0, said=False),
]


def measured() -> Simulated:
    share = BASELINES[0]
    return Simulated(
        outcomes={OURS: OUTCOMES, share.name: OUTCOMES},
        forecasts={OURS: FORECASTS},
        named={OURS: [Named(1, "wear", "a", 4, dict.fromkeys(MOMENTS, "a"))]},
        curves={OURS: [], share.name: [(0.1, 0.9, 0.4), (0.3, 1.0, 0.55), (0.9, 1.0, 0.7)]},
        tuned={share.name: Tuned(share, 12.0, 0.36, ())},
    )


def test_the_page_has_rates_shares_and_what_is_missing() -> None:
    text = warnings(measured(), 50, 0.3)
    assert "2 drifts, 100 metric-days" in text
    assert "| tomoplan | 0.60 (" in text
    assert "| 50.0 % (" in text
    assert "| 40.0 % (" in text
    assert "12, 0.36" in text
    assert "55.0 %" in text
    assert "not installed" in text
    assert "ADWIN" in text
    assert here(measured(), OURS, 0.3) == "–"


def test_a_forecast_that_is_missing_counts() -> None:
    text = forecasts(measured(), 50)
    assert "| 50 % |" in text  # says a time
    found = summary(measured(), 20)["forecasts"][OURS]
    assert found["coverage"]["value"] == 0.5
    assert found["interval_score"]["value"] > found["score_said"]["value"]
    assert found["error"]["value"] == np.median([0, 57.5 / 2.5])


def test_causes_are_beside_chance() -> None:
    text = causes(measured(), 20)
    assert "| tomoplan | 1 | 100.0 %" in text
    assert "| random choice | 1 | 25.0 %" in text


def test_what_cannot_be_measured_says_why() -> None:
    assert "`TOMOPLAN_ANOMALIES` names no folder" in streams(None, None)


def test_the_point_of_a_trade_off_and_plain_numbers() -> None:
    assert point(OUTCOMES) == (0.6, 0.5, 0.4)
    assert plain({"a": [float("nan"), 1]}) == {"a": [None, 1]}
