"""What is measured of years: adaptation and forgetting."""

from __future__ import annotations

from planner.benchmarks.drift import report
from planner.benchmarks.drift.years import WAYS, Lived, live


def test_some_weeks_are_lived() -> None:
    lived = live((53000, WAYS[0], 0.1))
    assert lived.way == WAYS[0]
    assert len(lived.false) == len(lived.lefts) == 1
    assert 20 < lived.quiet_days[0] < 37
    assert all(0 <= left <= 1 for left in lived.lefts[0])
    assert 10000 < lived.state_bytes < 65536


def test_the_table_says_a_row_for_each_way() -> None:
    one = Lived(WAYS[0], (1, 0), (300.0, 300.0), ((0.5,), (0.7, 0.9)), (1.0, 3.0, 2.0), 1, 30.0, 5)
    other = Lived(WAYS[1], (3, 0), (300.0, 300.0), ((0.0,), ()), (), 0, 30.0, 7)
    said = report.years({WAYS[0]: [one, one], WAYS[1]: [other]})
    assert "| 0.10 0.00 | 50 80 % | 2.00 (mean 2.00) | 1.00 | 5 |" in said
    assert "| 0.30 0.00 | 0 nan % | – | 0.00 | 7 |" in said
    assert "2 metrics" in said
    assert "6 drifts" in said
