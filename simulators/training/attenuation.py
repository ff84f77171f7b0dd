"""Simulated scans as the parts see them: corrected, as the toolbox corrects them."""

from __future__ import annotations

import numpy as np

from metadata.scan import Scan
from toolbox.kinds import DataKind, GreyState
from toolbox.registry import make_tool
from toolbox.values import Block, Geometry


def attenuation(scan: Scan) -> Block:
    """The whole scan through flat field and logarithm, axes ``row, angle, col``."""
    counts = Block(
        scan.projections(), DataKind.PROJECTIONS, GreyState.COUNTS, Geometry.of(scan.info),
        np.arange(scan.info.rows), np.arange(scan.info.projections), scan.flats(), scan.darks(),
    )  # fmt: skip
    transmission = make_tool("flat_field", {})(projections=counts)
    return make_tool("minus_log", {})(projections=transmission).as_kind(DataKind.SINOGRAM)
