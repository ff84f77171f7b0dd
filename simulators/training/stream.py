"""Simulated examples, made in the background, the same whatever makes them."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np

from simulators.training.part import Arrays, Training
from simulators.training.settings import Settings

AHEAD = 4  # examples that each producer may be ahead: bounds memory
EXAMPLE, BATCH = 0, 1  # what a seed is for


class Stream:
    """Batches by step number: step ``n`` draws from examples ``newest(n) − window`` up to
    ``newest(n)``, whatever ran before, so a continued training sees what an uninterrupted one
    would have seen (its window is simulated again).
    """

    def __init__(self, part: Training, settings: Settings, first_step: int = 0) -> None:
        self._part, self._settings = part, settings
        self._next = self.newest(first_step) - settings.window
        self._held: deque[Arrays] = deque(maxlen=settings.window)
        self._pool: ProcessPoolExecutor | None = None
        self._waiting: deque[Future[Arrays]] = deque()
        self._ordered = self._next

    def newest(self, step: int) -> int:
        """How many examples have come in when a step begins."""
        return self._settings.window + int(step * self._settings.fresh)

    def batch(self, step: int) -> Arrays:
        """The batch of a step; steps must come in order."""
        self.fill(step)
        rng = np.random.default_rng([self._settings.seed, BATCH, step])
        chosen = rng.choice(len(self._held), self._settings.batch,
                            replace=len(self._held) < self._settings.batch)  # fmt: skip
        return self._part.batch([self._held[i] for i in chosen], rng)

    def fill(self, step: int) -> None:
        """Wait for the examples that the batch of a step is drawn from."""
        while self._next < self.newest(step):
            self._held.append(self._take())

    def _take(self) -> Arrays:
        number, self._next = self._next, self._next + 1
        if self._pool is None:
            return example(self._part, self._settings.seed, number)
        while len(self._waiting) < AHEAD * self._settings.workers:
            self._waiting.append(self._pool.submit(_produce, self._settings.seed, self._ordered))
            self._ordered += 1
        return self._waiting.popleft().result()

    @contextmanager
    def running(self) -> Iterator[Stream]:
        """With the producers at work."""
        if not self._settings.workers:
            yield self
            return
        # A forked process would inherit torch's threads in an unknown state
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(
            self._settings.workers, context, _begin, (type(self._part), self._part.options)
        )
        try:
            yield self
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
            self._waiting.clear()


def example(part: Training, seed: int, number: int) -> Arrays:
    """The example of a number: of nothing else does it depend."""
    return part.example(np.random.default_rng([seed, EXAMPLE, number]))


_part: Training  # of a producer process


def _begin(kind: type[Any], options: dict[str, Any]) -> None:
    global _part
    os.environ.setdefault("TOMOPLAN_THREADS", "1")
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)
    _part = kind(options)


def _produce(seed: int, number: int) -> Arrays:
    return example(_part, seed, number)
