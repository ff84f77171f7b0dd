"""Instances: touching particles (or pores) parted by a watershed."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError
from toolbox.card import Param, Port, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.tool import Cost, Tool, Tuned
from toolbox.values import Block, Shape


@dataclass(frozen=True)
class SegmentWatershed(Tool):
    """Each particle its own number (0: background), axes ``z, y, x``, in three dimensions.

    Voxels beyond a threshold are particles; basins of their distance to the background, with
    shallower ones than ``depth`` joined, are instances.

    >>> SegmentWatershed(threshold=0.5, particles="dark").particles
    'dark'
    """

    card = ToolCard(
        name="segment_watershed",
        title="watershed of the distance to the background",
        title_zh="距离变换分水岭分割",
        stage=Stage.SEGMENT,
        domain=Domain.RECONSTRUCTION,
        inputs={"volume": grey(DataKind.VOLUME, GreyState.ATTENUATION, GreyState.PHASE)},
        output=Port(DataKind.LABELS, dtype="int32"),
        split=Split.WHOLE,
        references=(
            "Vincent & Soille 1991, IEEE Trans. Pattern Anal. Mach. Intell. 13, 583",
            "Soille 2003, Morphological Image Analysis, 2nd ed., ch. 6 (h-maxima)",
        ),
        limits="Parts roundish particles; long or branched ones are cut in pieces, the less the "
        "larger `depth`. Needs the whole volume in memory (about 30 bytes a voxel).",
        library="scikit-image",
        licence="BSD-3-Clause",
        bands=9,
    )

    threshold: Annotated[
        float | None, Param("grey value where particles begin", auto="Otsu on a sample")
    ] = None
    particles: Annotated[str, Param("which side of the threshold", choices=("bright", "dark"))] = (
        "bright"
    )
    depth: Annotated[
        float, Param("least drop between two distance maxima to part them", "px", low=0.1, high=50)
    ] = 1.0
    smallest: Annotated[int, Param("particles below are background", "voxel", low=1)] = 8

    def tune(self, *, volume: Block) -> Tuned:  # type: ignore[override]
        from toolbox.tools.segment.thresholds import in_circle, multi_otsu

        if self.threshold is not None:
            return Tuned(self)
        values = in_circle(volume.values)
        if not len(values) or not values.max() > values.min():
            raise InputError(
                "segment_watershed was given a volume with one grey value only (or none that is "
                "finite), expected particles and background. Check the reconstruction, or give "
                "`threshold`."
            )
        (threshold,), inside = multi_otsu(values, 2)
        tool = dataclasses.replace(self, threshold=threshold)
        bright = self.particles == "bright"
        part = np.mean(values > threshold if bright else values < threshold)
        return Tuned(
            tool,
            (
                f"segment_watershed: particles are {'above' if bright else 'below'} "
                f"{threshold:.4g} (Otsu, explaining {100 * (1 - inside):.0f} % of the variance): "
                f"{100 * part:.0f} % of the sample",
            ),
        )

    def __call__(self, *, volume: Block) -> Block:  # type: ignore[override]
        if self.threshold is None:
            return self.tune(volume=volume).tool(volume=volume)
        bright = self.particles == "bright"
        inside = volume.values > self.threshold if bright else volume.values < self.threshold
        if not bright:
            inside &= _field_of_view(volume.values.shape)
        from toolbox.tools.segment.instances import part

        return volume.with_values(part(inside, self.depth, self.smallest), kind=DataKind.LABELS)

    def cost(self, **inputs: Shape) -> Cost:
        voxels = inputs["volume"].voxels
        return Cost(400.0 * voxels, 30.0 * voxels)


def _field_of_view(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The circle inside square slices: what lies beyond is dark but no particle."""
    height, width = shape[-2:]
    if height != width:
        return np.ones(shape[-2:], bool)
    r = np.arange(height) - (height - 1) / 2
    return np.add.outer(r**2, r**2) <= (0.97 * height / 2) ** 2
