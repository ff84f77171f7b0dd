"""Flat correction for a beam that moves: eigen flat fields."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from toolbox.card import Param, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.tool import Cost, Tool, Tuned
from toolbox.tools.correct.flat_field import (
    fill_along_columns,
    flats_of,
    mean_dark,
    robust_mean,
    usable,
)
from toolbox.values import Block, Shape

FEWEST = 5  # flats that can show how a beam moves
MOST = 8  # components
SAMPLED = 60_000  # pixels that weigh the components, about
ABOVE_NOISE = 1.5  # a component counts where its variance is so many times the usual one


@dataclass(frozen=True)
class DynamicFlatField(Tool):
    """Divides each projection, axes ``angle, row, col``, by a beam fitted to it.

    The logarithms of the flats are split into their mean and principal components; each
    projection gets the weights that make its own logarithm smoothest (least total variation, by
    reweighted least squares, to first order in the beam's change). With fewer than five flats, or
    flats that differ by noise alone, it is ``flat_field``. A change of overall strength makes no
    gradient and stays: follow with air_normalisation or monitor_normalisation.

    >>> DynamicFlatField(components=2).components
    2
    """

    card = ToolCard(
        name="dynamic_flat_field",
        title="dynamic flat field correction",
        title_zh="动态平场校正",
        stage=Stage.CORRECT,
        domain=Domain.PROJECTION,
        inputs={"projections": grey(DataKind.PROJECTIONS, GreyState.COUNTS)},
        output=grey(DataKind.PROJECTIONS, GreyState.TRANSMISSION),
        split=Split.ANGLES,
        references=("Van Nieuwenhove et al. 2015, Opt. Express 23, 27975",),
        limits="Follows only what the flats themselves show: they must be spread over the times "
        "and places that the beam takes. Structure of the sample that looks like the beam's is "
        "taken for it. NaN and pixels without beam are interpolated along the columns.",
        band_rows=32,
    )

    components: Annotated[
        int | None,
        Param("principal components of the flats that are fitted; 0: plain flat field", low=0,
              high=MOST, auto="those that stand out of the noise of the flats"),
    ] = None  # fmt: skip
    smoothing: Annotated[
        float, Param("Gaussian width that frees the components of noise", unit="px", low=0, high=50)
    ] = 2.0

    def tune(self, **inputs: Any) -> Tuned:
        if self.components is not None:
            return Tuned(self)
        block: Block = inputs["projections"]
        flats = flats_of(block)
        if len(flats) < FEWEST:
            return Tuned(
                dataclasses.replace(self, components=0),
                (f"{len(flats)} flats cannot show how the beam moves (at least {FEWEST} are "
                 f"needed): plain flat field",),
            )  # fmt: skip
        variances = _principal(*_log_changes(flats, mean_dark(block), block)[1:])[0]
        count = significant(variances)
        if count == 0:
            note = f"the {len(flats)} flats differ by noise alone: plain flat field"
        else:
            part = 100 * float(variances[:count].sum() / variances.sum())
            note = (
                f"{count} components of {len(flats)} flats stand out of the noise and hold "
                f"{part:.0f} % of their variance"
            )
        return Tuned(dataclasses.replace(self, components=count), (note,))

    def __call__(self, *, projections: Block) -> Block:  # type: ignore[override]
        if self.components is None:
            tuned: Block = self.tune(projections=projections).tool(projections=projections)
            return tuned
        flats = flats_of(projections)
        dark = mean_dark(projections)
        values = projections.values - dark
        beam, changes, good = _log_changes(flats, dark, projections)
        count = min(self.components, len(flats) - 1)
        modes = np.empty((0, *beam.shape), np.float32)
        if count > 0 and len(flats) >= FEWEST:
            modes = _principal(changes, good, count)[1]
            modes = self._smoothed(modes)
        values /= beam
        if len(modes):
            self._divide_by_modes(values, modes, good, projections.rows)
        fill_along_columns(values, good)
        return projections.with_values(values, state=GreyState.TRANSMISSION, flats=None, darks=None)

    def _smoothed(self, modes: NDArray[np.float32]) -> NDArray[np.float32]:
        from scipy.ndimage import gaussian_filter

        if self.smoothing == 0:
            return modes
        # Sampled or few rows are not smoothed across: they may lie far apart.
        rows = self.smoothing if modes.shape[1] > 8 * self.smoothing else 0.0
        return np.stack([gaussian_filter(m, (rows, self.smoothing)) for m in modes])

    @staticmethod
    def _divide_by_modes(
        values: NDArray[np.float32],
        modes: NDArray[np.float32],
        good: NDArray[np.bool_],
        rows: NDArray[np.intp],
    ) -> None:
        """Divide frames (axes ``angle, row, col``), in place, by exp(Σ weight · mode)."""
        step = max(1, round(good.size / SAMPLED))
        apart = np.diff(rows) > 1
        design = np.stack([_gradient(m, good, apart, step) for m in modes], axis=1)
        for frame in values:
            with np.errstate(invalid="ignore"):
                log = np.log(np.maximum(frame, np.float32(1e-3)))
            weights = _smoothest(design, _gradient(log, good, apart, step))
            frame /= np.exp(np.tensordot(weights.astype(np.float32), modes, axes=1))

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["projections"]
        frame = float(shape.rows * shape.columns)
        count = MOST if self.components is None else self.components
        return Cost(
            (40.0 + 6.0 * count) * shape.voxels + 5e7 * shape.frames + 500.0 * frame,
            (4.0 * count + 40.0) * frame + 60.0 * 4.0 * frame,
        )


def significant(variances: NDArray[np.float64]) -> int:
    """How many of the variances of principal components, falling, stand out of the noise: noise
    alone makes them all alike when there are many more pixels than flats."""
    usual = float(np.median(variances[: max(len(variances) - 1, 1)]))
    above = int(np.sum(variances > ABOVE_NOISE * max(usual, 1e-14)))
    return min(above, MOST, len(variances) // 2)


def _log_changes(
    flats: NDArray[np.float32], dark: NDArray[np.float32], block: Block
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """Mean beam (axes ``row, col``), what each flat differs from it in logarithm (``frame, row,
    col``; its mean taken off), and which pixels are usable."""
    beam = robust_mean(flats) - dark
    good = usable(beam, block)
    beam[~good] = 1
    changes = flats - dark
    changes /= beam
    np.maximum(changes, np.float32(0.01), out=changes)
    np.log(changes, out=changes)
    changes[:, ~good] = 0
    np.nan_to_num(changes, copy=False)
    changes -= changes.sum(axis=(1, 2), keepdims=True) / max(int(good.sum()), 1)
    changes[:, ~good] = 0
    changes -= changes.mean(axis=0)
    return beam, changes, good


def _principal(
    changes: NDArray[np.float32], good: NDArray[np.bool_], count: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Variances of all principal components, falling, and the first ``count`` of them, of unit
    mean square, axes ``component, row, col``; by the small matrix of products between flats."""
    flat = changes.reshape(len(changes), -1)
    products = (flat @ flat.T).astype(np.float64) / max(int(good.sum()), 1)
    variances, vectors = np.linalg.eigh(products)
    variances, vectors = np.maximum(variances[::-1], 0), vectors[:, ::-1]
    scale = np.sqrt(np.maximum(variances[:count], 1e-20))
    modes = (vectors[:, :count] / scale).T.astype(np.float32) @ flat
    return variances, modes.reshape(count, *changes.shape[1:])


def _gradient(
    image: NDArray[np.float32], good: NDArray[np.bool_], apart: NDArray[np.bool_], step: int
) -> NDArray[np.float64]:
    """Differences between usable neighbours along both axes, every ``step``-th, in one vector."""
    across = np.diff(image, axis=1)[good[:, 1:] & good[:, :-1]]
    down = np.diff(image, axis=0)
    both = good[1:] & good[:-1] & ~apart[:, None]
    return np.concatenate([across, down[both]])[::step].astype(np.float64)


def _smoothest(
    design: NDArray[np.float64], target: NDArray[np.float64], rounds: int = 12
) -> NDArray[np.float64]:
    """Weights with the least Σ |target − design · weights|, by reweighted least squares."""
    finite = np.isfinite(target)
    if not finite.all():
        design, target = design[finite], target[finite]
    weights = np.zeros(design.shape[1])
    if len(target) <= design.shape[1]:
        return weights
    trust = np.ones(len(target))
    floor = 1e-3 * float(np.median(np.abs(target))) + 1e-9
    small = 1e-9 * np.eye(design.shape[1])
    for _ in range(rounds):
        weighted = design * trust[:, None]
        normal = weighted.T @ design
        found = np.linalg.solve(normal + small * np.trace(normal), weighted.T @ target)
        moved = float(np.abs(found - weights).max())
        weights = found
        if moved < 1e-4 * float(np.abs(weights).max() + 1e-12):
            break
        trust = 1 / np.maximum(np.abs(target - design @ weights), floor)
    return weights
