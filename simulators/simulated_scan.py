"""A scan of a world, made block by block when it is asked for; the truth is beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metadata.scan import Frames, Scan
from metadata.scan_info import GreyState, ScanInfo
from simulators.acquisition.detector import Detector
from simulators.acquisition.exposure import Exposure
from simulators.acquisition.matter import matter
from simulators.acquisition.spectrum import mean_energy
from simulators.block_cache import BlockCache
from simulators.faults.rings import Rings, rings
from simulators.faults.zingers import zingers
from simulators.projector import fractions, labels
from simulators.specimens import Specimen
from simulators.world import World


class SimulatedScan(Scan):
    """Counts of a :class:`World`; the same world gives the same counts, however they are cut.

    Beside the frames lie the truths, which no tool may read: ``truth(row)``, ``labels(row)``,
    ``line_integrals(row)``, ``displacement(z, y, x)``, ``truth_center`` (column),
    ``truth_shifts`` (``angle, (row, col)``, px; ``truth_shift_parts`` by fault), ``truth_tilt``
    (``angle``, rad), ``truth_beam`` (``angle``, part of that at the flats), ``truth_flat_shifts``
    (``angle, (row, col)``, px), ``truth_rings(row)``, ``truth_zingers(row)``, ``truth_dead(row)``,
    ``truth_hot(row)``, and ``specimen``. ``notes`` says what was simplified.
    """

    def __init__(self, world: World, specimen: Specimen | None = None) -> None:
        self.world = world
        self._matter = matter(world, specimen)
        self.specimen: Specimen = self._matter.specimen
        self._exposure = Exposure(self._matter)
        self._detector = Detector(world)
        self.truth_center = world.axis
        self.truth_shift_parts = self._exposure.shift_parts
        self.truth_shifts: NDArray[np.float64] = self._exposure.shifts
        self.truth_tilt = self._exposure.lean
        self.truth_beam = self._exposure.current
        self.truth_flat_shifts = self._exposure.beam_shifts
        self.notes: tuple[str, ...] = self._exposure.notes
        self.info = ScanInfo(
            path=Path(f"simulated-{world.specimen}-{world.seed}"),
            format="simulated",
            projections=world.projections,
            rows=world.rows,
            columns=world.columns,
            flats=world.flats + world.flats_after,
            darks=world.darks,
            dtype="uint16",
            state=GreyState.COUNTS,
            angles_rad=world.angles_rad,
            pixel_size_m=world.pixel_size_m,
            energy_kev=mean_energy(world),
            distance_m=world.distance_m,
            exposure_s=world.exposure_s,
            sample=world.specimen,
            probe=world.probe,
            flats_before=world.flats if world.flats + world.flats_after else None,
        )
        self._blocks: BlockCache[NDArray[np.uint16]] = BlockCache(self._exposure.block)
        self._flats: BlockCache[NDArray[np.uint16]] = BlockCache(self._exposure.flats)

    @property
    def block_rows(self) -> int:
        """Rows that are made together: asking for multiples of them wastes nothing."""
        return self._exposure.block_rows

    def projections(
        self, angles: slice | NDArray[np.intp] = slice(None), rows: slice = slice(None)
    ) -> Frames:
        return self.counts(rows, angles).astype(np.float32)

    def counts(
        self, rows: slice = slice(None), angles: slice | NDArray[np.intp] = slice(None)
    ) -> NDArray[np.uint16]:
        """Projections as the detector stores them, axes ``angle, row, col``."""
        chosen = range(*rows.indices(self.world.rows))
        count = len(np.arange(self.world.projections)[angles])
        found = np.empty((count, len(chosen), self.world.columns), np.uint16)
        for at, row in enumerate(chosen):
            found[:, at] = self._at(self._blocks, row)[angles]
        return found

    def flats(self, rows: slice = slice(None)) -> Frames:
        chosen = range(*rows.indices(self.world.rows))
        if not self.info.flats or not chosen:
            return np.empty((self.info.flats, len(chosen), self.world.columns), np.float32)
        return np.stack([self._at(self._flats, r) for r in chosen], axis=1).astype(np.float32)

    def darks(self, rows: slice = slice(None)) -> Frames:
        chosen = range(*rows.indices(self.world.rows))
        if not self.world.darks or not chosen:
            return np.empty((self.world.darks, len(chosen), self.world.columns), np.float32)
        return np.stack([self._detector.darks(row) for row in chosen], axis=1)

    def monitor(self) -> NDArray[np.float64] | None:
        return 1e6 * self.truth_beam

    def truth(self, row: int, size: int | None = None) -> Frames:
        """The slice at a detector row, axes ``y, x``, attenuation in 1/px at ``energy_kev``;
        ``size`` × ``size`` about the axis (None: as many as columns)."""
        parts = fractions(self.specimen.shapes, len(self.specimen.materials), self._height(row),
                          size or self.world.columns)  # fmt: skip
        mu = self._matter.attenuation().astype(np.float32)
        return np.tensordot(mu, parts, axes=1).astype(np.float32)

    def labels(self, row: int, size: int | None = None) -> NDArray[np.uint8]:
        """Material of each voxel of that slice: an index into ``specimen.labels``."""
        return labels(self.specimen.shapes, self._height(row), size or self.world.columns)

    def fractions(self, row: int, size: int | None = None) -> Frames:
        """Part of each voxel that each material fills, axes ``material, y, x``."""
        return fractions(self.specimen.shapes, len(self.specimen.materials), self._height(row),
                         size or self.world.columns)  # fmt: skip

    def line_integrals(self, row: int) -> NDArray[np.float64]:
        """The clean sinogram at ``energy_kev`` with its faults of place (jitter, tilt …), axes
        ``angle, col``."""
        return np.tensordot(self._matter.attenuation(), self.path_lengths(row), axes=1)

    def path_lengths(self, row: int) -> NDArray[np.float32]:
        """How far each ray of a row goes through each material, axes ``material, angle, col``, px;
        where it falls with the faults of place."""
        return self._exposure.lengths(row)

    def attenuation_per_px(self, energy_kev: float | None = None) -> NDArray[np.float64]:
        """Attenuation of each material in 1/px at an energy (None: the world's), densities
        scaled as ``attenuation`` asks."""
        return self._matter.attenuation(energy_kev)

    def displacement(self, z: NDArray[np.float64], y: NDArray[np.float64], x: NDArray[np.float64]
                     ) -> NDArray[np.float64]:  # fmt: skip
        """How far the parts of the undeformed specimen at ``z, y, x`` (px from the axis and the
        specimen's middle, alike in shape) have moved, axes ``(z, y, x), …``, px.

        Bodies follow it to first order over their size (:meth:`Shapes.displaced`). ``scale`` and
        the pose of the world come after it.
        """
        z, y, x = np.broadcast_arrays(z, y, x)
        points = np.stack([np.ravel(x), np.ravel(y), np.ravel(z)], axis=1).astype(np.float64)
        moved = self._matter.deformation(points)
        return np.stack([moved[:, axis].reshape(np.shape(x)) for axis in (2, 1, 0)])

    def truth_rings(self, row: int) -> Rings:
        """Gain of a row's columns over that in the flats."""
        return rings(self.world, row)

    def truth_zingers(self, row: int) -> NDArray[np.intp]:
        """Places of a row that were hit, ``n, (angle, col)``."""
        return zingers(self.world, row)[0]

    def truth_dead(self, row: int) -> NDArray[np.intp]:
        """Columns of a row that see nothing."""
        return self._detector.dead(row)

    def truth_hot(self, row: int) -> NDArray[np.intp]:
        """Columns of a row that add a constant."""
        return self._detector.hot(row)[0]

    def truth_clip_level(self) -> float:
        """Counts at which the detector clips."""
        return self._detector.limit

    def _height(self, row: int) -> float:
        return row - (self.world.rows - 1) / 2 + self.world.row_offset_px

    def _at(self, blocks: BlockCache[NDArray[np.uint16]], row: int) -> NDArray[np.uint16]:
        return blocks.at(row // self.block_rows)[:, row % self.block_rows]


def simulate(world: World, specimen: Specimen | None = None) -> SimulatedScan:
    """The scan of a world; the same world gives the same counts. A ``specimen`` stands in place of
    the one that the world names.

    >>> scan = simulate(World(columns=64, rows=1, projections=90))
    >>> scan.projections().shape
    (90, 1, 64)
    """
    return SimulatedScan(world, specimen)
