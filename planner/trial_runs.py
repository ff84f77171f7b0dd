"""Small runs that together hold every tool: recipes, and scans on which they can be timed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from toolbox.kinds import GreyState, Stage
from toolbox.recipe import Recipe, Step, joins
from toolbox.registry import known_tools

if TYPE_CHECKING:
    from metadata.scan import Scan
    from simulators import World

DECOMPOSED = {"materials": "Fe=7.88, H2O=1", "energies_kev": [20.0, 40.0], "pixel_size_um": 1.0}
FULL_TURN = ("center_mirror", "center_overlap", "merge_360")
# Tools that train for minutes are timed for fewer steps: what they say they cost counts steps.
SHORT = {"noise2inverse": {"steps": 40}, "tomodip_tv": {"steps": 12}, "ganrec": {"steps": 20}}
UNTIMED = ("known_center", "bin_pixels")  # told, and made only where a preview is


def before(*destripe: str) -> Recipe:
    """The usual steps before a reconstruction."""
    return (Step("flat_field"), Step("minus_log"), *map(Step, destripe), Step("center_consensus"))


def covering() -> list[Recipe]:
    """Recipes that together hold every tool that can stand in a pipeline without being told
    anything, the decomposition, told two materials, and the integration of pictures."""

    def names(stage: Stage) -> list[str]:
        return [n for n, t in known_tools().items() if t.card.stage is stage
                and not any(p.default is p.empty for p in _signature(t))]  # fmt: skip

    fbp, volume, counts = (Step("fbp"),), (*before(), Step("fbp")), before()[:2]
    found: list[Recipe] = [(*before(n), *fbp) for n in names(Stage.DESTRIPE)]
    found += [(*counts, Step(n), *fbp) for n in names(Stage.CENTER) if n not in UNTIMED]
    found += [(*counts, Step(n), Step("center_consensus"), *fbp) for n in names(Stage.STITCH)]
    found += [(*before(), Step(n, SHORT.get(n, {}))) for n in names(Stage.RECONSTRUCT)]
    found += [(*volume, Step(n)) for n in names(Stage.DENOISE)]
    found += [(*volume, Step(n)) for n in names(Stage.SUPER_RESOLVE)]
    found += [(*volume, Step(n)) for n in names(Stage.SEGMENT)]
    found += [(*volume, Step("register_volumes"), Step("apply_transform")),
              (*volume, Step("deform_correlation"), Step("strain")),
              (*volume, Step("decompose_materials", DECOMPOSED))]  # fmt: skip
    found += [(*volume, Step("segment_otsu"), Step(n)) for n in names(Stage.QUANTIFY)]
    found += [(*volume, Step(n)) for n in names(Stage.QUALITY)]
    found += [(*counts, Step(n), Step("apply_shifts"), Step("center_consensus"), *fbp)
              for n in names(Stage.ALIGN) if n != "apply_shifts"]  # fmt: skip
    for name in names(Stage.CORRECT):
        card = known_tools()[name].card
        states, made = next(iter(card.inputs.values())).states, card.output.states
        if name in ("flat_field", "minus_log", *UNTIMED):
            continue
        first = (Step(name),) if GreyState.COUNTS in states and made else (
            Step("flat_field"), Step(name))  # fmt: skip
        found.append((*first, *before()[1:], *fbp))
    found += [(Step("flat_field"), Step(n), Step("center_consensus"), *fbp)
              for n in names(Stage.PHASE)]  # fmt: skip
    return [*found, (Step("azimuthal_integration"), Step("fit_peaks"))]


def trial(recipe: Recipe, columns: int, rows: int, folder: Path) -> tuple[list[Scan], Recipe]:
    """Scans of a size on which a recipe can run, and the recipe, told what it must know of them;
    what must lie on disk goes to ``folder``."""
    from simulators import simulate
    from simulators.acquisition.mosaic import mosaic

    tools = {step.tool for step in recipe}
    if "azimuthal_integration" in tools:
        return _picture(recipe, columns, folder)
    if any(joins(s) and known_tools()[s.tool].card.stage is Stage.STITCH for s in recipe):
        bent = foam(columns, rows, distortion_px=columns / 64)
        tiles = mosaic(bent, overlap_px=columns // 3)
        return list(tiles.tiles), recipe
    changes: dict[str, Any] = {}
    if tools & set(FULL_TURN):  # with the axis aside
        changes = {"range_deg": 360.0, "center": 0.3 * columns}
    if "interpolated_flat_field" in tools:
        changes = {"flats_after": 10}
    scan: Scan = simulate(foam(columns, rows, **changes))
    return [scan] * (2 if any(joins(step) for step in recipe) else 1), recipe


def foam(columns: int, rows: int, **changes: Any) -> World:
    """A foam with weak rings, as many views as columns."""
    from simulators import World

    given = {"projections": columns, "photons": 2e4, "rings": 0.3} | changes
    return World("foam", columns=columns, rows=rows, **given)


def _picture(recipe: Recipe, columns: int, folder: Path) -> tuple[list[Scan], Recipe]:
    """A picture of the rings of a powder, and where the detector stood."""
    from PIL import Image

    from metadata import open_scan

    size = 4 * columns  # pictures are larger than slabs
    y, x = np.indices((size, size)) + 0.5 - size / 2
    away = np.hypot(y, x)
    rings = sum(400 * np.exp(-0.5 * ((away - part * size) / (0.004 * size)) ** 2)
                for part in (0.15, 0.21, 0.28, 0.33, 0.41))  # fmt: skip
    path = folder / "powder.tif"
    counts = np.random.default_rng(0).poisson(10 + rings).astype(np.uint16)
    Image.fromarray(counts).save(path)
    middle = 1e-4 * size / 2
    path.with_suffix(".poni").write_text(
        f"PixelSize1: 1e-4\nPixelSize2: 1e-4\nDistance: 0.1\nPoni1: {middle}\nPoni2: {middle}\n"
        "Rot1: 0\nRot2: 0\nRot3: 0\nWavelength: 4e-11\n", encoding="utf-8")  # fmt: skip
    where = {"geometry": str(path.with_suffix(".poni"))}
    told = tuple(Step(s.tool, dict(s.parameters) | where) if s.tool == "azimuthal_integration"
                 else s for s in recipe)  # fmt: skip
    return [open_scan(path, content="images")], told


def _signature(tool: Callable[..., Any]) -> Sequence[inspect.Parameter]:
    return list(inspect.signature(tool).parameters.values())
