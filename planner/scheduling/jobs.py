"""Queues to schedule: what requests take by the cost model, when they come, what they turn out to
take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np

from metadata.errors import InputError
from planner.cost import MeasuredCosts, Sample, reference, workload
from simulators.clusters import Job, Machine, Step, Truth
from toolbox.execution.memory import predict_peak_bytes
from toolbox.kinds import Stage
from toolbox.pipeline import SCAN
from toolbox.recipe import Step as RecipeStep
from toolbox.recipe import wire
from toolbox.registry import tool_class
from toolbox.values import Shape

GIB = 2.0**30
SHORTEST = 0.5  # s: steps that take less are done with the one before them


@dataclass(frozen=True)
class Template:
    """The steps of a request without a time: predicted for a pipeline and the size of a scan."""

    steps: tuple[Step, ...]

    @property
    def work(self) -> float:
        """Seconds of a slot, each step on its faster device."""
        return sum(step.best for step in self.steps)


@lru_cache(maxsize=1)
def settings() -> dict[str, Any]:
    """``configs/scheduling.yaml``."""
    import yaml

    text = files("configs").joinpath("scheduling.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)


@lru_cache(maxsize=4)
def templates(seed: int) -> tuple[Template, ...]:
    """Requests of every kind of ``configs/scheduling.yaml``, sizes of scans drawn from its ranges;
    seconds and memory from the cost model with the reference machine's samples."""
    about = settings()["requests"]
    rng = np.random.default_rng(seed)
    samples = {key: [Sample(n, t) for n, t in pairs] for key, pairs in reference().items()}
    costs = MeasuredCosts(samples, speedup=float(about["speedup"]), workers=about["workers"])
    found = []
    for _ in range(about["templates"]):
        kind = rng.choice(len(about["recipes"]), p=_shares(about["recipes"]))
        columns, views, rows = (
            round(math.exp(rng.uniform(*np.log(about[name]))))
            for name in ("columns", "projections", "rows")
        )
        recipe = tuple(RecipeStep(tool) for tool in about["recipes"][kind]["steps"])
        found.append(_template(recipe, Shape(views, rows, columns), costs, about, rng))
    most = about["memory_gib"] * GIB  # what needs more than its budget is not begun
    return tuple(
        t for t in found if t.work <= about["longest"] and max(s.memory for s in t.steps) <= most
    )


def _shares(recipes: Sequence[dict[str, Any]]) -> list[float]:
    total = sum(r["share"] for r in recipes)
    return [r["share"] / total for r in recipes]


def _template(
    recipe: tuple[RecipeStep, ...],
    shape: Shape,
    costs: MeasuredCosts,
    about: dict[str, Any],
    rng: np.random.Generator,
) -> Template:
    pipeline = wire(recipe)
    budget = about["memory_gib"] * GIB
    peak = predict_peak_bytes(pipeline, [shape], about["workers"], budget)
    seconds: dict[str, float] = {}
    for key, work, slabs in workload(pipeline, [shape]):
        tool = key.split(":")[0]
        seconds[tool] = seconds.get(tool, 0.0) + costs.step_seconds(key, work) / (
            costs.speedup if slabs else 1.0
        )
    gain = math.exp(rng.normal(math.log(about["gpu_gain"]), about["gpu_gain_spread"]))
    order = ["read", *(n.tool for n in pipeline.nodes if n.tool != SCAN), "write"]
    merged = _merged([(tool, seconds.get(tool, 0.0)) for tool in dict.fromkeys(order)])
    # The search for the axis and what is done to the projections do not wait for each other.
    steps: list[Step] = []
    axis: int | None = None
    for tool, taken in merged:
        gpu = taken / gain if tool in _on_gpu() else None
        before = tuple({len(steps) - 1} | ({axis} if axis is not None else set())) if steps else ()
        if _stage(tool) is Stage.CENTER and steps:
            axis = len(steps)
            before = (0,)
        elif axis is not None and axis == len(steps) - 1:
            before = tuple({axis, max(axis - 1, 0)})
            axis = None
        steps.append(Step(taken, gpu, peak, tuple(sorted(b for b in before if b >= 0))))
    return Template(tuple(steps))


def _merged(parts: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """Steps in their order; those that take next to nothing go with the one before (or after)."""
    found: list[tuple[str, float]] = []
    spare = 0.0
    for tool, seconds in parts:
        if seconds < SHORTEST and found:
            found[-1] = (found[-1][0], found[-1][1] + seconds)
        elif seconds < SHORTEST:
            spare += seconds
        else:
            found.append((tool, seconds + spare))
            spare = 0.0
    return found or [(parts[-1][0], max(spare, 1e-3))]


@lru_cache(maxsize=1)
def _on_gpu() -> frozenset[str]:
    from toolbox.registry import known_tools

    return frozenset(name for name, tool in known_tools().items() if tool.card.gpu)


def _stage(tool: str) -> Stage | None:
    return None if tool in ("read", "write") else tool_class(tool).card.stage


def cluster(name: str) -> tuple[Machine, ...]:
    """A cluster of ``configs/scheduling.yaml``."""
    clusters = settings()["clusters"]
    if name not in clusters:
        raise InputError(f"There is no cluster {name!r}; expected one of {', '.join(clusters)}.")
    return tuple(
        Machine(str(m["name"]), m["slots"], m["gpus"], m["memory_gib"] * GIB, m["speed"])
        for m in clusters[name]
    )


def rate(load: float, made: Sequence[Template], machines: Sequence[Machine]) -> float:
    """Arrivals per second that ask for ``load`` of the slots' time, were every step on its faster
    device: a bound that no scheduler reaches, for there are fewer GPUs than slots."""
    mean = float(np.mean([t.work for t in made]))
    return load * sum(m.slots * m.speed for m in machines) / mean


def queue(
    name: str, load: float, seed: int, pool: int, count: int | None = None
) -> tuple[list[Job], list[Truth]]:
    """A queue for a cluster: arrivals in bursts at a load, deadlines, and true over predicted
    seconds. ``pool`` is the seed of the templates: those of training and of the bench differ."""
    about = settings()
    machines, made = cluster(name), templates(pool)
    rng = np.random.default_rng([seed, pool, round(1000 * load)])
    arrivals, per_second = about["arrivals"], rate(load, made, machines)
    now, jobs, truths = 0.0, [], []
    for number in range(count or arrivals["jobs"]):
        if rng.random() >= arrivals["burst"]:  # else it comes with the one before
            now += rng.exponential(1 / (per_second * (1 - arrivals["burst"])))
        template = made[rng.integers(len(made))]
        jobs.append(Job(number, now, template.steps, _deadline(now, template, rng)))
        truths.append(_truth(len(template.steps), rng))
    return jobs, truths


def _deadline(now: float, template: Template, rng: np.random.Generator) -> float | None:
    about = settings()["deadlines"]
    if rng.random() >= about["share"]:
        return None
    slack = math.exp(rng.uniform(*np.log(about["slack"])))
    return now + max(about["least"], slack * Job(0, 0.0, template.steps).tails[0])


def _truth(steps: int, rng: np.random.Generator) -> Truth:
    """Measured over predicted seconds: log-normal, what a job's steps share and what each has of
    its own, and now and then a straggler."""
    about = settings()["truth"]
    shared = rng.normal(0.0, about["of_job"])
    own = rng.normal(0.0, about["of_step"], steps)
    late = np.where(rng.random(steps) < about["stragglers"], about["straggling"], 1.0)
    return Truth(tuple(float(f) for f in np.exp(shared + own) * late))
