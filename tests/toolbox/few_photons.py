"""Volumes of few photons that the networks for them are tried on."""

from __future__ import annotations

from typing import Any

import numpy as np

from simulators.training.command import shipped_settings
from simulators.training.low_dose import Case, draw
from simulators.training.settings import Settings


def unseen_scans(network: str) -> list[Case]:
    """Scans of families that the training of this network never saw."""
    held_out = Settings.read(shipped_settings(network)).options["held_out"]
    rng = np.random.default_rng(11)
    return [Case.of(draw(rng, [family], (192, 192)), rng) for family in held_out]


def stack(height: int, width: int, rows: int = 5) -> Any:
    """Discs that stand through all slices, in noise."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:height, :width]
    discs = np.zeros((height, width))
    for _ in range(12):
        at = rng.uniform(0, [height, width])
        discs += (np.hypot(y - at[0], x - at[1]) < rng.uniform(3, 12)) * rng.uniform(0.3, 1)
    return (discs + rng.normal(0, 0.3, (rows, height, width))).astype(np.float32)
