"""Seconds and memory of recipes, fitted to runs measured on the machine at hand."""

from __future__ import annotations

import json
import math
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from metadata.errors import InputError, WorkError
from metadata.store import UNKEPT, Store
from planner.plan import Interval
from planner.situation import Situation
from toolbox.execution.memory import Sizes, operations, predict_peak_bytes
from toolbox.execution.passes import split_of
from toolbox.execution.resident import spare_bytes
from toolbox.execution.threads import cpu_count
from toolbox.kinds import Split
from toolbox.pipeline import SCAN, Pipeline
from toolbox.recipe import Recipe, wire
from toolbox.registry import tool_class
from toolbox.values import Shape

RECENT = 400  # runs that the fit looks at
NEAR = 1.5  # a run ten times larger or smaller counts exp(−2.3/1.5) as much
PRIOR_RUNS = 0.5  # how many runs the assumption "seconds ∝ operations" is worth
FEW_RUNS = 3
STEEPEST = 1.1  # seconds over operations, in logarithms: caches, not algorithms, make it steeper
LOADED = 0.2  # s: a process that had torch already takes less
OTHER_WEIGHT = 0.2  # what a run of the reference machine counts beside an own one


@dataclass(frozen=True)
class Sample:
    """One measured step: nominal operations, seconds, and how much it counts."""

    operations: float
    seconds: float
    weight: float = 1.0


@dataclass(frozen=True, eq=False)
class MeasuredCosts:
    """Costs from samples by key: a tool's name, with ``:tune`` for finding its parameters.

    ``speedup`` is how many slabs' worth of work the workers do at once.
    """

    samples: Mapping[str, Sequence[Sample]]
    speedup: float
    workers: int
    spread: float = 0.3  # σ of log seconds of whole runs about their prediction
    base_bytes: float = 0.0  # what a process with the libraries holds beside the data
    library_bytes: float = 0.0  # … and what of it the first run brings into a process
    start_seconds: float = 0.02  # what a run takes beside its steps
    load_seconds: float = 0.0  # loading torch, once in a process

    def __post_init__(self) -> None:
        object.__setattr__(self, "_known", {})

    def knows(self, tool: str) -> bool:
        """Whether there is any sample of a key."""
        return tool in self.samples

    def seconds(self, recipe: Recipe, situation: Situation) -> Interval:
        """Predicted seconds of running a recipe, whole or begun (imports left out)."""
        known: dict[tuple[Situation, Recipe], float] = self._known  # type: ignore[attr-defined]
        key = (situation, recipe)
        if key not in known:
            scans = len(situation.infos)
            value = 0.0
            if recipe and (scans == 1 or _joined(recipe)):
                shapes = [Shape(i.projections, i.rows, i.columns) for i in situation.infos]
                value = self.pipeline_seconds(
                    wire(recipe, scans, volumes=situation.volumes), shapes
                )
            known[key] = value
        value = known[key]
        factor = math.exp(1.645 * self.spread)
        return Interval(value, value / factor, value * factor)

    def pipeline_seconds(self, pipeline: Pipeline, shapes: Sequence[Shape]) -> float:
        """Predicted seconds of a pipeline on scans of these sizes, in this process as it is."""
        load = needs_torch(pipeline) and "torch" not in sys.modules
        return self.work_seconds(pipeline, shapes) + load * self.load_seconds

    def work_seconds(self, pipeline: Pipeline, shapes: Sequence[Shape]) -> float:
        """The same in a process that has its libraries."""
        serial, parallel = self.start_seconds, 0.0
        for key, work, slabs in workload(pipeline, shapes):
            cost = self.step_seconds(key, work)
            serial, parallel = (serial, parallel + cost) if slabs else (serial + cost, parallel)
        return serial + parallel / self.speedup

    def step_seconds(self, key: str, work: float) -> float:
        """Local fit of log seconds over log operations, drawn to slope 1 where runs are few."""
        samples = self.samples.get(key)
        if not samples or work <= 0:
            return 0.0
        x = np.log([s.operations for s in samples])
        y = np.log([s.seconds for s in samples])
        at = math.log(work)
        weight = np.array([s.weight for s in samples]) * np.exp(-np.abs(x - at) / NEAR) + 1e-9
        mean_x, mean_y = np.average(x, weights=weight), np.average(y, weights=weight)
        scatter = float((weight * (x - mean_x) ** 2).sum())
        slope = (float((weight * (x - mean_x) * (y - mean_y)).sum()) + PRIOR_RUNS) / (
            scatter + PRIOR_RUNS
        )
        slope = min(max(slope, 0.0), STEEPEST)
        # Beyond the largest run measured, work is taken to grow as its operations do.
        far = max(0.0, at - float(x.max()))
        return math.exp(mean_y + slope * (at - far - mean_x) + far)

    def peak_bytes(self, pipeline: Pipeline, situation: Situation) -> Interval:
        """Predicted peak of resident memory, what the process holds already included."""
        from toolbox.execution.resident import resident_bytes

        shapes = [Shape(i.projections, i.rows, i.columns) for i in situation.infos]
        value = predict_peak_bytes(pipeline, shapes, self.workers, memory_budget(situation))
        held = float(resident_bytes())
        if needs_torch(pipeline) and "torch" not in sys.modules:
            held += self.library_bytes
        value += max(held, self.base_bytes)
        return Interval(value, 0.8 * value, 1.25 * value)


