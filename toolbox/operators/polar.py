"""The linear map between rows of a sinogram and a slice, through their common plane waves."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from toolbox.operators.nufft import FinufftPolar, default_threads, has_finufft
from toolbox.operators.torch_nufft import TorchPolar

if TYPE_CHECKING:
    import torch


class PolarTransform:
    """Fourier slice theorem: x(r) = Σ_θ v_θ Σ_k w_k Ŷ_θ(ξ_k) exp(2πi ξ_k r·θ), ξ_k = k / length.

    ``bins`` k must hold −k with every k, with equal weights, so that slices are real; two real
    rows travel as one complex row. ``to_image`` and ``to_sinogram`` are adjoint to each other.
    """

    def __init__(
        self,
        angles_rad: NDArray[np.float64],
        size: int,
        length: int,
        bins: NDArray[np.int64],
        bin_weights: NDArray[np.float64],
        view_weights: NDArray[np.float64],
        device: str = "cpu",
        precision: float = 1e-3,
        threads: int | None = None,
    ) -> None:
        import torch

        self._length, self._size, self._threads = length, size, threads
        self._device = device
        frequency = bins / length
        sin, cos = np.sin(angles_rad)[:, None], np.cos(angles_rad)[:, None]
        # Pixels of an even square lie half a pixel off the whole numbers that the transform knows.
        half = 0.0 if size % 2 else 0.5
        base = (view_weights[:, None] * bin_weights) * np.exp(
            2j * np.pi * half * frequency * (cos + sin)
        )
        self._base = torch.from_numpy(base.astype(np.complex64)).to(device)
        self._index = torch.from_numpy(bins % length).to(device)
        self._frequency = torch.from_numpy(frequency).to(device)
        waves = (
            (2 * np.pi * sin * frequency).astype(np.float32).ravel(),
            (2 * np.pi * cos * frequency).astype(np.float32).ravel(),
        )
        self._nufft: FinufftPolar | TorchPolar
        if device == "cpu" and has_finufft():
            self._nufft = FinufftPolar(*waves, size, precision, threads)
        else:
            self._nufft = TorchPolar(*waves, size, precision, device)

    def to_image(self, y: torch.Tensor, origins: NDArray[np.float64]) -> torch.Tensor:
        """Rows ``row, angle, col`` → slices ``row, y, x``; ``origins``: the axis of each row,
        counted in columns from the first one given."""
        import torch

        slices = y.new_empty((len(y), self._size, self._size))
        for row in range(0, len(y), 2):
            pair = y[row : row + 2]
            if len(pair) == 1:
                waves = self._spectrum(pair[0].to(torch.complex64), origins[row])
            elif origins[row] == origins[row + 1]:
                waves = self._spectrum(torch.complex(pair[0], pair[1]), origins[row])
            else:
                waves = self._spectrum(pair[0].to(torch.complex64), origins[row])
                waves += 1j * self._spectrum(pair[1].to(torch.complex64), origins[row + 1])
            waves *= self._base
            pixels = self._nufft.to_pixels(waves.reshape(-1))
            slices[row] = pixels.real
            if len(pair) == 2:
                slices[row + 1] = pixels.imag
        return slices

    def to_sinogram(
        self, x: torch.Tensor, origins: NDArray[np.float64], columns: int
    ) -> torch.Tensor:
        """The adjoint of ``to_image`` for rows of ``columns`` columns."""
        import torch

        rows = x.new_empty((len(x), len(self._base), columns))
        for row in range(0, len(x), 2):
            pair = x[row : row + 2]
            image = torch.complex(pair[0], pair[1] if len(pair) == 2 else torch.zeros_like(pair[0]))
            waves = self._nufft.to_waves(image).reshape(self._base.shape)
            waves *= self._base.conj()
            line = self._lines(waves, origins[row], columns)
            rows[row] = line.real
            if len(pair) == 2:
                if origins[row + 1] != origins[row]:
                    line = self._lines(waves, origins[row + 1], columns)
                rows[row + 1] = line.imag
        return rows

    def _phase(self, origin: float) -> torch.Tensor:
        import torch

        turn = 2 * np.pi * self._frequency * float(origin)
        return torch.polar(torch.ones_like(turn), turn).to(torch.complex64)

    def _spectrum(self, line: torch.Tensor, origin: float) -> torch.Tensor:
        """Complex lines ``angle, col`` → their plane waves about the axis, ``angle, bin``."""
        import torch

        if line.device.type == "cpu":
            from scipy import fft

            # pocketfft is several times faster here than torch's transform off Intel machines.
            found = torch.from_numpy(
                fft.fft(line.numpy(), n=self._length, axis=1, workers=self._workers())
            )
        else:
            found = torch.fft.fft(line, n=self._length, dim=1)
        return found.index_select(1, self._index) * self._phase(origin)

    def _lines(self, waves: torch.Tensor, origin: float, columns: int) -> torch.Tensor:
        """The adjoint of ``_spectrum``."""
        import torch

        full = waves.new_zeros((len(waves), self._length))
        full[:, self._index] = waves * self._phase(-origin)
        if waves.device.type == "cpu":
            from scipy import fft

            values = fft.ifft(
                full.numpy(), axis=1, norm="forward", overwrite_x=True, workers=self._workers()
            )
            return torch.from_numpy(values)[:, :columns]
        return torch.fft.ifft(full, dim=1, norm="forward")[:, :columns]

    def _workers(self) -> int:
        return self._threads or default_threads()


_TRANSFORMS: OrderedDict[tuple[Any, ...], PolarTransform] = OrderedDict()
_LOCK = threading.Lock()
_KEPT = 4


def polar_transform(
    angles_rad: NDArray[np.float64],
    size: int,
    length: int,
    bins: NDArray[np.int64],
    bin_weights: NDArray[np.float64],
    view_weights: NDArray[np.float64],
    device: str,
    precision: float,
    threads: int | None,
) -> PolarTransform:
    """A transform kept warm: the slabs of one scan share its geometry."""
    digest = hashlib.blake2b(digest_size=16)
    for part in (angles_rad, bins, bin_weights, view_weights):
        digest.update(np.ascontiguousarray(part).tobytes())
    key = (digest.digest(), size, length, device, precision, threads)
    with _LOCK:
        if key in _TRANSFORMS:
            _TRANSFORMS.move_to_end(key)
        else:
            _TRANSFORMS[key] = PolarTransform(
                angles_rad, size, length, bins, bin_weights, view_weights,
                device, precision, threads,
            )  # fmt: skip
            while len(_TRANSFORMS) > _KEPT:
                _TRANSFORMS.popitem(last=False)
        return _TRANSFORMS[key]
