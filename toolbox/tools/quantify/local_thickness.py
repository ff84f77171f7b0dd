"""How thick a structure is everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from toolbox.card import Param, Port, ToolCard
from toolbox.kinds import DataKind, Domain, Split, Stage
from toolbox.tool import Cost, Tool
from toolbox.values import Block, Quantities, Quantity, Shape


@dataclass(frozen=True)
class LocalThickness(Tool):
    """Diameter, at each voxel of a class, of the largest ball inside the class that holds it:
    mean, spread and histogram, in µm where the pixel size is known, else in px.

    >>> from toolbox import Block, Geometry, GreyState
    >>> values = np.zeros((16, 16, 20), np.uint8)
    >>> values[5:11] = 1
    >>> labels = Block(values, DataKind.LABELS, GreyState.ATTENUATION,
    ...                Geometry(np.zeros(1), 16, 20, 2e-6), np.arange(16))
    >>> LocalThickness(of_class=1)(labels=labels).values["mean_thickness"]
    Quantity(value=11.0, unit='µm', low=11.0, high=11.0)
    """

    card = ToolCard(
        name="local_thickness",
        title="local thickness",
        title_zh="局部厚度",
        stage=Stage.QUANTIFY,
        domain=Domain.RECONSTRUCTION,
        inputs={"labels": Port(DataKind.LABELS, dtype="uint8")},
        output=Port(DataKind.QUANTITIES),
        split=Split.WHOLE,
        references=(
            "Hildebrand & Rüegsegger 1997, J. Microsc. 185, 67",
            "Hilpert & Miller 2001, Adv. Water Resour. 24, 243 (openings)",
        ),
        limits="Thickness comes in steps (equal factors between 1 px and the thickest) and is "
        "good to half a pixel; the largest balls in round shapes come out up to 10 % small. Needs "
        "the whole volume in memory (about 30 bytes a voxel) and one distance transform a step. "
        "The interval is the 5th to 95th percentile over the voxels, not an error.",
        library="scipy",
        licence="BSD-3-Clause",
    )

    of_class: Annotated[int, Param("class to measure", low=0, high=255)] = 1
    steps: Annotated[int, Param("radii tried", low=4, high=100)] = 24

    def __call__(self, *, labels: Block) -> Quantities:  # type: ignore[override]
        from toolbox.tools.quantify.slice_mask import voxel_length
        from toolbox.tools.quantify.thickness import local_thickness

        length, unit = voxel_length(labels.geometry)
        inside = labels.values == self.of_class
        found = {"fraction": Quantity(float(inside.mean()))}
        empty: dict[str, list[float]] = {f"thickness_{unit}": [], "part": []}
        if not inside.any() or inside.all():
            return Quantities(found, {"thickness": empty})
        values = local_thickness(inside, self.steps)[inside] * length
        low, middle, high = (float(v) for v in np.percentile(values, (5, 50, 95)))
        found["mean_thickness"] = Quantity(float(values.mean(dtype=np.float64)), unit, low, high)
        found["median_thickness"] = Quantity(middle, unit, low, high)
        found["largest_thickness"] = Quantity(float(values.max()), unit)
        sizes, counts = np.unique(values, return_counts=True)
        table = {f"thickness_{unit}": sizes.astype(float).tolist(),
                 "part": (counts / counts.sum()).tolist()}  # fmt: skip
        return Quantities(found, {"thickness": table})

    def cost(self, **inputs: Shape) -> Cost:
        voxels = inputs["labels"].voxels
        return Cost(80.0 * self.steps * voxels, 30.0 * voxels)