def needs_torch(pipeline: Pipeline) -> bool:
    """Whether a run of it loads torch."""
    return any(tool_class(n.tool).card.gpu for n in pipeline.nodes if n.tool != SCAN)


def memory_budget(situation: Situation) -> float:
    """What a run of this request may use."""
    if situation.task.max_memory_gib:
        return situation.task.max_memory_gib * 2**30
    return spare_bytes()


def workload(pipeline: Pipeline, shapes: Sequence[Shape]) -> list[tuple[str, float, bool]]:
    """Key, nominal operations and whether it is cut into slabs, for each piece of a run."""
    sizes = Sizes.of(pipeline, shapes)
    work = operations(pipeline, shapes)
    found: list[tuple[str, float, bool]] = []
    for name, tool in sizes.tools.items():
        split = split_of(tool)
        found.append((tool.card.name, work[name], split not in (Split.SAMPLE, Split.WHOLE)))
        if tool.needs_tuning():
            rows = tool.card.bands * tool.card.band_rows or None
            inputs = {p: sizes.shapes[s] for p, s in pipeline.inputs_of(name).items()
                      if s in sizes.shapes}  # fmt: skip
            cut = {p: replace(s, rows=min(s.rows, rows or s.rows)) for p, s in inputs.items()}
            found.append((f"{tool.card.name}:tune", tool.tuning_cost(**cut).operations, False))
    voxels = sum(s.voxels for n, s in sizes.shapes.items() if pipeline.node(n).tool == SCAN)
    found.append(("read", float(voxels), True))
    last = [n for n in pipeline.order if n in sizes.shapes][-1]
    found.append(("write", float(sizes.shapes[last].voxels), True))
    return found


def fit(documents: Iterable[Mapping[str, Any]], workers: int | None = None) -> MeasuredCosts:
    """Costs from run records (as JSON documents) of this machine."""
    samples: dict[str, list[Sample]] = defaultdict(list)
    speedups, errors, loads = [], [], []
    runs, real, first = [], [], []
    for document in documents:
        try:
            pipeline = Pipeline.from_json(document["pipeline"])
            shapes = [_shape(s["info"], document.get("rows")) for s in document["scans"]]
            pieces = workload(pipeline, shapes)
        except (InputError, KeyError, TypeError, ValueError):
            continue  # a run of a tool that is gone, or of another version
        seconds = _by_key(pipeline, document["node_seconds"])
        slabs = sum(seconds.get(key, 0.0) for key, _, cut in pieces if cut)
        small = (document.get("task") or {}).get("calibration", False)  # libraries loaded before
        load = seconds.get("load", 0.0)
        rest = document["seconds"] - (0.0 if small else load)
        rest -= sum(seconds.get(key, 0.0) for key, _, cut in pieces if not cut)
        if slabs > 0.3 and rest > 0:
            speedups.append(slabs / rest)
        totals: dict[str, float] = defaultdict(float)
        for key, work, _ in pieces:
            totals[key] += work
        for key, work in totals.items():
            if seconds.get(key, 0.0) > 1e-5 and work > 0:
                samples[key].append(Sample(work, seconds[key]))
        runs.append((pipeline, shapes, document["peak_bytes"]))
        if load > LOADED:
            loads.append(load)
            first.append((pipeline, shapes, document["peak_bytes"] - document["base_bytes"]))
        if not small:
            real.append((pipeline, shapes, document["seconds"] - load))
    workers = workers or cpu_count()
    speedup = min(max(float(np.median(speedups)) if speedups else 1.0, 0.5), float(workers))
    costs = MeasuredCosts(dict(samples), speedup, workers)
    starts = [t - costs.work_seconds(p, shapes) for p, shapes, t in real[:20]]
    start = float(np.median(starts)) if len(starts) >= FEW_RUNS else 0.0
    costs = replace(costs, start_seconds=max(start, 0.02),
                    load_seconds=float(np.median(loads)) if loads else 0.0)  # fmt: skip
    for pipeline, shapes, measured in real[:40]:
        errors.append(math.log(measured / costs.work_seconds(pipeline, shapes)))

    def beside_data(measured: Sequence[tuple[Pipeline, list[Shape], float]], at: float) -> float:
        rest = [peak - predict_peak_bytes(pipeline, shapes, workers, float("inf"))
                for pipeline, shapes, peak in measured[:40]]  # fmt: skip
        return max(float(np.quantile(rest, at)), 0.0) if rest else 0.0

    spread = max(float(np.std(errors)) if len(errors) > 5 else 0.3, 0.1)
    # The least burdened processes: a notebook may hold much else.
    return replace(costs, spread=min(spread, 0.6), base_bytes=beside_data(runs, 0.25),
                   library_bytes=beside_data(first, 0.5))  # fmt: skip


