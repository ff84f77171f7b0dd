"""Intermittent jumps on a quiet background, as the flat field's stripes at APS 2-BM."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from simulators.histories.random_access import stream
from simulators.histories.settings import DAY, History

Values = NDArray[np.float64]

MINUTE = 60.0
RANGE_PX = 48.0
ACTIVE_SHARE = 0.35
MOVING_SHARE = 0.21  # of all minutes: moves of more than 2 px
ACTIVE_MIN = 40.0  # mean length of an active time


def activity(history: History) -> Callable[[Values], Values]:
    """The stripes' place in px at any time: held through a minute, moved in active ones.

    In :data:`ACTIVE_SHARE` of the time it moves, in :data:`MOVING_SHARE` of all minutes by more
    than 2 px and by up to 40 px, within half of :data:`RANGE_PX` of 0 (8 h of flats at APS 2-BM,
    one a minute).
    """
    rng = stream(history.seed, "activity")
    count = int(history.days * DAY / MINUTE) + 2
    number = int(count * ACTIVE_SHARE / ACTIVE_MIN * 1.5) + 8
    share = ACTIVE_SHARE / (1 - ACTIVE_SHARE)
    lengths = np.stack(
        [rng.exponential(ACTIVE_MIN / share, number), rng.exponential(ACTIVE_MIN, number)], axis=1
    )
    edges = np.cumsum(lengths.ravel())
    active = np.searchsorted(edges, np.arange(count)) % 2 == 1
    large = rng.random(count) < MOVING_SHARE / ACTIVE_SHARE
    small = rng.normal(0, 0.7, count)
    jumps = np.where(large, 2 + 3 * np.exp(1.1 * rng.standard_normal(count)), np.abs(small))
    jumps = np.where(active, np.minimum(jumps, 40.0), 0.0)
    signs = np.where(rng.random(count) < 0.5, -1.0, 1.0)
    path = np.cumsum(signs * jumps)
    # What holds the mirror lets it come back: folded into the range that was seen.
    half = RANGE_PX / 2
    places = (half - np.abs((path + half) % (2 * RANGE_PX) - RANGE_PX)).astype(np.float32)

    def at(seconds: Values) -> Values:
        minute = ((seconds - history.start) / MINUTE).astype(np.int64)
        return places[np.clip(minute, 0, count - 1)].astype(np.float64)

    return at
