"""Pictures of simulated worlds."""

from __future__ import annotations

import dataclasses

import numpy as np

from planner.perception.pictures import Pictures, rows_of
from planner.preview import correct, read_block
from simulators import World, simulate
from toolbox.kinds import DataKind
from toolbox.values import Center

FRAME_ROWS = 48  # of the projection that is shown


def pictures_of(world: World, rng: np.random.Generator) -> Pictures:
    """What the model sees of a world of one row; its axis known as well as it is found.

    The projection is of the same specimen and instrument, some rows high; now and then it is
    one row, as of a sinogram file.
    """
    scan = simulate(world)
    raw = read_block(scan, np.arange(1), np.arange(world.projections))
    sinogram = correct(raw)[1].as_kind(DataKind.SINOGRAM)
    column = scan.truth_center + float(rng.normal(0, 0.3))
    center = Center(column, column - 0.6, column + 0.6)
    row, slice_ = rows_of(sinogram, center)
    if rng.random() < 0.1:
        return Pictures.of(row[len(row) // 2][None], row, slice_)
    middle = float(np.degrees(world.angles_rad[world.projections // 2]))
    frame = dataclasses.replace(world, rows=FRAME_ROWS, projections=1, start_deg=middle,
                                drift_px=0.0, thermal_px=0.0, motion_px=0.0)  # fmt: skip
    shown = simulate(frame)
    high = correct(read_block(shown, np.arange(FRAME_ROWS), np.arange(1)))[1]
    return Pictures.of(np.asarray(high.values[0]), row, slice_)
