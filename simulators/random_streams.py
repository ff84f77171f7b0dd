"""Random numbers that do not depend on the order in which parts of a scan are asked for."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

_LOWEST_ROW = -(2**20)  # margin rows above the detector have negative numbers


class Stream(IntEnum):
    """What numbers are drawn for; each has its own sequence."""

    METAL = 1
    JITTER = 2
    WOBBLE = 3
    SETTLING = 4
    FLAT_JUMPS = 5
    DEFORMATION = 6
    RINGS = 7
    PARTIAL_RINGS = 8
    WIDE_RINGS = 9
    INTERMITTENT_RINGS = 10
    ZINGERS = 11
    PIXELS = 12
    PHOTONS = 13
    READOUT = 14
    FLAT_PHOTONS = 15
    FLAT_READOUT = 16
    DARKS = 17
    STAGE = 18
    BEAM = 19


def generator(seed: int, stream: Stream, row: int = 0) -> np.random.Generator:
    """A generator for one purpose and one row of the detector.

    >>> a = generator(3, Stream.PHOTONS, row=7).random()
    >>> a == generator(3, Stream.PHOTONS, row=7).random()
    True
    """
    return np.random.default_rng([seed, int(stream), row - _LOWEST_ROW])
