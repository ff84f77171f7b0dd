"""Stretches of a series in which nothing was read, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metadata.series import Mark, Samples, Times

READ = (Mark.GOOD, Mark.RESTARTED)


@dataclass(frozen=True)
class Gap:
    """From ``start`` to ``stop`` (unix s). ``kind``: ``gap`` (no samples between these times), or
    the mark of the samples from the first to the last time: ``disconnected``, ``invalid``,
    ``mistimed``."""

    start: float
    stop: float
    kind: str


def gaps_in(last: Times, first: Times, least: float) -> Iterator[Gap]:
    """Where ``first`` of a bin comes more than ``least`` s after ``last`` of the one before."""
    for i in np.flatnonzero(first[1:] - last[:-1] > least):
        yield Gap(float(last[i]), float(first[i + 1]), "gap")


def marked_in(samples: Samples) -> Iterator[Gap]:
    """Runs of samples, in order of time, that are no readings."""
    marks: NDArray[np.uint8] = samples.marks
    begins = np.flatnonzero(np.diff(marks, prepend=np.uint8(255)) != 0)
    ends = np.r_[begins[1:], len(marks)]
    for begin, end in zip(begins, ends, strict=True):
        if marks[begin] not in READ:
            kind = Mark(int(marks[begin])).name.lower()
            yield Gap(float(samples.times[begin]), float(samples.times[end - 1]), kind)


def usual_spacing(times: Times) -> float:
    """Median time between samples, s; infinite where there are fewer than two."""
    return float(np.median(np.diff(times))) if len(times) > 1 else np.inf
