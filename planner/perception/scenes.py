"""Pictures of simulated worlds."""

from __future__ import annotations

import dataclasses

import numpy as np

from metadata.errors import TomoplanError
from planner.perception.pictures import Pictures
from planner.preview import correct, read_block
from simulators import World, simulate
from toolbox.centering import estimate_center
from toolbox.kinds import DataKind
from toolbox.values import Block, Center

FRAME_ROWS = 16  # of the projection that is shown
FRAMES = 0.25  # of the scans; the others are of one row, as a sinogram file
SOUGHT = 0.25  # of the axes are found as inspecting a scan finds them, which takes a third of all
NEAR_PX, FAR_PX, MISSED = 0.3, 4.0, 0.3  # how far the others lie off, and how often far


def pictures_of(world: World, rng: np.random.Generator, sought: float = SOUGHT) -> Pictures:
    """What the model sees of a world of one row, its axis known as well as it is found.

    The projection is of the same specimen and instrument, some rows high, or one row.
    """
    raw = read_block(simulate(world), np.arange(1), np.arange(world.projections))
    sinogram = correct(raw)[1].as_kind(DataKind.SINOGRAM)
    center = _found(sinogram) if rng.random() < sought else _about(world, rng)
    if rng.random() < FRAMES:
        frame = _frame(world)
    else:
        frame = sinogram.values[0][world.projections // 2][None]
    return Pictures.of(frame, sinogram, center, world.projections)


def _found(sinogram: Block) -> Center | None:
    try:
        return estimate_center(sinogram, effort="quick")
    except TomoplanError:
        return None


def _about(world: World, rng: np.random.Generator) -> Center:
    """An axis that is nearly right, and far off now and then where faults hide it."""
    hidden = max(world.jitter_px, abs(world.motion_px)) > 1 or world.range_deg < 180
    far = hidden and rng.random() < MISSED
    column = world.axis + float(rng.normal(0, FAR_PX if far else NEAR_PX))
    return Center(column, column, column)


def _frame(world: World) -> np.ndarray:
    """The middle projection, ``row, col``, as attenuation."""
    middle = float(np.degrees(world.angles_rad[world.projections // 2]))
    one = dataclasses.replace(world, rows=FRAME_ROWS, projections=1, start_deg=middle,
                              flats=2, darks=2, drift_px=0.0, thermal_px=0.0,
                              motion_px=0.0)  # fmt: skip
    shown = correct(read_block(simulate(one), np.arange(FRAME_ROWS), np.arange(1)))[1]
    return np.asarray(shown.values[0])
