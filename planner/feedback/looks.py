"""How results look, with and without the truth: the best pipelines of an outcome table, run again
and measured by what a person sees. ``python -m planner.feedback.looks`` makes the table."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError
from planner.feedback.aspects import aspects_of
from planner.outcomes.draw import drawn
from planner.outcomes.jobs import scans_of
from planner.outcomes.reward import rewards, task_of
from planner.outcomes.settings import SIMULATED
from planner.task import Goal
from simulators.outcomes import Job, Outcomes, ScanOutcomes
from simulators.outcomes.calls import Place
from simulators.outcomes.quality.place import placed
from simulators.outcomes.quality.slices import true_slices
from simulators.outcomes.tree import step_key
from simulators.outcomes.walker import Walker
from simulators.simulated_scan import SimulatedScan
from toolbox.execution.threads import allow_threads
from toolbox.kinds import DataKind
from toolbox.metrics import affine_fit, circle_mask, fine_structure_correlation
from toolbox.quality.report import measure_quality
from toolbox.quality.rings import ring_strength
from toolbox.recipe import Recipe, Step
from toolbox.slice_noise import slice_sigma
from toolbox.values import Block

LOOKS = SIMULATED.with_name("looks.h5")
BEST = 0.25  # of a scan's pipelines, by quality
SLICES = (Goal.RECONSTRUCT, Goal.DENOISE, Goal.DESTRIPE, Goal.ALIGN)
WITHOUT = ("noise_of_contrast", "rings_of_contrast", "sharpness", "streaks")
#: Against the truth: what of fine structure is right, noise and rings of the error, as shares of
#: the truth's contrast.
WITH = ("true_fine", "true_noise", "true_rings")
COLUMNS = (*WITHOUT, *WITH)
FORMAT = "tomoplan-looks-1"


@dataclass(frozen=True, eq=False)
class Look:
    """One scan's best pipelines: ``recipes``, ``seen`` (recipe, COLUMNS), ``seconds``,
    ``peak_bytes``, ``quality`` and ``reward`` as in the outcome table."""

    name: str
    split: str
    recipes: tuple[Recipe, ...]
    seen: NDArray[np.float64]
    seconds: NDArray[np.float64]
    peak_bytes: NDArray[np.float64]
    quality: NDArray[np.float64]
    reward: NDArray[np.float64]

    @property
    def aspects(self) -> NDArray[np.float64]:
        """What a run would have measured of each, axes ``recipe, ASPECTS``."""
        named = [dict(zip(WITHOUT, row, strict=False)) for row in self.seen]
        return np.stack([aspects_of(q, float(s), float(p)) for q, s, p in
                         zip(named, self.seconds, self.peak_bytes, strict=True)])  # fmt: skip

    def true(self, name: str) -> NDArray[np.float64]:
        """One of ``WITH`` of each recipe."""
        return self.seen[:, COLUMNS.index(name)]


class Looking(Walker):
    """Runs the recipes of a job and measures how each result looks (``seen``, by its node)."""

    def __init__(self, job: Job) -> None:
        super().__init__(job.scans, job.recipes, job.name)
        self._job = job
        self.seen: dict[int, NDArray[np.float64]] = {}

    def arrived(self, node: int, values: Mapping[Place, Any]) -> None:
        volume = self.last(node, values)[DataKind.VOLUME]
        found = measure_quality(volume).values
        without = [float(found[n].value) if n in found else np.nan for n in WITHOUT]
        self.seen[node] = np.array([*without, *_against_truth(volume, self._job)])


def looked(scan: ScanOutcomes) -> Look:
    """The best quarter of a scan's pipelines, run again."""
    allow_threads(1)
    ends = scan.complete
    best = ends[np.argsort(-scan.main_quality[ends])[: max(int(BEST * len(ends)), 4)]]
    draw = drawn(int(scan.document["number"]))
    scans, truth = scans_of(draw)
    recipes = [scan.recipe(int(n)) for n in best]
    found = Looking(Job(scan.name, scans, recipes, (), scan.document, draw.displaced, truth))
    found.walk()
    seen = {found.tree.recipe(n): row for n, row in found.seen.items() if np.isfinite(row).all()}
    worth = dict(zip(ends.tolist(), rewards(scan), strict=True))
    kept = [(n, r) for n, r in zip(best.tolist(), recipes, strict=True) if r in seen]
    nodes = [n for n, _ in kept]
    return Look(
        scan.name,
        str(scan.document["split"]),
        tuple(r for _, r in kept),
        np.array([seen[r] for _, r in kept], np.float64).reshape(-1, len(COLUMNS)),
        scan.total_seconds[nodes],
        scan.total_peak_bytes[nodes],
        scan.main_quality[nodes],
        np.array([worth[n] for n in nodes]),
    )


