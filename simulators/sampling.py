"""Random believable worlds, to train on: domain randomisation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from metadata.errors import InputError
from simulators.acquisition.detector import FULL_WELL
from simulators.specimens import FAMILIES
from simulators.world import World

NOT_REAL = ("shepp_logan",)  # families no beamline scans
TYPICAL_COLUMNS = 2000  # across which a family's pixel size is typical

Drawn = Callable[[np.random.Generator, int, int], dict[str, Any]]


def _severity(name: str) -> Drawn:
    # Mild faults are commoner than grave ones.
    return lambda rng, size, views: {name: float(rng.beta(1.2, 2.0))}


def _spread(name: str, low: float, high: float) -> Drawn:
    """A severity of any order of magnitude."""
    return lambda rng, size, views: {name: float(np.exp(rng.uniform(np.log(low), np.log(high))))}


def _signed(name: str, largest: float) -> Drawn:
    """Up to ``largest`` px for 256 columns, either way."""
    return lambda rng, size, views: {name: float(rng.uniform(-largest, largest)) * size / 256}


def _amount(name: str, low: float, high: float) -> Drawn:
    return lambda rng, size, views: {
        name: float(np.exp(rng.uniform(np.log(low), np.log(high)))) * size / 256
    }


def _decay(rng: np.random.Generator, size: int, views: int) -> dict[str, Any]:
    # Top-up rings lose a part in a hundred between refills, others a tenth over a scan.
    if rng.random() < 0.6:
        return {"monitor_drop": float(rng.uniform(0.002, 0.02)), "refills": int(rng.integers(1, 8))}
    return {"monitor_drop": float(rng.uniform(0.02, 0.2))}


def _polychromatic(rng: np.random.Generator, size: int, views: int) -> dict[str, Any]:
    return {
        "spectrum": str(rng.choice(["bending_magnet", "tube"])),
        "filter": str(rng.choice(["aluminium", "silica", "copper"])),
        "filter_mm": float(rng.uniform(0.02, 0.3)),
    }


FAULTS: dict[str, Drawn] = {
    "rings": _severity("rings"),
    "partial_rings": _severity("partial_rings"),
    "wide_rings": _severity("wide_rings"),
    "intermittent_rings": _severity("intermittent_rings"),
    "zingers": _spread("zingers", 0.01, 1.0),
    "jitter": _amount("jitter_px", 0.1, 2.0),
    "drift": _signed("drift_px", 3.0),
    "thermal": _signed("thermal_px", 3.0),
    "motion": _signed("motion_px", 4.0),
    "settling": _amount("settling_px", 0.2, 3.0),
    "wobble": _amount("wobble_px", 0.1, 1.5),
    "flat_drift": _severity("flat_drift"),
    "flat_jumps": lambda rng, size, views: {
        "flat_jumps": float(rng.beta(1.2, 3.0)), "stripes": float(rng.uniform(0.05, 0.36))},
    "monitor": _decay,
    "metal": lambda rng, size, views: {"metal": 1.0},
    "fringes": _severity("fringes"),
    "pixels": lambda rng, size, views: {
        "dead_pixels": float(rng.uniform(0, 0.01)), "hot_pixels": float(rng.uniform(0, 0.01))},
    "nonlinearity": lambda rng, size, views: {"nonlinearity": float(rng.uniform(0, 0.08))},
    "hardening": _polychromatic,
    "truncation": lambda rng, size, views: {"fill": float(rng.uniform(1.05, 1.6))},
}  # fmt: skip


def draw_world(
    rng: np.random.Generator,
    *,
    families: Sequence[str] | None = None,
    size: int = 256,
    rows: int = 1,
    views: tuple[int, int] = (90, 720),
    faults: Sequence[str] = tuple(FAULTS),
    probability: float = 0.3,
    **fixed: Any,
) -> World:
    """A world of a random specimen, dose, contrast and axis, each of ``faults`` present with a
    probability; ``fixed`` settings of :class:`World` have the last word. ``views``: fewest and
    most projections.

    >>> world = draw_world(np.random.default_rng(0), size=128, faults=["rings"], photons=1e4)
    >>> world.columns, world.photons, world.jitter_px
    (128, 10000.0, 0.0)
    """
    chosen = tuple(families) if families else tuple(n for n in FAMILIES if n not in NOT_REAL)
    unknown = [f"family {n!r}" for n in chosen if n not in FAMILIES]
    unknown += [f"fault {n!r}" for n in faults if n not in FAULTS]
    if unknown:
        raise InputError(
            f"There is no {' and no '.join(unknown)}; expected families of "
            f"{', '.join(sorted(FAMILIES))} and faults of {', '.join(FAULTS)}."
        )
    family = FAMILIES[str(rng.choice(chosen))]
    count = round(float(np.exp(rng.uniform(*np.log(views)))))
    photons = float(np.exp(rng.uniform(np.log(600), np.log(2e5))))
    filled = float(np.exp(rng.uniform(np.log(0.1), np.log(0.6))))  # of the well, by the open beam
    beam = fixed.get("photons", photons)
    given: dict[str, Any] = {
        "specimen": family.name,
        "columns": size,
        "rows": rows,
        "projections": count,
        "center": float((size - 1) / 2 + rng.uniform(-0.06, 0.06) * size),
        "fill": float(rng.uniform(0.6, 0.97)),
        "attenuation": float(np.exp(rng.uniform(np.log(0.4), np.log(3.0)))),
        "photons": photons,
        # Bright spots reach as far above the beam as the well leaves room
        "gain": beam and filled * FULL_WELL / beam,
        "start_deg": float(rng.uniform(0, 360)),
        "energy_kev": float(family.energy_kev * rng.uniform(0.8, 1.25)),
        "pixel_size_m": float(family.pixel_size_m * TYPICAL_COLUMNS / size),
        "hump": float(rng.uniform(0.0, 0.6)),
        "ripple": float(np.exp(rng.uniform(np.log(0.005), np.log(0.3)))),
        "ripple_px": float(np.exp(rng.uniform(np.log(8), np.log(size / 2)))),
        "blur_px": float(rng.uniform(0.0, 0.7)),
        "blur_tails": float(rng.uniform(0, 0.15)),
        "seed": int(rng.integers(2**31)),
    }
    for name in faults:
        if rng.random() < probability:
            given |= FAULTS[name](rng, size, count)
    return World(**(given | fixed))
