"""Recommended pipelines against plain ones on real scans under hard conditions.

The references are made as ``configs/benchmarks/conditions.yaml`` says: from views that the case
does not hold, so that agreement is not agreement of noise.
"""

from __future__ import annotations

import os
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata import InputError, open_scan
from planner import service
from planner.preview import read_block
from toolbox.kinds import DataKind
from toolbox.pipeline import Pipeline
from toolbox.recipe import Step, wire
from toolbox.registry import make_tool
from toolbox.values import Center

Image = NDArray[np.float32]


def run(output: Path | None = None, only: str | None = None) -> dict[str, Any]:
    """Print the table and return its numbers; needs ``TOMOPLAN_DATA``."""
    import yaml
    from rich.console import Console
    from rich.table import Table

    folder = os.environ.get("TOMOPLAN_DATA")
    if not folder:
        raise InputError("bench conditions needs real scans: set TOMOPLAN_DATA to their folder.")
    text = files("configs").joinpath("benchmarks", "conditions.yaml").read_text(encoding="utf-8")
    settings = yaml.safe_load(text)
    table = Table("case", "pipeline", "fine structure", "SSIM", "FRC 1/7, px", "axis error, px",
                  "shift or overlap error, px", "s", box=None)  # fmt: skip
    results: dict[str, Any] = {}
    pictures = []
    for name, case in settings["cases"].items():
        if only is not None and name != only:
            continue
        paths = [Path(folder) / f for f in case["files"]]
        reference = make_reference(Path(folder), settings, case)
        plain = wire(plain_recipe(paths), len(paths))
        answer = service.plan(case["request"], paths)
        if not answer.plans:
            raise InputError(f"No plan for {name}: {answer.refusal}")
        results[name] = {}
        for label, pipeline in (("plain", plain), ("recommended", answer.best.pipeline)):
            numbers, picture = assess_pipeline(pipeline, paths, reference, settings, case)
            results[name][label] = numbers
            pictures.append((f"{name}, {label}", picture))
            table.add_row(name, label, *(_cell(numbers[k]) for k in NUMBERS))
        results[name]["recommended"]["steps"] = [n.tool for n in answer.best.pipeline.nodes]
        pictures.append((f"{name}, reference", reference))
    Console().print(table)
    if output is not None:
        _draw(pictures, output / "conditions.png")
    return results


NUMBERS = ("fine_structure", "ssim", "frc_px", "axis_error_px", "shift_error_px", "seconds")


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"


def plain_recipe(paths: list[Path]) -> tuple[Step, ...]:
    """Flat field (where the file has counts), Vo's automatic centre as algotom finds it, filtered
    back-projection; two tiles are joined first."""
    from algotom.prep.calculation import find_center_vo

    counts = False
    blocks = []
    for path in paths:
        with open_scan(path) as scan:
            counts = scan.info.state.value == "counts"
            block = read_block(scan, np.array([0]), np.arange(scan.info.projections))
        blocks.append(make_tool("flat_field", {})(projections=block) if counts else block)
    whole = blocks[0]
    if len(blocks) > 1:
        join = make_tool("stitch_tiles", {}).tune(left=blocks[0], right=blocks[1]).tool
        whole = join(left=blocks[0], right=blocks[1])
    whole = make_tool("minus_log", {})(projections=whole)
    column = float(find_center_vo(whole.values[:, 0]))
    first = (Step("flat_field"),) if counts else ()
    joined = (Step("stitch_tiles"),) if len(paths) > 1 else ()
    axis = Step("known_center", {"column": column})
    return (*first, *joined, Step("minus_log"), axis, Step("fbp"))


def make_reference(folder: Path, settings: dict[str, Any], case: dict[str, Any]) -> Image:
    """The slice of the views left out of a case, axes ``y, x``, about the known axis."""
    from scipy.ndimage import gaussian_filter

    left_out = case["left_out"]
    with open_scan(folder / settings["source"]) as scan:
        own = range(left_out["start"], left_out["stop"], left_out["step"])
        others = np.setdiff1d(np.arange(scan.info.projections), np.array(own))
        block = read_block(scan, np.array([case["row"]]), others)
    block = make_tool("flat_field", {})(projections=block)
    block = make_tool("minus_log", {})(projections=block).as_kind(DataKind.SINOGRAM)
    destripe = settings["destripe"]
    block = make_tool(destripe["tool"], destripe["parameters"])(sinogram=block)
    axis = settings["axis_px"]
    volume = make_tool("fbp", {})(sinogram=block, center=Center(axis, axis, axis)).values[0]
    cut = case.get("column_offset", 0)
    if cut:
        volume = volume[cut : len(volume) - cut, cut : len(volume) - cut]
    return gaussian_filter(volume, settings["blur_px"]).astype(np.float32)