def of_slices(scan: ScanOutcomes) -> bool:
    """Whether what a scan's pipelines deliver are slices to be looked at."""
    return task_of(scan).goals[-1] in SLICES


def save(looks: Sequence[Look], path: Path = LOOKS) -> None:
    """Write a table of looks (HDF5), replacing one that is there."""
    import h5py

    steps = {step_key(s): None for look in looks for r in look.recipes for s in r}
    number = {key: at for at, key in enumerate(steps)}
    longest = max(len(r) for look in looks for r in look.recipes)
    rows = np.full((sum(len(x.recipes) for x in looks), longest), -1, np.int32)
    every = [r for look in looks for r in look.recipes]
    for row, recipe in zip(rows, every, strict=True):
        row[: len(recipe)] = [number[step_key(s)] for s in recipe]
    columns: dict[str, NDArray[Any]] = {
        "seen": np.concatenate([x.seen for x in looks]),
        **{n: np.concatenate([getattr(x, n) for x in looks])
           for n in ("seconds", "peak_bytes", "quality", "reward")},
    }  # fmt: skip
    part = path.with_name(path.name + ".part")
    with h5py.File(part, "w") as file:
        file.attrs["format"] = FORMAT
        about = {"scans": [[x.name, x.split, len(x.recipes)] for x in looks],
                 "steps": list(steps), "columns": COLUMNS}  # fmt: skip
        block = np.frombuffer(json.dumps(about).encode(), np.uint8)
        held: dict[str, NDArray[Any]] = {"about": block, "recipes": rows, **columns}
        for name, values in held.items():
            small = values.astype(np.float32) if values.dtype == np.float64 else values
            file.create_dataset(name, data=small, compression="gzip", shuffle=True)
    part.replace(path)


@cache
def load(path: Path = LOOKS) -> tuple[Look, ...]:
    """The looks of a table; InputError where there is none."""
    import h5py

    try:
        with h5py.File(path) as file:
            if file.attrs.get("format") != FORMAT:
                raise KeyError("format")
            about = json.loads(file["about"][:].tobytes())
            columns = {n: file[n][:].astype(np.float64) for n in
                       ("seen", "seconds", "peak_bytes", "quality", "reward")}  # fmt: skip
            rows = file["recipes"][:]
    except (OSError, KeyError) as error:
        raise InputError(
            f"{path} is no table of looks ({error}); expected an HDF5 file that "
            "`python -m planner.feedback.looks` wrote."
        ) from None
    steps = [Step(s["tool"], s["parameters"]) for s in map(json.loads, about["steps"])]
    found, first = [], 0
    for name, split, count in about["scans"]:
        here = slice(first, first + count)
        recipes = tuple(tuple(steps[i] for i in row if i >= 0) for row in rows[here])
        found.append(Look(name, split, recipes, **{n: c[here] for n, c in columns.items()}))
        first += count
    return tuple(found)


def _against_truth(volume: Block, job: Job) -> list[float]:
    values = np.nan_to_num(volume.values)
    scan = job.scans[0]
    assert isinstance(scan, SimulatedScan)
    truth = true_slices(scan, values.shape[-1])
    if job.displaced:
        values = placed(values, truth)
    mask = circle_mask(truth.shape[-1])
    error = np.asarray(affine_fit(values, truth, mask) - truth, np.float32)
    contrast = float(truth[..., mask].std()) or 1.0
    return [fine_structure_correlation(values, truth),
            slice_sigma(volume.with_values(error)) / contrast,
            ring_strength(error) / contrast]  # fmt: skip


def main() -> None:
    """Look at the scans of the outcome table that are not in the table of looks yet."""
    parser = argparse.ArgumentParser(prog="python -m planner.feedback.looks", description=__doc__)
    parser.add_argument("--table", type=Path, default=SIMULATED)
    parser.add_argument("--scans", type=int, help="this many more, at most")
    parser.add_argument("--output", type=Path, default=LOOKS)
    given = parser.parse_args()
    os.environ["TOMOPLAN_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
    looks = list(load(given.output)) if given.output.exists() else []
    known = {x.name for x in looks}
    more = [s for s in Outcomes.load(given.table) if of_slices(s) and s.name not in known]
    for scan in more[: given.scans]:
        looks.append(looked(scan))
        print(f"{scan.name}: {len(looks[-1].recipes)}", flush=True)
        save(looks, given.output)


if __name__ == "__main__":
    main()
