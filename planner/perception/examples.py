"""Pictures of simulated scans: made once, kept, and the same whoever makes them."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from planner.inspection import inspect_scan
from planner.perception.conditions import Combination, Drawn, draw, draw_one
from planner.perception.scenes import SOUGHT, pictures_of
from planner.perception.shown import SHOWN
from planner.perception.traits import scores
from planner.task import Condition
from simulators import simulate
from simulators.training.part import Arrays

SETS = ("train", "validation", "test", "new")  # each with its own seeds
SHARD = 100  # examples a file
#: What an example depends on beside its number, as far as it lies here.
SOURCES = ("conditions.py", "examples.py", "gauges.py", "pictures.py", "quick_slice.py",
           "scenes.py", "shown.py", "traits.py")  # fmt: skip
Options = Mapping[str, Any]


def combinations(options: Options) -> list[Combination]:
    """Of a family learned from and a condition, kept out of the training."""
    return [(family, Condition(condition)) for family, condition in options["apart"]]


def example(options: Options, which: str, number: int) -> Arrays:
    """One scan: ``whole``, ``detail`` and ``gauged`` pictures (``panel, y, x``), ``severity`` of
    each condition of :data:`SHOWN`, ``family``; of scans of the test what the ``traits`` say."""
    rng = np.random.default_rng([int(options["seed"]), SETS.index(which), number])
    drawn = _drawn(rng, options, which, number)
    family = drawn.world.specimen
    test = which == "test"
    pictures = pictures_of(drawn.world, rng, sought=1.0 if test else SOUGHT)
    if test:
        traits = scores(inspect_scan(simulate(drawn.world)).traits)
    else:
        traits = np.zeros(len(SHOWN), np.float32)
    return {
        "whole": pictures.whole.astype(np.float16),
        "detail": pictures.detail.astype(np.float16),
        "gauged": pictures.gauged.astype(np.float16),
        "severity": np.array([drawn.shown.get(c, 0) for c in SHOWN], np.int8),
        "family": np.array(family),
        "traits": traits,
    }


def _drawn(rng: np.random.Generator, options: Options, which: str, number: int) -> Drawn:
    apart = combinations(options)
    if which == "new":
        return draw_one(rng, apart[number % len(apart)])
    families = options["held_out" if which == "test" else "families"]
    return draw(rng, families, float(options["probability"]), without=apart)


def gathered(options: Options, which: str) -> list[Arrays]:
    """A whole set of ``options[which]`` examples, from the temporary folder where they were made
    before (delete ``tomoplan-perception`` there to simulate anew)."""
    count = int(options[which])
    folder = Path(tempfile.gettempdir()) / "tomoplan-perception" / _key(options)
    folder.mkdir(parents=True, exist_ok=True)
    shards = [(first, min(first + SHARD, count)) for first in range(0, count, SHARD)]
    paths = [folder / f"{which}-{first}-{stop}.npz" for first, stop in shards]
    jobs = [
        (dict(options), which, first, stop, path)
        for (first, stop), path in zip(shards, paths, strict=True)
        if not path.exists()
    ]
    workers = min(int(options["workers"]), len(jobs))
    if workers > 1:
        # A forked process would inherit torch's threads in an unknown state
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, context, _begin) as pool:
            for done in pool.map(_make, jobs):
                print(f"simulated {done.name}", file=sys.stderr)
    else:
        for job in jobs:
            _make(job)
    return [one for path in paths for one in _read(path)]


def _key(options: Options) -> str:
    """What decides of the examples but how many there are."""
    digest = hashlib.sha1(usedforsecurity=False)
    named = {k: options[k] for k in ("seed", "families", "held_out", "apart", "probability")}
    digest.update(json.dumps(named, sort_keys=True).encode())
    for name in SOURCES:
        digest.update(files("planner.perception").joinpath(name).read_bytes())
    return digest.hexdigest()[:12]


def _begin() -> None:
    os.environ["TOMOPLAN_THREADS"] = "1"
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)


def _make(job: tuple[dict[str, Any], str, int, int, Path]) -> Path:
    options, which, first, stop, path = job
    made = [example(options, which, number) for number in range(first, stop)]
    part = path.with_suffix(f".{os.getpid()}.part.npz")
    columns: dict[str, Any] = {name: np.stack([one[name] for one in made]) for name in made[0]}
    np.savez(part, **columns)
    part.replace(path)
    return path


def _read(path: Path) -> list[Arrays]:
    with np.load(path) as kept:
        columns = {name: kept[name] for name in kept.files}
    count = len(columns["severity"])
    return [{name: values[at] for name, values in columns.items()} for at in range(count)]
