"""How large a drift must be to reach its limit when its life is over."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


def drift_size(
    seconds: Values, room: Values, response: Values, counts: NDArray[np.bool_], over: float
) -> float:
    """The size, with its sign, at which ``room`` is first used up nearest to the time ``over``.

    ``room`` (n,) is what is left to the limit without the drift at ``seconds``, ``response`` what
    a drift of size 1 does to the metric, ``counts`` where reaching the limit counts. Swing,
    wander and harmless steps make some moments impossible as first ones. Where none is
    possible the median of the room is divided by the largest response.

    >>> t = np.arange(5.0)
    >>> float(drift_size(t, np.full(5, 8.0), -t, t > 0, over=4.0))
    -2.0
    """
    whole = np.abs(response).max() or 1.0
    sign = np.sign(response[np.argmax(np.abs(response))]) or 1.0
    counts = counts & (sign * response > 1e-9 * whole)
    needed = np.full(len(seconds), np.inf)
    needed[counts] = room[counts] / (sign * response[counts])
    least = np.minimum.accumulate(needed)
    # A drift of size least[k] passes the limit where that least value was first reached.
    records = np.flatnonzero(least < np.concatenate([[np.inf], least[:-1]]))
    if len(records) == 0:
        return float(sign * np.median(room) / whole)
    return float(sign * least[records[np.argmin(np.abs(seconds[records] - over))]])
