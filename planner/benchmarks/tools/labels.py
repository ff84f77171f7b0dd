"""Tools that segment and count, on clean slices of simulated specimens and a labelled real one."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata import TomoplanError
from planner.benchmarks.rules import base, slices_of
from planner.benchmarks.tools.row import Row
from planner.grammar import needs_values
from simulators import World, simulate
from toolbox import Block, DataKind, Geometry, GreyState, make_tool
from toolbox.kinds import Stage
from toolbox.registry import known_tools, shipped_tools

NOISE = {"clean": 2e5, "noisy": 3e3}


def measure(settings: Mapping[str, Any], only: str | None = None) -> Iterator[Row]:
    """Mean intersection over union of each tool, beside a threshold by Otsu's method."""
    names = [n for n, t in sorted(shipped_tools().items())
             if t.card.stage is Stage.SEGMENT and not needs_values(t)]  # fmt: skip
    for job, photons in NOISE.items():
        job = f"segment, {job}"
        if only not in (None, job):
            continue
        for family in settings["segmented"]:
            world = World(specimen=family, seed=settings["seeds"][0],
                          **(settings["world"] | {"photons": photons}))  # fmt: skip
            found = slices_of(world, base(world))
            assert found is not None
            truth = simulate(world).labels(0)
            yield from _rows(job, names, found[0], truth[None], False)
    folder = os.environ.get("TOMOPLAN_DATA")
    if folder and only in (None, "segment, particles by hand"):
        volume, truth = by_hand(Path(folder))
        yield from _rows("segment, particles by hand", names, volume, truth, True)


def by_hand(folder: Path) -> tuple[NDArray[np.float32], NDArray[Any]]:
    """A real slice and what a person took for particles (1) and for background (0)."""
    import h5py

    with h5py.File(folder / "volumes/xlearn_particles_handseg.h5") as file:
        return file["image"][()][None].astype(np.float32), file["label"][()][None]


def _rows(
    job: str, names: list[str], volume: NDArray[Any], truth: NDArray[Any], real: bool
) -> Iterator[Row]:
    classes = len(np.unique(truth))
    plain = _score("segment_otsu", volume, truth, classes)
    for name in names:
        found = _score(name, volume, truth, classes)
        yield Row(name, job, "mean IoU", found[0], plain[0], found[1], plain[1], real)


def _score(
    name: str, volume: NDArray[Any], truth: NDArray[Any], classes: int
) -> tuple[float | None, float]:
    from toolbox.metrics import mean_iou

    block = Block(volume.astype(np.float32), DataKind.VOLUME, GreyState.ATTENUATION,
                  Geometry(np.zeros(1), len(volume), volume.shape[-1]),
                  np.arange(len(volume)), np.arange(1))  # fmt: skip
    known = {p.name for p in known_tools()[name].describe_parameters()}
    began = time.perf_counter()
    try:
        tool = make_tool(name, {"classes": classes} if "classes" in known else {})
        if tool.needs_tuning():
            tool = tool.tune(volume=block).tool
        labels = tool(volume=block).values
    except TomoplanError as error:
        print(f"  {name} failed: {error}", file=sys.stderr)
        return None, time.perf_counter() - began
    seconds = time.perf_counter() - began
    if labels.max() >= classes:  # numbered objects: all of them against what is not background
        return mean_iou(labels > 0, by_brightness(truth, volume) > 0), seconds
    return mean_iou(labels, by_brightness(truth, volume)), seconds


def by_brightness(truth: NDArray[Any], volume: NDArray[Any]) -> NDArray[np.intp]:
    """True labels numbered from dark to bright, as tools that know only grey levels number."""
    marks = np.unique(truth)
    order = np.argsort([volume[truth == mark].mean() for mark in marks])
    found = np.zeros(truth.shape, np.intp)
    for rank, index in enumerate(order):
        found[truth == marks[index]] = rank
    return found
