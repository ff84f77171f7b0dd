"""Neighbours that came in each other's place are put back; a clock set back is left as it came."""

from __future__ import annotations

import numpy as np

from metadata.series import Samples

STRAYS = 3  # samples in a row that may have come late; more of them are a clock's fault


def in_order(samples: Samples) -> Samples:
    """Samples with a time, those that came a little late in their place.

    >>> block = Samples.of("a", np.array([0.0, 2.0, 1.0, 3.0]), np.array([0.0, 2.0, 1.0, 3.0]))
    >>> in_order(block).values.tolist()
    [0.0, 1.0, 2.0, 3.0]
    """
    times = samples.times
    finite = np.isfinite(times)
    if not finite.all():
        samples = samples[finite]
        times = samples.times
    if len(times) < 2 or not (np.diff(times) < 0).any():
        return samples
    latest = np.maximum.accumulate(times)
    behind = times < latest
    edges = np.flatnonzero(np.diff(np.r_[False, behind, False].astype(np.int8)))
    key = latest.copy()
    for start, stop in edges.reshape(-1, 2):
        if stop - start <= STRAYS:
            key[start:stop] = times[start:stop]
    return samples[np.argsort(key, kind="stable")]
