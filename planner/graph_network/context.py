"""The request, the scan and what it looks like as one vector."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from metadata.scan_info import Content, GreyState
from planner.graph_network.rehearsal import NOTHING, SLICE, Rehearsal
from planner.severity import severities_of
from planner.situation import Situation, rules
from planner.task import Condition, Device, Goal, Priority
from planner.traits import Traits

SEEN = 128  # of planner.perception.network.SPACE
TRAITS = tuple(f.name for f in dataclasses.fields(Traits))
#: What makes each trait about 1 where it begins to matter.
SCALES = {"noise": 0.1, "rings": 10.0, "jitter": 0.5, "motion": 2.0, "metal": 0.01, "zingers": 1e-3,
          "angular_coverage": 60.0, "lost_frames": 0.01, "beam_drift": 0.05, "tilt": 0.2,
          "center_px": 1e3, "view_sufficiency": 0.3}  # fmt: skip
DEFECTS = 9
ASKED = 3 * len(TRAITS) + DEFECTS + SLICE + len(Goal) + len(Priority) + len(Condition) + (
    len(Device) + len(Content) + len(GreyState) + 9
)  # fmt: skip
SIZE = ASKED + SEEN
SUMMARY = slice(3 * len(TRAITS) + DEFECTS, 3 * len(TRAITS) + DEFECTS + SLICE)  # of the rehearsal


def context(
    situation: Situation,
    seen: NDArray[np.float32] | None = None,
    rehearsal: Rehearsal = NOTHING,
) -> NDArray[np.float32]:
    """Numbers of about one, ``SIZE`` of them; ``seen``: the image embedding, zero where there is
    none; of the ``rehearsal`` the summary of the slice. The last :data:`SEEN` are the image's."""
    task, info = situation.task, situation.info
    found: list[float] = []
    for name in TRAITS:
        found += _trait(situation.traits, name)
    severities = severities_of(situation)
    scaled = [math.asinh(severities[n] / r["scale"]) for n, r in rules()["defects"].items()]
    found += (scaled + [0.0] * DEFECTS)[:DEFECTS]
    found += [float(v) for v in rehearsal.slice]
    found += [float(g in task.goals) for g in Goal]
    found += [float(task.priority is p) for p in Priority]
    found += [float(situation.has(c)) for c in Condition]
    found += [float(task.device is d) for d in Device]
    found += [float(situation.content is c) for c in Content]
    found += [float(info.state is s) for s in GreyState]
    for limit in (task.max_seconds, task.max_memory_gib):
        found += [float(limit is not None), math.log10(limit) if limit else 0.0]
    found += [math.log10(max(n, 1)) for n in (info.projections, info.rows, info.columns)]
    found += [float(len(situation.infos) > 1), info.angular_range_rad / math.pi / 2]
    look = np.zeros(SEEN, np.float32) if seen is None else seen.astype(np.float32)
    vector = np.concatenate([np.array(found, np.float32), look])
    assert len(vector) == SIZE
    return np.nan_to_num(vector)


def _trait(traits: Traits, name: str) -> list[float]:
    """Whether it is known, its value and the width of its interval."""
    trait = getattr(traits, name)
    if trait is None or not math.isfinite(trait.value):
        return [0.0, 0.0, 0.0]
    scale = SCALES.get(name, 1.0)
    width = trait.high - trait.low
    if name == "center_px":  # where the axis is says nothing of the pipelines, how surely does
        return [1.0, 0.0, math.asinh(width) if math.isfinite(width) else 10.0]
    return [1.0, math.asinh(trait.value / scale),
            math.asinh(width / scale) if math.isfinite(width) else 10.0]  # fmt: skip
