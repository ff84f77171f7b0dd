"""Polar transforms in torch alone: for CUDA devices, and where finufft is missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

CHUNK = 1 << 20  # waves spread at a time: bounds the memory of their indices


class TorchPolar:
    """The same sums as ``FinufftPolar`` on any torch device, by gridding with the kernel
    exp(β(√(1 − z²) − 1)) on a grid twice as fine (Barnett et al. 2019, § 3).

    The adjoint uses the same kernel values, so the pair is adjoint to rounding. On CUDA the
    order of additions, and with it the last digit, changes from call to call.
    """

    def __init__(
        self,
        y_wave: NDArray[np.float32],
        x_wave: NDArray[np.float32],
        size: int,
        precision: float,
        device: str,
    ) -> None:
        import torch
        from scipy.fft import next_fast_len

        self._width = min(max(int(np.ceil(np.log10(10 / precision))), 3), 8)
        self._beta = 2.3 * self._width
        self._size = size
        self._fine = 2 * next_fast_len(max(size, self._width))
        self._waves = tuple(
            torch.from_numpy(wave.astype(np.float32)).to(device) for wave in (y_wave, x_wave)
        )
        modes = np.arange(size) - size // 2
        inverse = 1 / self._kernel_transform(modes / self._fine)
        spectrum = torch.from_numpy(inverse.astype(np.float32)).to(device)
        self._undo = spectrum[:, None] * spectrum
        self._place = torch.from_numpy(modes % self._fine).to(device)

    def _kernel_transform(self, frequency: NDArray[np.float64]) -> NDArray[np.float64]:
        nodes, weights = np.polynomial.legendre.leggauss(64)
        half = self._width / 2
        kernel = np.exp(self._beta * (np.sqrt(1 - nodes**2) - 1))
        return half * (np.cos(2 * np.pi * np.outer(frequency, nodes * half)) @ (weights * kernel))

    def _taps(self) -> Iterator[tuple[slice, torch.Tensor, torch.Tensor]]:
        """For chunks of waves: the grid cells that each one touches, and the kernel there."""
        import torch

        step = torch.arange(self._width, device=self._waves[0].device)
        for start in range(0, len(self._waves[0]), CHUNK):
            chosen = slice(start, start + CHUNK)
            cells, values = [], []
            for wave in self._waves:
                position = wave[chosen].double() * (self._fine / (2 * np.pi))
                first = torch.ceil(position - self._width / 2)
                z = (first - position)[:, None].float() + step
                z = (z / (self._width / 2)).square_().neg_().add_(1).clamp_min_(0)
                values.append(z.sqrt_().sub_(1).mul_(self._beta).exp_())
                cells.append((first.long()[:, None] + step) % self._fine)
            index = cells[0][:, :, None] * self._fine + cells[1][:, None, :]
            kernel = values[0][:, :, None] * values[1][:, None, :]
            yield chosen, index.flatten(1), kernel.flatten(1)

    def to_pixels(self, waves: torch.Tensor) -> torch.Tensor:
        """Strengths of the waves → pixels, axes ``y, x``."""
        import torch

        grid = torch.zeros((self._fine**2, 2), dtype=torch.float32, device=waves.device)
        for chosen, index, kernel in self._taps():
            parts = torch.view_as_real(waves[chosen])
            for tap in range(index.shape[1]):
                grid.index_add_(0, index[:, tap], parts * kernel[:, tap, None])
        plane = torch.view_as_complex(grid).reshape(self._fine, self._fine)
        image = torch.fft.ifft2(plane, norm="forward")
        return image[self._place][:, self._place] * self._undo

    def to_waves(self, pixels: torch.Tensor) -> torch.Tensor:
        """The adjoint: pixels ``y, x`` → strengths."""
        import torch

        grid = pixels.new_zeros((self._fine, self._fine))
        grid[self._place[:, None], self._place] = pixels * self._undo
        plane = torch.view_as_real(torch.fft.fft2(grid).reshape(-1))
        waves = torch.zeros((len(self._waves[0]), 2), dtype=torch.float32, device=pixels.device)
        for chosen, index, kernel in self._taps():
            for tap in range(index.shape[1]):
                waves[chosen] += plane[index[:, tap]] * kernel[:, tap, None]
        return torch.view_as_complex(waves)
