"""How a specimen deformed between two volumes: local digital volume correlation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Self

import numpy as np

from metadata.errors import InputError
from toolbox.card import Param, Port, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.tool import Cost, Tool
from toolbox.tools.deform.gauss_newton import Matcher
from toolbox.tools.deform.outliers import replaced
from toolbox.tools.deform.window_search import Nodes, search
from toolbox.values import Block, Displacement, Geometry, Shape

STATES = (GreyState.ATTENUATION, GreyState.PHASE)


@dataclass(frozen=True)
class DeformCorrelation(Tool):
    """Displacement of the windows about a grid of nodes, from ``reference`` to ``moved``, axes
    ``z, y, x``, in px.

    Whole pixels by cross-correlation at coarse, then finer resolutions; parts of pixels by
    Gauss–Newton steps that shift and strain the window. A node whose window is not found again
    (correlation below ``least``) or that stands out of its neighbours takes their median and is
    not `trusted`. Volumes of one slice are followed in the plane.

    >>> tool, inputs = DeformCorrelation.example()
    >>> np.round(np.median(tool(**inputs).vectors, (0, 1, 2)), 1).tolist()
    [0.0, 1.0, -2.0]
    """

    card = ToolCard(
        name="deform_correlation",
        title="local digital volume correlation",
        title_zh="局部数字体相关（DVC）",
        stage=Stage.DEFORM,
        domain=Domain.RECONSTRUCTION,
        inputs={
            "reference": grey(DataKind.VOLUME, *STATES),
            "moved": grey(DataKind.VOLUME, *STATES),
        },
        output=Port(DataKind.DISPLACEMENT, unit="px"),
        split=Split.WHOLE,
        references=(
            "Bay, Smith, Fyhrie & Saad 1999, Exp. Mech. 39, 217 (digital volume correlation)",
            "Baker & Matthews 2004, Int. J. Comput. Vis. 56, 221 (inverse compositional steps)",
            "Pan, Li & Tong 2013, Exp. Mech. 53, 1277 (normalised differences)",
            "Westerweel & Scarano 2005, Exp. Fluids 39, 1096 (outliers)",
        ),
        limits="Needs texture inside every window; empty, even or repeated structure is followed "
        "wrongly or not at all (then `trusted` is off). Each window is taken to be strained "
        "evenly, so what bends within it is smoothed, and cracks are blurred over a window. Turns "
        "above some 10° and shifts beyond `reach` need register_volumes first. Needs both in "
        "memory and 12 bytes a voxel beside.",
        library="scipy",
        licence="BSD-3-Clause",
    )  # fmt: skip

    window: Annotated[int, Param("side of a window", "px", low=5, high=201)] = 21
    spacing: Annotated[int, Param("distance of the nodes", "px", low=1, high=1000)] = 10
    reach: Annotated[
        int, Param("largest shift looked for; 0: an eighth of the longest side", "px", low=0)
    ] = 0
    iterations: Annotated[int, Param("most Gauss–Newton steps", low=1, high=200)] = 20
    least: Annotated[
        float, Param("correlation below which a node is not trusted", low=0, high=1)
    ] = 0.6

    def __call__(self, *, reference: Block, moved: Block) -> Displacement:  # type: ignore[override]
        from scipy.ndimage import spline_filter1d

        still, other = reference.values, moved.values
        half = self._half(still.shape)
        _check(still, other, half)
        nodes = Nodes.over(still.shape, half, self.spacing)
        reach = self.reach or max(FEW_PIXELS, max(still.shape) // 8)
        places, starts = nodes.places().astype(int), search(still, other, nodes, half, reach)
        coefficients = other.astype(np.float32)
        for axis, size in enumerate(other.shape):
            if size > 1:
                coefficients = spline_filter1d(coefficients, 3, axis, output=np.float32,
                                               mode="mirror")  # fmt: skip
        matcher = Matcher(still, coefficients, half, self.iterations)
        matched = [matcher.match(p, s) for p, s in zip(places, starts, strict=True)]
        vectors = np.array([m[0] for m in matched]).reshape(*nodes.shape, 3)
        likeness = np.array([m[1] for m in matched]).reshape(nodes.shape)
        vectors, trusted = replaced(vectors, likeness >= self.least)
        share = float(trusted.mean())
        told = (
            f"Only {100 * share:.0f} % of {trusted.size} nodes were followed; the others are "
            f"medians of their neighbours. Larger windows, or a registration first, may help.",
        )
        return Displacement(
            vectors.astype(np.float32), likeness.astype(np.float32), trusted, *nodes.axes,
            method=f"digital volume correlation, windows of {self.window} px, "
            f"{self.spacing} px apart, first-order Gauss–Newton",
            warnings=told if share < 0.5 else (),
        )  # fmt: skip

    def _half(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(min(self.window // 2, (n - 1) // 2) if n > 1 else 0 for n in shape)

    def cost(self, **inputs: Shape) -> Cost:
        size = inputs["reference"]
        nodes = float(np.prod([max(1.0, n / self.spacing)
                               for n in (size.rows, size.frames, size.columns)]))  # fmt: skip
        voxels = float(np.prod([min(self.window, n)
                                for n in (size.rows, size.frames, size.columns)]))  # fmt: skip
        moved = inputs.get("moved", size).voxels
        return Cost(nodes * voxels * 600.0 + 100.0 * moved, 12.0 * max(moved, size.voxels) + 400.0
                    * voxels)  # fmt: skip

    @classmethod
    def example(cls) -> tuple[Self, dict[str, Any]]:
        from scipy.ndimage import gaussian_filter

        wide = gaussian_filter(np.random.default_rng(3).normal(size=(24, 44, 44)), 1.5)

        def block(y: int, x: int) -> Block:
            values = wide[2:22, 4 - y : 40 - y, 4 - x : 40 - x].astype(np.float32)
            return Block(values, DataKind.VOLUME, GreyState.ATTENUATION,
                         Geometry(np.zeros(36), 20, 36), np.arange(20))  # fmt: skip

        tool = cls(window=13, spacing=8, reach=4)
        return tool, {"reference": block(0, 0), "moved": block(1, -2)}


FEW_PIXELS = 4


def _check(still: np.ndarray, other: np.ndarray, half: tuple[int, ...]) -> None:
    if still.shape != other.shape:
        raise InputError(
            f"deform_correlation was given volumes of {still.shape} and {other.shape} voxels "
            f"(z, y, x), expected one size. Bring them together first: register_volumes, then "
            f"apply_transform."
        )
    if min(still.shape[1:]) < 5 or min(half[1:]) < 2:
        raise InputError(
            f"deform_correlation was given slices of {still.shape[1]} × {still.shape[2]} pixels, "
            f"expected at least 5 × 5, and windows inside them. Give larger volumes."
        )
    if not (np.isfinite(still).all() and np.isfinite(other).all()):
        raise InputError(
            "deform_correlation was given values that are not finite; expected grey values in "
            "both volumes. Check the reconstructions."
        )
