"""What the data itself shows, each trait with a unit and an interval."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Trait:
    """A measured value with its interval: the spread over the rows looked at (over blocks of
    views, where rows are fewer than three), or as said."""

    value: float
    low: float
    high: float
    unit: str

    def to_json(self) -> dict[str, Any]:
        return {"value": self.value, "low": self.low, "high": self.high, "unit": self.unit}


@dataclass(frozen=True)
class Traits:
    """Every trait is ``None`` where the data does not allow it to be measured.

    - ``noise``: σ of the attenuation (−log T), white part.
    - ``signal``: 95th percentile of the attenuation: what the noise is to be compared with.
    - ``rings``: strength of the stripes of the sinogram over what noise leaves in its mean view.
    - ``view_sufficiency``: views per half turn over π/2 × width (1: Crowther's criterion).
    - ``angular_coverage``: degrees of the half turn that are covered.
    - ``center_px``: rotation axis, with the 95 % interval of the consensus.
    - ``tilt``: lean of the rotation axis in the plane of the detector (0 where it is within 2.5
      standard errors of none); the interval is 1.96 standard errors either way.
    - ``jitter``: RMS shift from projection to projection.
    - ``motion``: RMS slow departure of the centre of mass from a sine.
    - ``truncation``: attenuation at the edges of the field over the strongest.
    - ``fringes``: flattest power-law exponent of the sinogram's spectrum over an octave, plus 2:
      absorption alone stays at or below 0, propagation fringes raise it.
    - ``metal``: share of pixels with next to no transmission and far denser than the rest.
    - ``zingers``: share of pixels hit.
    - ``lost_frames``: share of the projections that ``bad_frames`` takes for lost.
    - ``saturation``: share of pixels at the detector's limit.
    - ``beam_drift``: slow change of the clearest edge over the scan, as part of the beam.
    """

    noise: Trait | None = None
    signal: Trait | None = None
    rings: Trait | None = None
    view_sufficiency: Trait | None = None
    angular_coverage: Trait | None = None
    center_px: Trait | None = None
    tilt: Trait | None = None
    jitter: Trait | None = None
    motion: Trait | None = None
    truncation: Trait | None = None
    fringes: Trait | None = None
    metal: Trait | None = None
    zingers: Trait | None = None
    lost_frames: Trait | None = None
    saturation: Trait | None = None
    beam_drift: Trait | None = None

    def value(self, name: str, default: float = 0.0) -> float:
        """The value of a trait, or a default where it could not be measured."""
        trait = getattr(self, name)
        return default if trait is None else trait.value

    def to_json(self) -> dict[str, Any]:
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: t.to_json() if t else None for name, t in found.items()}
