"""How large the particles or pores are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError
from toolbox.card import Param, Port, ToolCard
from toolbox.kinds import DataKind, Domain, Split, Stage
from toolbox.tool import Cost, Tool
from toolbox.values import Block, Quantities, Quantity, Shape


@dataclass(frozen=True)
class SizeDistribution(Tool):
    """Equivalent diameters (of the sphere of equal volume; of the circle in a single slice) of
    objects: the numbered ones of an instance segmentation, or the connected parts of one class.
    In µm where the pixel size is known, else in px; objects at the border may be left out.

    >>> from toolbox import Block, Geometry, GreyState
    >>> values = np.zeros((6, 8, 9), np.int32)
    >>> values[1:3, 1:3, 1:3] = values[3:5, 5:7, 5:7] = 1
    >>> labels = Block(values, DataKind.LABELS, GreyState.ATTENUATION,
    ...                Geometry(np.zeros(1), 6, 9), np.arange(6))
    >>> found = SizeDistribution(of_class=1)(labels=labels).values
    >>> found["objects"].value, round(found["mean_diameter"].value, 2)
    (2.0, 2.48)
    """

    card = ToolCard(
        name="size_distribution",
        title="size distribution of objects",
        title_zh="颗粒（孔隙）尺寸分布",
        stage=Stage.QUANTIFY,
        domain=Domain.RECONSTRUCTION,
        inputs={"labels": Port(DataKind.LABELS, dtype="int32")},
        output=Port(DataKind.QUANTITIES),
        split=Split.WHOLE,
        references=(
            "Rosenfeld & Pfaltz 1966, J. ACM 13, 471 (connected components)",
            "Jennings & Parslow 1988, Proc. R. Soc. A 419, 137 (equivalent diameters)",
            "Efron 1979, Ann. Stat. 7, 1 (bootstrap)",
        ),
        limits="Touching objects of one class count as one: segment_watershed parts them. Objects "
        "cut by the border are smaller than they are.",
        library="scipy",
        licence="BSD-3-Clause",
    )

    of_class: Annotated[
        int | None, Param("class whose connected parts count; none: labels number objects", low=0)
    ] = None
    smallest: Annotated[int, Param("objects below are left out", "voxel", low=1)] = 8
    border: Annotated[bool, Param("count objects that touch the border of the volume")] = True
    seed: Annotated[int, Param("seed of the bootstrap draws", low=0)] = 0

    def __call__(self, *, labels: Block) -> Quantities:  # type: ignore[override]
        from toolbox.tools.quantify.slice_mask import voxel_length

        objects = self._objects(labels.values)
        sizes = np.bincount(objects.ravel())
        counted = np.arange(len(sizes)) > 0
        counted &= sizes >= self.smallest
        if not self.border:
            counted[_at_border(objects)] = False
        length, unit = voxel_length(labels.geometry)
        volumes = sizes[counted].astype(np.float64)
        if len(labels.values) == 1:
            diameters = np.sqrt(4 / np.pi * volumes) * length
        else:
            diameters = np.cbrt(6 / np.pi * volumes) * length
        found = {"objects": Quantity(float(len(volumes)))}
        if not len(volumes):
            return Quantities(found, {"diameters": {f"diameter_{unit}": [], "volume_voxel": []}})
        found["mean_diameter"] = _with_interval(diameters, np.mean, unit, self.seed)
        found["median_diameter"] = _with_interval(diameters, np.median, unit, self.seed)
        found["largest_diameter"] = Quantity(float(diameters.max()), unit)
        found["volume_weighted_diameter"] = Quantity(
            float(np.average(diameters, weights=volumes)), unit
        )
        counts, edges = np.histogram(diameters, bins=min(max(len(diameters) // 5, 5), 40))
        order = np.argsort(-volumes, kind="stable")
        return Quantities(
            found,
            {
                "histogram": {
                    f"from_{unit}": edges[:-1].tolist(),
                    f"to_{unit}": edges[1:].tolist(),
                    "objects": counts.astype(float).tolist(),
                },
                "diameters": {
                    f"diameter_{unit}": diameters[order].tolist(),
                    "volume_voxel": volumes[order].tolist(),
                },
            },
        )

    def _objects(self, values: NDArray[np.integer]) -> NDArray[np.integer]:
        if self.of_class is None:
            if values.min() < 0:
                raise InputError(
                    f"size_distribution was given labels down to {values.min()}, expected objects "
                    f"numbered from 1 and 0 for background."
                )
            return values
        from scipy.ndimage import label

        return label(values == self.of_class, structure=np.ones((3, 3, 3), bool))[0]

    def cost(self, **inputs: Shape) -> Cost:
        voxels = inputs["labels"].voxels
        return Cost(20.0 * voxels, 13.0 * voxels)


def _at_border(objects: NDArray[np.integer]) -> NDArray[np.integer]:
    """The numbers of the objects in the outermost voxels; a single slice has no z border."""
    faces = [objects[:, 0], objects[:, -1], objects[..., 0], objects[..., -1]]
    if len(objects) > 1:
        faces += [objects[0], objects[-1]]
    return np.unique(np.concatenate([face.ravel() for face in faces]))


def _with_interval(diameters, statistic, unit: str, seed: int) -> Quantity:  # type: ignore[no-untyped-def]
    """A statistic with its 95 % bootstrap interval over objects."""
    rng = np.random.default_rng(seed)
    # beyond some thousand objects the interval is narrow already: draw fewer at once
    drawn = [
        float(statistic(diameters[rng.integers(0, len(diameters), len(diameters))]))
        for _ in range(200)
    ]
    low, high = np.percentile(drawn, (2.5, 97.5))
    return Quantity(float(statistic(diameters)), unit, float(low), float(high))
