"""Makes outcome tables over processes or a Dask cluster; goes on where a killed run stopped."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np

from simulators.outcomes.job import Job
from simulators.outcomes.runner import Runner
from simulators.outcomes.table import Outcomes, ScanOutcomes
from toolbox.execution.record import versions as versions_of
from toolbox.execution.threads import allow_threads, threads_restored
from toolbox.registry import known_tools

MakeJob = Callable[[int], Job]


def generate(
    make_job: MakeJob,
    count: int,
    output: str | Path,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    about: Mapping[str, Any] = {},
    first: int = 0,
) -> Outcomes:
    """Run the jobs ``first`` to ``count`` and write one table.

    ``make_job`` makes a job from its number, the same whenever it is asked (a function that can
    be pickled: it is called where the work is done). Each finished scan is kept in
    ``OUTPUT.parts``, so a kill loses only those in work; a job that cannot be made is told and left
    out. ``workers``: processes of one thread each (0: this one does the work); ``scheduler``:
    address of a Dask cluster instead.
    """
    output = Path(output)
    folder = output.with_name(output.name + ".parts")
    folder.mkdir(parents=True, exist_ok=True)
    wanted = range(first, count)
    todo = [i for i in wanted if not _part(folder, i).exists()]
    began = time.perf_counter()
    for done, (number, outcomes) in enumerate(_results(make_job, todo, workers, scheduler), 1):
        if isinstance(outcomes, str):
            print(f"{done}/{len(todo)}: job {number} is left out: {outcomes}", file=sys.stderr)
            continue
        outcomes.save(_part(folder, number))
        (scan,) = outcomes.scans
        spent = time.perf_counter() - began
        print(
            f"{done}/{len(todo)} {scan.name}: {len(scan.complete)} pipelines, "
            f"{scan.seconds.sum():.1f} s of steps, {spent / done:.1f} s a scan",
            file=sys.stderr, flush=True,
        )  # fmt: skip
    return gather(output, about, wanted)


def gather(output: str | Path, about: Mapping[str, Any], numbers: range) -> Outcomes:
    """One table of the finished scans among some numbers, written to ``output``."""
    output = Path(output)
    folder = output.with_name(output.name + ".parts")
    parts = [Outcomes.load(_part(folder, i)) for i in numbers if _part(folder, i).exists()]
    whole = Outcomes.joined(parts, about)
    whole.save(output)
    return whole


def run_job(make_job: MakeJob, number: int) -> Outcomes:
    """The outcomes of one job, on one thread of this process."""
    with threads_restored():
        allow_threads(1)
        job = make_job(number)
        found = Runner(job, seed=number).run()
    steps = tuple({id(s): s for s in found.tree.steps}.values())
    place = {id(s): i for i, s in enumerate(steps)}
    scan = ScanOutcomes(
        job.name, job.document, steps,
        np.array(found.tree.parents, np.int32),
        np.array([place[id(s)] for s in found.tree.steps], np.int32),
        found.seconds, found.again, found.peak_bytes, found.failed,
        {goal: found.quality[:, at] for at, goal in enumerate(job.goals)},
    )  # fmt: skip
    return Outcomes.joined([Outcomes((scan,), steps, versions(), {})], {})


def versions() -> dict[str, str]:
    """The version of every tool, and of the libraries behind them."""
    tools = {name: tool.card.version for name, tool in known_tools().items()}
    libraries = versions_of({tool.card.library for tool in known_tools().values()})
    return tools | {f"library {name}": version for name, version in libraries.items()}


def attempted(make_job: MakeJob, number: int) -> Outcomes | str:
    """The outcomes of one job, or why there are none."""
    try:
        return run_job(make_job, number)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _results(
    make_job: MakeJob, todo: list[int], workers: int, scheduler: str | None
) -> Iterator[tuple[int, Outcomes | str]]:
    if scheduler is not None:
        yield from _on_cluster(make_job, todo, scheduler)
    elif workers == 0:
        for number in todo:
            yield number, attempted(make_job, number)
    else:
        # A forked process would inherit torch's threads in an unknown state
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, context, _one_thread) as pool:
            waiting = {pool.submit(attempted, make_job, n): n for n in todo}
            try:
                for future in as_completed(waiting):
                    yield waiting[future], future.result()
            finally:
                pool.shutdown(cancel_futures=True)


def _on_cluster(
    make_job: MakeJob, todo: list[int], scheduler: str
) -> Iterator[tuple[int, Outcomes | str]]:
    from distributed import as_completed as arriving

    from toolbox.execution.cluster import connected

    with connected(scheduler) as client:
        waiting = {client.submit(attempted, make_job, n, pure=False): n for n in todo}
        for future in arriving(list(waiting), loop=client.loop):
            yield waiting[future], future.result()


def _one_thread() -> None:
    os.environ["TOMOPLAN_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"


def _part(folder: Path, number: int) -> Path:
    return folder / f"{number:05d}.h5"
