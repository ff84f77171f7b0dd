"""What the result of a pipeline on one slice looks like, without any truth beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.graph_network.rehearsal import explained
from toolbox.kinds import DataKind
from toolbox.metrics import circle_mask
from toolbox.values import Block, Center, Quantities

Image = NDArray[np.float32]
Floats = NDArray[np.float32]
BANDS = ((0.04, 0.14), (0.14, 0.3), (0.3, 0.5))  # cycles per pixel
SECTORS = 8  # of the circle, in each of which rings are sought
ORIENTATIONS = 12
MOST_CLASSES = 8  # more labels than this are numbered objects
#: What :attr:`Result.look` holds, in order.
LOOK = (
    "gradient", "noise", "rings", "two greys", "three greys", "four greys", "skewness", "kurtosis",
    "even gradient", "negative", "rim", "anisotropy", "coarse", "middle", "fine", "misfit",
    "misfit in stripes", "misfit in views", "misfit fine", "misfit rare", "stripes", "rough",
    "changed", "changed in stripes", "axis", "labelled", "classes", "explained", "borders",
    "smallest", "border gradient",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Result:
    """What a pipeline gave of one slice: ``volume`` (``y, x``), ``labels`` (``y, x``; none) and
    ``numbers`` (none); the ``sinogram`` that it reconstructed (``angle, col``) about ``center``,
    its ``angles_rad``, and the ``plain`` sinogram before any repair (none where other columns or
    views remained)."""

    volume: Image
    labels: NDArray[np.integer] | None
    numbers: Quantities | None
    sinogram: Image
    plain: Image | None
    center: Center
    angles_rad: NDArray[np.float64]

    @classmethod
    def of(cls, values: Mapping[DataKind, Any], plain: Block | None) -> Result | None:
        """From the last value of each kind and the plain attenuation; None where there is no
        volume, no sinogram or no axis."""
        volume, center = values.get(DataKind.VOLUME), values.get(DataKind.CENTER)
        block = values.get(DataKind.SINOGRAM, values.get(DataKind.PROJECTIONS))
        if volume is None or center is None or block is None:
            return None
        row = len(volume.values) // 2
        sinogram = _row(block)
        before = _row(plain) if plain is not None else None
        if before is not None and before.shape != sinogram.shape:
            before = None
        labels = values.get(DataKind.LABELS)
        return cls(
            np.nan_to_num(volume.values[row]).astype(np.float32),
            None if labels is None else labels.values[row],
            values.get(DataKind.QUANTITIES),
            sinogram,
            before,
            center,
            np.asarray(block.geometry.angles_rad, np.float64),
        )

    @cached_property
    def look(self) -> Floats:
        """Numbers of about one, as :data:`LOOK` names them."""
        found = [*_slice_look(self._standard, self.mask), *self._rim, *_spectrum(self._standard),
                 *self._misfit(), *self._row_look(), *self._labels_look()]  # fmt: skip
        return np.clip(np.nan_to_num(np.array(found, np.float32), posinf=9, neginf=-9), -20, 20)

    @cached_property
    def mask(self) -> NDArray[np.bool_]:
        return circle_mask(self.volume.shape[-1])

    @cached_property
    def _standard(self) -> Image:
        inside = self.volume[self.mask]
        return (self.volume - inside.mean()) / (inside.std() + 1e-12)

    @cached_property
    def signatures(self) -> tuple[Floats, Floats]:
        """The slice and its fine structure inside the circle, each of length one: products of two
        results' are correlations."""
        from scipy.ndimage import gaussian_filter

        fine = self._standard - gaussian_filter(self._standard, 2.0)
        found = []
        for image in (self._standard, fine):
            inside = image[self.mask] - image[self.mask].mean()
            found.append((inside / (np.linalg.norm(inside) + 1e-12)).astype(np.float32))
        return found[0], found[1]

    @cached_property
    def _rim(self) -> tuple[float, float]:
        """Energy of negative values, and the spread near the rim of the circle."""
        side = self.volume.shape[-1]
        y, x = np.indices((side, side)) - (side - 1) / 2
        rim = self.mask & (np.hypot(y, x) > 0.44 * side)
        inside = self.volume[self.mask]
        negative = float((np.minimum(inside, 0) ** 2).sum() / ((inside**2).sum() + 1e-12))
        return _log(negative, 1e-4), _log(float(self._standard[rim].std()), 1e-3)

    def _misfit(self) -> tuple[float, float, float, float, float]:
        """How the slice's projections differ from the row that it was made of."""
        import torch

        from toolbox.operators.parallel_beam import ParallelBeam

        operator = ParallelBeam(self.angles_rad, self.sinogram.shape[-1], self.center.column,
                                size=self.volume.shape[-1])  # fmt: skip
        with torch.inference_mode():
            found = operator(torch.from_numpy(self.volume[None].copy()))[0].cpu().numpy()
        wanted = self.sinogram
        a, b = found - found.mean(), wanted - wanted.mean()
        factor = float((a * b).sum() / ((a * a).sum() + 1e-12))
        residual = factor * a - b
        energy = float((residual**2).mean()) + 1e-12
        stripes = float((residual.mean(axis=0) ** 2).mean()) / energy
        views = float((residual.mean(axis=1) ** 2).mean()) / energy
        fine = float((np.diff(residual, axis=1) ** 2).mean()) / energy / 2
        rare = float(np.median(np.abs(residual))) / math.sqrt(energy)
        return (_log(energy / (float((b * b).mean()) + 1e-12), 1e-6), _log(stripes, 1e-4),
                _log(views, 1e-5), _log(fine, 1e-3), rare)  # fmt: skip

    def _row_look(self) -> tuple[float, float, float, float, float]:
        """The row itself and what was changed in it, and how unsure the axis is."""
        from toolbox.stripes import stripe_energy

        row = self.sinogram
        stripes = _log(float(stripe_energy(row[None])[0]), 1e-3)
        rough = _log(float((np.diff(row, axis=1) ** 2).mean() / (row.var() + 1e-12)), 1e-5)
        changed, striped = math.log(1e-6), 0.0
        if self.plain is not None:
            change = row - self.plain
            energy = float((change**2).mean())
            changed = _log(energy / (float(self.plain.var()) + 1e-12), 1e-6)
            striped = float((change.mean(axis=0) ** 2).mean()) / (energy + 1e-12)
        width = self.center.high - self.center.low
        return stripes, rough, changed, striped, math.asinh(width if np.isfinite(width) else 1e3)

    def _labels_look(self) -> tuple[float, float, float, float, float, float]:
        """Whether there are labels; how many, what of the slice's variance they leave, how long
        their borders, how rare the rarest, and how steep the slice is at the borders."""
        if self.labels is None:
            return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        labels = self.labels
        if labels.max(initial=0) >= MOST_CLASSES:
            labels = (labels > 0).astype(labels.dtype)
        inside = labels[self.mask].astype(np.intp)
        values = self._standard[self.mask]
        count = np.bincount(inside)
        sums, squares = np.bincount(inside, values), np.bincount(inside, values**2)
        present = count > 0
        within = float((squares[present] - sums[present] ** 2 / count[present]).sum() / len(inside))
        gradient = np.hypot(*np.gradient(self._standard))
        border = np.zeros(labels.shape, bool)
        border[:-1] |= labels[:-1] != labels[1:]
        border[:, :-1] |= labels[:, :-1] != labels[:, 1:]
        border &= self.mask
        steep = float(gradient[border].mean()) if border.any() else 0.0
        steep /= float(gradient[self.mask].mean()) + 1e-12
        return (1.0, np.count_nonzero(present) / 4, _log(within, 1e-3),
                _log(border.sum() / self.mask.sum(), 1e-3),
                _log(count[present].min() / len(inside), 1e-3), steep / 2)  # fmt: skip


