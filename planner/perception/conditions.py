"""The conditions that a picture can show, in simulated worlds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from planner.perception.shown import SHOWN
from planner.task import Condition
from simulators import World

Rng = np.random.Generator
Combination = tuple[str, Condition | None]  # of a specimen's family and what is wrong
Settings = dict[str, Any]
MILD, STRONG = 1, 2  # severities; 0: absent


@dataclass(frozen=True)
class Drawn:
    """A world for a picture and what it shows: condition → severity, those that are absent left
    out."""

    world: World
    shown: dict[Condition, int]


def _between(rng: Rng, severity: int, mild: tuple[float, float], strong: tuple[float, float]
             ) -> float:  # fmt: skip
    """Log-uniform in one range or the other."""
    low, high = mild if severity == MILD else strong
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _low_dose(rng: Rng, s: int, width: int) -> Settings:
    return {"photons": _between(rng, s, (700, 2500), (120, 500))}


def _sparse(rng: Rng, s: int, width: int) -> Settings:
    return {"projections": round(width * _between(rng, s, (0.22, 0.35), (0.1, 0.2)))}


def _limited(rng: Rng, s: int, width: int) -> Settings:
    return {"range_deg": _between(rng, s, (130, 152), (85, 125))}


def _rings(rng: Rng, s: int, width: int) -> Settings:
    kind = rng.choice(["rings", "rings", "partial_rings", "wide_rings"])
    return {str(kind): _between(rng, s, (0.25, 0.45), (0.55, 1.0))}


def _jitter(rng: Rng, s: int, width: int) -> Settings:
    return {"jitter_px": width / 200 * _between(rng, s, (0.8, 1.5), (2.0, 4.0))}


def _drift(rng: Rng, s: int, width: int) -> Settings:
    size = width / 200 * _between(rng, s, (2.5, 4.5), (6.0, 12.0)) * float(rng.choice([-1, 1]))
    return {str(rng.choice(["drift_px", "thermal_px"])): size}


def _phase(rng: Rng, s: int, width: int) -> Settings:
    return {"fringes": _between(rng, s, (0.12, 0.25), (0.3, 1.0))}


def _half(rng: Rng, s: int, width: int) -> Settings:
    near = _between(rng, s, (0.2, 0.3), (0.08, 0.18))
    return {"range_deg": 360.0, "center": (width - 1) * (near if rng.random() < 0.5 else 1 - near)}


def _zingers(rng: Rng, s: int, width: int) -> Settings:
    return {"zingers": _between(rng, s, (0.15, 0.3), (0.4, 1.0))}


def _truncated(rng: Rng, s: int, width: int) -> Settings:
    fill = _between(rng, s, (1.12, 1.25), (1.3, 1.8))
    if rng.random() < 0.6:
        return {"fill": fill}
    # On one side alone, as a tile is: the specimen fills as much of the wider part
    near = float(rng.uniform(0.2, 0.45))
    return {"fill": fill * (1 - near) / near,
            "center": (width - 1) * (near if rng.random() < 0.5 else 1 - near)}  # fmt: skip


def _metal(rng: Rng, s: int, width: int) -> Settings:
    return {"metal": True}


def _motion(rng: Rng, s: int, width: int) -> Settings:
    size = width / 200 * _between(rng, s, (3.0, 5.0), (6.0, 14.0))
    return {"motion_px": size * float(rng.choice([-1, 1]))}


#: What makes each condition.
MAKERS: dict[Condition, Callable[[Rng, int, int], Settings]] = {
    Condition.LOW_DOSE: _low_dose,
    Condition.SPARSE_VIEW: _sparse,
    Condition.LIMITED_ANGLE: _limited,
    Condition.RINGS: _rings,
    Condition.JITTER: _jitter,
    Condition.DRIFT: _drift,
    Condition.PHASE_CONTRAST: _phase,
    Condition.HALF_ACQUISITION: _half,
    Condition.ZINGERS: _zingers,
    Condition.TRUNCATED: _truncated,
    Condition.METAL: _metal,
    Condition.MOTION: _motion,
}
#: Two that cannot be in one world, or that hide one another.
APART = (
    {Condition.LIMITED_ANGLE, Condition.HALF_ACQUISITION},
    {Condition.TRUNCATED, Condition.HALF_ACQUISITION},
    {Condition.DRIFT, Condition.MOTION},
)


def draw(
    rng: Rng,
    families: Sequence[str],
    probability: float = 0.16,
    without: Collection[Combination] = (),
) -> Drawn:
    """A world of some family, each condition there with a probability. ``without``: combinations
    of family and condition that must not be drawn (kept for the test)."""
    while True:
        shown = {c: int(rng.integers(MILD, STRONG + 1)) for c in SHOWN
                 if rng.random() < probability}  # fmt: skip
        family = str(rng.choice(list(families)))
        apart = any(pair <= set(shown) for pair in APART)
        if not apart and not any((family, c) in without for c in shown):
            return Drawn(_world(rng, family, shown), shown)


def draw_one(rng: Rng, combination: Combination) -> Drawn:
    """A world of a family with this condition alone, none where it is None."""
    family, condition = combination
    shown = {} if condition is None else {condition: int(rng.integers(MILD, STRONG + 1))}
    return Drawn(_world(rng, family, shown), shown)


def _world(rng: Rng, family: str, shown: dict[Condition, int]) -> World:
    width = round(_between(rng, MILD, (100, 220), (100, 220)))
    turn = 2 if rng.random() < 0.2 else 1  # a whole one, which is no fault
    settings: Settings = {
        "specimen": family,
        "columns": width,
        "rows": 1,
        "projections": round(width * rng.uniform(0.6, 1.6)),
        "range_deg": 180.0 * turn,
        "center": float((width - 1) / 2 + rng.normal(0, 0.04) * width),
        "fill": float(rng.uniform(0.4, 0.97)),
        "attenuation": float(np.exp(rng.uniform(np.log(0.4), np.log(3.0)))),
        "photons": float(np.exp(rng.uniform(np.log(1.2e4), np.log(2e5)))),
        "start_deg": float(rng.uniform(0, 360)),
        "hump": float(rng.uniform(0, 0.5)),
        "ripple": float(rng.uniform(0, 0.2)),
        "blur_px": float(rng.uniform(0, 1.2)),
        "rings": float(rng.choice([0.0, 0.0, 0.03])),
        "jitter_px": float(rng.choice([0.0, 0.0, 0.1])),
        "seed": int(rng.integers(2**31)),
    }
    for condition, severity in shown.items():
        settings |= MAKERS[condition](rng, severity, width)
    if settings["range_deg"] > 180:
        settings["projections"] *= 2  # as many over each half of the turn
    return World(**settings)
