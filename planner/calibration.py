"""Times tools by running them: a few at first use, all of them for the reference machine."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metadata.errors import TomoplanError
from metadata.store import Store
from toolbox.kinds import GreyState, Stage
from toolbox.recipe import Recipe, Step, joins, wire
from toolbox.registry import known_tools

DECOMPOSED = {"materials": "Fe=7.88, H2O=1", "energies_kev": [20.0, 40.0], "pixel_size_um": 1.0}
if TYPE_CHECKING:
    from simulators import World

FIRST = ((96, 4), (256, 8))  # columns, rows; as many views as columns
FULL = ((64, 2), (192, 4), (512, 4))
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
        write_scan(_world(*size), path, volume=False)


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


def before(*destripe: str) -> Recipe:
    """The usual steps before a reconstruction."""
    return (Step("flat_field"), Step("minus_log"), *map(Step, destripe), Step("center_consensus"))


def timed(recipe: Recipe, columns: int, rows: int) -> dict[str, Any] | None:
    """The record of a recipe run on a simulated scan, or None where it cannot run."""
    from simulators import simulate
    from toolbox.execution import run

    scan = simulate(_world(columns, rows))
    scans = [scan, scan] if any(joins(step) for step in recipe) else [scan]
    try:
        with tempfile.TemporaryDirectory(prefix="tomoplan-") as folder:
            document = run(wire(recipe, len(scans)), scans, Path(folder) / "out.h5").to_json()
    except TomoplanError as error:
        names = " → ".join(s.tool for s in recipe)
        print(f"Timing {names} failed and is left out: {error}", file=sys.stderr)
        return None
    return document | {"task": {"calibration": True}}


def _world(columns: int, rows: int) -> World:
    from simulators import World

    return World("foam", columns=columns, rows=rows, projections=columns, photons=2e4, rings=0.3)


def covering() -> list[Recipe]:
    """Recipes that together hold every tool that can stand in a pipeline without being told
    anything, and the decomposition, told two materials. Tools of diffraction are left out, for no
    simulated scan holds rings; the first runs on real pictures are what is known of them."""

    def names(stage: Stage) -> list[str]:
        return [n for n, t in known_tools().items() if t.card.stage is stage
                and not any(p.default is p.empty for p in _signature(t))]  # fmt: skip

    fbp, volume = (Step("fbp"),), (*before(), Step("fbp"))
    found: list[Recipe] = [(*before(n), *fbp) for n in names(Stage.DESTRIPE)]
    found += [(*before(), Step(n)) for n in names(Stage.RECONSTRUCT)]
    found += [(*volume, Step(n)) for n in names(Stage.DENOISE)]
    found += [(*volume, Step(n)) for n in names(Stage.SUPER_RESOLVE)]
    found += [(*volume, Step(n)) for n in names(Stage.SEGMENT)]
    found += [(*volume, Step("register_volumes"), Step("apply_transform")),
              (*volume, Step("deform_correlation"), Step("strain")),
              (*volume, Step("decompose_materials", DECOMPOSED))]  # fmt: skip
    found += [(*volume, Step("segment_otsu"), Step(n)) for n in names(Stage.QUANTIFY)]
    found += [(*before()[:2], Step(n), Step("apply_shifts"), Step("center_consensus"), *fbp)
              for n in names(Stage.ALIGN) if n != "apply_shifts"]  # fmt: skip
    for name in names(Stage.CORRECT):
        states = next(iter(known_tools()[name].card.inputs.values())).states
        made = known_tools()[name].card.output.states
        if name not in ("flat_field", "minus_log", "bin_pixels"):
            first = (Step(name),) if GreyState.COUNTS in states and made else (
                Step("flat_field"), Step(name))  # fmt: skip
            found.append((*first, *before()[1:], *fbp))
    found += [(Step("flat_field"), Step(n), Step("center_consensus"), *fbp)
              for n in names(Stage.PHASE)]  # fmt: skip
    return found


def _signature(tool: type) -> Sequence[Any]:
    import inspect

    return list(inspect.signature(tool).parameters.values())


def measure_reference(path: Path) -> None:
    """Time every tool at several sizes and write ``configs/costs.json`` (some ten minutes)."""
    from planner.cost import fit

    documents = []
    for recipe in covering():
        for size in (FULL[0], *FULL):  # the first run of all loads libraries and is not kept
            document = timed(recipe, *size)
            if document is None or document["seconds"] > SLOW_SECONDS:
                documents += [document] if document else []
                break
            documents.append(document)
        del documents[-len(FULL) - 1 : -len(FULL)]
        print(f"{len(documents)} runs, {recipe[-1].tool}", file=sys.stderr)
    samples: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for key, values in fit(documents).samples.items():
        samples[key] = [(round(s.operations), float(f"{s.seconds:.4g}")) for s in values[-12:]]
    document = {"hardware": documents[-1]["hardware"] | {"host": ""}, "samples": samples}
    path.write_text(json.dumps(document, indent=None, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:
        write_first([Path(path) for path in sys.argv[2:]])
    elif sys.argv[1:]:
        run_first([Path(path) for path in sys.argv[1:]])
    else:
        measure_reference(Path(__file__).parents[1] / "configs" / "costs.json")
