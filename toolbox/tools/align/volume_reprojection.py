"""Views moved along both axes, and what the volume that they reconstruct to projects to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from toolbox.tools.align.gauge import without_gauge
from toolbox.tools.align.moved_lines import moved_lines

if TYPE_CHECKING:
    from toolbox.operators.parallel_beam import ParallelBeam

Stack = NDArray[np.float32]
BESIDE = 0.25  # of the width, laid on either side where the sample goes on
SLOW = 1 / 24  # of the width
STRIPE_WIDTH = 6.0  # px; what stands still and is narrower is the detector's


@dataclass(eq=False)
class VolumeReprojection:
    """Neighbouring rows of a scan, ``values`` in attenuation with axes ``row, angle, col``; shifts
    have axes ``angle, (row, col)`` in px of these values.

    Stripes are what the measured views, at their own place on the detector, have over the
    projections at every angle; each call takes those of the call before off, so that they cannot
    hold the views where they are.
    """

    values: Stack
    angles_rad: NDArray[np.float64]
    center: float
    truncated: bool
    threads: int | None = None

    def __post_init__(self) -> None:
        self._stripes: Stack = np.zeros_like(self.values[:, :1])
        self._operator: ParallelBeam | None = None

    def pairs(self, shifts: NDArray[np.float64]) -> tuple[Stack, Stack]:
        """Views moved back by their shifts, and the projections of their reconstruction, both
        with axes ``row, angle, col``; slow changes along the columns left out of both where the
        sample is wider than the field, since they come from what lies outside it."""
        moved = moved_views(self.values - self._stripes, -shifts)
        expected = self._projected(moved)
        self._stripes = self._standing(expected, shifts)
        return (_fine(moved), _fine(expected)) if self.truncated else (moved, expected)

    def _projected(self, moved: Stack) -> Stack:
        import torch

        beside = int(BESIDE * moved.shape[-1]) if self.truncated else 0
        if self._operator is None:
            from toolbox.operators.parallel_beam import ParallelBeam

            self._operator = ParallelBeam(
                self.angles_rad, moved.shape[-1] + 2 * beside, self.center + beside,
                threads=self.threads,
            )  # fmt: skip
        if beside:
            moved = np.pad(moved, ((0, 0), (0, 0), (beside, beside)), mode="edge")
        with torch.no_grad():
            slices = self._operator.fbp(
                torch.from_numpy(np.ascontiguousarray(moved)), filter="shepp-logan",
                padding="edge" if self.truncated else "zero",
            )  # fmt: skip
            expected = np.asarray(self._operator(slices).numpy(), np.float32)
        return expected[..., beside:-beside] if beside else expected

    def _standing(self, expected: Stack, shifts: NDArray[np.float64]) -> Stack:
        from scipy.ndimage import gaussian_filter1d

        over = np.median(self.values - moved_views(expected, shifts), axis=1, keepdims=True)
        return np.asarray(over - gaussian_filter1d(over, STRIPE_WIDTH, axis=-1), np.float32)


def _fine(values: Stack) -> Stack:
    from scipy.ndimage import gaussian_filter1d

    slow = gaussian_filter1d(values, values.shape[-1] * SLOW, axis=-1)
    return np.asarray(values - slow, np.float32)


def moved_views(values: Stack, by: NDArray[np.float64]) -> Stack:
    """``values`` (``row, angle, col``) with each view moved to higher rows and columns by
    ``by`` (``angle, (row, col)``); lines are mirrored at their ends."""
    moved = moved_lines(values, by[:, 1])
    if len(values) > 1 and np.any(by[:, 0]):
        moved = moved_lines(moved.transpose(2, 1, 0), by[:, 0]).transpose(2, 1, 0)
    return np.ascontiguousarray(moved)


def free_shifts(
    shifts: NDArray[np.float64], angles_rad: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Shifts ``angle, (row, col)`` less their parts that no projection can show: the mean along
    the axis, and the gauge across it (:func:`toolbox.tools.align.gauge.without_gauge`)."""
    along = shifts[:, 0] - shifts[:, 0].mean()
    return np.stack([along, without_gauge(shifts[:, 1], angles_rad)], axis=1)
