"""Classes by grey value: multi-Otsu thresholds."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

import numpy as np

from metadata.errors import InputError
from toolbox.card import Param, Port, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.tool import Cost, Tool, Tuned
from toolbox.values import Block, Shape


@dataclass(frozen=True)
class SegmentOtsu(Tool):
    """Class 0, 1 … of each voxel by thresholds on its grey value, darkest first, axes ``z, y, x``.

    The thresholds come from the histogram of a sample, inside the reconstructed circle, and hold
    for the whole volume.

    >>> SegmentOtsu(thresholds=(0.1, 0.5)).classes_found()
    3
    """

    card = ToolCard(
        name="segment_otsu",
        title="multi-level Otsu thresholds",
        title_zh="多级大津阈值分割",
        stage=Stage.SEGMENT,
        domain=Domain.RECONSTRUCTION,
        inputs={"volume": grey(DataKind.VOLUME, GreyState.ATTENUATION, GreyState.PHASE)},
        output=Port(DataKind.LABELS, dtype="uint8"),
        split=Split.ROWS,
        references=(
            "Otsu 1979, IEEE Trans. Syst. Man Cybern. 9, 62",
            "Liao, Chen & Chung 2001, J. Inf. Sci. Eng. 17, 713",
            "Marriott 1971, Biometrics 27, 501 (number of classes)",
        ),
        limits="Looks at each voxel alone, so noise goes into the labels: denoise before. A class "
        "that is much rarer than the others pulls its threshold towards them; materials that "
        "share a grey value are not told apart.",
        bands=9,
    )

    classes: Annotated[
        int | None,
        Param("number of classes", low=2, high=5, auto="by the shape of the histogram"),
    ] = None
    thresholds: Annotated[
        tuple[float, ...] | None,
        Param("grey values between the classes, rising", auto="multi-Otsu on a sample"),
    ] = None

    def __post_init__(self) -> None:
        if self.thresholds is None:
            return
        values = tuple(float(t) for t in self.thresholds)  # a list, where read from a file
        object.__setattr__(self, "thresholds", values)
        if self.classes is None:
            object.__setattr__(self, "classes", len(values) + 1)
        rising = all(a < b for a, b in pairwise(values))
        if not values or not rising or self.classes != len(values) + 1:
            raise InputError(
                f"segment_otsu was given the thresholds {list(values)} for {self.classes} classes; "
                f"expected one less than classes, rising. Leave one of the two out."
            )

    def classes_found(self) -> int | None:
        """How many classes the labels will have, where known already."""
        return self.classes

    def tune(self, *, volume: Block) -> Tuned:  # type: ignore[override]
        from toolbox.tools.segment.thresholds import in_circle, multi_otsu, number_of_classes

        if self.thresholds is not None:
            return Tuned(self)
        values = in_circle(volume.values)
        if not len(values) or not values.max() > values.min():
            raise InputError(
                "segment_otsu was given a volume with one grey value only (or none that is "
                "finite), expected at least two materials. Check the reconstruction, or give "
                "`thresholds`."
            )
        classes = self.classes or number_of_classes(values)
        thresholds, inside = multi_otsu(values, classes)
        thresholds = tuple(np.unique(thresholds).tolist())
        tool = dataclasses.replace(self, classes=len(thresholds) + 1, thresholds=thresholds)
        shown = ", ".join(f"{t:.4g}" for t in thresholds)
        return Tuned(
            tool,
            (
                f"segment_otsu: {tool.classes} classes with thresholds {shown}; they explain "
                f"{100 * (1 - inside):.0f} % of the variance of the grey values",
            ),
        )

    def __call__(self, *, volume: Block) -> Block:  # type: ignore[override]
        if self.thresholds is None:
            return self.tune(volume=volume).tool(volume=volume)
        labels = np.zeros(volume.values.shape, np.uint8)
        for threshold in self.thresholds:
            labels += volume.values > np.float32(threshold)
        return volume.with_values(labels, kind=DataKind.LABELS)

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["volume"]
        return Cost(2.0 * (self.classes or 3) * shape.voxels, 1.0 * shape.voxels)
