"""Work on many histories, over processes."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def spread(work: Callable[[T], R], items: Sequence[T], workers: int, what: str) -> Iterator[R]:
    """``work`` of each item, in their order, in so many processes (1: in this one)."""
    workers = min(workers, len(os.sched_getaffinity(0)), max(len(items), 1))
    print(f"── drift: {what}, {len(items)} histories", file=sys.stderr)
    if workers <= 1:
        yield from map(work, items)
        return
    # A fresh interpreter each: threads of this one are not carried over half-alive.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        yield from pool.map(work, items, chunksize=4)
