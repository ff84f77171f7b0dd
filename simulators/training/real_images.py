"""Images of real scans for what learns without truth, from the folder ``TOMOPLAN_DATA``."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metadata.open import open_scan
from metadata.scan import Scan
from simulators.training.attenuation import attenuation
from toolbox.kinds import GreyState
from toolbox.registry import make_tool
from toolbox.values import Center

Image = NDArray[np.float32]
TOOTH, TOOTH_AXIS = "projections/tooth_aps_dx.h5", 296.0
FIBRES = "volumes/qim3d_fibers_150x150x150.h5"
NEUTRONS = "sinograms/neutron_360.h5"
RADIOGRAPHS = "projections/i13_24737_nxtomo.nxs"
APART = 5  # slices or views of one scan that are much alike are passed over


def real_images(domain: str) -> tuple[Image, ...]:
    """Images of a domain, axes ``y, x`` (slices), ``angle, col`` or ``row, col``; none where the
    data is not at hand."""
    folder = os.environ.get("TOMOPLAN_DATA")
    return _images(domain, Path(folder)) if folder else ()


@cache
def _images(domain: str, folder: Path) -> tuple[Image, ...]:
    found: list[Image] = []
    if domain == "reconstruction":
        if (folder / FIBRES).exists():
            with open_scan(folder / FIBRES, content="volume") as volume:
                found += list(volume.projections().swapaxes(0, 1)[::APART])
        if (folder / TOOTH).exists():
            with open_scan(folder / TOOTH) as scan:
                center = Center(TOOTH_AXIS, TOOTH_AXIS, TOOTH_AXIS)
                found += list(
                    make_tool("fbp", {})(sinogram=attenuation(scan), center=center).values
                )
    elif domain == "sinogram":
        for name in (TOOTH, NEUTRONS):
            if (folder / name).exists():
                with open_scan(folder / name, **_reading(name)) as scan:
                    found += list(_lines(scan))
    elif (folder / RADIOGRAPHS).exists():
        with open_scan(folder / RADIOGRAPHS) as scan:
            found += list(_lines(scan).swapaxes(0, 1)[::APART])
    return tuple(np.ascontiguousarray(image, np.float32) for image in found)


def _reading(name: str) -> dict[str, str]:
    """What the file does not say."""
    if name != NEUTRONS:
        return {}
    return {"angles": "0:360:inclusive", "state": "transmission"}


def _lines(scan: Scan) -> Image:
    """The scan as attenuation, axes ``row, angle, col``."""
    if scan.info.state is GreyState.COUNTS:
        return np.asarray(attenuation(scan).values)
    return -np.log(np.clip(scan.projections(), 1e-3, None)).swapaxes(0, 1)
