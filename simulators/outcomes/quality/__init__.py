"""How good what a pipeline delivered is, in [0, 1], against the truth of the world; a file each.

| goal | quality |
|---|---|
| reconstruct, denoise, destripe, align, phase_retrieve | structural similarity of slices |
| segment | mean intersection over union |
| quantify | likeness of the numbers |
| super_resolve | structural similarity on the finer grid |
| register | 1 / (1 + distance in px) |
| deform | 1 − relative end-point error |
| decompose | 1 − relative error of the fractions |
| agreement (of real scans) | correlation of fine structure with views left out |
"""

from __future__ import annotations

from collections.abc import Callable

from metadata.errors import InputError
from simulators.outcomes.quality.agreement import agreement_quality
from simulators.outcomes.quality.compared import deform_quality, register_quality
from simulators.outcomes.quality.delivered import Delivered
from simulators.outcomes.quality.labels import segment_quality
from simulators.outcomes.quality.materials import decompose_quality
from simulators.outcomes.quality.numbers import quantify_quality
from simulators.outcomes.quality.slices import slice_quality, super_resolve_quality

MEASURES: dict[str, Callable[[Delivered], float]] = {
    "reconstruct": slice_quality,
    "denoise": slice_quality,
    "destripe": slice_quality,
    "align": slice_quality,
    "phase_retrieve": slice_quality,
    "segment": segment_quality,
    "quantify": quantify_quality,
    "super_resolve": super_resolve_quality,
    "register": register_quality,
    "deform": deform_quality,
    "decompose": decompose_quality,
    "agreement": agreement_quality,
}


def measure(goal: str, delivered: Delivered) -> float:
    """The quality of what was delivered for a goal."""
    if goal not in MEASURES:
        raise InputError(f"There is no measure for the goal {goal!r}; expected one of "
                         f"{', '.join(MEASURES)}.")  # fmt: skip
    return MEASURES[goal](delivered)


__all__ = ["MEASURES", "Delivered", "measure"]
