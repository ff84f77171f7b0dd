"""A slice on a few places only, in numpy: to look at, without loading torch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from toolbox.operators.weights import (
    is_half_acquisition,
    redundancy_weights,
    view_weights,
    wide_size,
)

VALUES = 400_000  # interpolated at a time: they stay in the cache
Image = NDArray[np.float32]


class QuickSlice:
    """Filtered back-projection (Kak & Slaney 1988, ch. 3; Hann window) of one row, ``angle, col``,
    about the axis at a column. ``size``: the side of the whole slice in px.

    >>> chord = 2 * np.sqrt(np.maximum(100 - (np.arange(64) - 32.0) ** 2, 0))  # of a disc of one
    >>> angles = np.linspace(0, np.pi, 60, endpoint=False)
    >>> slice_ = QuickSlice(np.tile(chord, (60, 1)), angles, 32.0).at(step=1.0, side=9)
    >>> bool(abs(slice_ - 1).max() < 0.05)
    True
    """

    def __init__(self, row: Image, angles_rad: NDArray[np.float64], column: float) -> None:
        columns = row.shape[-1]
        half = is_half_acquisition(angles_rad, columns, column)
        self.size = wide_size(columns, column) if half else columns
        self._column, self._angles = column, angles_rad
        share = redundancy_weights(columns, column) if half else np.ones(columns)
        weights = view_weights(angles_rad, 2 * np.pi) if half else view_weights(angles_rad)
        self._lines = (_filtered(row * share) * weights[:, None]).astype(np.float32)

    def at(self, step: float, side: int) -> Image:
        """``y, x`` about the axis, ``side`` places a side, ``step`` px apart; what not all views
        see is 0."""
        along = (np.arange(side) - (side - 1) / 2) * step
        y, x = (p.ravel().astype(np.float32) for p in np.meshgrid(along, along, indexing="ij"))
        found = np.zeros(side * side, np.float32)
        many = max(VALUES // found.size, 1)
        last = np.float32(self._lines.shape[1] - 1.001)
        for first in range(0, len(self._angles), many):
            angles = self._angles[first : first + many, None]
            lines = self._lines[first : first + many]
            cos, sin = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
            place = x * cos + y * sin + np.float32(self._column)
            seen = (place >= 0) & (place <= last)
            place = np.clip(place, 0, last)
            left = place.astype(np.int32)
            part = place - left
            flat = left + (np.arange(len(lines), dtype=np.int32) * lines.shape[1])[:, None]
            values = lines.ravel()
            low = values.take(flat)
            found += ((low + part * (values.take(flat + 1) - low)) * seen).sum(axis=0)
        found *= x**2 + y**2 <= (self.size / 2) ** 2
        return found.reshape(side, side)


def _filtered(row: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Rows through the ramp; beside the detector its edges go on and fade into one another."""
    count = row.shape[-1]
    length = 1 << (2 * count - 1).bit_length()
    outer = max(count // 64, 1)
    first, last = row[:, :outer].mean(-1, keepdims=True), row[:, -outer:].mean(-1, keepdims=True)
    fade = np.linspace(0, 1, length - count)
    whole = np.concatenate([row, last + (first - last) * fade], axis=-1)
    at = np.arange(length)
    at = np.minimum(at, length - at)
    kernel = np.where(at % 2 == 1, -1.0 / (np.pi * np.maximum(at, 1)) ** 2, 0.0)
    kernel[0] = 0.25
    response = np.fft.rfft(kernel).real
    response *= 0.5 + 0.5 * np.cos(2 * np.pi * np.fft.rfftfreq(length))
    return np.fft.irfft(np.fft.rfft(whole, axis=-1) * response, length, axis=-1)[:, :count]
