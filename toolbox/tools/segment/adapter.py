"""Segmentation by a frozen backbone and the adapters that somebody trained on own slices."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from toolbox.card import Port, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.learned.adapters import TILE, adapted, shares
from toolbox.tool import Cost, Tool
from toolbox.values import Block, Shape


@dataclass(frozen=True)
class AdapterTool(Tool):
    """Classes as somebody labelled them, axes ``z, y, x``, slice by slice: a backbone that knows
    slices, frozen, and adapters that were trained on a few labelled ones
    (``tomoplan train adapter``). The values are those of the labels."""

    values: ClassVar[tuple[int, ...]]
    folder: ClassVar[Path]  # of weights and card

    @staticmethod
    def place(name: str, domain: str) -> dict[str, Any]:
        """What the card says of where the tool stands, by its name and the backbone's domain."""
        return {
            "title": f"segmentation as in own labelled slices ({name})",
            "title_zh": f"按自有标注切片训练的分割（{name}）",
            "stage": Stage.SEGMENT,
            "domain": Domain(domain),
            "inputs": {"volume": grey(DataKind.VOLUME, GreyState.ATTENUATION, GreyState.PHASE)},
            "output": Port(DataKind.LABELS, dtype="uint8"),
            "split": Split.ROWS,
        }

    def __call__(self, *, volume: Block) -> Block:  # type: ignore[override]
        net = adapted(self.card.name, self.folder)
        values = np.array(self.values, np.uint8)
        result = np.empty(volume.values.shape, np.uint8)
        for image, out in zip(volume.values, result, strict=True):
            out[...] = values[shares(net, image).argmax(axis=0)]
        return volume.with_values(result, kind=DataKind.LABELS)

    def __reduce__(self) -> tuple[Any, ...]:
        """By name: the class is made from the card, wherever this goes."""
        from toolbox.registry import make_tool

        return make_tool, (self.card.name, {})

    def cost(self, **inputs: Shape) -> Cost:
        (shape,) = inputs.values()
        height = shape.rows if self.card.split is Split.ANGLES else shape.frames
        inside = min(height, TILE) * min(shape.columns, TILE)
        whole = height * shape.columns
        return Cost(170_000.0 * shape.voxels, 900.0 * inside + 8.0 * len(self.values) * whole)
