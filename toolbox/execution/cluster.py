"""Runs the slabs of a pass on a Dask cluster that sees the same files."""

from __future__ import annotations

import pickle
import queue
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from metadata.errors import InputError, TomoplanError, WorkError
from toolbox.execution.evaluation import Clock
from toolbox.execution.passes import Direction
from toolbox.execution.result import sync
from toolbox.execution.slab import Slab, SlabJob, SlabReport
from toolbox.execution.sources import StoredStack
from toolbox.execution.threads import allow_threads

if TYPE_CHECKING:
    from distributed import Client

ANSWER_SECONDS = 5.0  # for a first look whether anybody is there
CONNECT_SECONDS = 15.0
ALONE_SECONDS = 60.0  # without any worker for so long, the cluster counts as lost
WORKER_SHARE = 0.6  # of a worker's memory limit, for slabs
WORKER_BASE = 400 << 20  # the interpreter and libraries of a worker


@dataclass(frozen=True)
class Crew:
    """What a cluster offers: threads in all, and bytes for the slabs of all of them."""

    threads: int
    bytes: float


def require_scheduler(address: str) -> None:
    """Raise, within seconds and before any work, where an address is none or nobody answers."""
    from urllib.parse import urlsplit

    try:
        told = urlsplit(address if "://" in address else f"tcp://{address}")
        host, port = told.hostname, told.port
    except ValueError:
        host, port = None, None
    if not host or not port:
        if address.startswith("inproc://"):
            return
        raise InputError(
            f"The address {address!r} of a Dask scheduler is not understood. Expected one such as "
            f"tcp://host:8786, as `dask scheduler` prints it, or leave --scheduler out."
        )
    try:
        socket.create_connection((host, port), timeout=ANSWER_SECONDS).close()
    except OSError as error:
        raise WorkError(_silent(address, error)) from error


def _silent(address: str, error: Exception) -> str:
    return (
        f"No Dask scheduler answers at {address}: {type(error).__name__}. Start one with "
        f"`dask scheduler` and workers with `dask worker {address}`, or leave --scheduler out."
    )


@contextmanager
def connected(address: str) -> Iterator[Client]:
    """A client of the cluster at an address."""
    from distributed import Client

    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except Exception as error:
        raise WorkError(_silent(address, error)) from error
    try:
        yield client
    finally:
        client.close()


def crew_of(client: Client, address: str) -> Crew:
    """Waits for the first worker and asks what the workers have."""
    end = time.monotonic() + ALONE_SECONDS
    while True:
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
        if workers:
            break
        if time.monotonic() > end:
            raise WorkError(_alone(address))
        time.sleep(0.2)
    threads = sum(int(w["nthreads"]) for w in workers)
    each = min(
        (float(w["memory_limit"] or 4 << 30) * WORKER_SHARE - WORKER_BASE) / int(w["nthreads"])
        for w in workers
    )
    return Crew(threads, each * threads)


def run_on_cluster(
    client: Client,
    address: str,
    job: SlabJob,
    slabs: Sequence[Slab],
    place: Callable[..., StoredStack],
    report: Callable[[SlabReport], None],
) -> None:
    """Do every slab on the cluster. A slab whose worker is lost is done again by another; a slab
    that loses several workers is an error."""
    if not slabs:
        return
    placed = _probe(job, slabs[0], place)
    payload = _packed(job, placed)
    futures = {
        client.submit(do_slab, payload, slab, pure=False, key=f"slab-{id(job)}-{slab.start}"): slab
        for slab in slabs
    }
    finished: queue.Queue[Any] = queue.Queue()
    for future in futures:
        future.add_done_callback(finished.put)
    try:
        for future in _patiently(finished, client, address, len(futures)):
            slab = futures[future]
            if future.status == "error":
                raise _lost(future.exception(), slab, job.direction)
            report(future.result())
    except BaseException:
        client.cancel(list(futures))
        raise


def do_slab(payload: bytes, slab: Slab) -> SlabReport:
    """What a worker does: a pure function but for the slab's place in the output."""
    job, placed = _unpacked(payload)
    allow_threads(1)
    read, seconds = job.read(slab)
    done = job.work(slab, read, seconds, lambda node, block: placed[node])
    for path in {stored.values.path for stored in placed.values()}:
        sync(path)
    return done


@lru_cache(maxsize=2)
def _unpacked(payload: bytes) -> tuple[SlabJob, dict[str, StoredStack]]:
    return pickle.loads(payload)


def _packed(job: SlabJob, placed: dict[str, StoredStack]) -> bytes:
    import cloudpickle

    try:
        return cloudpickle.dumps((job, placed))
    except Exception as error:
        raise WorkError(
            f"The scan or a step cannot be sent to a cluster: {error}. Open the scan from a file "
            f"that the workers see, too, or leave --scheduler out."
        ) from error


def _probe(job: SlabJob, slab: Slab, place: Callable[..., StoredStack]) -> dict[str, StoredStack]:
    """Make the place of each stack from its first row or frame, computed here."""
    if job.direction is Direction.ANGLES:
        made = job.bench.frames(job.keeps, job.bench.read_frames(job.keeps, 0, 1), Clock())
    else:
        wanted = {n: np.arange(r.start, r.start + 1) for n, r in job.rows.items() if len(r)}
        made = job.bench.rows(wanted, job.bench.read_rows(wanted), Clock())
    return {name: place(name, block) for name, block in made.items()}


def _patiently(
    finished: queue.Queue[Any], client: Client, address: str, count: int
) -> Iterator[Any]:
    """Finished futures as they come; an error where for long the cluster has had no worker that
    works: Dask lets one pause whose process holds more than its share of memory."""
    alive = time.monotonic()
    while count:
        try:
            future = finished.get(timeout=2.0)
        except queue.Empty:
            workers = client.scheduler_info(n_workers=-1)["workers"].values()
            if any(w.get("status") != "paused" for w in workers):
                alive = time.monotonic()
            elif time.monotonic() - alive > ALONE_SECONDS:
                raise WorkError(_paused(address) if workers else _alone(address)) from None
            continue
        count -= 1
        alive = time.monotonic()
        yield future


def _lost(error: BaseException | None, slab: Slab, direction: Direction) -> BaseException:
    from distributed import KilledWorker

    if isinstance(error, KilledWorker):
        return WorkError(
            f"The workers that did {direction} {slab.start} to {slab.stop - 1} were lost again and "
            f"again, most often for want of memory. Give the workers more memory or --workers "
            f"fewer threads each, then go on with --resume."
        )
    if isinstance(error, TomoplanError):
        return error
    return WorkError(
        f"A worker failed on {direction} {slab.start} to {slab.stop - 1}: "
        f"{type(error).__name__}: {error}. The workers need the same tomoplan and the same files; "
        f"go on with --resume when that is so."
    )


def _paused(address: str) -> str:
    return (
        f"All workers of the cluster at {address} have paused: their processes hold more memory "
        f"than they may. Give them a larger `--memory-limit`, then go on with --resume."
    )


def _alone(address: str) -> str:
    return (
        f"The cluster at {address} has no workers. Start some with `dask worker {address}`, then "
        f"go on with --resume."
    )