def assess_pipeline(
    pipeline: Pipeline,
    paths: list[Path],
    reference: Image,
    settings: dict[str, Any],
    case: dict[str, Any],
) -> tuple[dict[str, Any], Image]:
    """Run a pipeline on a case and compare: numbers, and the slice."""
    import h5py

    from toolbox.metrics import (
        fine_structure_correlation,
        fourier_ring_correlation,
        ssim_in_circle,
    )

    with tempfile.TemporaryDirectory(prefix="tomoplan-") as folder:
        output = Path(folder) / "out.h5"
        record = service.run(pipeline, list(paths), output)
        with h5py.File(output) as file:
            slice_ = file["/entry/data/data"][0].astype(np.float32)
            shifts = file["/entry/data/shifts"][:] if "shifts" in file["/entry/data"] else None
    slice_ = centred(slice_, len(reference))
    if "truth" in case:
        slice_ = registered(slice_, reference)
    ring = fourier_ring_correlation(slice_, reference)
    axis = settings["axis_px"] - case.get("column_offset", 0)
    found = record.center_px["value"] if record.center_px else None
    numbers = {
        "fine_structure": fine_structure_correlation(slice_, reference, settings["scale_px"]),
        "ssim": ssim_in_circle(slice_, reference),
        "frc_px": ring.resolution_px,
        # With jitter the axis and a common shift of all views cannot be told apart.
        "axis_error_px": None if found is None or "truth" in case else abs(found - axis),
        "shift_error_px": None,
        "seconds": record.seconds,
    }
    if "truth" in case:
        numbers["shift_error_px"] = shift_error(paths[0], case["truth"], shifts)
    if "overlap_px" in case and record.overlap_px is not None:
        numbers["shift_error_px"] = abs(record.overlap_px - case["overlap_px"])
    return numbers, slice_


def shift_error(path: Path, truth: str, shifts: NDArray[np.float64] | None) -> float:
    """RMS error in px of the horizontal shifts, what only moves the specimen left out: a constant
    (the axis) and a sine of the angle (its place)."""
    import h5py

    with h5py.File(path) as file:
        real = -np.asarray(file[truth][:], np.float64)  # the crop moved by +s, the image by −s
        theta = np.deg2rad(file["exchange/theta"][:])
    found = np.zeros_like(real) if shifts is None else shifts[:, 1]
    model = np.stack([np.ones_like(theta), np.cos(theta), np.sin(theta)], axis=1)
    rest = found - real
    rest = rest - model @ np.linalg.lstsq(model, rest, rcond=None)[0]
    return float(np.sqrt((rest**2).mean()))


def centred(image: Image, size: int) -> Image:
    """An image cut or padded about its middle to ``size`` squared."""
    have = len(image)
    if have >= size:
        cut = (have - size) // 2
        return image[cut : cut + size, cut : cut + size]
    before = (size - have) // 2
    return np.pad(image, (before, size - have - before))


def registered(image: Image, reference: Image, reach_px: int = 24) -> Image:
    """An image moved onto a reference: where their structure inside the circle correlates best,
    up to ``reach_px`` px away. (Whole phase correlation takes the noise's word for it.)"""
    from scipy.ndimage import gaussian_filter, shift

    from toolbox.metrics import circle_mask

    mask = circle_mask(len(reference), 0.9)
    bands = [np.fft.fft2(mask * (gaussian_filter(i, 3.0) - gaussian_filter(i, 16.0)))
             for i in (reference, image)]  # fmt: skip
    likeness = np.fft.ifft2(bands[0] * np.conj(bands[1])).real
    around = np.arange(-reach_px, reach_px + 1)
    near = likeness[np.ix_(around, around)]
    row, column = np.unravel_index(np.argmax(near), near.shape)
    return shift(image, (around[row], around[column]), order=1)


def _draw(pictures: list[tuple[str, Image]], path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    path.parent.mkdir(parents=True, exist_ok=True)
    lines = -(-len(pictures) // 3)
    figure = Figure(figsize=(12, 4 * lines), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (title, image) in zip(figure.subplots(lines, 3).flat, pictures, strict=False):
        middle = centred(image, min(len(image), 800))
        axes.imshow(middle, cmap="gray", vmin=np.quantile(middle, 0.01),
                    vmax=np.quantile(middle, 0.99))  # fmt: skip
        axes.set_title(title, fontsize=9)
        axes.axis("off")
    figure.savefig(path, dpi=90)
