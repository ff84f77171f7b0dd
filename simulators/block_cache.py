"""Keeps the blocks of rows that were made last, up to some bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Block = TypeVar("Block", bound=NDArray[np.uint16])

LARGEST_BYTES = 256 * 2**20


class BlockCache(Generic[Block]):
    """``at(index)`` is what ``make(index)`` gave or gives; safe from several threads, which wait
    for one another, as making a block uses all cores."""

    def __init__(self, make: Callable[[int], Block], largest_bytes: int = LARGEST_BYTES) -> None:
        self._make = make
        self._largest = largest_bytes
        self._kept: OrderedDict[int, Block] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def at(self, index: int) -> Block:
        """The block of an index; the least used ones are let go, the last one made is kept."""
        with self._lock:
            if index in self._kept:
                self._kept.move_to_end(index)
                return self._kept[index]
            while self._kept and self._bytes > self._largest:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes
            block = self._make(index)
            self._kept[index] = block
            self._bytes += block.nbytes
            return block
