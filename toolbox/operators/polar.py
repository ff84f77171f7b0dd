"""The linear map between rows of a sinogram and a slice, through their common plane waves."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from toolbox.operators.nufft import FinufftPolar, default_threads, has_finufft
from toolbox.operators.torch_nufft import TorchPolar

if TYPE_CHECKING:
    import torch

VIEWS = 32  # views transformed at a time


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
        self._shape = (len(angles_rad), len(bins))
        self._index = torch.from_numpy(bins % length).to(device)
        self._frequency = torch.from_numpy(frequency).to(device)
        waves = (
            (2 * np.pi * sin * frequency).astype(np.float32).ravel(),
            (2 * np.pi * cos * frequency).astype(np.float32).ravel(),
        )
        self._nufft: FinufftPolar | TorchPolar
        if device == "cpu" and has_finufft():
            self._nufft = FinufftPolar(*waves, size, precision)
        else:
            self._nufft = TorchPolar(*waves, size, precision, device)

    def to_image(self, y: torch.Tensor, origins: NDArray[np.float64]) -> torch.Tensor:
        """Rows ``row, angle, col`` → slices ``row, y, x``; ``origins``: the axis of each row,
        counted in columns from the first one given."""
        slices = y.new_empty((len(y), self._size, self._size))

        def work(row: int, threads: int) -> None:
            pair = y[row : row + 2]
            same = len(pair) == 1 or origins[row] == origins[row + 1]
            if isinstance(self._nufft, FinufftPolar):
                with self._nufft.lend(1, threads, self._shape) as warm:
                    self._fast_spectrum(pair.numpy(), origins[row : row + 2], warm.waves, threads)
                    pixels = self._nufft.to_pixels(warm)
                    slices.numpy()[row] = pixels.real
                    if len(pair) == 2:
                        slices.numpy()[row + 1] = pixels.imag
                return
            if same:
                waves = self._spectrum(_complex(pair), origins[row])
            else:
                waves = self._spectrum(_complex(pair[:1]), origins[row])
                waves += 1j * self._spectrum(_complex(pair[1:]), origins[row + 1])
            image = self._nufft.to_pixels((waves * self._base).reshape(-1))
            slices[row] = image.real
            if len(pair) == 2:
                slices[row + 1] = image.imag

        self._share(len(y), work)
        return slices

    def to_sinogram(
        self, x: torch.Tensor, origins: NDArray[np.float64], columns: int
    ) -> torch.Tensor:
        """The adjoint of ``to_image`` for rows of ``columns`` columns."""
        rows = x.new_empty((len(x), len(self._base), columns))

        def work(row: int, threads: int) -> None:
            pair = x[row : row + 2]
            target = rows[row : row + 2]
            if isinstance(self._nufft, FinufftPolar):
                with self._nufft.lend(2, threads, self._shape) as warm:
                    warm.pixels.real = pair[0].numpy()
                    warm.pixels.imag = pair[1].numpy() if len(pair) == 2 else 0
                    self._nufft.to_waves(warm)
                    self._fast_lines(warm.waves, origins[row : row + 2], target.numpy(), threads)
                return
            waves = self._nufft.to_waves(_complex(pair)).reshape(self._base.shape)
            waves = waves * self._base.conj()
            line = self._lines(waves, origins[row], columns)
            target[0] = line.real
            if len(pair) == 2:
                if origins[row + 1] != origins[row]:
                    line = self._lines(waves, origins[row + 1], columns)
                target[1] = line.imag

        self._share(len(x), work)
        return rows

    def _share(self, rows: int, work: Callable[[int, int], None]) -> None:
        """Pairs of rows over the threads; threads left over work within a pair."""
        threads = self._threads or default_threads()
        pairs = range(0, rows, 2)
        if threads == 1 or len(pairs) == 1 or self._device != "cpu":
            for row in pairs:
                work(row, threads)
            return
        workers = min(threads, len(pairs))
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(lambda row: work(row, max(threads // workers, 1)), pairs))

    # ---- lines and waves, on the CPU: some views at a time, to stay in the cache ---------------

    def _fast_spectrum(
        self,
        pair: NDArray[np.float32],
        origins: NDArray[np.float64],
        waves: NDArray[np.complex64],
        threads: int,
    ) -> None:
        from scipy import fft

        base, index = self._base.numpy(), self._index.numpy()
        phases = [self._phase(origin).numpy() for origin in origins]
        together = len(pair) == 2 and origins[0] == origins[1]

        def part(views: slice) -> None:
            if together or len(pair) == 1:
                line = pair[0, views].astype(np.complex64)
                if together:
                    line.imag = pair[1, views]
                # pocketfft is several times faster than torch's transform off Intel machines.
                full = fft.fft(line, n=self._length, axis=1, overwrite_x=True)
                np.take(full, index, axis=1, out=waves[views], mode="clip")
                waves[views] *= phases[0]
            else:
                waves[views] = fft.fft(pair[0, views], n=self._length, axis=1)[:, index] * phases[0]
                second = fft.fft(pair[1, views], n=self._length, axis=1)[:, index] * phases[1]
                waves[views] += 1j * second
            waves[views] *= base[views]

        _in_parts(part, len(base), threads)

    def _fast_lines(
        self,
        waves: NDArray[np.complex64],
        origins: NDArray[np.float64],
        target: NDArray[np.float32],
        threads: int,
    ) -> None:
        from scipy import fft

        base, index = self._base.numpy(), self._index.numpy()
        columns = target.shape[-1]

        def lines(views: slice, origin: float) -> NDArray[np.complex64]:
            full = np.zeros((len(base[views]), self._length), np.complex64)
            full[:, index] = waves[views] * self._phase(-origin).numpy()
            return fft.ifft(full, axis=1, norm="forward", overwrite_x=True)[:, :columns]

        def part(views: slice) -> None:
            waves[views] *= base[views].conj()
            found = lines(views, origins[0])
            target[0, views] = found.real
            if len(target) == 2:
                if origins[1] != origins[0]:
                    found = lines(views, origins[1])
                target[1, views] = found.imag

        _in_parts(part, len(base), threads)

    # ---- the same on any device ----------------------------------------------------------------

    def _phase(self, origin: float) -> torch.Tensor:
        import torch

        turn = 2 * np.pi * self._frequency * float(origin)
        return torch.polar(torch.ones_like(turn), turn).to(torch.complex64)

    def _spectrum(self, line: torch.Tensor, origin: float) -> torch.Tensor:
        """Complex lines ``angle, col`` → their plane waves about the axis, ``angle, bin``."""
        import torch

        found = torch.fft.fft(line, n=self._length, dim=1)
        return found.index_select(1, self._index) * self._phase(origin)

    def _lines(self, waves: torch.Tensor, origin: float, columns: int) -> torch.Tensor:
        """The adjoint of ``_spectrum``."""
        import torch

        full = waves.new_zeros((len(waves), self._length))
        full[:, self._index] = waves * self._phase(-origin)
        return torch.fft.ifft(full, dim=1, norm="forward")[:, :columns]


def _complex(pair: torch.Tensor) -> torch.Tensor:
    import torch

    return torch.complex(pair[0], pair[1] if len(pair) == 2 else torch.zeros_like(pair[0]))


def _in_parts(part: Callable[[slice], None], views: int, threads: int) -> None:
    pieces = [slice(start, start + VIEWS) for start in range(0, views, VIEWS)]
    if threads == 1:
        for piece in pieces:
            part(piece)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(part, pieces))


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
