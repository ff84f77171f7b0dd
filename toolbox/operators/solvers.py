"""Iterative reconstruction on the operator: every row ``row, angle, col`` on its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from toolbox.operators.weights import view_weights

if TYPE_CHECKING:
    import torch

    from toolbox.operators.parallel_beam import ParallelBeam

# Dual step of the data term, in units of its preconditioner: shorter ones leave what no view saw
# far from settled after tens of iterations, longer ones the rest
DATA_STEP = 8.0
SAFETY = 0.95  # of the bound that primal–dual steps must keep


def sirt(A: ParallelBeam, y: torch.Tensor, iterations: int, non_negative: bool) -> torch.Tensor:
    """Simultaneous iterative reconstruction (Gregor & Benson 2008, IEEE Trans. Med. Imaging 27,
    918): x ← x + C Aᵀ R (y − A x), C and R being the inverse sums of A's columns and rows."""
    import torch

    inside = A.circle.expand(len(y), -1, -1).contiguous()
    lengths = A(inside)
    # Rays that only graze the circle would be divided by nearly nothing.
    row_weight = 1 / lengths.clamp_min(0.1 * float(lengths.max()))
    seen = A.T(torch.ones_like(y))
    column_weight = inside / seen.clamp_min(0.3 * float(seen.max()))
    x = torch.zeros_like(inside)
    for _ in range(iterations):
        x += column_weight * A.T(row_weight * (y - A(x)))
        if non_negative:
            x.clamp_min_(0)
    return x


def sart(
    A: ParallelBeam,
    y: torch.Tensor,
    start: torch.Tensor,
    passes: int,
    subsets: int,
    non_negative: bool,
) -> torch.Tensor:
    """Simultaneous algebraic reconstruction (Andersen & Kak 1984, Ultrason. Imaging 6, 81) from
    slices ``row, y, x`` on: x ← x + C Aₛᵀ R (y − Aₛ x) over ordered subsets s of views (Wang &
    Jiang 2004, J. X-Ray Sci. Technol. 12, 169), each of views far apart."""
    import torch

    subsets = min(subsets, len(A.angles_rad))
    order = np.argsort(A.angles_rad, kind="stable")
    inside = A.circle.expand(len(y), -1, -1).contiguous()
    lengths = A(inside)
    # Rays that only graze the circle would be divided by nearly nothing.
    row_weight = 1 / lengths.clamp_min(0.1 * float(lengths.max()))
    seen = A.T(torch.ones_like(y)) / subsets
    column_weight = inside / seen.clamp_min(0.3 * float(seen.max()))
    parts = [(A.of_views(views), torch.from_numpy(views).to(y.device))
             for views in (order[first::subsets] for first in range(subsets))]  # fmt: skip
    x = start * inside
    for _ in range(passes):
        for part, views in parts:
            x += column_weight * part.T(row_weight[:, views] * (y[:, views] - part(x)))
            if non_negative:
                x.clamp_min_(0)
    return x


def cgls(A: ParallelBeam, y: torch.Tensor, iterations: int, non_negative: bool) -> torch.Tensor:
    """Conjugate gradients on the normal equations (Björck 1996, Numerical Methods for Least
    Squares Problems, § 7.4), each row with steps of its own. ``non_negative`` cuts the result."""
    import torch

    inside = A.circle
    x = torch.zeros((len(y), A.size, A.size), dtype=y.dtype, device=y.device)
    residual = y.clone()
    slope = A.T(residual) * inside
    direction = slope.clone()
    power = _dot(slope, slope)
    for _ in range(iterations):
        ahead = A(direction)
        step = power / _dot(ahead, ahead).clamp_min(1e-30)
        x += step * direction
        residual -= step * ahead
        slope = A.T(residual) * inside
        before, power = power, _dot(slope, slope)
        direction = slope + power / before.clamp_min(1e-30) * direction
    return x.clamp_min_(0) if non_negative else x


