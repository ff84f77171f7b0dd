"""A regularisation strength from views that were kept out of the reconstruction."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from toolbox.operators.blocks import as_tensor, operator_for
from toolbox.values import Block, Center

if TYPE_CHECKING:
    import torch

    from toolbox.operators.parallel_beam import ParallelBeam

EVERY = 5  # one view of so many is kept out
FEWEST = 12  # views below which nothing can be kept out
DENSE = 0.8  # views by columns (half of Crowther's criterion) above which neighbours tell a view
STEPS = 10

Solver = Callable[["ParallelBeam", "torch.Tensor", float], "torch.Tensor"]


def noise_level(values: NDArray[np.float32]) -> float:
    """Standard deviation of the noise of a sinogram ``row, angle, col``: the median absolute
    fourth difference along columns, which smooth structure hardly moves."""
    difference = np.diff(values, 4, axis=-1)
    return float(1.4826 * np.median(np.abs(difference)) / np.sqrt(70))


def best_strength(
    sinogram: Block, center: Center, size: int | None, solve: Solver, start: float
) -> tuple[float, float] | None:
    """The strength whose reconstruction from four fifths of the views predicts the other fifth
    best, and how much better that is than the next that was tried (in parts of the squared error
    there); None with too few views.

    The noise of the views kept out is independent, so fitting noise does not pay (Stone 1974,
    J. R. Stat. Soc. B 36, 111). The search is downhill from ``start`` in steps of 10^¼. Where views
    lie so far apart that those beside a gap say little of what is in it, smoothing away all detail
    can predict best (an integrated circuit lost 8 dB by it): there it goes one step at most.
    """
    views = len(sinogram.geometry.angles_rad)
    if views < FEWEST:
        return None
    kept_out = np.arange(views) % EVERY == EVERY // 2
    used, tested = np.flatnonzero(~kept_out), np.flatnonzero(kept_out)
    y = as_tensor(sinogram)
    A = operator_for(sinogram, center, size, views=used)
    B = operator_for(sinogram, center, size, views=tested)
    B, _ = B.straightened(y)
    A, y = A.straightened(y)
    y_used, y_tested = y[:, used].contiguous(), y[:, tested].contiguous()
    errors: dict[int, float] = {}

    def error(step: int) -> float:
        if step not in errors:
            x = solve(A, y_used, start * 10 ** (step / 4))
            errors[step] = float((B(x) - y_tested).double().square().mean())
        return errors[step]

    dense = views >= DENSE * sinogram.values.shape[-1]
    best = 0
    for _ in range(STEPS if dense else 1):
        nearest = min((best - 1, best, best + 1), key=error)
        if nearest == best:
            break
        best = nearest
    second = min(error(step) for step in errors if step != best)
    return start * 10 ** (best / 4), second / max(error(best), 1e-30) - 1
