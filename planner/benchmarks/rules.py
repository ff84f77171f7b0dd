"""Measures the rules of thumb: what each defect costs, what each tool leaves of it, what it harms.

Worlds with one defect at a time, the axis known, structural similarity to the truth inside the
circle. ``run`` prints the table, writes ``configs/rules_measured.yaml`` where asked, and says how
well the rules rank pipelines on worlds with several defects that the measuring did not use.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.errors import TomoplanError
from metadata.scan import Scan
from planner.benchmarks.conditions import registered
from planner.grammar import needs_values, settling, slots
from planner.inspection import inspect_scan
from planner.scoring import RuleScorer
from planner.severity import severities_of
from planner.situation import Situation, assess, rules
from planner.task import Goal, Intent, Task
from simulators import World, simulate
from toolbox.kinds import Stage
from toolbox.recipe import Recipe, Step, wire
from toolbox.registry import known_tools

COLUMNS, ROWS, VIEWS = 128, 1, 200
CLEAN = World("foam", columns=COLUMNS, rows=ROWS, projections=VIEWS, photons=2e5)
# Defect → the field of the world that makes it, at growing severities; None: the clean value.
SWEEPS: dict[str, list[dict[str, Any]]] = {
    "noise": [{"photons": p} for p in (2e4, 4e3, 8e2)],
    "rings": [{"rings": r} for r in (0.15, 0.5, 1.0)],
    "sparse": [{"projections": v} for v in (90, 45, 24)],
    "limited": [{"range_deg": r, "projections": int(VIEWS * r / 180)} for r in (150, 120, 80)],
    "zingers": [{"zingers": z} for z in (0.05, 0.3, 1.0)],
    "jitter": [{"jitter_px": j} for j in (0.8, 2.0, 4.0)],
    "beam_drift": [{"monitor_drop": d, "flat_drift": f} for d, f in ((0.05, 0.2), (0.2, 1.0))],
    "fringes": [{"fringes": f} for f in (0.1, 0.3, 1.0)],
}
# Worlds of another size. Stripes are told from structure by their narrowness: on 128 columns the
# grains and cells are as narrow as they, as on no detector, and every removal seems to do harm.
SIZES: dict[str, dict[str, Any]] = {"rings": {"columns": 256, "projections": 360}}
# Which stages' tools may mend a defect.
MENDERS = {
    "noise": (Stage.RECONSTRUCT, Stage.DENOISE),
    "rings": (Stage.DESTRIPE,),
    "sparse": (Stage.RECONSTRUCT, Stage.DENOISE),
    "limited": (Stage.RECONSTRUCT, Stage.DENOISE),
    "zingers": (Stage.CORRECT,),
    "jitter": (Stage.ALIGN,),
    "beam_drift": (Stage.CORRECT,),
    "fringes": (Stage.PHASE,),
}
PATIENCE = 60.0  # s for a look at a scan, so that what it shows hangs on no other load
LEAST_LOSS = 0.01  # smaller losses say nothing of what a tool mends
SPECIMENS = ("foam", "rock")
HEADER = (
    "# Written by `python -m planner.benchmarks.rules --write`: simulated worlds, one defect at a\n"
    "# time. base: what plain filtered back-projection lacks without any defect; weight, scale:\n"
    "# what a defect costs; highest: the worst severity measured (worse ones are taken for it);\n"
    "# left: what a tool leaves of the severity; harm: quality that a tool\n"
    "# costs where nothing is wrong (what it gains there counts below zero).\n"
)
REQUEST = Task(Intent.PLAN, (Goal.RECONSTRUCT,))


@dataclass(frozen=True, eq=False)
class Case:
    """A simulated scan with what is seen of it."""

    world: World
    situation: Situation

    @classmethod
    def of(cls, world: World) -> Case:
        scan = simulate(world)
        found = inspect_scan(scan, seconds=PATIENCE)
        return cls(world, assess(REQUEST, [found]))


def base(world: World) -> Recipe:
    """Plain flat field and filtered back-projection about the true axis."""
    center = simulate(replace(world, rows=1)).truth_center
    return (Step("flat_field"), Step("minus_log"), Step("known_center", {"column": center}),
            Step("fbp"))  # fmt: skip


def quality(world: World, recipe: Recipe) -> float | None:
    """Mean structural similarity to the truth, or None where the recipe cannot run."""
    from toolbox.metrics import ssim_in_circle

    found = slices_of(world, recipe)
    return None if found is None else ssim_in_circle(*found)


def slices_of(world: World, recipe: Recipe) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """The volume that a recipe makes of a world, with as many iterations as the planner asks for
    there, and the truth (``z, y, x``); None where the recipe cannot run."""
    scan = simulate(world)
    volume = made(scan, settling(recipe, world.range_deg))
    if volume is None:
        return None
    truths = np.stack([scan.truth(row) for row in range(world.rows)])
    if any(known_tools()[s.tool].card.stage is Stage.ALIGN for s in recipe):
        # Alignment leaves open where the specimen stands.
        volume = np.stack([registered(v, t) for v, t in zip(volume, truths, strict=True)])
    return volume, truths


def made(scan: Scan, recipe: Recipe) -> NDArray[np.float32] | None:
    """The slices that a recipe makes (``z, y, x``), or None, said, where it cannot run."""
    import h5py

    from toolbox.execution import run as execute

    with tempfile.TemporaryDirectory(prefix="tomoplan-") as folder:
        output = Path(folder) / "out.h5"
        try:
            execute(wire(recipe), [scan], output)
        except TomoplanError as error:
            print(f"  {[s.tool for s in recipe]} failed: {error}", file=sys.stderr)
            return None
        with h5py.File(output) as file:
            return np.asarray(file["/entry/data/data"][:], np.float32)


def with_tool(recipe: Recipe, name: str) -> Recipe:
    """A recipe with a tool put where its stage belongs (a reconstruction replaces the other)."""
    stage = known_tools()[name].card.stage
    names = [s.tool for s in recipe]
    if stage is Stage.RECONSTRUCT:
        return tuple(Step(name) if s.tool == "fbp" else s for s in recipe)
    if stage is Stage.DENOISE:
        return (*recipe, Step(name))
    if stage is Stage.PHASE:
        return tuple(Step(name) if s.tool == "minus_log" else s for s in recipe)
    at = names.index("known_center")
    if stage is Stage.CORRECT:
        if known_tools()[name].card.output.states and name != "flat_field" and _from_counts(name):
            return tuple(Step(name) if s.tool == "flat_field" else s for s in recipe)
        at = names.index("minus_log")
        return (*recipe[:at], Step(name), *recipe[at:])
    if stage is Stage.ALIGN:
        axis = recipe[at]
        first = (axis,) if "center" in known_tools()[name].card.inputs else ()
        return (*recipe[:at], *first, Step(name), Step("apply_shifts"), axis, *recipe[at + 1 :])
    return (*recipe[:at], Step(name), *recipe[at:])


def _from_counts(name: str) -> bool:
    port = next(iter(known_tools()[name].card.inputs.values()))
    return {s.value for s in port.states} == {"counts"}


def menders(defect: str) -> list[str]:
    """Tools that may mend a defect, in alphabetical order."""
    always = ("fbp", "flat_field", "minus_log", "apply_shifts", "bin_pixels")
    return sorted(
        name
        for name, tool in known_tools().items()
        if tool.card.stage in MENDERS[defect]
        and name not in always
        and (tool.card.default_on or tool.card.stage is Stage.ALIGN)
        and not needs_values(tool)
        and not (defect == "zingers" and _from_counts(name))
    )


Clean = dict[str, dict[str, float]]  # specimen → tool ("" for none) → quality without defects


def measure_clean(defects: Sequence[str], size: dict[str, Any] | None = None) -> Clean:
    """Quality with each tool that may mend some defects on worlds without any; ``size``: settings
    of worlds of another size."""
    names = sorted({n for d in defects for n in menders(d)})
    found: Clean = {}
    for specimen in SPECIMENS:
        world = replace(CLEAN, specimen=specimen, **(size or {}))
        plain = quality(world, base(world))
        assert plain is not None
        found[specimen] = {"": plain}
        for name in names:
            value = quality(world, with_tool(base(world), name))
            if value is not None:
                found[specimen][name] = value
    return found


def harm_of(clean: Clean) -> dict[str, float]:
    """Quality that each tool costs where nothing is wrong; what it gains counts below zero."""
    names = sorted(set.intersection(*(set(v) for v in clean.values())) - {""})
    costs = {n: float(np.mean([v[""] - v[n] for v in clean.values()])) for n in names}
    return {n: round(c, 3) for n, c in costs.items() if abs(c) > 0.001}


def measure_defect(defect: str, clean: Clean) -> dict[str, Any]:
    """Weight and scale of a defect's loss, and the share of it that each tool leaves."""
    if defect in SIZES:
        clean = measure_clean([defect], SIZES[defect])
    severities, losses = [], []
    left: dict[str, list[float]] = {name: [] for name in menders(defect)}
    for specimen in SPECIMENS:
        best = clean[specimen]
        for change in SWEEPS[defect]:
            world = replace(CLEAN, specimen=specimen, **(SIZES.get(defect, {}) | change))
            plain = quality(world, base(world))
            assert plain is not None
            severity = severities_of(Case.of(world).situation)[defect]
            loss = best[""] - plain
            severities.append(severity)
            losses.append(max(loss, 0.0) / best[""])
            print(f"  {defect} {specimen}: severity {severity:.3g}, loss {loss:.3f}", flush=True)
            if loss < LEAST_LOSS:
                continue
            for name in left:
                mended = quality(world, with_tool(base(world), name))
                if mended is not None and name in best:
                    left[name].append(max(best[name] - mended, 0.0) / loss)
    weight, scale = fit_loss(np.array(severities), np.array(losses))
    shares = {name: float(np.median(values)) for name, values in left.items() if values}
    highest = float(f"{max(severities):.3g}")
    told = {n: v for n, v in shares.items() if v < 0.97}
    return {"weight": weight, "scale": scale, "highest": highest,
            "left": {n: share_of_severity(v) for n, v in told.items()}}  # fmt: skip


