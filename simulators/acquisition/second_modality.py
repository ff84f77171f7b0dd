"""The same specimen on another instrument: other contrast, resolution and place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators.acquisition.matter import rotation
from simulators.random_streams import Stream, generator
from simulators.simulated_scan import SimulatedScan, simulate
from simulators.world import World


@dataclass(frozen=True, eq=False)
class Pair:
    """Two scans of one specimen. A point ``p = (x, y, z)`` of the first (px from the axis and the
    middle row) is found in the second at ``matrix @ p + shift``, in px of the second."""

    first: SimulatedScan
    second: SimulatedScan
    matrix: NDArray[np.float64]
    shift: NDArray[np.float64]

    def in_second(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points ``n, (x, y, z)`` of the first in the second."""
        return points @ self.matrix.T + self.shift


def second_modality(world: World, coarser: int = 2, largest_turn_deg: float = 8.0,
                    largest_shift_px: float = 4.0, **second: Any) -> Pair:  # fmt: skip
    """Scan a world's specimen and scan it again with thermal neutrons (or what ``second`` says of
    the other world), pixels ``coarser`` times as large and more blur, the specimen turned about
    the axis and shifted as drawn from the seed.

    >>> pair = second_modality(World("foam", columns=64, rows=4, projections=8))
    >>> pair.second.info.columns, pair.second.info.probe
    (32, 'neutron')
    """
    rng = generator(world.seed, Stream.STAGE)
    turn = float(rng.uniform(-largest_turn_deg, largest_turn_deg))
    x, y, z = rng.uniform(-largest_shift_px, largest_shift_px, 3)
    seed = world.seed if world.specimen_seed is None else world.specimen_seed
    # Made as high as both need it, or the second would see its cut ends.
    height = world.height + 2 * coarser * (np.ceil(abs(z)) + 1)
    first = replace(world, specimen_seed=seed, radius_px=world.radius, height_px=float(height))
    rows = max(1, world.rows // coarser)
    settings: dict[str, Any] = {
        "probe": "neutron",
        "spectrum": "mono",
        "propagation": "none",
        "columns": world.columns // coarser,
        "rows": rows,
        "center": None,
        "scale": world.scale / coarser,
        "pixel_size_m": world.pixel_size_m * coarser,
        "turned_deg": world.turned_deg + turn,
        "moved_x_px": float(x),
        "moved_y_px": float(y),
        "moved_z_px": float(z),
        "seed": world.seed + 1,
        "detector_seed": world.seed + 1,
    }
    other = replace(first, **(settings | second))
    matrix = rotation(other.turned_deg - world.turned_deg) * (other.scale / world.scale)
    placed = np.array([other.moved_x_px, other.moved_y_px, other.moved_z_px])
    was = np.array([world.moved_x_px, world.moved_y_px, world.moved_z_px])
    return Pair(simulate(first), simulate(other), matrix, placed - matrix @ was)