def total_variation(
    A: ParallelBeam, y: torch.Tensor, strength: float, iterations: int, non_negative: bool
) -> torch.Tensor:
    """argmin ½ (π / views) ‖A x − y‖² + strength · Σ |∇x| over slices inside the circle.

    Chambolle & Pock 2011, J. Math. Imaging Vis. 40, 120, with the dual step of the data term
    preconditioned by the ramp (as Pock & Chambolle 2011, ICCV, allow for any diagonal, here in
    the Fourier domain): AᵀFA is nearly one, so tens of iterations do the work of hundreds. The
    minimiser is that of the unweighted least squares. Starts from filtered back-projection.
    """
    import torch

    inside = A.circle
    scale = float(np.sqrt(np.pi / len(A.angles_rad)))
    turn = 2 * np.pi if A.half_acquisition else np.pi
    share = view_weights(A.angles_rad, turn) * len(A.angles_rad) / turn
    length = 2 * A.columns
    precondition = torch.from_numpy(_preconditioner(A, share, length)).to(y.device)
    sigma = DATA_STEP / _largest(A.for_rows(slice(0, 1)), precondition, length) * precondition
    tau = SAFETY / (2 * DATA_STEP)
    sigma_gradient = SAFETY / (2 * 8 * tau)

    x = A.fbp(y, "hann")
    if non_negative:
        x.clamp_min_(0)
    y = scale * y
    dual = scale * A(x) - y
    slopes = torch.zeros((2, *x.shape), dtype=x.dtype, device=x.device)
    ahead = x
    for _ in range(iterations):
        residual = scale * A(ahead) - y
        dual = _filtered(dual, 1 / (1 + sigma), length) + _filtered(
            residual, sigma / (1 + sigma), length
        )
        slopes += sigma_gradient * _gradient(ahead)
        slopes *= strength / slopes.square().sum(0).sqrt_().clamp_min_(strength)
        before = x
        x = (x - tau * (scale * A.T(dual) - _divergence(slopes))) * inside
        if non_negative:
            x = x.clamp_min(0)
        ahead = 2 * x - before
    return x


def _preconditioner(
    A: ParallelBeam, share: NDArray[np.float64], length: int
) -> NDArray[np.float32]:
    """F with (π / views) AᵀFA at most about one, axes ``angle, rfft bin``: the ramp where views
    lie close enough to share what they see of a frequency, and no more than a single view can
    bear (its rays are up to ``size`` long) beyond that."""
    ramp = share[:, None] * np.abs(np.fft.rfftfreq(length))
    ramp[:, 0] = share / (4 * length)  # the mean must move, too
    alone = len(A.angles_rad) / (np.pi * A.size)
    return np.minimum(ramp, alone).astype(np.float32)


def _largest(A: ParallelBeam, precondition: torch.Tensor, length: int) -> float:
    """The norm of (π / views) AᵀFA inside the circle by power iteration, rounded up, at least 1:
    repeated and unevenly spread directions raise it."""
    import torch

    x = torch.randn(
        (1, A.size, A.size), generator=torch.Generator().manual_seed(0), dtype=torch.float32
    ).to(precondition.device)
    norm = 0.0
    for _ in range(12):
        x = x * A.circle
        x = x / x.norm()
        x = A.T(_filtered(A(x), precondition, length)) * (np.pi / len(A.angles_rad))
        norm = float((x * A.circle).norm())
    return max(1.15 * norm, 1.0)


def _dot(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a * b).sum((1, 2), keepdim=True)


def _filtered(y: torch.Tensor, response: torch.Tensor, length: int) -> torch.Tensor:
    import torch

    return torch.fft.irfft(torch.fft.rfft(y, n=length) * response, n=length)[..., : y.shape[-1]]


def _gradient(x: torch.Tensor) -> torch.Tensor:
    """Forward differences along y and x, none across the last row and column."""
    import torch

    found = torch.zeros((2, *x.shape), dtype=x.dtype, device=x.device)
    found[0, :, :-1] = x[:, 1:] - x[:, :-1]
    found[1, :, :, :-1] = x[:, :, 1:] - x[:, :, :-1]
    return found


def _divergence(slopes: torch.Tensor) -> torch.Tensor:
    """The negative adjoint of ``_gradient``."""
    down, right = slopes
    found = down.clone()
    found[:, 1:] -= down[:, :-1]
    found += right
    found[:, :, 1:] -= right[:, :, :-1]
    return found
