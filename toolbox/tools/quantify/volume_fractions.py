"""How much of the volume each class takes: porosity and the like."""

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
class VolumeFractions(Tool):
    """The part of the voxels in each class, inside the inscribed circle of square slices, with a
    95 % interval from drawing runs of neighbouring slices anew; and a profile over z.

    >>> from toolbox import Block, Geometry, GreyState
    >>> values = np.zeros((10, 8, 6), np.uint8)
    >>> values[:, :2] = 1
    >>> labels = Block(values, DataKind.LABELS, GreyState.ATTENUATION,
    ...                Geometry(np.zeros(1), 10, 8), np.arange(10))
    >>> VolumeFractions()(labels=labels).values["fraction_of_class_1"].value
    0.25
    """

    card = ToolCard(
        name="volume_fractions",
        title="volume fractions of classes (porosity)",
        title_zh="各相体积分数（孔隙率）",
        stage=Stage.QUANTIFY,
        domain=Domain.RECONSTRUCTION,
        inputs={"labels": Port(DataKind.LABELS, dtype="uint8")},
        output=Port(DataKind.QUANTITIES),
        split=Split.WHOLE,
        references=(
            "Künsch 1989, Ann. Stat. 17, 1217 (block bootstrap)",
            "Delesse 1847, C. R. Acad. Sci. 25, 544 (fractions from slices)",
        ),
        limits="The interval says how the fraction varies along z, not how right the segmentation "
        "is; a sample that does not fill the circle counts its surroundings as a class.",
    )

    circle: Annotated[bool, Param("count inside the inscribed circle of square slices only")] = True
    draws: Annotated[int, Param("bootstrap draws", low=50, high=100000)] = 1000
    seed: Annotated[int, Param("seed of the draws", low=0)] = 0

    def __call__(self, *, labels: Block) -> Quantities:  # type: ignore[override]
        from toolbox.tools.quantify.slice_mask import inside_circle

        values = labels.values
        mask = inside_circle(values.shape, self.circle)
        classes = int(values.max()) + 1
        if classes > 256:
            raise InputError(
                f"volume_fractions was given labels up to {classes - 1}, expected classes 0 to "
                f"255: numbered instances are counted by size_distribution."
            )
        profile = np.stack([np.bincount(s[mask], minlength=classes) for s in values]) / mask.sum()
        mean, low, high = bootstrap(profile, self.draws, self.seed)
        found = {
            f"fraction_of_class_{c}": Quantity(float(mean[c]), "", float(low[c]), float(high[c]))
            for c in range(classes)
        }
        table = {"z": labels.rows.astype(float).tolist()}
        table |= {f"class_{c}": profile[:, c].tolist() for c in range(classes)}
        return Quantities(found, {"fraction_over_z": table})

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["labels"]
        work = 5.0 * shape.voxels + 10.0 * self.draws * shape.rows
        return Cost(work, 10.0 * shape.frames * shape.columns + 16.0 * self.draws * shape.rows)


def bootstrap(
    profile: NDArray[np.float64], draws: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean over slices of a profile (axes ``z, class``) and its 95 % interval: runs of √z slices
    are drawn, since neighbours are alike. One slice has no interval but the whole [0, 1]."""
    mean = profile.mean(axis=0)
    count = len(profile)
    if count < 2:
        return mean, np.zeros_like(mean), np.ones_like(mean)
    length = max(int(np.sqrt(count)), 1)
    rng = np.random.default_rng(seed)
    runs = -(-count // length)
    starts = rng.integers(0, count - length + 1, (draws, runs))
    sums = np.cumsum(np.concatenate([np.zeros_like(profile[:1]), profile]), axis=0)
    means = ((sums[starts + length] - sums[starts]) / length).mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5), axis=0)
    # runs at the ends are drawn less often, which can push the interval off the mean
    return mean, np.minimum(low, mean), np.maximum(high, mean)
