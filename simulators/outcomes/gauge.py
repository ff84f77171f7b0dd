"""What one call costs: processor seconds, and memory at its peak."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
NOT_MEASURED = float("nan")


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """The result of some work and the processor seconds that it took, over all threads: other
    work on the machine counts little, unlike on the clock."""
    began = time.process_time()
    result = work()
    return result, time.process_time() - began


def peaked(work: Callable[[], T]) -> tuple[T, float]:
    """The result of some work and by how many bytes resident memory rose at its peak.

    Free memory is given back before and the kernel's high-water mark set to what is held then
    (``proc_pid_clear_refs(5)``, Linux with glibc); NaN where that cannot be done.
    """
    libc = _libc()
    if libc is None:
        return work(), NOT_MEASURED
    libc.malloc_trim(0)
    RESET.write_text("5")
    held = _kib("VmRSS")
    result = work()
    return result, max(_kib("VmHWM") - held, 0) * 1024.0


@cache
def _libc() -> Any:
    try:
        libc = ctypes.CDLL("libc.so.6")
        libc.malloc_trim(0)
        RESET.write_text("5")
    except (OSError, AttributeError):
        return None
    return libc


def _kib(name: str) -> int:
    lines = STATUS.read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1])
