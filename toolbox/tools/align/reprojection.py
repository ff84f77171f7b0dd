"""Shifts that make views agree with the projections of what they reconstruct to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from toolbox.tools.align.gauge import without_gauge
from toolbox.tools.align.moved_lines import moved_lines

if TYPE_CHECKING:
    from toolbox.operators.parallel_beam import ParallelBeam

Stack = NDArray[np.float32]  # row, angle, col
BESIDE = 0.25  # of the width, laid on either side where the sample goes on
PARTS = 16  # of the width: halves of them measure the error of a shift
STRIPE_WIDTH = 6.0  # px; what stands still and is narrower is the detector's


@dataclass
class Reprojection:
    """Iterative reprojection at one binning: reconstruct, project, register, move; again.

    ``values`` is attenuation, ``row, angle, col``. Stripes are what the measured views, at their
    own place on the detector, have over the projections at every angle; they are taken off before
    each reconstruction, so that they cannot hold the views where they are. Steps smaller
    than their error, which two halves of the width show, shrink.
    """

    values: Stack
    angles_rad: NDArray[np.float64]
    center: float
    truncated: bool
    threads: int | None = None
    residuals: list[float] = field(default_factory=list)
    error_px: float = 0.0

    def refine(self, shifts: NDArray[np.float64], rounds: int) -> NDArray[np.float64]:
        """Shifts (and in their mean the rest of the axis) after at most so many rounds."""
        import torch

        from toolbox.operators.parallel_beam import ParallelBeam

        beside = self._beside
        operator = ParallelBeam(
            self.angles_rad, self.values.shape[-1] + 2 * beside, self.center + beside,
            threads=self.threads,
        )  # fmt: skip
        stripes = np.zeros_like(self.values[:, :1])
        last = np.inf
        shifts = np.asarray(shifts, np.float64)
        for _ in range(rounds):
            moved = moved_lines(self.values - stripes, -shifts)
            with torch.no_grad():
                expected = self._projected(operator, moved)
            stripes = self._stripes(expected, shifts)
            step, error = self._register(moved, expected, shifts)
            target = shifts + self._believed(step, error)
            change = float(np.sqrt(np.mean((target - shifts) ** 2)))
            if change > 1.5 * last and change > 0.1:
                break
            shifts, last, self.error_px = target, change, error
            if change < 0.02:
                break
        return shifts

    def _believed(self, step: NDArray[np.float64], error: float) -> NDArray[np.float64]:
        """The part of a step that its error leaves; what moves all views moves the axis."""
        free = without_gauge(step, self.angles_rad)
        spread = max(float(np.var(free)) - error**2, 0.0)
        return float(np.mean(step - free)) + free * (spread / (spread + error**2 + 1e-12))

    def _projected(self, operator: ParallelBeam, moved: Stack) -> Stack:
        import torch

        beside = self._beside
        if beside:
            moved = np.pad(moved, ((0, 0), (0, 0), (beside, beside)), mode="edge")
        padding = "edge" if self.truncated else "zero"
        slices = operator.fbp(torch.from_numpy(moved), filter="shepp-logan", padding=padding)
        expected = np.asarray(operator(slices).numpy(), np.float32)
        return expected[..., beside:-beside] if beside else expected

    @property
    def _beside(self) -> int:
        return int(BESIDE * self.values.shape[-1]) if self.truncated else 0

    def _stripes(self, expected: Stack, shifts: NDArray[np.float64]) -> Stack:
        from scipy.ndimage import gaussian_filter1d

        over = np.median(self.values - moved_lines(expected, shifts), axis=1, keepdims=True)
        return np.asarray(over - gaussian_filter1d(over, STRIPE_WIDTH, axis=-1), np.float32)

    def _register(
        self, moved: Stack, expected: Stack, shifts: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], float]:
        """How far each view still is from the projection expected, and the RMS error of that."""
        from scipy.ndimage import gaussian_filter1d

        if self.truncated:
            broad = moved.shape[-1] / 24  # slow changes come from what lies outside the field
            moved = moved - gaussian_filter1d(moved, broad, axis=-1)
            expected = expected - gaussian_filter1d(expected, broad, axis=-1)
        columns = moved.shape[-1]
        margin = int(np.clip(np.abs(shifts).max() + 3, 3, columns // 6))
        inside = slice(margin, columns - margin)
        expected = gaussian_filter1d(expected, 1.0, axis=-1)
        moved = gaussian_filter1d(moved, 1.0, axis=-1)
        slope = np.gradient(expected, axis=-1)[..., inside]
        there, here = expected[..., inside], moved[..., inside]
        self.residuals.append(float(np.sqrt(np.mean((here - there) ** 2))))
        return _fit(here, there, slope)


def _fit(here: Stack, there: Stack, slope: Stack) -> tuple[NDArray[np.float64], float]:
    """Least squares for ``here = a · there − a · shift · slope``, view by view."""
    part = np.arange(here.shape[-1]) * PARTS // here.shape[-1] % 2

    def solve(chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        h, t, s = (v[..., chosen].astype(np.float64) for v in (here, there, slope))
        tt, ts, ss = ((x * y).sum(axis=(0, 2)) for x, y in ((t, t), (t, s), (s, s)))
        ht, hs = (h * t).sum(axis=(0, 2)), (h * s).sum(axis=(0, 2))
        determinant = np.maximum(tt * ss - ts**2, 1e-9 * tt * ss + 1e-30)
        scale = (ss * ht - ts * hs) / determinant
        moved = (tt * hs - ts * ht) / determinant
        return np.clip(-moved / np.maximum(scale, 0.5), -4, 4)

    step = solve(np.ones(len(part), bool))
    halves = solve(part == 0) - solve(part == 1)
    error = float(np.median(np.abs(halves))) / 0.6745 / 2
    return step, error


def held_out_agreement(
    values: Stack,
    angles_rad: NDArray[np.float64],
    center: float,
    truncated: bool,
    shifts: NDArray[np.float64],
) -> float:
    """Correlation of moved views with the projections of what the *other* half of the views gives.

    Even and odd views take turns; slow changes along the columns are left out.
    """
    import torch
    from scipy.ndimage import gaussian_filter1d

    from toolbox.operators.parallel_beam import ParallelBeam

    still = np.median(values, axis=1, keepdims=True)
    stripes = still - gaussian_filter1d(still, STRIPE_WIDTH, axis=-1)
    moved = moved_lines(values - stripes, -shifts)
    columns = values.shape[-1]
    sums = np.zeros(3)
    for even in (0, 1):
        seen, left_out = slice(even, None, 2), slice(1 - even, None, 2)
        maker = ParallelBeam(angles_rad[seen], columns, center)
        judge = ParallelBeam(angles_rad[left_out], columns, center)
        with torch.no_grad():
            given = torch.from_numpy(np.ascontiguousarray(moved[:, seen]))
            slices = maker.fbp(given, "shepp-logan", "edge" if truncated else "zero")
            expected = judge(slices).numpy()
        pair = [
            gaussian_filter1d(v, 2.0, axis=-1) - gaussian_filter1d(v, 8.0, axis=-1)
            for v in (moved[:, left_out], expected)
        ]
        margin = min(20, columns // 8)
        here, there = (v[..., margin:-margin].astype(np.float64) for v in pair)
        sums += [(here * there).sum(), (here**2).sum(), (there**2).sum()]
    return float(sums[0] / np.sqrt(sums[1] * sums[2] + 1e-30))