def fit_loss(severity: np.ndarray, loss: np.ndarray) -> tuple[float, float]:
    """Weight and scale with which ``weight · x/(1+x)``, x = severity/scale, fits some losses."""
    best = (float("inf"), 0.1, 1.0)
    top = max(float(severity.max()), 1e-6)
    for scale in top * np.geomspace(0.05, 5, 40):
        x = severity / scale
        shape = x / (1 + x)
        weight = min(max(float((shape @ loss) / max(shape @ shape, 1e-12)), 0.01), 1.0)
        error = float(((weight * shape - loss) ** 2).sum())
        best = min(best, (error, weight, float(scale)))
    return round(best[1], 3), float(f"{best[2]:.3g}")


def share_of_severity(share_of_loss: float, x: float = 1.0) -> float:
    """What is left of the severity where this share of the loss is left, at x = 1.

    ``loss ∝ x/(1+x)``: half the loss left at x = 1 means a third of the severity left.

    >>> round(share_of_severity(0.5), 2)
    0.33
    """
    value = share_of_loss * x / (1 + x)
    return round(min(max(value / (1 - value) / x, 0.02), 1.0), 3)


def validate(count: int = 8, per_world: int = 12) -> dict[str, float]:
    """Kendall τ between predicted and measured quality on worlds with mixed defects, and the loss
    of the rules' first choice against the best of the recipes tried."""
    from scipy.stats import kendalltau

    rng = np.random.default_rng(2026)
    scorer = RuleScorer()
    taus, regrets, plains = [], [], []
    for index in range(count):
        world = replace(
            CLEAN,
            specimen=str(rng.choice(["foam", "rock", "shepp_logan"])),
            photons=float(rng.choice([1e3, 5e3, 5e4])),
            rings=float(rng.choice([0.0, 0.3, 0.8])),
            projections=int(rng.choice([40, 100, 240])),
            zingers=float(rng.choice([0.0, 0.3])),
            seed=1000 + index,
        )
        case = Case.of(world)
        tried = sample_recipes(case.situation, world, rng, per_world)
        real = [quality(world, r) for r in tried]
        kept = [(r, q) for r, q in zip(tried, real, strict=True) if q is not None]
        predicted = [scorer.quality(r, case.situation).value for r, _ in kept]
        measured = [q for _, q in kept]
        taus.append(kendalltau(predicted, measured).statistic)
        regrets.append(max(measured) - measured[int(np.argmax(predicted))])
        plains.append(max(measured) - measured[0])
    return {
        "worlds": count,
        "kendall_tau": round(float(np.nanmean(taus)), 3),
        "regret_of_first_choice": round(float(np.mean(regrets)), 4),
        "regret_of_plain_fbp": round(float(np.mean(plains)), 4),
    }


