"""Which metric is named as the cause of a drift, and which is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from metadata.drift.bins import ClosedBin
from metadata.drift.cause import Seen, follows, rank
from metadata.drift.forecast import forecast
from metadata.drift.normal import learn
from metadata.drift.window import KEPT, PER_DAY, Recent

Floats = NDArray[np.float64]

BINS = np.arange(KEPT)
NOISE = 0.3  # of a bin's mean
NOW = (KEPT - 1 - BINS) / PER_DAY  # days ago


def seen(values: Floats, calm: int = KEPT - 64) -> Seen:
    """A metric of these means of bins, of which the first so many tell its normal."""
    recent, before = Recent(), Recent()
    for index, mean in enumerate(values):
        closed = ClosedBin(index, 12, float(mean), 12.0 * NOISE**2, 11, 12)
        recent.add(closed, 0, 0.0)
        if index < calm:
            before.add(closed, 0, 0.0)
    window, quiet = recent.window(KEPT - 1), before.window(calm - 1)
    assert window is not None
    assert quiet is not None
    normal = learn(quiet, NOISE * 12**0.5, NOISE * 12**0.5, 1.0, 1.0)
    return Seen(window, normal, NOISE * 12**0.5, 1.0, 1.0)


def made(seed: int) -> tuple[Seen, dict[str, Seen]]:
    """A metric that drifts with its cause since six days, among others: one that only shares quick
    moves with it, and one that drifts on its own since twenty days and then rests."""
    rng = np.random.default_rng(seed)
    drift = np.maximum(6 - NOW, 0)
    shared = rng.normal(0, 1.5, KEPT)

    def noise() -> Floats:
        return rng.normal(0, NOISE, KEPT)

    cause = 0.5 * drift + noise()
    return seen(drift + shared + noise()), {
        "cause": seen(cause),
        "quick": seen(2 * shared + noise()),
        "earlier": seen(np.clip(20 - NOW, 0, 6) + noise()),
        "still": seen(noise()),
    }


def test_who_shares_quick_moves_is_not_the_cause() -> None:
    for seed in range(3):
        mine, others = made(seed)
        found = forecast(mine.normal, mine.window, (-12.0, 12.0), (1.0, 1.0), 1.0, 1.0)
        assert found is not None
        weights = found[1]
        ranked = rank("target", weights, mine, others, 3)
        assert ranked[0].metric == "cause", ranked
        assert "still" not in [cause.metric for cause in ranked]


def test_the_drift_is_not_left_over_from_what_its_cause_does() -> None:
    mine, others = made(7)
    found = forecast(mine.normal, mine.window, (-12.0, 12.0), (1.0, 1.0), 1.0, 1.0)
    assert found is not None
    gain, whole, rest = follows(found[1], mine, others["cause"])
    assert min(gain, whole) > 5
    assert rest < whole / 3
    assert follows(found[1], mine, others["still"])[2] > rest
    quick, whole, left = follows(found[1], mine, others["quick"])
    assert quick > 5
    assert left > whole / 2


def test_without_common_rows_nothing_is_said() -> None:
    mine, others = made(2)
    window = others["cause"].window
    few = replace(window, **{name: getattr(window, name)[:2] for name in
                             ("rows", "ages", "y", "n", "swing", "eras", "keys")})  # fmt: skip
    assert follows(np.ones(4), mine, replace(mine, window=few)) == (0.0, 0.0, 0.0)
