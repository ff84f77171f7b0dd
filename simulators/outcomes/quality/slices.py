"""Slices against the truth: structural similarity inside the circle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from simulators.outcomes.quality.delivered import Delivered
from simulators.outcomes.quality.place import placed
from simulators.simulated_scan import SimulatedScan, simulate
from toolbox.kinds import DataKind
from toolbox.metrics import ssim_in_circle

Slices = NDArray[np.float32]


def slice_quality(delivered: Delivered) -> float:
    """Structural similarity inside the reconstructed circle after an affine grey-level fit, mean
    over the slices (:func:`toolbox.metrics.ssim_in_circle`). Where the specimen or the stage
    moved (``Job.displaced``), where the specimen stands in the slice is not judged."""
    volume = np.nan_to_num(delivered.values[DataKind.VOLUME].values)
    truth = true_slices(delivered.scans[0], volume.shape[-1])
    if delivered.job.displaced:
        volume = placed(volume, truth)
    return ssim_in_circle(volume, truth)


def super_resolve_quality(delivered: Delivered) -> float:
    """The same on a grid twice as fine within the slice, on which the truth is drawn anew."""
    volume = np.nan_to_num(delivered.values[DataKind.VOLUME].values)
    truth = finer_slices(delivered.scans[0], volume.shape[-1])
    if delivered.job.displaced:
        volume = placed(volume, truth)
    return ssim_in_circle(volume, truth)


def true_slices(scan: SimulatedScan, side: int) -> Slices:
    """The slices at the rows of the detector, axes ``z, y, x``, kept with the scan."""
    kept = _kept(scan)
    if side not in kept:
        kept[side] = np.stack([scan.truth(row, side) for row in range(scan.world.rows)])
    return kept[side]


def finer_slices(scan: SimulatedScan, side: int, factor: int = 2) -> Slices:
    """The same rows with ``factor`` times as many pixels a side, ``side`` of them."""
    kept, world = _kept(scan), scan.world
    if (side, factor) not in kept:
        twice = replace(
            world,
            scale=world.scale * factor,
            columns=world.columns * factor,
            rows=1,
            radius_px=world.radius,
            height_px=world.height,
            moved_x_px=world.moved_x_px * factor,
            moved_y_px=world.moved_y_px * factor,
            moved_z_px=world.moved_z_px * factor,
            center=None if world.center is None else factor * (world.center + 0.5) - 0.5,
        )
        heights = [row - (world.rows - 1) / 2 + world.row_offset_px for row in range(world.rows)]
        kept[side, factor] = np.stack(
            [simulate(replace(twice, row_offset_px=factor * h)).truth(0, side) for h in heights]
        )
    return kept[side, factor]


def _kept(scan: SimulatedScan) -> dict[object, Slices]:
    return scan.__dict__.setdefault("_outcome_truths", {})
