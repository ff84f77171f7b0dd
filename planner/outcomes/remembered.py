"""The situation of a scan whose outcomes are known, from what was kept of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from metadata.scan_info import GreyState, ScanInfo
from planner.inspection import Inspection
from planner.outcomes.reward import task_of
from planner.situation import Situation
from planner.task import Condition
from planner.traits import Trait, Traits
from simulators import World
from simulators.outcomes import ScanOutcomes


@dataclass(frozen=True, eq=False)
class RememberedInspection(Inspection):
    """What was found, without the frames that showed it."""

    monitor_seen: bool = False

    @property
    def has_monitor(self) -> bool:
        return self.monitor_seen


def remembered(scan: ScanOutcomes) -> Situation:
    """What the planner knew of the request and the scans, without making them again. There is no
    preview in it (and no centre beside the trait)."""
    document = scan.document
    if "world" in document:
        world = World(**document["world"])
        inspections = tuple(_inspection(kept, world, document) for kept in document["scans"])
    else:
        inspections = tuple(_real_inspection(kept, scan.name) for kept in document["scans"])
    conditions = {Condition(c): source for c, source in document["conditions"].items()}
    return Situation(task_of(scan), tuple(i.info for i in inspections), inspections, conditions, ())


def _inspection(kept: dict[str, Any], world: World, document: dict[str, Any]) -> Inspection:
    info = ScanInfo(
        path=Path(f"simulated-{world.specimen}-{world.seed}"),
        format="simulated",
        projections=kept["projections"],
        rows=kept["rows"],
        columns=kept["columns"],
        flats=world.flats + world.flats_after,
        darks=world.darks,
        dtype="uint16",
        state=GreyState.COUNTS,
        angles_rad=world.angles_rad,
        pixel_size_m=world.pixel_size_m,
        energy_kev=kept["energy_kev"],
        distance_m=world.distance_m,
        exposure_s=world.exposure_s,
        sample=world.specimen,
        probe=kept["probe"],
        flats_before=world.flats if world.flats + world.flats_after else None,
    )
    traits = Traits(**{n: _trait(t) for n, t in kept["traits"].items()})
    return RememberedInspection(info, traits, None, (), 0.0, None, monitor_seen=kept["monitor"])


def _real_inspection(kept: dict[str, Any], name: str) -> Inspection:
    """Of a subset of a real scan, whose energy, pixel size and distance were not looked at."""
    info = ScanInfo(
        path=Path(name),
        format="subset",
        projections=kept["projections"],
        rows=kept["rows"],
        columns=kept["columns"],
        flats=kept["flats"],
        darks=0,
        dtype="float32",
        state=GreyState(kept["state"]),
        angles_rad=np.array(kept["angles_rad"]),
        energy_kev=kept["energy_kev"],
        probe=kept["probe"],
        flats_before=kept["flats"] or None,
    )
    traits = Traits(**{n: _trait(t) for n, t in kept["traits"].items()})
    return RememberedInspection(info, traits, None, (), 0.0, None, monitor_seen=kept["monitor"])


def _trait(kept: dict[str, Any] | None) -> Trait | None:
    if kept is None:
        return None
    value, low, high = (math.nan if kept[k] is None else float(kept[k])
                        for k in ("value", "low", "high"))  # fmt: skip
    return Trait(value, low, high, kept["unit"])
