"""The job of a number: scans simulated, inspected, and the pipelines to be run on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from planner.inspection import inspect_scan
from planner.outcomes.candidates import candidates
from planner.outcomes.draw import COMPARED, Drawn, drawn
from planner.outcomes.settings import settings
from planner.situation import Situation, assess
from planner.task import Goal
from simulators import SimulatedScan, simulate
from simulators.acquisition.second_modality import second_modality
from simulators.acquisition.series import energies, time_steps
from simulators.outcomes import Job

PATIENCE = 600.0  # s: a preview of all views, however busy the machine is
DEFORMED_PX = 3.0


def job(number: int, pipelines: int | None = None, seconds: float | None = None) -> Job:
    """The job of a number, the same whenever it is asked; ``pipelines`` and ``seconds`` as in
    ``configs/outcomes.yaml`` unless given."""
    how, draw = settings(), drawn(number)
    scans, truth = scans_of(draw)
    situation = assess(draw.task, [inspect_scan(s, PATIENCE) for s in scans])
    compared = bool(set(draw.task.goals) & set(COMPARED))
    count = pipelines or how["joint_pipelines" if compared else "pipelines"]
    rng = np.random.default_rng([how["seed"], number, 1])
    recipes = candidates(situation, rng, count, seconds or how["seconds"])
    return Job(
        name=f"{draw.split}-{number:04d}",
        scans=scans,
        recipes=recipes,
        goals=measured_goals(draw.task.goals),
        document=document(draw, situation),
        displaced=draw.displaced,
        truth=truth,
    )


def scans_of(draw: Drawn) -> tuple[Sequence[SimulatedScan], Any]:
    """The scans of a task, and the truth about several."""
    world, goals = draw.world, draw.task.goals
    if draw.decomposition is not None:
        scans = energies(world, draw.decomposition["energies"])
        labels = list(scans[0].specimen.labels)
        return scans, [labels.index(name) for name in draw.decomposition["materials"]]
    if Goal.REGISTER in goals:
        pair = second_modality(world, coarser=1, probe="x-ray" if draw.number % 2 else "neutron")
        return [pair.first, pair.second], pair
    if Goal.DEFORM in goals:
        return time_steps(replace(world, deformation_px=DEFORMED_PX), 2), None
    return [simulate(world)], None


def measured_goals(goals: Sequence[Goal]) -> tuple[str, ...]:
    """What is measured of the pipelines: the last goal, whose deliverable holds the others."""
    return (goals[-1].value,)


def document(draw: Drawn, situation: Situation) -> dict[str, Any]:
    """What is kept of the request and the scan, as JSON."""
    return {
        "number": draw.number,
        "split": draw.split,
        "request": draw.task.to_json(),
        "world": draw.world.to_dict(),
        "faults": list(draw.faults),
        "displaced": draw.displaced,
        "conditions": {c.value: source for c, source in situation.conditions.items()},
        "scans": [
            {"projections": i.info.projections, "rows": i.info.rows, "columns": i.info.columns,
             "energy_kev": i.info.energy_kev, "probe": i.info.probe,
             "monitor": i.has_monitor, "traits": i.traits.to_json()}
            for i in situation.inspections
        ],
    }  # fmt: skip
