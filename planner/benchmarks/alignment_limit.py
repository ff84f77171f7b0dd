"""What alignment could reach at best on the real scan with injected jitter:
``python -m planner.benchmarks.alignment_limit``.

Views of that scan as they were before they were shifted are registered to the projections of a
reconstruction from three times as many other views, none of them shifted, stripes taken off with
all views known. An aligner has less: shifted views alone. What this registration misses by is
noise and the sample's own motion, and no aligner can be expected to do better.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError
from planner.benchmarks.alignment import real_lines

AXIS = 1275.0  # column, by the sharpness of the whole scan
FARTHEST = 8  # px: as far as views were shifted in the file
BESIDE = 640  # columns laid on either side, for the sample is wider than the field
BANDS = ((4.0, 60.0), (8.0, 60.0), (8.0, 120.0), (16.0, 120.0))  # px, σ of two Gaussians


def run(data: Path) -> dict[str, Any]:
    """RMS of the shifts found (all are 0 in truth), px, at several bands of wavelengths."""
    lines, stripes = real_lines(data)
    clean = (lines - stripes).astype(np.float32)
    views = np.arange(len(clean)) % 4 == 0
    expected = _projected(clean, views)
    errors = [_rms(clean[views], expected, *band) for band in BANDS]
    rows = [{"band_px": b, "rms_px": e} for b, e in zip(BANDS, errors, strict=True)]
    return {"unit": "px RMS", "rows": rows, "best_px": min(errors)}


def _projected(clean: NDArray[np.float32], views: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The ``views`` (of ``angle, col`` over half a turn) as the others expect them."""
    import torch

    from toolbox.operators.parallel_beam import ParallelBeam

    angles = np.pi * np.arange(len(clean)) / len(clean)
    wide = np.pad(clean[~views], ((0, 0), (BESIDE, BESIDE)), mode="edge")
    maker = ParallelBeam(angles[~views], wide.shape[1], AXIS + BESIDE)
    judge = ParallelBeam(angles[views], wide.shape[1], AXIS + BESIDE)
    slices = maker.fbp(torch.from_numpy(wide[None]), "hann", "edge")
    found: NDArray[np.float32] = judge(slices).numpy()[0, :, BESIDE:-BESIDE]
    return found


def _rms(
    views: NDArray[np.float32], expected: NDArray[np.float32], fine: float, coarse: float
) -> float:
    """The root mean square of the shifts that make views (``angle, col``) fit best."""
    from scipy.ndimage import gaussian_filter1d

    here, there = (
        gaussian_filter1d(v, fine, axis=1) - gaussian_filter1d(v, coarse, axis=1)
        for v in (views, expected)
    )
    margin, last = int(coarse) + FARTHEST, here.shape[1]
    inside = here[:, margin : last - margin]
    shifts = np.arange(-FARTHEST, FARTHEST + 1)
    misfit = [
        ((inside - there[:, margin - s : last - margin - s]) ** 2).sum(axis=1) for s in shifts
    ]
    found = shifts[np.argmin(misfit, axis=0)]
    return float(np.sqrt(np.mean(found.astype(float) ** 2)))


if __name__ == "__main__":
    folder = os.environ.get("TOMOPLAN_DATA")
    if folder is None:
        raise InputError("Set TOMOPLAN_DATA to the folder of the real scans.")
    print(json.dumps(run(Path(folder)), indent=2))
