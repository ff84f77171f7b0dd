"""Times tools by running them: a few at first use, all of them for the reference machine."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from metadata.errors import TomoplanError
from metadata.store import Store
from toolbox.kinds import GreyState, Stage
from toolbox.recipe import Recipe, Step, joins, wire
from toolbox.registry import known_tools

DECOMPOSED = {"materials": "Fe=7.88, H2O=1", "energies_kev": [20.0, 40.0], "pixel_size_um": 1.0}
FIRST = ((96, 4), (256, 8))  # columns, rows; as many views as columns
FULL = ((64, 2), (192, 4), (512, 4))
SLOW_SECONDS = 20.0  # a recipe that took this long is not run at the next size


def first_runs(store: Store) -> None:
    """Two small runs of the commonest steps, kept in the store: how fast this machine is."""
    print("First use on this machine: timing two small runs …", file=sys.stderr)
    recipe = (*before("stripe_likely"), Step("fbp"), Step("denoise_tv"))
    load = _seconds_to_load_torch()
    timed(recipe, *FIRST[0])  # loads libraries and compiles: not kept
    for document in (timed(recipe, *size) for size in FIRST):
        if document is not None:
            store.add_run(document | {"node_seconds": document["node_seconds"] | {"load": load}})


def _seconds_to_load_torch() -> float:
    """In a process of its own: this one may have it already."""
    code = "import time; t = time.perf_counter(); import torch; print(time.perf_counter() - t)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


def before(*destripe: str) -> Recipe:
    """The usual steps before a reconstruction."""
    return (Step("flat_field"), Step("minus_log"), *map(Step, destripe), Step("center_consensus"))


def timed(recipe: Recipe, columns: int, rows: int) -> dict[str, Any] | None:
    """The record of a recipe run on a simulated scan, or None where it cannot run."""
    from simulators import World, simulate
    from toolbox.execution import run

    scan = simulate(World("foam", columns=columns, rows=rows, projections=columns, photons=2e4,
                          rings=0.3))  # fmt: skip
    scans = [scan, scan] if any(joins(step) for step in recipe) else [scan]
    try:
        with tempfile.TemporaryDirectory(prefix="tomoplan-") as folder:
            document = run(wire(recipe, len(scans)), scans, Path(folder) / "out.h5").to_json()
    except TomoplanError as error:
        names = " → ".join(s.tool for s in recipe)
        print(f"Timing {names} failed and is left out: {error}", file=sys.stderr)
        return None
    return document | {"task": {"calibration": True}}


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
    measure_reference(Path(__file__).parents[1] / "configs" / "costs.json")
