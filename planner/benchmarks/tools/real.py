"""Tools that make or mend slices, on real scans: agreement with the views that were not used."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata import open_scan
from metadata.scan import Scan
from planner.benchmarks.rules import made, with_tool
from planner.benchmarks.tools.row import Row, chosen
from planner.benchmarks.tools.slices import tools_of
from planner.grammar import settling
from planner.subset_scan import SubsetScan
from toolbox.kinds import GreyState, Stage
from toolbox.recipe import Recipe, Step

Image = NDArray[np.float32]


def measure(settings: Mapping[str, Any], only: str | None = None) -> Iterator[Row]:
    """Rows for each tool on each scan of ``real`` and ``real_limited`` in
    ``configs/benchmarks/tools.yaml``; none without ``TOMOPLAN_DATA``."""
    folder = os.environ.get("TOMOPLAN_DATA")
    if not folder:
        print("real scans are passed over: TOMOPLAN_DATA is not set", file=sys.stderr)
        return
    how = settings["reference"]
    for job, about in (settings["real"] | settings["real_limited"]).items():
        stages = about.get("stages", settings["real_stages"])
        names = chosen((n for s in stages for n in tools_of(Stage(s))), settings)
        if only not in (None, job) or not names:
            continue
        with open_scan(Path(folder) / about["file"]) as whole:
            part, other = half_of(whole, about, 0, about.get("degrees")), half_of(whole, about, 1)
            reference = made(other, referring(plain(other, about), about, how))
            assert reference is not None
            reference = blurred(reference[0], how["blur_px"])
            recipe = plain(part, about)
            if "degrees" in about:
                recipe = referring(recipe, about, how)
            scores = _scores(part, recipe, reference, how["scale_px"])
            print(f"{job}: without {scores[0]:.3f}", file=sys.stderr)
            for name in names:
                steps = settling(with_tool(recipe, name), about.get("degrees", 180.0))
                with_it = _scores(part, steps, reference, how["scale_px"])
                for index, score in enumerate(("fine structure", "SSIM")):
                    yield Row(name, job, score, with_it[index], scores[index], with_it[2],
                              scores[2], real=True)  # fmt: skip


def half_of(
    scan: Scan, about: Mapping[str, Any], first: int, degrees: float | None = None
) -> SubsetScan:
    """Every second view of a row (``first`` 0 or 1), of those one in ``thin``, within the first
    ``degrees``: the other half is left for a reference with noise of its own."""
    thin = about.get("thin", 1)
    views = np.arange(first * thin, scan.info.projections, 2 * thin)
    if degrees is not None:
        turned = np.rad2deg(np.asarray(scan.info.angles_rad)[views])
        views = views[np.abs(turned - turned[0]) <= degrees]
    return SubsetScan(scan, about["row"], views, about["bin"])


def plain(scan: SubsetScan, about: Mapping[str, Any]) -> Recipe:
    """Flat field where there are counts, logarithm, the known axis, filtered back-projection."""
    first = (Step("flat_field"),) if scan.info.state is GreyState.COUNTS else ()
    axis = Step("known_center", {"column": scan.axis(about["axis_px"])})
    return (*first, Step("minus_log"), axis, Step("fbp"))


def referring(recipe: Recipe, about: Mapping[str, Any], how: Mapping[str, Any]) -> Recipe:
    """The plain recipe, destriped at a stated strength where the scan has stripes."""
    if not about["destripe"]:
        return recipe
    at = [s.tool for s in recipe].index("known_center")
    step = Step(how["destripe"]["tool"], how["destripe"]["parameters"])
    return (*recipe[:at], step, *recipe[at:])


def blurred(image: Image, sigma: float) -> Image:
    """What is left of a reference once its own noise is taken out."""
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(image, sigma), np.float32)


def _scores(
    scan: Scan, recipe: Recipe, reference: Image, scale_px: float
) -> tuple[float | None, float | None, float]:
    from toolbox.metrics import fine_structure_correlation, ssim_in_circle

    began = time.perf_counter()
    found = made(scan, recipe)
    seconds = time.perf_counter() - began
    if found is None:
        return None, None, seconds
    return (fine_structure_correlation(found[0], reference, scale_px),
            ssim_in_circle(found[0], reference), seconds)  # fmt: skip
