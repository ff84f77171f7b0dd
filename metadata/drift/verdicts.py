"""What is said of a block of samples of one metric: as arrays, and one by one when asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from metadata.drift.messages import message
from metadata.drift.regimes import REGIMES
from metadata.drift.verdict import Cause, State, TimeToLimit, Verdict

Floats = NDArray[np.float64]

STATES = (State.QUIET, State.MOVING, State.WARNING, State.ALARM, State.GAP)
QUIET, MOVING, WARNING, ALARM, GAP = range(5)


@dataclass(frozen=True, eq=False)
class Verdicts:
    """One row for each sample of ``metric``, in the order of arrival.

    ``times`` unix s; ``codes`` int8 into :data:`STATES`; ``scores`` 0 … 1 (that it drifts toward a
    limit, or that something changed); ``values`` as read (NaN: none); ``limits`` the limit that is
    approached (NaN: none); ``seconds``, ``lows``, ``highs`` to the limit with the 90 % interval
    (NaN: none); ``anomalies`` 0 … 1, how unusual the sample is by itself; ``regimes`` int8 into
    :data:`metadata.drift.regimes.REGIMES`; ``cause_rows`` int16 into ``causes`` (−1: none);
    ``changed``: the state is another than what was told before (a reading or two that are missing
    are not told).
    """

    metric: str
    times: Floats
    codes: NDArray[np.int8]
    scores: Floats
    values: Floats
    limits: Floats
    seconds: Floats
    lows: Floats
    highs: Floats
    anomalies: Floats
    regimes: NDArray[np.int8]
    cause_rows: NDArray[np.int16]
    changed: NDArray[np.bool_]
    causes: tuple[tuple[Cause, ...], ...] = ()
    unit: str = ""

    def __len__(self) -> int:
        return len(self.times)

    def __getitem__(self, chosen: slice | NDArray[np.bool_] | NDArray[np.int64]) -> Verdicts:
        parts = {
            f.name: getattr(self, f.name)[chosen]
            for f in fields(self)
            if f.name not in ("metric", "causes", "unit")
        }
        return Verdicts(metric=self.metric, causes=self.causes, unit=self.unit, **parts)

    def changes(self) -> Verdicts:
        """Only the samples with which the state changes."""
        return self[self.changed]

    def __iter__(self) -> Iterator[Verdict]:
        return (self.one(row) for row in range(len(self)))

    def one(self, row: int) -> Verdict:
        """The verdict of one sample."""
        state = STATES[self.codes[row]]
        value, limit = float(self.values[row]), float(self.limits[row])
        seconds = float(self.seconds[row])
        left = (
            TimeToLimit(seconds, float(self.lows[row]), float(self.highs[row]))
            if np.isfinite(seconds)
            else None
        )
        named = int(self.cause_rows[row])
        cause = self.causes[named] if named >= 0 else None
        known = limit if np.isfinite(limit) else None
        return Verdict(
            time=float(self.times[row]),
            metric=self.metric,
            state=state,
            score=float(self.scores[row]),
            value=value if np.isfinite(value) else None,
            limit=known,
            seconds_to_limit=left,
            cause=cause,
            message=message(state, REGIMES[self.regimes[row]], known, self.unit, left, cause),
        )
