"""Keeps the numerical libraries to the threads that a worker may use."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_local = threading.local()


def allow_threads(count: int) -> None:
    """From now on, steps on this thread use at most ``count`` threads inside."""
    _local.count, _local.modules = count, -1


def hold_threads() -> None:
    """Make it hold for libraries loaded since; called before every step, nearly free."""
    count = getattr(_local, "count", None)
    if count is None or _local.modules == len(sys.modules):
        return
    from threadpoolctl import threadpool_limits

    modules = len(sys.modules)
    threadpool_limits(count)
    torch = sys.modules.get("torch")
    if torch is not None:
        limit = getattr(torch, "set_num_threads", None)
        if limit is None:
            return  # another thread is importing it at this moment: next time
        limit(count)
    _local.modules = modules


@contextmanager
def threads_restored() -> Iterator[None]:
    """Gives the libraries back the threads that they had before."""
    from threadpoolctl import threadpool_limits

    torch = sys.modules.get("torch")
    had: int = getattr(torch, "get_num_threads", cpu_count)()
    try:
        with threadpool_limits():
            yield
    finally:
        _local.count = None
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(had)


def cpu_count() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
