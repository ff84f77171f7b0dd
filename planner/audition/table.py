"""Auditions on the scans of the outcome tables, kept beside them: ``python -m
planner.audition.table`` (some seconds a scan; the real ones need ``TOMOPLAN_DATA``)."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError
from planner.audition.choosing import ASKED, in_turn
from planner.audition.company import LEAST, Company
from planner.audition.playing import Playing
from planner.outcomes.draw import drawn
from planner.outcomes.jobs import scans_of
from planner.outcomes.real import scans_and_reference, subsets
from planner.outcomes.reward import task_of
from planner.outcomes.settings import REAL, SIMULATED
from simulators.outcomes import Outcomes, ScanOutcomes

TABLE = SIMULATED.with_name("auditions.h5")
FORMAT = "tomoplan-auditions-1"
PROMISING, OTHERS = 20, 8  # pipelines of a scan: the most promising, and some of the rest
PAIRS = ("whole", "fine", "labels", "numbers")
Floats = NDArray[np.floating]
Heard = tuple[NDArray[np.intp], Company]  # nodes of the outcome table, and their results


def chosen(scan: ScanOutcomes, quality: Floats, seconds: Floats) -> NDArray[np.intp]:
    """The nodes of some pipelines of a scan: the most promising, as
    :func:`planner.audition.choosing.audition` takes them in turn, by what is expected of each of
    ``scan.complete``, and some others."""
    from planner.benchmarks.planner.contender import worth

    asked = [replace(task_of(scan), priority=priority) for priority in ASKED]
    orders = [np.argsort(-worth(quality, seconds, task), kind="stable") for task in asked]
    best = in_turn(orders)
    rng = np.random.default_rng([int(scan.name.rsplit("-", 1)[1]), 5])
    rest = rng.permutation(best[PROMISING:])[:OTHERS].astype(np.intp)
    return scan.complete[np.concatenate([np.array(best[:PROMISING], np.intp), rest])]


def heard(scan: ScanOutcomes, nodes: NDArray[np.intp]) -> Heard | None:
    """Some pipelines of a scan heard again; None for several scans, or where too few give a
    slice."""
    from toolbox.execution.threads import allow_threads

    if len(scan.document["scans"]) > 1:
        return None
    allow_threads(1)
    number = int(scan.name.rsplit("-", 1)[1])
    recipes = [scan.recipe(int(n)) for n in nodes]
    simulated = "world" in scan.document
    scans = (scans_of(drawn(number)) if simulated else scans_and_reference(subsets()[number]))[0]
    playing = Playing(scans[0], recipes)
    playing.walk()
    there = [i for i, r in enumerate(recipes) if r in playing.results]
    if len(there) < LEAST:
        return None
    return nodes[there], Company.of([playing.results[recipes[i]] for i in there])


@cache
def auditions(path: Path = TABLE) -> dict[str, Heard]:
    """By the name of the scan; empty where there is no table. InputError for another file."""
    import h5py

    if not path.exists():
        return {}
    try:
        with h5py.File(path) as file:
            if file.attrs.get("format") != FORMAT:
                raise KeyError("format")
            names = file["names"][:].tobytes().decode().split("\0")
            counts, nodes, looks = (file[n][:] for n in ("counts", "nodes", "looks"))
            pairs = {n: file[n][:] for n in PAIRS}
    except (OSError, KeyError) as error:
        raise InputError(
            f"{path} is no table of auditions ({error}); expected an HDF5 file that "
            "`python -m planner.audition.table` wrote."
        ) from None
    found, at, square = {}, 0, 0
    for name, count in zip(names, counts.tolist(), strict=True):
        here, there = slice(at, at + count), slice(square, square + count * count)
        own = {n: v[there].reshape(count, count).astype(np.float32) for n, v in pairs.items()}
        found[name] = (nodes[here].astype(np.intp),
                       Company(looks[here].astype(np.float32), **own))  # fmt: skip
        at, square = here.stop, there.stop
    return found


def save(path: Path, found: dict[str, Heard]) -> None:
    """Write a table, replacing one that is there."""
    import h5py

    every = list(found.values())
    columns: dict[str, Any] = {
        "names": np.frombuffer("\0".join(found).encode(), np.uint8),
        "counts": np.array([len(n) for n, _ in every], np.int32),
        "nodes": np.concatenate([n for n, _ in every]).astype(np.int32),
        "looks": np.concatenate([c.looks for _, c in every]).astype(np.float16),
        **{p: np.concatenate([getattr(c, p).ravel() for _, c in every]).astype(np.float16)
           for p in PAIRS},
    }  # fmt: skip
    part = path.with_name(path.name + ".part")
    with h5py.File(part, "w") as file:
        file.attrs["format"] = FORMAT
        for name, values in columns.items():
            file.create_dataset(name, data=values, compression="gzip", shuffle=True)
    part.replace(path)


def _heard(work: tuple[ScanOutcomes, NDArray[np.intp]]) -> tuple[str, Heard | None]:
    os.environ["TOMOPLAN_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
    return work[0].name, heard(*work)


def work_of(scans: Sequence[ScanOutcomes]) -> list[tuple[ScanOutcomes, NDArray[np.intp]]]:
    """Scans, with the nodes to be heard, by what the graph network expects."""
    from planner.benchmarks.planner.learned import GraphNetwork

    network = GraphNetwork()
    network.learn((), 0)
    predicted = [network.predicted(s) for s in scans]
    return [(s, chosen(s, quality[s.complete], seconds[s.complete]))
            for s, (quality, seconds, _) in zip(scans, predicted, strict=True)]  # fmt: skip


def main() -> None:
    """Hear pipelines of the scans that are not in the table yet."""
    parser = argparse.ArgumentParser(prog="python -m planner.audition.table", description=__doc__)
    parser.add_argument("--table", type=Path, nargs="+", default=[SIMULATED, REAL])
    parser.add_argument("--output", type=Path, default=TABLE)
    parser.add_argument("--anew", action="store_true", help="those that are known, too")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    given = parser.parse_args()
    found = {} if given.anew else dict(auditions(given.output))
    scans = [s for t in given.table for s in Outcomes.load(t) if s.name not in found]
    with ProcessPoolExecutor(given.workers, get_context("spawn")) as pool:
        for count, (name, one) in enumerate(pool.map(_heard, work_of(scans)), 1):
            if one is not None:
                found[name] = one
            print(f"{count}/{len(scans)} {name}", flush=True)
            if count % 25 == 0:
                save(given.output, found)
    save(given.output, found)


if __name__ == "__main__":
    main()
