"""Sums of plane waves between a polar grid of frequencies and the pixels of a square."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections import OrderedDict
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

log = logging.getLogger("tomoplan")

IDLE_PLANS = 6  # warm plans kept; one for 2048² holds about 0.2 GB


def default_threads() -> int:
    """All cores for the main thread, one in any other (an engine's worker shares the machine
    with its siblings), never more than ``OMP_NUM_THREADS``; ``TOMOPLAN_THREADS`` overrules."""
    stated = os.environ.get("TOMOPLAN_THREADS")
    if stated and stated.isdigit() and int(stated) > 0:
        return int(stated)
    if threading.current_thread() is not threading.main_thread():
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    openmp = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores or 1, int(openmp) if openmp.isdigit() and int(openmp) else 1 << 10)


@cache
def has_finufft() -> bool:
    """Whether the fast path is there; its absence is said once."""
    try:
        import finufft  # noqa: F401
    except ImportError:
        log.warning(
            "finufft is not installed: reconstruction on the CPU uses torch and is some ten times "
            "slower. Install it with `pip install finufft`."
        )
        return False
    return True


class PlanCache:
    """Warm finufft plans: the points are sorted once per geometry, then serve every slab.

    A plan serves one thread at a time; it is taken out while in use.
    """

    def __init__(self, limit: int = IDLE_PLANS) -> None:
        self._idle: OrderedDict[int, tuple[tuple[Any, ...], Any]] = OrderedDict()
        self._lock = threading.Lock()
        self._limit = limit
        self._count = 0

    def take(self, key: tuple[Any, ...]) -> Any | None:
        with self._lock:
            for number, (known, plan) in reversed(self._idle.items()):
                if known == key:
                    del self._idle[number]
                    return plan
        return None

    def give(self, key: tuple[Any, ...], plan: Any) -> None:
        with self._lock:
            self._count += 1
            self._idle[self._count] = (key, plan)
            while len(self._idle) > self._limit:
                self._idle.popitem(last=False)

    def clear(self) -> None:
        """Forget all idle plans and give their memory back."""
        with self._lock:
            self._idle.clear()


PLANS = PlanCache()


class FinufftPolar:
    """Polar transforms on the CPU through finufft (Barnett, Magland & af Klinteberg 2019,
    SIAM J. Sci. Comput. 41, C479).

    ``y_wave`` and ``x_wave`` hold the phase per pixel of each plane wave, in rad. Values are
    complex64. ``to_pixels`` and ``to_waves`` use the same kernel and are adjoint to rounding,
    whatever ``precision``.
    """

    def __init__(
        self,
        y_wave: NDArray[np.float32],
        x_wave: NDArray[np.float32],
        size: int,
        precision: float,
        threads: int | None,
    ) -> None:
        self._waves = (y_wave, x_wave)
        self._size = size
        self._precision = precision
        self._threads = threads
        digest = hashlib.blake2b(y_wave.tobytes(), digest_size=16)
        digest.update(x_wave.tobytes())
        self._digest = digest.hexdigest()

    def _run(self, kind: int, values: NDArray[np.complex64]) -> NDArray[np.complex64]:
        import finufft

        threads = self._threads or default_threads()
        key = (kind, self._digest, self._size, self._precision, threads)
        plan = PLANS.take(key)
        if plan is None:
            plan = finufft.Plan(
                kind,
                (self._size, self._size),
                eps=self._precision,
                isign=1 if kind == 1 else -1,
                dtype="complex64",
                upsampfac=1.25,
                nthreads=threads,
            )
            plan.setpts(*self._waves)
        result = plan.execute(values)
        PLANS.give(key, plan)
        return result

    def to_pixels(self, waves: torch.Tensor) -> torch.Tensor:
        """Strengths of the waves → pixels, axes ``y, x``."""
        import torch

        return torch.from_numpy(self._run(1, waves.numpy()))

    def to_waves(self, pixels: torch.Tensor) -> torch.Tensor:
        """The adjoint: pixels ``y, x`` → strengths."""
        import torch

        return torch.from_numpy(self._run(2, pixels.contiguous().numpy()))
