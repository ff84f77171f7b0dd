"""What flows between tools, and how the engine may cut it."""

from __future__ import annotations

from enum import StrEnum

from metadata.scan_info import GreyState

__all__ = ["DataKind", "Domain", "GreyState", "Split", "Stage"]


class DataKind(StrEnum):
    """The kind of an edge. Projections and sinogram are the same values with other axes:
    ``angle, row, col`` and ``row, angle, col``; the engine turns one into the other for free."""

    PROJECTIONS = "projections"
    SINOGRAM = "sinogram"
    CENTER = "center"
    SHIFTS = "shifts"
    VOLUME = "volume"
    LABELS = "labels"
    MATERIALS = "materials"
    DISPLACEMENT = "displacement"
    TRANSFORM = "transform"
    PATTERN = "pattern"
    QUANTITIES = "quantities"

    @property
    def is_stack(self) -> bool:
        """Whether values of this kind are blocks that can be cut into slabs."""
        return self in STACKS


STACKS = frozenset(
    {
        DataKind.PROJECTIONS,
        DataKind.SINOGRAM,
        DataKind.VOLUME,
        DataKind.LABELS,
        DataKind.MATERIALS,
    }
)


class Domain(StrEnum):
    """Where a tool works, in the words of the literature."""

    PROJECTION = "projection"
    SINOGRAM = "sinogram"
    RECONSTRUCTION = "reconstruction"


class Split(StrEnum):
    """How the engine may cut the input of a tool without changing its result."""

    ANY = "any"  # pixel by pixel (with whole flats and darks): rows or angles, whichever comes
    ROWS = "rows"  # each row (or z slice) on its own, `halo` neighbours aside
    ANGLES = "angles"  # each projection on its own, whole frames
    SAMPLE = "sample"  # a measurement: looks at a few bands of rows, yields a small value
    WHOLE = "whole"  # everything at once, in memory


class Stage(StrEnum):
    """The step of a pipeline that a tool serves; the folder of its file."""

    CORRECT = "correct"
    DESTRIPE = "destripe"
    CENTER = "center"
    PHASE = "phase"
    STITCH = "stitch"
    ALIGN = "align"
    RECONSTRUCT = "reconstruct"
    DENOISE = "denoise"
    SUPER_RESOLVE = "super_resolve"
    SEGMENT = "segment"
    QUANTIFY = "quantify"
    REGISTER = "register"
    DECOMPOSE = "decompose"
    DEFORM = "deform"
    DIFFRACTION = "diffraction"
    QUALITY = "quality"