def sample_recipes(
    situation: Situation, world: World, rng: np.random.Generator, count: int
) -> list[Recipe]:
    """Plain FBP, and recipes drawn from the grammar with the true axis."""
    axis = Step("known_center", {"column": simulate(replace(world, rows=1)).truth_center})
    found = [base(world)]
    places = slots(situation)
    while len(found) < count:
        recipe: Recipe = ()
        for place in places:
            if place.name == "center":
                recipe += (axis,)
            elif not place.optional or rng.random() < 0.6:
                recipe += place.steps[int(rng.integers(len(place.steps)))]
        if recipe not in found:
            found.append(recipe)
    return found


def run(
    output: Path | None = None, write: bool = False, only: Sequence[str] = tuple(SWEEPS)
) -> dict[str, Any]:
    """Measure rules (all: some ten minutes); ``write`` puts them into configs/, where what belongs
    to defects and tools that were not measured stays."""
    import yaml

    path = Path(__file__).parents[2].joinpath("configs", "rules_measured.yaml")
    kept = yaml.safe_load(path.read_text())
    clean = measure_clean(only)
    tried = set().union(*clean.values())
    harm = {n: v for n, v in kept["harm"].items() if n in known_tools() and n not in tried}
    measured: dict[str, Any] = {
        "base": round(1 - float(np.mean([v[""] for v in clean.values()])), 3),
        "defects": {},
        "harm": dict(sorted((harm | harm_of(clean)).items())),
    }
    for defect in only:
        measured["defects"][defect] = measure_defect(defect, clean)
        print(yaml.safe_dump({defect: measured["defects"][defect]}, sort_keys=False), flush=True)
    measured["defects"] = kept["defects"] | measured["defects"]
    if write:
        path.write_text(HEADER + yaml.safe_dump(measured, sort_keys=False))
        rules.cache_clear()
    measured["validation"] = validate()
    print(measured["validation"])
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        (output / "rules.yaml").write_text(yaml.safe_dump(measured, sort_keys=False))
    return measured


if __name__ == "__main__":
    named = [a for a in sys.argv[1:] if a in SWEEPS]
    run(write="--write" in sys.argv, only=named or tuple(SWEEPS))
