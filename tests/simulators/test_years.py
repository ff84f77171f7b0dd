"""Years of one metric: set-points return, limits move, drifts meet their limits."""

from __future__ import annotations

import numpy as np

from simulators.years import DAY, RARE, draw_years


def test_drifts_meet_the_limit_that_holds_when_their_life_is_over() -> None:
    made = draw_years(4, years=3)
    assert len(made.drifts) >= 5
    for fall in made.drifts:
        _, low, high = [limit for limit in made.limits if limit[0] <= fall.crossing][-1]
        inside = (made.times >= fall.onset) & (made.times <= fall.crossing)
        room = np.minimum(made.level - low, high - made.level)[inside]
        assert room[:-8].min() > -0.2
        assert room.min() < 0.3
        assert 3 < (fall.crossing - fall.onset) / DAY < 26


def test_rare_set_points_return_after_months_and_limits_move() -> None:
    made = draw_years(4, years=3)
    assert len(made.returns) >= 4
    assert len(made.limits) >= 3
    times = {key: [t for t, k in made.returns if k == key] for key in RARE}
    assert all((np.diff(t) > 100 * DAY).all() for t in times.values())
    energies = [text for _, kind, text in made.events if kind == "energy_change"]
    assert len({*energies}) == 5
    assert (np.diff([t for t, _, _ in made.events]) >= 0).all()


def test_the_same_seed_is_the_same_metric_and_it_ages() -> None:
    made, again = draw_years(7, years=2), draw_years(7, years=2)
    assert np.array_equal(made.values, again.values)
    apart = np.abs(made.values - made.level)
    half = len(apart) // 2
    assert np.median(apart[half:]) > 1.05 * np.median(apart[:half])
