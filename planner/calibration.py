"""Times tools by running them: a few at first use, all of them for the reference machine."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metadata.errors import TomoplanError
from metadata.store import Store
from planner.trial_runs import before, covering, foam, trial
from toolbox.recipe import Recipe, Step, wire

if TYPE_CHECKING:
    from planner.cost import MeasuredCosts

FIRST = ((96, 4), (256, 8))  # columns, rows; as many views as columns
FULL = ((64, 2), (192, 4), (512, 4))
COSTS = Path(__file__).parents[1] / "configs" / "costs.json"
SLOW_SECONDS = 20.0  # a recipe that took this long is not run at the next size


def first_runs(store: Store) -> None:
    """Two small runs of the commonest steps, kept in the store: how fast this machine is.

    Other processes simulate the scans and run the steps, so that neither counts as memory or as
    loaded libraries of this one.
    """
    print("First use on this machine: timing two small runs …", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="tomoplan-") as folder:
        paths = [str(Path(folder) / f"{columns}.nxs") for columns, _ in FIRST]
        itself = [sys.executable, "-m", "planner.calibration"]
        subprocess.run([*itself, "--write", *paths], check=True)
        done = subprocess.run([*itself, *paths], stdout=subprocess.PIPE, text=True, check=True)
    for line in done.stdout.splitlines():
        store.add_run(json.loads(line))


def write_first(paths: Sequence[Path]) -> None:
    """The scans of the first runs, simulated."""
    from simulators.writing import write_scan

    for path, size in zip(paths, FIRST, strict=True):
        write_scan(foam(*size), path, volume=False)


def run_first(paths: Sequence[Path]) -> None:
    """The commonest steps on some scans, and a line of JSON for each: its record."""
    from metadata import open_scan
    from toolbox.execution import run
    from toolbox.execution.resident import resident_bytes

    held = resident_bytes()  # as a process that has planned and not run, but for its scans
    # Processor time: after a restart the very first import waits for the disk, later ones do not
    began = time.process_time()
    import torch  # noqa: F401 — its loading is what is timed

    load = time.process_time() - began
    # What most runs hold beside, which counts as memory
    from skimage.restoration import denoise_nl_means

    del denoise_nl_means
    pipeline = wire((*before("stripe_likely"), Step("fbp"), Step("denoise_tv")), 1)
    for at, path in enumerate((paths[0], *paths)):
        with open_scan(path) as scan:
            record = run(pipeline, [scan], path.with_name(f"{at}.h5"), task={"calibration": True})
        if at:  # the very first loads libraries and compiles: not kept
            seconds = record.node_seconds | {"load": load}
            told = {"node_seconds": seconds, "base_bytes": held}
            print(json.dumps(record.to_json() | told))


def timed(recipe: Recipe, columns: int, rows: int) -> dict[str, Any] | None:
    """The record of a recipe run on simulated scans, or None where it cannot run. Where other work
    holds the machine, seconds are those of the processor."""
    from toolbox.execution import run

    try:
        with tempfile.TemporaryDirectory(prefix="tomoplan-") as folder:
            scans, recipe = trial(recipe, columns, rows, Path(folder))
            pipeline, out = wire(recipe, len(scans)), Path(folder) / "out.h5"
            began, busy = time.perf_counter(), time.process_time()
            document = run(pipeline, scans, out).to_json()
            share = (time.process_time() - busy) / (time.perf_counter() - began)
    except TomoplanError as error:
        names = " → ".join(s.tool for s in recipe)
        print(f"Timing {names} failed and is left out: {error}", file=sys.stderr)
        return None
    share = min(share, 1.0)
    document["node_seconds"] = {k: share * v for k, v in document["node_seconds"].items()}
    return document | {"seconds": share * document["seconds"], "task": {"calibration": True}}


def measure_reference(path: Path, only: Sequence[str] = ()) -> None:
    """Time every tool at several sizes and write ``configs/costs.json`` (some ten minutes).

    ``only``: time recipes with these tools alone and add what is not known yet, brought to the
    pace of the machine that timed the rest by the tools that both have.
    """
    from planner.cost import fit, reference

    documents: list[dict[str, Any]] = []
    for recipe in covering():
        if only and not set(only) & {step.tool for step in recipe}:
            continue
        timed(recipe, *FULL[0])  # the first run of all loads libraries and is not kept
        for size in FULL:
            document = timed(recipe, *size)
            documents += [document] if document else []
            if document is None or document["seconds"] > SLOW_SECONDS:
                break
        print(f"{len(documents)} runs, {recipe[-1].tool}", file=sys.stderr)
    costs = fit(documents)
    known = reference() if only else {}
    factor = 1 / slower(costs, known)
    samples = {
        key: [(round(s.operations), float(f"{factor * s.seconds:.4g}")) for s in values[-12:]]
        for key, values in costs.samples.items()
    }
    hardware = documents[-1]["hardware"] | {"host": ""}
    if only:
        hardware = json.loads(path.read_text(encoding="utf-8"))["hardware"]
    text = {"hardware": hardware, "samples": samples | known}
    path.write_text(json.dumps(text, indent=None, separators=(",", ":")) + "\n", encoding="utf-8")


def slower(costs: MeasuredCosts, known: Mapping[str, Sequence[tuple[float, float]]]) -> float:
    """How many seconds one of those known is here, by the sum of what both have timed: short steps
    that other work did not interrupt count little."""
    from planner.cost import MeasuredCosts, Sample

    there = MeasuredCosts({k: [Sample(*s) for s in v] for k, v in known.items()}, 1.0, 1)
    both = [(key, s) for key, v in costs.samples.items() if there.knows(key) for s in v]
    expected = sum(there.step_seconds(key, s.operations) for key, s in both)
    return sum(s.seconds for _, s in both) / expected if expected else 1.0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--only"]:
        measure_reference(COSTS, sys.argv[2:])
    elif sys.argv[1:2] == ["--write"]:
        write_first([Path(path) for path in sys.argv[2:]])
    elif sys.argv[1:]:
        run_first([Path(path) for path in sys.argv[1:]])
    else:
        measure_reference(COSTS)
