"""The parallel-beam operator: projection, its exact adjoint, filtered back-projection."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metadata.errors import InputError
from toolbox.operators import weights as weighting
from toolbox.operators.filters import radial_quadrature
from toolbox.operators.polar import PolarTransform, polar_transform
from toolbox.operators.tilt import RowShear

if TYPE_CHECKING:
    import torch

PADDINGS = ("auto", "zero", "edge")
MARGIN = 0.055  # of the reach: what the period of the filter is longer than it


class ParallelBeam:
    """Parallel-beam geometry: ``A(x)`` projects slices, ``A.T(y)`` is the exact adjoint.

    ``x`` has axes ``row, y, x`` (1/px), ``y`` has axes ``row, angle, col`` (no unit); float32 on
    ``device``; both calls are differentiable. ``center`` is the axis in columns, one number or
    one for each row. With ``tilt_rad`` the axis leans in the detector plane, by
    ``tan(tilt_rad)`` columns a row (``center`` then holds at the middle row given), and rows mix.
    ``size`` is the side of a slice: ``columns``, or the wider field of a full turn about an axis
    off the middle (half acquisition).

    Projections are those of the band-limited image (Fourier slice theorem), computed by
    non-uniform Fourier transforms to about ``precision``.

    >>> import torch
    >>> A = ParallelBeam(np.linspace(0, np.pi, 30, endpoint=False), columns=32)
    >>> A(torch.ones(1, 32, 32)).shape
    torch.Size([1, 30, 32])
    """

    def __init__(
        self,
        angles_rad: ArrayLike,
        columns: int,
        center: ArrayLike | None = None,
        tilt_rad: float = 0.0,
        size: int | None = None,
        device: str = "cpu",
        half_acquisition: bool | None = None,
        precision: float = 1e-3,
        threads: int | None = None,
    ) -> None:
        self.angles_rad = np.asarray(angles_rad, np.float64)
        if self.angles_rad.ndim != 1 or not len(self.angles_rad):
            raise InputError(
                f"The angles have shape {self.angles_rad.shape}, expected one number for each "
                f"projection, in rad."
            )
        if not np.isfinite(self.angles_rad).all():
            raise InputError("Some angles are not finite; give each projection its angle in rad.")
        self.columns = columns
        self.center = np.asarray((columns - 1) / 2 if center is None else center, np.float64)
        self.tilt_rad = tilt_rad
        self.device = device
        self.precision = precision
        self.threads = threads
        middle = float(self.center.mean())
        if half_acquisition is None:
            half_acquisition = weighting.is_half_acquisition(self.angles_rad, columns, middle)
        self.half_acquisition = half_acquisition
        wide = weighting.wide_size(columns, middle) if half_acquisition else columns
        self.size = size or wide

    # ---- the pair ------------------------------------------------------------------------

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Projections ``row, angle, col`` of slices ``row, y, x``."""
        self._expect(x, (self.size, self.size), "slices `row, y, x`")
        return _linear(x, self._project, self._back_project)

    def T(self, y: torch.Tensor) -> torch.Tensor:
        """The adjoint: unfiltered back-projection of ``row, angle, col`` to ``row, y, x``."""
        self._expect(y, self.range_shape(len(y))[1:], "projections `row, angle, col`")
        return _linear(y, self._back_project, self._project)

    def domain_shape(self, rows: int = 1) -> tuple[int, int, int]:
        return rows, self.size, self.size

    def range_shape(self, rows: int = 1) -> tuple[int, int, int]:
        return rows, len(self.angles_rad), self.columns

    def for_rows(self, chosen: slice) -> ParallelBeam:
        """The operator of some of its rows (those of an axis given for each row); the prepared
        transforms are shared."""
        self._plain  # noqa: B018 — made once, before the copy
        self.__dict__.setdefault("_filters", {})
        other = copy.copy(self)
        if self.center.ndim:
            other.center = self.center[chosen]
        return other

    def of_views(self, chosen: NDArray[np.intp]) -> ParallelBeam:
        """The operator of some of its views."""
        return ParallelBeam(
            self.angles_rad[chosen], self.columns, self.center, self.tilt_rad, self.size,
            self.device, self.half_acquisition, self.precision, self.threads,
        )  # fmt: skip

    def straightened(self, y: torch.Tensor) -> tuple[ParallelBeam, torch.Tensor]:
        """The operator without tilt, and projections with their rows laid along the slices."""
        if not self.tilt_rad:
            return self, y
        other = copy.copy(self)
        other.center, other.tilt_rad = self._centers(len(y)), 0.0
        return other, self._shear(len(y)).straighten(y)

    def _project(self, x: torch.Tensor) -> torch.Tensor:
        y = self._plain.to_sinogram(x, self._centers(len(x)), self.columns)
        return self._shear(len(y)).gather(y) if self.tilt_rad else y

    def _back_project(self, y: torch.Tensor) -> torch.Tensor:
        if self.tilt_rad:
            y = self._shear(len(y)).scatter(y)
        return self._plain.to_image(y, self._centers(len(y)))

    @cached_property
    def _plain(self) -> PolarTransform:
        """All waves of a period that holds the slice's corners and the whole detector."""
        period = _even_fast(self._farthest_column() + self.size / np.sqrt(2) + 16)
        k = np.rint(np.fft.fftfreq(period) * period).astype(np.int64)
        k = k[np.abs(k) < period // 2]  # the Nyquist wave has no mirror image
        return self._transform(
            period, k, np.full(len(k), 1 / period), np.ones_like(self.angles_rad)
        )

    # ---- filtered back-projection ----------------------------------------------------------

    def fbp(
        self, y: torch.Tensor, filter: str = "ramp", padding: str = "auto", circle: bool = True
    ) -> torch.Tensor:
        """Filtered back-projection of ``row, angle, col`` to ``row, y, x``, differentiable.

        ``filter``: ramp, shepp-logan, cosine, hamming, hann, none. ``padding``: what is assumed
        beside the detector: nothing (zero), or the last columns going on (edge: the sample is
        wider than the field); auto looks at the values. ``circle``: nothing outside the circle
        that all views see.
        """
        self._expect(y, self.range_shape(len(y))[1:], "projections `row, angle, col`")
        if padding not in PADDINGS:
            raise InputError(f"The padding is {padding!r}, expected one of {', '.join(PADDINGS)}.")
        if padding == "auto":
            padding = "edge" if is_truncated(y) else "zero"
        transform, length = self._filtered(filter, circle)
        centers = self._centers(len(y))
        if self.tilt_rad:
            y = self._shear(len(y)).straighten(y)
        if self.half_acquisition:
            import torch

            share = weighting.redundancy_weights(self.columns, float(centers.mean()))
            y = y * torch.from_numpy(share.astype(np.float32)).to(y.device)
        left = 0
        if padding == "edge":
            left = (length - self.columns) // 2
            y = extend_edges(y, left, length - self.columns - left)
        origins = centers + left
        width = y.shape[-1]
        x = _linear(
            y,
            lambda v: transform.to_image(v, origins),
            lambda v: transform.to_sinogram(v, origins, width),
        )
        return (
            x.mul_(self.circle)
            if circle and not x.requires_grad
            else (x * self.circle if circle else x)
        )

    @cached_property
    def circle(self) -> torch.Tensor:
        """1 inside the circle that touches the sides of a slice, 0 outside, ``y, x``."""
        import torch

        r = torch.arange(self.size, dtype=torch.float32, device=self.device) - (self.size - 1) / 2
        return (r[:, None] ** 2 + r**2 <= (self.size / 2) ** 2).float()

    def _filtered(self, filter: str, circle: bool) -> tuple[PolarTransform, int]:
        known = self.__dict__.setdefault("_filters", {})
        if (filter, circle) not in known:
            radius = self.size / (2 if circle else np.sqrt(2))
            reach = self._farthest_column() + radius
            margin = max(MARGIN * reach, 24)
            period = _even_fast(reach + margin)
            corrections = int(np.ceil(2 * period / margin * 3))
            bins, response = radial_quadrature(filter, period, min(corrections, period))
            views = (
                weighting.view_weights(self.angles_rad, 2 * np.pi)
                if self.half_acquisition
                else weighting.view_weights(self.angles_rad)
            )
            known[filter, circle] = self._transform(2 * period, bins, response, views), 2 * period
        return known[filter, circle]

    # ---- parts -----------------------------------------------------------------------------

    def _transform(
        self,
        length: int,
        bins: NDArray[np.int64],
        response: NDArray[np.float64],
        views: NDArray[np.float64],
    ) -> PolarTransform:
        return polar_transform(
            self.angles_rad, self.size, length, bins, response, views,
            self.device, self.precision, self.threads,
        )  # fmt: skip

    def _shear(self, rows: int) -> RowShear:
        return RowShear(self._centers(rows), self.columns, self.tilt_rad, self.device)

    def _farthest_column(self) -> float:
        center = self.center
        return float(max(center.max(), self.columns - 1 - center.min()))

    def _centers(self, rows: int) -> NDArray[np.float64]:
        """The axis column at each of so many rows."""
        if self.center.ndim == 0:
            middle = np.arange(rows) - (rows - 1) / 2
            return float(self.center) + np.tan(self.tilt_rad) * middle
        if len(self.center) != rows:
            raise InputError(
                f"{rows} rows were given to an operator with the axis of {len(self.center)} rows; "
                f"make one operator for each block of rows."
            )
        return self.center

    def _expect(self, values: torch.Tensor, frame: tuple[int, ...], what: str) -> None:
        import torch

        if values.ndim != 3 or tuple(values.shape[1:]) != frame or values.dtype != torch.float32:
            raise InputError(
                f"The operator was given {values.dtype} of shape {tuple(values.shape)}, expected "
                f"float32 {what} with the last two axes {frame}."
            )


def is_truncated(y: torch.Tensor) -> bool:
    """Whether the sample seems wider than the field: the outer 2 % of columns hold, in the median
    over views and rows of their mean on either side, more than 5 % of the 99th percentile."""
    import torch

    outer = max(y.shape[-1] // 50, 1)
    sides = torch.stack([y[..., :outer].mean(-1), y[..., -outer:].mean(-1)])
    thinned = y[:, :: max(y.shape[1] // 64, 1)].reshape(-1)
    thinned = thinned[:: max(len(thinned) // 1_000_000, 1)]
    top = torch.quantile(thinned, 0.99)
    return bool(sides.flatten(1).median(1).values.max() > 0.05 * top.clamp_min(1e-12))


def extend_edges(y: torch.Tensor, left: int, right: int) -> torch.Tensor:
    """Go on with the mean of the outer columns, one side fading into the other around the back
    (the filter sees a periodic line): no step, so no false edge."""
    import torch

    outer = max(min(y.shape[-1] // 200, 8), 1)
    first = y[..., :outer].mean(-1, keepdim=True)
    last = y[..., -outer:].mean(-1, keepdim=True)
    way = torch.arange(1, left + right + 1, device=y.device, dtype=y.dtype) / (left + right + 1)
    fade = way * way * (3 - 2 * way)
    around = last + (first - last) * fade
    return torch.cat([around[..., right:], y, around[..., :right]], -1)


def _even_fast(length: float) -> int:
    """An even length, at least this, with small prime factors in it and its double."""
    from scipy.fft import next_fast_len

    return 2 * next_fast_len(int(np.ceil(length / 2)))


def _linear(
    values: torch.Tensor,
    forward: Callable[[torch.Tensor], torch.Tensor],
    adjoint: Callable[[torch.Tensor], torch.Tensor],
) -> torch.Tensor:
    """A linear map with its adjoint as gradient, itself differentiable."""
    import torch

    if not (values.requires_grad and torch.is_grad_enabled()):
        return forward(values)

    class Linear(torch.autograd.Function):
        @staticmethod
        def forward(_: object, given: torch.Tensor) -> torch.Tensor:
            return forward(given)

        @staticmethod
        def backward(_: object, slope: torch.Tensor) -> torch.Tensor:
            return _linear(slope, adjoint, forward)

    return Linear.apply(values)
