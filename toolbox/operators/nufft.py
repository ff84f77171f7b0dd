"""Sums of plane waves between a polar grid of frequencies and the pixels of a square."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


@dataclass
class WarmPlan:
    """A finufft plan with its points sorted, and the arrays it works on (fresh memory costs
    more than copying)."""

    plan: Any
    waves: NDArray[np.complex64]  # angle, bin
    pixels: NDArray[np.complex64]  # y, x


class PlanCache:
    """Plans kept warm: the points are sorted once per geometry, then serve every slab. A plan
    serves one thread at a time; it is taken out while in use."""

    def __init__(self, limit: int = IDLE_PLANS) -> None:
        self._idle: list[tuple[tuple[Any, ...], WarmPlan]] = []
        self._lock = threading.Lock()
        self._limit = limit

    @contextmanager
    def lend(self, key: tuple[Any, ...], make: Callable[[], WarmPlan]) -> Iterator[WarmPlan]:
        """An idle plan of this geometry, or a new one."""
        with self._lock:
            found = next((i for i, (known, _) in enumerate(self._idle) if known == key), None)
            plan = None if found is None else self._idle.pop(found)[1]
        plan = plan or make()
        yield plan
        with self._lock:
            self._idle.insert(0, (key, plan))
            del self._idle[self._limit :]

    def clear(self) -> None:
        """Forget all idle plans and give their memory back."""
        with self._lock:
            self._idle.clear()


PLANS = PlanCache()


def fine_factor(size: int) -> float:
    """How much finer the grid is than the pixels: about 1.25, avoiding lengths with a high power
    of two, whose columns compete for the same cache lines (1280² takes twice as long as 1250²).
    """
    from scipy.fft import next_fast_len

    length = 2 * next_fast_len(int(np.ceil(0.61 * size)), real=True)
    while length % 64 == 0 or length <= size + 8:
        length = 2 * next_fast_len(length // 2 + 1, real=True)
    return length / size


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
    ) -> None:
        self._waves = (y_wave, x_wave)
        self._size = size
        self._precision = precision
        digest = hashlib.blake2b(y_wave.tobytes(), digest_size=16)
        digest.update(x_wave.tobytes())
        self._digest = digest.hexdigest()

    def lend(self, kind: int, threads: int, shape: tuple[int, int]) -> Any:
        """A warm plan (context) of type 1, waves to pixels, or 2, pixels to waves."""

        def make() -> WarmPlan:
            import finufft

            plan = finufft.Plan(
                kind,
                (self._size, self._size),
                eps=self._precision,
                isign=1 if kind == 1 else -1,
                dtype="complex64",
                upsampfac=fine_factor(self._size),
                nthreads=threads,
            )
            plan.setpts(*self._waves)
            waves = np.empty(shape, np.complex64)
            return WarmPlan(plan, waves, np.empty((self._size, self._size), np.complex64))

        key = (kind, self._digest, self._size, self._precision, threads)
        return PLANS.lend(key, make)

    def to_pixels(self, warm: WarmPlan) -> NDArray[np.complex64]:
        """The plan's waves → its pixels, axes ``y, x``."""
        return warm.plan.execute(warm.waves.reshape(-1), out=warm.pixels)

    def to_waves(self, warm: WarmPlan) -> NDArray[np.complex64]:
        """The adjoint: the plan's pixels → its waves, axes ``angle, bin``."""
        warm.plan.execute(warm.pixels, out=warm.waves.reshape(-1))
        return warm.waves
