"""Tools that make or mend slices, on simulated worlds: similarity to the truth with and without."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from planner.benchmarks.rules import base, slices_of, with_tool
from planner.benchmarks.tools.row import Row, chosen
from planner.grammar import needs_values
from simulators import World
from toolbox.kinds import Stage
from toolbox.registry import known_tools

PLAIN = ("fbp", "flat_field", "minus_log", "apply_shifts", "known_center", "bin_pixels")
STAGES = (Stage.CORRECT, Stage.PHASE, Stage.DESTRIPE, Stage.RECONSTRUCT, Stage.DENOISE)


def tools_of(stage: Stage) -> list[str]:
    """Tools of a stage that can stand in the plain pipeline without being told anything."""
    return [
        name
        for name, tool in sorted(known_tools().items())
        if tool.card.stage is stage and name not in PLAIN and not needs_values(tool)
    ]


def measure(settings: Mapping[str, Any], only: str | None = None) -> Iterator[Row]:
    """Rows for each tool of each job of ``slices`` in ``configs/benchmarks/tools.yaml``."""
    for job, about in settings["slices"].items():
        if only not in (None, job):
            continue
        names = chosen((n for s in about["stages"] for n in tools_of(Stage(s))), settings)
        if not names:
            continue
        for family in settings["families"]:
            for seed in settings["seeds"]:
                world = World(specimen=family, seed=seed, **(settings["world"] | about["world"]))
                plain = _scores(world, ())
                print(f"{job}, {family} {seed}: without {plain[0]:.3f}", file=sys.stderr)
                for name in names:
                    yield from _rows(job, name, plain, _scores(world, (name,)))


Scores = tuple[float | None, float | None, float]  # SSIM, PSNR in dB, seconds


def _scores(world: World, tools: tuple[str, ...]) -> Any:
    from toolbox.metrics import psnr, ssim_in_circle

    recipe = base(world)
    for name in tools:
        recipe = with_tool(recipe, name)
    began = time.perf_counter()
    found = slices_of(world, recipe)
    seconds = time.perf_counter() - began
    if found is None:
        return None, None, seconds
    volume, truth = found
    return ssim_in_circle(volume, truth), psnr(volume, truth), seconds


def _rows(job: str, name: str, plain: Scores, found: Scores) -> Iterator[Row]:
    for index, measure_ in enumerate(("SSIM", "PSNR, dB")):
        value, without = found[index], plain[index]
        finite = value is not None and without is not None and np.isfinite([value, without]).all()
        yield Row(name, job, measure_, value if finite else None, without,
                  found[2], plain[2])  # fmt: skip
