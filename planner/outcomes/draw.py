"""One task of the outcome tables by its number: the split, the goals, the world, the request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from planner.outcomes.settings import settings
from planner.outcomes.wording import worded
from planner.task import Condition, Goal, Intent, Priority, Task
from simulators import World
from simulators.sampling import draw_world

# Fault → the condition that a request says of it.
SAID = {
    "low_dose": Condition.LOW_DOSE, "sparse": Condition.SPARSE_VIEW,
    "limited": Condition.LIMITED_ANGLE, "rings": Condition.RINGS,
    "partial_rings": Condition.RINGS, "wide_rings": Condition.RINGS,
    "zingers": Condition.ZINGERS, "jitter": Condition.JITTER, "drift": Condition.DRIFT,
    "motion": Condition.MOTION, "truncation": Condition.TRUNCATED,
    "fringes": Condition.PHASE_CONTRAST,
}  # fmt: skip
PLACE = ("jitter", "drift", "motion")  # faults after which the place is not judged
COMPARED = (Goal.REGISTER, Goal.DEFORM)


@dataclass(frozen=True)
class Drawn:
    """A task and the world that it is about; ``faults`` by name, ``displaced``: see ``Job``."""

    number: int
    split: str
    task: Task
    world: World
    faults: tuple[str, ...]
    decomposition: Mapping[str, Any] | None = None

    @property
    def displaced(self) -> bool:
        """Whether where the specimen stands is open."""
        return bool(set(self.faults) & set(PLACE)) or Goal.ALIGN in self.task.goals


def split_of(number: int) -> str:
    """``test``, ``validation`` or ``train``, spread evenly over the numbers.

    >>> [split_of(n) for n in range(4)]
    ['train', 'train', 'train', 'test']
    """
    every, inner = settings()["splits"]["every"], settings()["splits"]["validation_every"]
    if number % every == every - 1:
        return "test"
    trained = number - number // every
    return "validation" if trained % inner == inner - 1 else "train"


def drawn(number: int) -> Drawn:
    """The task of a number: it depends on nothing else (and the settings)."""
    how = settings()
    rng = np.random.default_rng([how["seed"], number])
    split = split_of(number)
    goals = how["goal_sets"][_choice(rng, [g["weight"] for g in how["goal_sets"]])]
    faults = _faults(rng, split, goals.get("fault"))
    named = tuple(Goal(g) for g in goals["goals"])
    parted = None
    if Goal.DECOMPOSE in named:
        faults = ()
        listed = how["decompositions"]["test" if split == "test" else "train"]
        parted = listed[int(rng.integers(len(listed)))]
    world = _world(rng, named, split, faults, parted)
    task = _task(rng, split, named, world, faults, parted)
    return Drawn(number, split, task, world, faults, parted)


def _faults(rng: np.random.Generator, split: str, wanted: str | None) -> tuple[str, ...]:
    how = settings()
    names, weights = list(how["faults"]), list(how["faults"].values())
    kept_apart = [set(pair) for pair in how["held_out_faults"]]
    if split == "test" and rng.random() < 0.5:
        found = list(how["held_out_faults"][int(rng.integers(len(kept_apart)))])
    else:
        found = [wanted] if wanted else []
    count = max(_choice(rng, how["fault_counts"]), len(found))
    while len(found) < count:
        name = names[_choice(rng, weights)]
        new = {*found, name}
        if name not in found and (split == "test" or not any(p <= new for p in kept_apart)):
            found.append(name)
    if wanted and wanted not in found:
        found.append(wanted)
    return tuple(found)


def _world(
    rng: np.random.Generator,
    goals: Sequence[Goal],
    split: str,
    faults: Sequence[str],
    parted: Mapping[str, Any] | None,
) -> World:
    how = settings()
    size, rows, _ = how["sizes"][_choice(rng, [s[2] for s in how["sizes"]])]
    if set(goals) & set(COMPARED):
        size, rows = how["pair_sizes"]["columns"], how["pair_sizes"]["rows"]
    families = how["families"]["test" if split == "test" else "train"]
    fixed: dict[str, Any] = {"photons": _spread(rng, 5e3, 2e5), "fill": rng.uniform(0.7, 0.95)}
    if parted is not None:
        rows, families = 1, [parted["specimen"]]
        fixed |= {"attenuation": None, "pixel_size_m": parted["pixel_size_m"],
                  "energy_kev": parted["energies"][-1], "photons": 1e5}  # fmt: skip
    views = round(size * rng.uniform(0.5, 1.05))
    for name in faults:
        fixed |= _fault(rng, name, size)
    if "sparse" in faults:
        views = round(size * rng.uniform(0.16, 0.4))
    if "limited" in faults:
        fixed["range_deg"] = float(rng.uniform(80, 150))
        views = max(round(views * fixed["range_deg"] / 180), 16)
    elif not faults and rng.random() < 0.3:
        fixed["range_deg"] = 360.0
    return draw_world(
        rng, families=families, size=size, rows=rows, faults=[], projections=views, **fixed
    )


def _fault(rng: np.random.Generator, name: str, size: int) -> dict[str, Any]:
    """The settings of a world that make a fault, from mild to grave."""
    scale = size / 256
    if name == "low_dose":
        return {"photons": _spread(rng, 150, 2500)}
    if name in ("rings", "partial_rings", "wide_rings"):
        return {name: float(rng.uniform(0.2, 1.0))}
    if name == "zingers":
        return {"zingers": _spread(rng, 0.05, 1.0)}
    if name == "jitter":
        return {"jitter_px": float(rng.uniform(0.8, 5.0)) * scale}
    if name == "drift":
        return {"drift_px": float(rng.uniform(3.0, 9.0)) * scale * float(rng.choice([-1, 1]))}
    if name == "motion":
        return {"motion_px": float(rng.uniform(3.0, 8.0)) * scale * float(rng.choice([-1, 1]))}
    if name == "flat_drift":
        return {"flat_drift": float(rng.uniform(0.3, 1.0)), "flats_after": 10}
    if name == "monitor":
        return {"monitor_drop": float(rng.uniform(0.03, 0.2))}
    if name == "truncation":
        return {"fill": float(rng.uniform(1.05, 1.5))}
    if name == "fringes":
        return {"fringes": float(rng.uniform(0.15, 0.9))}
    if name == "pixels":
        return {"dead_pixels": float(rng.uniform(0.002, 0.012)),
                "hot_pixels": float(rng.uniform(0.001, 0.006))}  # fmt: skip
    return {}


def _task(
    rng: np.random.Generator,
    split: str,
    goals: tuple[Goal, ...],
    world: World,
    faults: Sequence[str],
    parted: Mapping[str, Any] | None,
) -> Task:
    how = settings()
    said = [SAID[f] for f in faults if f in SAID and rng.random() < how["said"]]
    priorities: Mapping[str, float] = how["priorities"]
    priority = Priority(list(priorities)[_choice(rng, list(priorities.values()))])
    seconds = None
    if rng.random() < how["budgets"]["share"]:
        seconds = float(f"{_spread(rng, *how['budgets']['seconds']):.1g}")
    task = Task(
        Intent.PLAN, goals, conditions=tuple(said), priority=priority, max_seconds=seconds,
        language=str(rng.choice(["en", "zh"], p=[0.6, 0.4])),
    )  # fmt: skip
    materials = list(parted["materials"].values()) if parted else []
    text, specimen = worded(rng, "test" if split == "test" else "train", task, world, materials)
    return replace(task, specimen=specimen, text=text)


def _choice(rng: np.random.Generator, weights: Sequence[float]) -> int:
    share = np.asarray(weights, np.float64)
    return int(rng.choice(len(share), p=share / share.sum()))


def _spread(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
