"""What can be told of a result without knowing the truth: the numbers that preferences are of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

#: As ``tomoplan run`` measures them (``RunRecord.quality``); shares as powers of ten.
SEEN = ("noise", "rings", "sharpness", "streaks")
ASPECTS = (*SEEN, "seconds", "memory")
#: Whether more of it is the better of two results that are alike otherwise.
MORE_IS_BETTER = {"noise": False, "rings": False, "sharpness": True, "streaks": False,
                  "seconds": False, "memory": False}  # fmt: skip
QUALITY = {"noise": "noise_of_contrast", "rings": "rings_of_contrast", "sharpness": "sharpness",
           "streaks": "streaks"}  # fmt: skip
LEAST = 1e-4  # shares below are nothing


def aspects_of(quality: Mapping[str, float], seconds: float, peak_bytes: float) -> Numbers:
    """The aspects of one result in the order of ``ASPECTS``: powers of ten of noise and rings (as
    shares of the contrast), of sharpness (1/px) and streaks, of seconds and of bytes; NaN where
    something was not measured.

    >>> aspects_of({"noise_of_contrast": 0.1, "sharpness": 1.0}, 100.0, 1e9).tolist()
    [-1.0, nan, 0.0, nan, 2.0, 9.0]
    """
    seen = [_power(quality.get(QUALITY[name], math.nan)) for name in SEEN]
    return np.array([*seen, _power(seconds), _power(peak_bytes)])


def aspects_of_run(document: Mapping[str, Any]) -> Numbers:
    """The aspects of a run from its record in the store."""
    return aspects_of(document.get("quality", {}), document["seconds"], document["peak_bytes"])


def _power(value: float) -> float:
    return math.log10(max(value, LEAST)) if math.isfinite(value) else math.nan
