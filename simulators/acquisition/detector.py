"""From light to counts: gain, non-linearity, read noise, saturation, dead and hot pixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulators.random_streams import Stream, generator

if TYPE_CHECKING:
    from simulators.world import World

Array = NDArray[np.float32]

FULL_WELL = 60000.0
DARK_LEVEL = 100.0
READ_NOISE = 3.0  # counts, RMS
NOMINAL_PHOTONS = 10000.0  # where there is no noise to tell
HOT = (0.05, 0.8)  # what hot pixels add, part of the full well


@dataclass(frozen=True)
class Detector:
    """The detector of a world."""

    world: World

    @property
    def photons(self) -> float:
        """Photons per pixel and frame of the open beam."""
        beam = self.world.open_beam
        return NOMINAL_PHOTONS if beam is None else beam

    @property
    def noisy(self) -> bool:
        return self.world.open_beam is not None

    @cached_property
    def gain(self) -> float:
        """Counts per photon."""
        return 0.5 * FULL_WELL / self.photons if self.world.gain is None else self.world.gain

    @property
    def limit(self) -> float:
        """Counts at which the detector clips."""
        part = self.world.saturation
        return FULL_WELL if part is None else min(part * 0.5 * FULL_WELL, 65535.0)

    def dead(self, row: int) -> NDArray[np.intp]:
        """Columns of a row that see nothing."""
        return self._bad(row)[0]

    def hot(self, row: int) -> tuple[NDArray[np.intp], Array]:
        """Columns of a row that add a constant, and the counts."""
        return self._bad(row)[1:]

    def arrivals(self, light: Array, rng: np.random.Generator) -> Array:
        """Photons that arrive where ``light`` are expected: Poisson, where the world has noise."""
        if not self.noisy:
            return light
        return rng.poisson(light).astype(np.float32)

    def counts(self, light: Array, row: int, rng: np.random.Generator) -> Array:
        """Counts of one row for arrived light ``angle, col``, not yet clipped."""
        counts = np.float32(self.gain) * light
        if self.world.nonlinearity:
            counts *= 1 - np.float32(self.world.nonlinearity / FULL_WELL) * counts
        if self.noisy:
            counts += np.float32(READ_NOISE) * rng.standard_normal(counts.shape, np.float32)
        if self.world.dead_pixels:
            counts[:, self.dead(row)] = 0
        counts += np.float32(DARK_LEVEL)
        self._add_hot(counts, row)
        return counts

    def darks(self, row: int) -> Array:
        """Dark frames of one row, axes ``frame, col``, counts."""
        world = self.world
        rng = generator(world.seed, Stream.DARKS, row)
        counts = DARK_LEVEL + READ_NOISE * rng.standard_normal(
            (world.darks, world.columns), np.float32
        )
        self._add_hot(counts, row)
        return self.clipped(counts).astype(np.float32)

    def clipped(self, counts: Array, limit: float | None = None) -> NDArray[np.uint16]:
        """Whole counts between nothing and where the detector clips."""
        np.rint(counts, out=counts)
        return np.clip(counts, 0, self.limit if limit is None else limit).astype(np.uint16)

    def _add_hot(self, counts: Array, row: int) -> None:
        if self.world.hot_pixels:
            columns, added = self.hot(row)
            counts[:, columns] += added

    def _bad(self, row: int) -> tuple[NDArray[np.intp], NDArray[np.intp], Array]:
        world = self.world
        seed = world.seed if world.detector_seed is None else world.detector_seed
        rng = generator(seed, Stream.PIXELS, row)
        dead = np.flatnonzero(rng.random(world.columns) < world.dead_pixels)
        hot = np.flatnonzero(rng.random(world.columns) < world.hot_pixels)
        added = rng.uniform(*HOT, len(hot)) * FULL_WELL
        return dead, hot, added.astype(np.float32)
