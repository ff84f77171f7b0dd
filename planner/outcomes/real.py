"""Outcomes on real scans: subsets of them against references of the views left out."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata import InputError, Scan, open_scan
from planner.benchmarks.conditions import centred
from planner.inspection import inspect_scan
from planner.outcomes.candidates import candidates
from planner.outcomes.jobs import PATIENCE
from planner.outcomes.report import Judged, Mean, goal_set, single_bests
from planner.situation import Situation, assess
from planner.subset_scan import SubsetScan
from planner.task import Condition, Goal, Intent, Task
from simulators.outcomes import Job, Outcomes, generate
from simulators.outcomes.tree import step_key
from toolbox.execution.sources import ScanSource
from toolbox.kinds import DataKind, GreyState
from toolbox.recipe import Step
from toolbox.registry import make_tool
from toolbox.values import Center

Image = NDArray[np.float32]


@cache
def real_settings() -> dict[str, Any]:
    """Which subsets of which scans, from ``configs/outcomes_real.yaml``."""
    import yaml

    return dict(yaml.safe_load(files("configs").joinpath("outcomes_real.yaml").read_text("utf-8")))


def subsets() -> list[dict[str, Any]]:
    """Every subset of the settings, one for each offset: all at their first, all at their second
    and so on."""
    listed = real_settings()["subsets"]
    most = max(len(s["offsets"]) for s in listed)
    return [{**s, "offset": s["offsets"][i]} for i in range(most) for s in listed
            if i < len(s["offsets"])]  # fmt: skip


def measure(output: Path, count: int | None = None, workers: int = 1) -> Outcomes:
    """Run the pipelines of every subset (of the first ``count``) and write the table; needs
    ``TOMOPLAN_DATA``."""
    data_folder()
    about = {"settings": real_settings()}
    return generate(real_job, count or len(subsets()), output, workers=workers, about=about)


def data_folder() -> Path:
    """Where the real scans lie."""
    folder = os.environ.get("TOMOPLAN_DATA")
    if not folder:
        raise InputError("Real outcomes need real scans: set TOMOPLAN_DATA to their folder.")
    return Path(folder)


def real_job(number: int) -> Job:
    """The job of a subset by its number."""
    how, subset = real_settings(), subsets()[number]
    scans, reference = scans_and_reference(subset)
    task = Task(
        Intent.PLAN,
        tuple(Goal(g) for g in subset["goals"]),
        conditions=tuple(Condition(c) for c in subset["conditions"]),
        text=subset["case"],
    )
    situation = assess(task, [inspect_scan(s, PATIENCE) for s in scans])
    rng = np.random.default_rng([number, 3])
    return Job(
        name=f"real-{number:03d}",
        scans=scans,
        recipes=candidates(situation, rng, how["pipelines"], how["seconds"]),
        goals=("agreement",),
        document=_document(subset, situation),
        displaced="files" in subset,
        truth=(reference, how["scale_px"]),
    )


def _document(subset: dict[str, Any], situation: Situation) -> dict[str, Any]:
    return {
        "split": "real",
        "scan": subset["scan"],
        "case": subset["case"],
        "offset": subset["offset"],
        "request": situation.task.to_json(),
        "conditions": {c.value: source for c, source in situation.conditions.items()},
        "scans": [
            {"projections": i.info.projections, "rows": i.info.rows, "columns": i.info.columns,
             "energy_kev": i.info.energy_kev, "probe": i.info.probe,
             "monitor": i.has_monitor, "state": i.info.state.value, "flats": i.info.flats,
             "angles_rad": [round(float(a), 6) for a in i.info.angles_rad],
             "traits": i.traits.to_json()}
            for i in situation.inspections
        ],
    }  # fmt: skip


def scans_and_reference(subset: dict[str, Any]) -> tuple[list[Scan], Image]:
    """The scans of a subset, and the reference of the views that it does not hold (``y, x``)."""
    how, folder = real_settings(), data_folder()
    about = how["scans"][subset["scan"]]
    source = open_scan(folder / about["file"])
    total, offset, thin = source.info.projections, subset["offset"], subset.get("thin")
    if "files" in subset:
        opened = [open_scan(folder / name) for name in subset["files"]]
        own = np.arange(0, total, subset["step"])  # all views of the files
        step, bin = subset["every"] // subset["step"], subset["bin"]
        views = np.arange(offset // subset["step"], len(own), step)
        scans: list[Scan] = [SubsetScan(s, 0, views, bin) for s in opened]
    else:
        bin = about["bin"]
        own = np.arange(subset["start"] + offset, subset["stop"], subset["step"])
        scans = [SubsetScan(source, about["row"], own, bin, thin, offset)]
    others = SubsetScan(source, about["row"], np.setdiff1d(np.arange(total), own), bin)
    reference = make_reference(others, about, how)
    cut = subset.get("column_offset", 0) // bin
    if cut:
        reference = centred(reference, len(reference) - 2 * cut)
    return scans, reference


def make_reference(scan: SubsetScan, about: dict[str, Any], how: dict[str, Any]) -> Image:
    """The slice of some views about the known axis, destriped as stated, blurred (``y, x``)."""
    from scipy.ndimage import gaussian_filter

    block = ScanSource(scan).take_rows(np.arange(1))
    if block.state is GreyState.COUNTS:
        block = make_tool("flat_field", {})(projections=block)
    if block.state is GreyState.TRANSMISSION:
        block = make_tool("minus_log", {})(projections=block)
    block = block.as_kind(DataKind.SINOGRAM)
    if about["destripe"]:
        settings = how["destripe"]
        block = make_tool(settings["tool"], settings["parameters"])(sinogram=block)
    axis = scan.axis(about["axis_px"])
    volume = make_tool("fbp", {})(sinogram=block, center=Center(axis, axis, axis))
    return np.asarray(gaussian_filter(volume.values[0], how["blur_px"]), np.float32)


def page(outcomes: Outcomes, simulated: Outcomes | None = None) -> str:
    """The table as text: by scan, the agreement of the best pipeline, of the single best one and
    of all on average, with 95 % bootstrap intervals over the scan's subsets."""
    judged = [Judged.of(s) for s in outcomes]
    bests = single_bests([Judged.of(s) for s in simulated.split("train")]) if simulated else {}
    lines = ["agreement with the views left out (fine structure); reward in brackets"]
    groups: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        groups[one.scan.document["scan"]].append(one)
    for name, members in groups.items():
        lines.append(f"{name}: {len(members)} subsets")
        lines.append(f"  best        {_told(members, [m.rewards.argmax() for m in members])}")
        lines.append(f"  mean        {Mean.of([_agreement(m).mean() for m in members])}")
        if bests:
            chosen = [_fixed(m, bests) for m in members]
            known = [(m, c) for m, c in zip(members, chosen, strict=True) if c is not None]
            if known:
                shown = _told([m for m, _ in known], [c for _, c in known])
                lines.append(f"  single best {shown} ({len(known)} subsets)")
    return "\n".join(lines)


def _agreement(one: Judged) -> NDArray[np.float64]:
    return one.scan.main_quality[one.scan.complete]


def _told(members: Sequence[Judged], chosen: Sequence[Any]) -> str:
    quality = [float(_agreement(m)[c]) for m, c in zip(members, chosen, strict=True)]
    reward = [float(m.rewards[c]) for m, c in zip(members, chosen, strict=True)]
    return f"{Mean.of(quality)} ({Mean.of(reward)})"


def _fixed(one: Judged, bests: dict[str, str]) -> int | None:
    key = bests.get(goal_set(one.scan), bests.get("reconstruct", ""))
    flat = step_key(Step("flat_field")) + " → "  # done already where the file holds no counts
    return next((one.keys.index(k) for k in (key, key.removeprefix(flat)) if k in one.keys), None)
