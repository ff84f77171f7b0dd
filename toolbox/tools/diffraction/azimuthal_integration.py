"""From pictures of rings to intensity over the scattering angle."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError
from toolbox.card import Param, Port, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.tool import Cost, Tool, Tuned
from toolbox.tools.diffraction.poni import Poni
from toolbox.values import Block, Geometry, Pattern, Shape

ROWS_AT_ONCE = 64


@dataclass(frozen=True)
class AzimuthalIntegration(Tool):
    """Mean intensity of each picture (``frame, row, col``) over equal steps of 2θ.

    Each pixel is cut into ``splitting``² parts, which go to the bins of their own 2θ; intensities
    are divided by the solid angle of their pixel (cosine of the incidence, cubed) and, with
    ``polarisation``, by what polarisation leaves. Pixels below ``lowest`` (gaps and dead pixels
    are stored so) and above ``highest`` do not count.

    >>> tool, inputs = AzimuthalIntegration.example()
    >>> pattern = tool(**inputs)
    >>> round(float(pattern.two_theta_deg[pattern.intensity[0].argmax()]), 1)
    2.3
    """

    card = ToolCard(
        name="azimuthal_integration",
        title="azimuthal integration",
        title_zh="方位角积分",
        stage=Stage.DIFFRACTION,
        domain=Domain.PROJECTION,
        inputs={"pictures": grey(DataKind.PROJECTIONS, GreyState.COUNTS)},
        output=Port(DataKind.PATTERN),
        split=Split.WHOLE,
        references=(
            "Hammersley et al. 1996, High Press. Res. 14, 235 (integration of area detectors)",
            "Kieffer & Karkoulis 2013, J. Phys. Conf. Ser. 425, 202012 (geometry, pyFAI)",
        ),
        limits="A flat detector of known geometry; spots of single grains are averaged into the "
        "ring. Parts of a pixel share its value evenly. Standard deviations hold for counts "
        "without a dark level. Without a mask, hot pixels make spikes. All pictures at once are "
        "held in memory.",
        band_rows=0,
    )

    geometry: Annotated[str, Param("the .poni file with the detector's place in the beam")]
    bins: Annotated[int, Param("steps of 2θ; 0: about one a pixel", low=0, high=1_000_000)] = 0
    splitting: Annotated[int, Param("parts of a pixel along each side", low=1, high=10)] = 3
    flip: Annotated[
        bool | None,
        Param(
            "whether the geometry counts rows from the bottom (Dioptas) instead of from the top "
            "(pyFAI)",
            auto="what makes the rings of the first picture sharper",
        ),
    ] = None
    lowest: Annotated[float, Param("pixels below do not count", "count")] = 0.0
    highest: Annotated[float | None, Param("pixels above do not count; none: all do", "count")] = (
        None
    )
    polarisation: Annotated[
        float | None,
        Param("(horizontal − vertical) / both; none: not corrected", low=-1, high=1),
    ] = None

    def tune(self, *, pictures: Block) -> Tuned:  # type: ignore[override]
        """Whether rows count from the bottom: the rings of a wrong geometry are smeared out."""
        if self.flip is not None:
            return Tuned(self)
        place, first = Poni.read(self.geometry), pictures.values[0]
        told_by = [_explained(place, f, self.lowest) for f in (first, first[::-1])]
        flip = told_by[1] > told_by[0] + 0.01
        told = (
            f"azimuthal_integration: rows count from the {'bottom' if flip else 'top'} (2θ alone "
            f"explains {100 * told_by[flip]:.0f} % of the variance of the picture, the other way "
            f"{100 * told_by[not flip]:.0f} %)",
        )
        return Tuned(dataclasses.replace(self, flip=flip), told)

    def __call__(self, *, pictures: Block) -> Pattern:  # type: ignore[override]
        if self.flip is None:
            return self.tune(pictures=pictures).tool(pictures=pictures)
        place = Poni.read(self.geometry)
        values = pictures.values[:, ::-1] if self.flip else pictures.values
        frames, height, width = values.shape
        valid = np.isfinite(values) & (values >= self.lowest)
        if self.highest is not None:
            valid &= values <= self.highest
        corners = place.directions(np.array([0.0, height]), np.array([0.0, width]))[0]
        count = self.bins or int(np.hypot(height, width))
        edges = np.array([_nearest(place, height, width), float(corners.max())])
        total = np.zeros((3, frames, count))
        for start in range(0, height, ROWS_AT_ONCE):
            rows = slice(start, min(start + ROWS_AT_ONCE, height))
            self._add(total, place, values[:, rows], valid[:, rows], start, edges)
        weight, intensity, variance = total
        filled = weight.min(axis=0) > 0
        if not filled.any():
            raise InputError(
                f"azimuthal_integration was given pictures of {height} × {width} pixels of which "
                f"none counts (lowest {self.lowest:g}, highest {self.highest}). Change these "
                f"limits, or give other pictures."
            )
        weight, intensity, variance = (t[:, filled] for t in total)
        angles = edges[0] + (np.arange(count) + 0.5) / count * (edges[1] - edges[0])
        return Pattern(
            np.rad2deg(angles[filled]), intensity / weight, np.sqrt(variance) / weight,
            place.wavelength,
            () if place.wavelength else (f"{self.geometry} does not say the wavelength: there "
                                         f"will be no d-spacings.",),
        )  # fmt: skip

    def _add(
        self,
        total: NDArray[np.float64],
        place: Poni,
        values: NDArray[np.float32],
        valid: NDArray[np.bool_],
        start: int,
        edges: NDArray[np.float64],
    ) -> None:
        """Put some rows of all pictures into the bins."""
        parts, count = self.splitting, total.shape[2]
        frames, height, width = values.shape
        middles = (np.arange(parts) + 0.5) / parts
        for a in middles:
            for b in middles:
                angle, azimuth, cosine = place.directions(
                    start + np.arange(height) + a, np.arange(width) + b
                )
                efficiency = cosine**3
                if self.polarisation is not None:
                    efficiency = efficiency * 0.5 * (
                        1 + np.cos(angle) ** 2
                        - self.polarisation * np.cos(2 * azimuth) * np.sin(angle) ** 2
                    )  # fmt: skip
                at = ((angle - edges[0]) / (edges[1] - edges[0]) * count).astype(int)
                at = np.clip(at, 0, count - 1).ravel()
                share = 1.0 / parts**2
                for frame in range(frames):
                    use = valid[frame].ravel()
                    bins, seen = at[use], values[frame].ravel()[use].astype(np.float64)
                    part = efficiency.ravel()[use]
                    total[0, frame] += np.bincount(bins, minlength=count) * share
                    total[1, frame] += np.bincount(bins, seen / part * share, count)
                    total[2, frame] += np.bincount(
                        bins, np.maximum(seen, 1.0) / part**2 * share, count
                    )

    def cost(self, **inputs: Shape) -> Cost:
        size = inputs["pictures"]
        return Cost(40.0 * self.splitting**2 * size.voxels, 2.0 * size.voxels
                    + 200.0 * ROWS_AT_ONCE * size.columns)  # fmt: skip

    @classmethod
    def example(cls) -> tuple[Self, dict[str, Any]]:
        import tempfile
        from pathlib import Path

        path = Path(tempfile.gettempdir()) / "tomoplan-example.poni"
        path.write_text(
            "PixelSize1: 1e-4\nPixelSize2: 1e-4\nDistance: 0.1\nPoni1: 0.0032\nPoni2: 0.0032\n"
            "Rot1: 0\nRot2: 0\nRot3: 0\nWavelength: 4e-11\n"
        )
        y, x = np.indices((64, 64)) + 0.5 - 32
        ring = 1000 * np.exp(-0.5 * ((np.hypot(y, x) - 40) / 1.5) ** 2) + 10
        picture = ring[None].astype(np.float32)
        geometry = Geometry(np.zeros(1), 64, 64)
        block = Block(picture, DataKind.PROJECTIONS, GreyState.COUNTS, geometry, np.arange(64),
                      np.arange(1))  # fmt: skip
        return cls(str(path), bins=60), {"pictures": block}


def _explained(place: Poni, picture: NDArray[np.float32], lowest: float) -> float:
    """The part of the variance (of the logarithm, which hot pixels do not rule) that is between
    rings, not along them."""
    height, width = picture.shape
    angle = place.directions(np.arange(height) + 0.5, np.arange(width) + 0.5)[0]
    at = ((angle - angle.min()) / np.ptp(angle) * np.hypot(height, width)).astype(int)
    valid = np.isfinite(picture) & (picture >= lowest)
    seen = np.log1p(np.maximum(picture[valid].astype(np.float64), 0))
    number = np.maximum(np.bincount(at[valid]), 1)
    means = np.bincount(at[valid], seen) / number
    spread = float(((seen - seen.mean()) ** 2).sum()) if seen.size else 0.0
    return float((number * (means - seen.mean()) ** 2)[np.bincount(at[valid]) > 0].sum()
                 ) / spread if spread > 0 else 0.0  # fmt: skip


def _nearest(place: Poni, height: int, width: int) -> float:
    """The smallest 2θ on the detector."""
    rows, columns = (np.linspace(0, n, min(n, 256) + 1) for n in (height, width))
    angles = place.directions(rows, columns)[0]
    lowest = float(angles.min())
    step = float(np.abs(np.diff(angles, axis=1)).max())
    return 0.0 if lowest < step else lowest
