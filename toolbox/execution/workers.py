"""Runs the slabs of a pass on threads, reading ahead by one slab."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from toolbox.devices import gpu_count
from toolbox.execution.slab import Slab, SlabJob, SlabReport
from toolbox.execution.threads import allow_threads


def run_on_threads(
    job: SlabJob,
    slabs: Sequence[Slab],
    place: Callable[..., Any],
    report: Callable[[SlabReport], None],
    workers: int,
    threads_inside: int,
) -> None:
    """Do every slab; ``report`` is called after each, one call at a time, in any order.

    The calling thread reads; a failure stops the others after their slab and is raised here.
    """
    devices = _gpus(job)
    if devices:
        workers = min(workers, devices)
    gate = threading.Semaphore(workers + 1)
    lock, failures = threading.Lock(), list[BaseException]()
    begin = _beginning(threads_inside, devices)

    def work(slab: Slab, read: Any, reading: float) -> None:
        try:
            begin()  # here, for what fails in a pool's initialiser leaves the others waiting
            done = job.work(slab, read, reading, place)
            with lock:
                report(done)
        except BaseException as error:
            failures.append(error)
        finally:
            gate.release()

    pool = ThreadPoolExecutor(workers, "slab")
    futures: list[Future[None]] = []
    try:
        for slab in slabs:
            gate.acquire()
            if failures:
                break
            read, seconds = job.read(slab)
            futures.append(pool.submit(work, slab, read, seconds))
            del read
    except BaseException:
        pool.shutdown(wait=True, cancel_futures=True)
        raise
    pool.shutdown(wait=True)
    if failures:
        raise failures[0]


def _gpus(job: SlabJob) -> int:
    """GPUs for a pass with steps that use one; 0: none, or none needed."""
    needs = job.bench.frame_needs(job.keeps)
    uses = any(job.bench.tools[n].card.gpu for n in needs if n not in job.bench.sources)
    return gpu_count() if uses else 0


def _beginning(threads: int, devices: int) -> Callable[[], None]:
    """What each worker does before its first slab: keep to its threads and its device."""
    count, worker = iter(range(1 << 30)), threading.local()

    def begin() -> None:
        if getattr(worker, "begun", False):
            return
        allow_threads(threads)
        if devices:
            sys.modules["torch"].cuda.set_device(next(count) % devices)
        worker.begun = True

    return begin
