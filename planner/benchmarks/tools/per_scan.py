"""Tools that train on the scan itself: against conventional ones on worlds of their own, and
predicted against measured seconds on a real scan."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from metadata import open_scan
from planner.benchmarks.rules import base, slices_of, with_tool
from planner.benchmarks.tools.row import Row
from planner.cost import machine_costs
from simulators import World
from toolbox.recipe import Recipe, Step, wire
from toolbox.values import Shape

FORETOLD = "seconds foretold"


def measure(settings: Mapping[str, Any], only: str | None = None) -> Iterator[Row]:
    """Rows for each job of ``per_scan`` in ``configs/benchmarks/tools.yaml``."""
    how = settings["per_scan"]
    named = settings.get("tools") or []
    every = list(dict.fromkeys(t for about in how["jobs"].values() for t in about["tools"]))
    for job, about in how["jobs"].items():
        tools = [t for t in about["tools"] if not named or t in named]
        if only in (None, job) and tools:
            yield from _worlds(job, about, how, settings, [*about["against"], *tools])
    if only in (None, FORETOLD):
        yield from _foretold(how, [t for t in every if not named or t in named])


def _worlds(
    job: str,
    about: Mapping[str, Any],
    how: Mapping[str, Any],
    settings: Mapping[str, Any],
    tools: list[str],
) -> Iterator[Row]:
    common = how["world"] | about["world"]
    told = _best_told(World(**(how["validation"] | common)), how)
    print(f"{job}: strength of total variation {told.parameters['strength']}", file=sys.stderr)
    for family in settings["families"]:
        for seed in settings["seeds"]:
            world = World(specimen=family, seed=seed, **common)
            plain = base(world)
            without = _scores(world, plain)
            recipes = {"tv": _instead(plain, told)} | {t: with_tool(plain, t) for t in tools}
            for tool, recipe in recipes.items():
                found = _scores(world, recipe)
                print(f"{job}, {family} {seed}, {tool}: {found}", file=sys.stderr)
                for place, score in enumerate(("SSIM", "PSNR, dB")):
                    yield Row(tool, job, score, found[place], without[place],
                              found[2] or 0.0, without[2] or 0.0)  # fmt: skip


def _instead(recipe: Recipe, step: Step) -> Recipe:
    return tuple(step if s.tool == "fbp" else s for s in recipe)


def _best_told(world: World, how: Mapping[str, Any]) -> Step:
    """Total variation at the strength that gives the highest similarity on a world."""
    steps = [Step("tv", {"strength": s, "iterations": how["iterations"]}) for s in how["strengths"]]
    return max(steps, key=lambda step: _scores(world, _instead(base(world), step))[0] or 0.0)


def _scores(world: World, recipe: Recipe) -> tuple[float | None, float | None, float | None]:
    """SSIM, PSNR in dB and seconds; None where it cannot run."""
    from toolbox.metrics import psnr, ssim_in_circle

    began = time.perf_counter()
    found = slices_of(world, recipe)
    if found is None:
        return None, None, None
    return ssim_in_circle(*found), psnr(*found), time.perf_counter() - began


def _foretold(how: Mapping[str, Any], tools: list[str]) -> Iterator[Row]:
    """The factor between measured and predicted seconds of a few slices of a real scan. Where
    other work holds the machine, measured seconds are those of the processor."""
    from toolbox.execution import run

    folder = os.environ.get("TOMOPLAN_DATA")
    if not folder:
        print("the real scan is passed over: TOMOPLAN_DATA is not set", file=sys.stderr)
        return
    import torch  # noqa: F401 — its loading is no part of what is foretold

    about = how["real"]
    costs = machine_costs()
    with open_scan(Path(folder) / about["file"]) as scan:
        axis = Step("known_center", {"column": about["axis_px"]})
        shape = Shape(scan.info.projections, about["rows"][1] - about["rows"][0],
                      scan.info.columns)  # fmt: skip
        for tool in tools:
            pipeline = wire((Step("flat_field"), Step("minus_log"), axis, Step(tool)))
            expected = costs.pipeline_seconds(pipeline, [shape])
            with tempfile.TemporaryDirectory(prefix="tomoplan-") as place:
                began, busy = time.perf_counter(), time.process_time()
                record = run(pipeline, [scan], Path(place) / "out.h5", rows=slice(*about["rows"]))
                share = (time.process_time() - busy) / (time.perf_counter() - began)
            seconds = record.seconds * min(share, 1.0)
            factor = max(seconds / expected, expected / seconds)
            print(f"{tool}: {expected:.1f} s foretold, {seconds:.1f} s measured (of the processor; "
                  f"{record.seconds:.1f} s by the clock)", file=sys.stderr)  # fmt: skip
            yield Row(tool, FORETOLD, "error, factor", factor, how["within"], seconds, expected,
                      real=True)  # fmt: skip