def _row(block: Block) -> Image:
    """The middle row of a block, ``angle, col``."""
    values = block.as_kind(DataKind.SINOGRAM).values
    return np.nan_to_num(values[len(values) // 2]).astype(np.float32)


def _slice_look(image: Image, mask: NDArray[np.bool_]) -> list[float]:
    """Gradient, noise, rings, how few greys explain it, and the shapes of its histograms."""
    from scipy.ndimage import gaussian_filter

    inside = mask[:-1, :-1]
    down, across = np.diff(image, axis=0)[:, :-1][inside], np.diff(image, axis=1)[:-1][inside]
    power = down**2 + across**2
    diagonal = (image[1:, 1:] - image[1:, :-1] - image[:-1, 1:] + image[:-1, :-1])[inside] / 2
    noise = float(np.median(np.abs(diagonal))) / 0.6745
    spread = gaussian_filter(image, 1.0)[mask].astype(np.float64)
    spread = (spread - spread.mean()) / (spread.std() + 1e-12)
    even = float(np.sqrt(power).mean() / (math.sqrt(float(power.mean())) + 1e-12))
    return [_log(float(power.mean()), 1e-6), _log(noise, 1e-4), _rings(image, mask),
            *explained(spread), float((spread**3).mean()),
            _log(float((spread**4).mean()), 1e-6), even]  # fmt: skip


def _rings(image: Image, mask: NDArray[np.bool_]) -> float:
    """How strong rings are: what changes from radius to radius within a sector."""
    from scipy.ndimage import gaussian_filter, median_filter

    side = image.shape[-1]
    y, x = np.indices(image.shape) - (side - 1) / 2
    radius = np.rint(np.hypot(y, x)).astype(np.intp)
    sector = ((np.arctan2(y, x) + math.pi) / (2 * math.pi) * SECTORS).astype(np.intp) % SECTORS
    fine = image - gaussian_filter(image, 3.0)
    place = (sector * (side + 1) + radius)[mask]
    count = np.bincount(place, minlength=SECTORS * (side + 1)).reshape(SECTORS, -1)
    total = np.bincount(place, fine[mask], SECTORS * (side + 1)).reshape(SECTORS, -1)
    profile = total / np.maximum(count, 1)
    sharp = profile - median_filter(profile, (1, 5))
    known = count >= 6
    return _log(float((sharp[known] ** 2).mean()), 1e-7) if known.any() else 0.0


def _spectrum(image: Image) -> list[float]:
    """How uneven the power is over the directions, and its share in :data:`BANDS`."""
    power = np.abs(np.fft.rfft2(image * _window(len(image)))) ** 2
    fy, fx = np.fft.fftfreq(len(image))[:, None], np.fft.rfftfreq(len(image))[None]
    q = np.hypot(fy, fx)
    total = float(power[(q > 0.01) & (q < 0.5)].sum()) + 1e-12
    middle = (q > 0.08) & (q < 0.4)
    turn = ((np.arctan2(fy, fx) + math.pi / 2) / math.pi * ORIENTATIONS).astype(np.intp)
    turn = np.broadcast_to(np.minimum(turn, ORIENTATIONS - 1), power.shape)
    total_by_turn = np.bincount(turn[middle], power[middle], ORIENTATIONS)
    by_turn = total_by_turn / np.maximum(np.bincount(turn[middle], minlength=ORIENTATIONS), 1)
    uneven = float(np.log(by_turn + 1e-12).std())
    return [uneven] + [_log(float(power[(q >= a) & (q < b)].sum()) / total, 1e-5)
                       for a, b in BANDS]  # fmt: skip


def _window(side: int) -> Image:
    one = np.hanning(side).astype(np.float32)
    return one[:, None] * one[None]


def _log(value: float, least: float) -> float:
    return math.log(max(value, 0.0) + least)
