"""The conditions that a picture can show."""

from __future__ import annotations

from planner.task import Condition

#: In the order of the network's outputs. Those of the vocabulary that are missing here are said by
#: a header or by what was done (several energies, times or tiles, an unknown axis, nano).
SHOWN = (
    Condition.LOW_DOSE,
    Condition.SPARSE_VIEW,
    Condition.LIMITED_ANGLE,
    Condition.RINGS,
    Condition.JITTER,
    Condition.DRIFT,
    Condition.PHASE_CONTRAST,
    Condition.HALF_ACQUISITION,
    Condition.ZINGERS,
    Condition.TRUNCATED,
    Condition.METAL,
    Condition.MOTION,
)
#: A slow drift over half a turn is nearly that of a specimen that stands elsewhere on another axis
#: (a line is nearly a constant and a cosine): it is learned and measured, but not counted.
VISIBLE = tuple(c for c in SHOWN if c is not Condition.DRIFT)