def machine_costs(store: Store | None = None) -> MeasuredCosts:
    """Costs of this machine: its own runs, and where it has few, those of the reference machine in
    ``configs/costs.json`` times the ratio of the two. The very first use times a few small runs.
    A store that cannot be used is told on standard error, and done without.
    """
    try:
        return _machine_costs(store)
    except WorkError as error:
        print(f"{error} Going on without: this machine is timed anew for this plan.",
              file=sys.stderr)  # fmt: skip
        with Store(UNKEPT) as passing:
            return _machine_costs(passing)


def _machine_costs(store: Store | None) -> MeasuredCosts:
    from planner.calibration import first_runs
    from toolbox.execution.record import hardware

    with nullcontext(store) if store else Store() as opened:
        here = hardware()

        def own_runs() -> list[dict[str, Any]]:
            return [r for r in opened.runs(limit=RECENT)
                    if r.get("hardware", {}).get("processor") == here["processor"]
                    and r.get("hardware", {}).get("cpus") == here["cpus"]]  # fmt: skip

        runs = own_runs()
        if not runs:
            first_runs(opened)
            runs = own_runs()
        return with_reference(fit(runs), reference())


def with_reference(
    own: MeasuredCosts, other: Mapping[str, Sequence[tuple[float, float]]]
) -> MeasuredCosts:
    """Own costs filled up with another machine's samples, scaled to this machine."""
    there = MeasuredCosts({k: [Sample(*s) for s in v] for k, v in other.items()}, 1.0, 1)
    ratios = []
    for key, samples in own.samples.items():
        if there.knows(key):
            ratios += [math.log(s.seconds / there.step_seconds(key, s.operations)) for s in samples]
    factor = math.exp(float(np.median(ratios))) if ratios else 1.0
    merged = {
        key: [*own.samples.get(key, ()),
              *(Sample(n, t * factor, OTHER_WEIGHT) for n, t in other.get(key, ()))]
        for key in {*own.samples, *other}
    }  # fmt: skip
    return replace(own, samples=merged)


@cache
def reference() -> dict[str, list[tuple[float, float]]]:
    """Operations and seconds by key, as ``python -m planner.calibration`` measured them."""
    text = files("configs").joinpath("costs.json").read_text(encoding="utf-8")
    return {key: [(n, t) for n, t in pairs] for key, pairs in json.loads(text)["samples"].items()}


def _shape(info: Mapping[str, Any], rows: Sequence[int] | None) -> Shape:
    count = info["rows"] if rows is None else rows[1] - rows[0]
    return Shape(info["projections"], count, info["columns"])


def _by_key(pipeline: Pipeline, seconds: Mapping[str, float]) -> dict[str, float]:
    """Seconds by tool instead of by node id."""
    tools = {n.id: n.tool for n in pipeline.nodes}
    found: dict[str, float] = defaultdict(float)
    for name, value in seconds.items():
        node, colon, rest = name.partition(":")
        found[tools.get(node, node) + colon + rest] += value
    return found


def _joined(recipe: Recipe) -> bool:
    from toolbox.recipe import joins

    return any(joins(s) for s in recipe)
