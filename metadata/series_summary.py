"""Samples in bins of time: how many there were, and the lowest, mean and highest reading."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metadata.series import Mark, Samples, Times, Values

FIELDS = np.dtype(
    [("bin", "<i8"), ("count", "<u4"), ("good", "<u4"), ("low", "<f8"), ("high", "<f8"),
     ("mean", "<f8"), ("square", "<f8"), ("first", "<f8"), ("last", "<f8")]
)  # fmt: skip
Bins = NDArray[np.void]


@dataclass(frozen=True, eq=False)
class Summary:
    """One entry a bin that holds samples, in order. ``times``: the middle of the bins, unix s;
    ``count``: all samples, ``good``: readings among them, of which ``low``, ``mean``, ``high`` and
    ``deviation`` are (NaN where there are none); ``first`` and ``last``: times of the outermost
    samples, so that a gap shows in the bins as well."""

    metric: str
    resolution: float
    times: Times
    count: NDArray[np.int64]
    good: NDArray[np.int64]
    low: Values
    mean: Values
    high: Values
    deviation: Values
    first: Times
    last: Times
    unit: str = ""

    def __len__(self) -> int:
        return len(self.times)

    def samples(self) -> Samples:
        """The means as samples; bins without a reading are marked as such."""
        marks = np.where(self.good > 0, np.uint8(Mark.GOOD), np.uint8(Mark.INVALID))
        return Samples(self.metric, self.times, self.mean, marks, self.unit)


def bins_of(times: Times, values: Values, marks: NDArray[np.uint8], width: float) -> Bins:
    """Samples in order of time, in bins of ``width`` s that begin at whole multiples of it."""
    if not len(times):
        return np.zeros(0, FIELDS)
    place = np.floor(times / width).astype(np.int64)
    begins = np.flatnonzero(np.diff(place, prepend=place[0] - 1))
    ends = np.r_[begins[1:], len(times)]
    good = ((marks == Mark.GOOD) | (marks == Mark.RESTARTED)) & np.isfinite(values)
    out = np.zeros(len(begins), FIELDS)
    out["bin"], out["count"] = place[begins], ends - begins
    out["first"], out["last"] = times[begins], times[ends - 1]
    readings = np.add.reduceat(good.astype(np.int64), begins)
    out["good"] = readings
    out["low"] = np.minimum.reduceat(np.where(good, values, np.inf), begins)
    out["high"] = np.maximum.reduceat(np.where(good, values, -np.inf), begins)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.add.reduceat(np.where(good, values, 0.0), begins) / readings
        apart = np.where(good, values - np.repeat(mean, ends - begins), 0.0)
        out["mean"], out["square"] = mean, np.add.reduceat(apart**2, begins)
    out["square"][readings == 0] = 0.0
    return out


def widened(parts: Sequence[Bins], times: int) -> Bins:
    """Bins of several pieces, ``times`` of them in one, in order.

    Means and squares are joined as Chan, Golub and LeVeque (1983) do, so that nothing is lost to
    large numbers.
    """
    bins = np.concatenate(parts) if parts else np.zeros(0, FIELDS)
    if not len(bins):
        return bins
    if (np.diff(bins["bin"]) < 0).any():
        bins = bins[np.argsort(bins["bin"], kind="stable")]
    place = bins["bin"] // times
    begins = np.flatnonzero(np.diff(place, prepend=place[0] - 1))
    if len(begins) == len(bins):
        bins = bins.copy()
        bins["bin"] = place
        return bins
    lengths = np.diff(begins, append=len(bins))
    out = np.zeros(len(begins), FIELDS)
    out["bin"] = place[begins]
    for name in ("count", "good"):
        out[name] = np.add.reduceat(bins[name], begins)
    out["low"] = np.minimum.reduceat(bins["low"], begins)
    out["high"] = np.maximum.reduceat(bins["high"], begins)
    out["first"] = np.minimum.reduceat(bins["first"], begins)
    out["last"] = np.maximum.reduceat(bins["last"], begins)
    weight = bins["good"].astype(np.float64)
    there = np.where(weight > 0, bins["mean"], 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.add.reduceat(weight * there, begins) / np.add.reduceat(weight, begins)
        apart = np.where(weight > 0, there - np.repeat(mean, lengths), 0.0)
    out["mean"] = mean
    out["square"] = np.add.reduceat(bins["square"] + weight * apart**2, begins)
    return out


def summary_of(metric: str, bins: Bins, width: float, unit: str) -> Summary:
    """Bins as people read them."""
    none = bins["good"] == 0
    with np.errstate(invalid="ignore", divide="ignore"):
        deviation = np.sqrt(bins["square"] / bins["good"])
    low, mean, high = (np.where(none, np.nan, bins[n]) for n in ("low", "mean", "high"))
    return Summary(
        metric, width, (bins["bin"] + 0.5) * width, bins["count"].astype(np.int64),
        bins["good"].astype(np.int64), low, mean, high, np.where(none, np.nan, deviation),
        bins["first"].copy(), bins["last"].copy(), unit,
    )  # fmt: skip


def pack_bins(bins: Bins) -> bytes:
    """Bins as bytes: field by field, bytes of the same weight together, deflated."""
    columns = [np.ascontiguousarray(bins[name]) for name in FIELDS.names or ()]
    shuffled = [c.view(np.uint8).reshape(len(bins), -1).T.tobytes() for c in columns]
    return zlib.compress(b"".join(shuffled), 1)


def unpack_bins(packed: bytes) -> Bins:
    """What :func:`pack_bins` was given."""
    raw = zlib.decompress(packed)
    out = np.zeros(len(raw) // FIELDS.itemsize, FIELDS)
    at = 0
    for name in FIELDS.names or ():
        size = FIELDS[name].itemsize
        part = np.frombuffer(raw, np.uint8, size * len(out), at).reshape(size, len(out)).T
        out[name] = np.ascontiguousarray(part).view(FIELDS[name]).ravel()
        at += size * len(out)
    return out
