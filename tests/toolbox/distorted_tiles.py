"""Two tiles seen through optics that distort, for the tools that stitch them."""

from __future__ import annotations

from functools import cache
from typing import Any

from metadata.scan import Scan
from simulators import World
from simulators.acquisition.mosaic import Mosaic, mosaic
from simulators.training.attenuation import attenuation
from toolbox.kinds import DataKind
from toolbox.values import Block

WORLD: dict[str, Any] = {
    "specimen": "foam", "columns": 128, "rows": 5, "projections": 120, "photons": 3e4,
    "fill": 0.85, "seed": 3,
}  # fmt: skip
SHARED = 48


@cache
def scans(**changes: Any) -> Mosaic:
    """Two scans side by side that share 48 columns."""
    return mosaic(World(**(WORLD | changes)), overlap_px=SHARED)


def tiles(**changes: Any) -> tuple[Block, Block]:
    """Their attenuation, axes ``angle, row, col``."""
    left, right = (_seen(scan) for scan in scans(**changes).tiles)
    return left, right


def _seen(scan: Scan) -> Block:
    return attenuation(scan).as_kind(DataKind.PROJECTIONS)
