"""What the detector of a world records, a block of rows at a time: specimen, beam, way, detector
and faults put together."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simulators.acquisition import scintillator
from simulators.acquisition.beam import open_beam
from simulators.acquisition.detector import FULL_WELL, Detector
from simulators.acquisition.matter import Matter
from simulators.acquisition.propagation import (
    OVERSAMPLING,
    binned,
    edge_enhancement,
    fresnel,
    margin_px,
    transport_of_intensity,
    wavelength_m,
)
from simulators.acquisition.spectrum import spectrum
from simulators.faults.distortion import undistorted
from simulators.faults.drift import even_drift, thermal_drift
from simulators.faults.flat_drift import beam_shifts
from simulators.faults.jitter import jitter
from simulators.faults.monitor import beam_current
from simulators.faults.motion import jump, settling
from simulators.faults.rings import rings
from simulators.faults.wobble import lean, runout
from simulators.faults.zingers import zingers
from simulators.projector import path_lengths
from simulators.random_streams import Stream, generator

Array = NDArray[np.float32]

FINE = 2  # rays across a pixel, where the way to the detector asks for no more
CHUNK_BYTES = 96 * 2**20  # of what is held at once beside a block
TALLEST_BLOCK = 16


class Exposure:
    """Frames of a world's specimen and of its open beam."""

    def __init__(self, matter: Matter) -> None:
        self.matter = matter
        self.world = world = matter.world
        self.detector = Detector(world)
        self.energies, self.weights = spectrum(world)
        self.mu = matter.attenuations(self.energies)  # energy, material; 1/px
        self.shift_parts = {
            name: part
            for name, part in (
                ("jitter", jitter(world)), ("drift", even_drift(world)),
                ("thermal", thermal_drift(world)), ("motion", jump(world)),
                ("settling", settling(world)), ("wobble", runout(world)),
            )
            if part.any()
        }  # fmt: skip
        self.shifts = sum(self.shift_parts.values(), np.zeros((world.projections, 2)))
        self.lean = lean(world)
        self.current = beam_current(world)
        self.beam_shifts = beam_shifts(world)
        # One row: light and waves spread across the columns only.
        self.flat_world = world.rows == 1
        self.blur_rows = scintillator.margin_rows(world)
        self.wave_margin = margin_px(world)
        margin = self.blur_rows + (0 if self.flat_world else self.wave_margin)
        self.block_rows = min(world.rows, TALLEST_BLOCK) if margin else 1

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What was simplified, and where the waves are too much for how they are reckoned."""
        world = self.world
        spread = [
            name
            for name, used in (("waves", self.wave_margin), ("light", world.blur_px))
            if used and self.flat_world
        ]
        found = []
        if spread:
            found.append(f"One row: {' and '.join(spread)} spread across the columns only.")
        if self.wave_margin:
            middle = world.rows // 2
            absorbed, phase = self._wave(range(middle, middle + 1), slice(0, 1), 0)
            step = world.pixel_size_m / OVERSAMPLING
            turns = np.abs(np.diff(phase, axis=-1)).max() / (2 * np.pi)
            if turns > 0.5:
                found.append(
                    f"The phase turns by {turns:.1f} turns between two samples, more than half of "
                    f"one: the finest fringes are not resolved (smaller pixels, or real densities "
                    f"with attenuation none)."
                )
            if world.propagation == "tie":
                seen = transport_of_intensity(absorbed, phase, float(self.energies[0]),
                                              world.distance_m, step)  # fmt: skip
                cut = float((seen <= 0.0201 * np.exp(-absorbed)).mean())
                if cut > 0.001:
                    found.append(
                        f"The transport of intensity does not hold at {100 * cut:.1f} % of the "
                        f"points of the first projection; use fresnel, or a shorter distance."
                    )
        return tuple(found)

    def lengths(self, row: float, angles: slice = slice(None), columns: NDArray | None = None,
                fine: int = FINE) -> Array:  # fmt: skip
        """Path lengths at a detector row, axes ``material, angle, col``, px; ``columns`` may lie
        between and beside those of the detector."""
        world = self.world
        if columns is None:
            columns = np.arange(world.columns, dtype=np.float64)
        height: float | NDArray[np.float64] = row
        if world.distortion_px:
            columns, height = undistorted(world, columns, row)
        v = height - (world.rows - 1) / 2 + world.row_offset_px - self.shifts[angles, :1]
        u = columns[None, :] - world.axis - self.shifts[angles, 1][:, None]
        cos, sin = np.cos(self.lean[angles])[:, None], np.sin(self.lean[angles])[:, None]
        return path_lengths(
            self.matter.specimen.shapes, len(self.matter.specimen.materials),
            world.angles_rad[angles], u * cos - v * sin, u * sin + v * cos,
            fine=fine,
        )  # fmt: skip

    def block(self, index: int) -> NDArray[np.uint16]:
        """Counts of a block of rows, axes ``angle, row, col``."""
        world, rows = self.world, self._rows(index)
        counts = np.empty((world.projections, len(rows), world.columns), np.uint16)
        lit = self._lit(rows)
        arriving = [generator(world.seed, Stream.PHOTONS, row) for row in lit]
        reading = [generator(world.seed, Stream.READOUT, row) for row in rows]
        known = [rings(world, row) for row in rows]
        for start in range(0, world.projections, self._views(len(rows))):
            angles = slice(start, min(start + self._views(len(rows)), world.projections))
            light = self.transmission(lit, angles)
            beam = open_beam(world, np.array(lit, float), self.beam_shifts[angles])
            light *= beam * np.float32(self.detector.photons)
            light *= self.current[angles, None, None].astype(np.float32)
            for at, rng in enumerate(arriving):
                light[:, at] = self.detector.arrivals(light[:, at], rng)
            light = self._spread(light, len(rows))
            for at, (row, rng) in enumerate(zip(rows, reading, strict=True)):
                seen = light[:, at] * known[at].gain(angles, world.projections)
                counts[angles, at] = self.detector.clipped(self.detector.counts(seen, row, rng))
        for at, row in enumerate(rows):
            self._hit(counts[:, at], row)
        return counts

    def flats(self, index: int) -> NDArray[np.uint16]:
        """Flat fields of a block of rows, axes ``frame, row, col``: the beam as the scan begins,
        then as it ends."""
        world, rows = self.world, self._rows(index)
        lit = self._lit(rows)
        light = np.concatenate([self._open(lit, 0, world.flats),
                                self._open(lit, -1, world.flats_after)])  # fmt: skip
        for at, row in enumerate(lit):
            rng = generator(world.seed, Stream.FLAT_PHOTONS, row)
            light[:, at] = self.detector.arrivals(light[:, at], rng)
        light = self._spread(light, len(rows))
        counts = np.empty(light.shape, np.uint16)
        for at, row in enumerate(rows):
            rng = generator(world.seed, Stream.FLAT_READOUT, row)
            counts[:, at] = self.detector.clipped(self.detector.counts(light[:, at], row, rng))
        return counts

    def _open(self, rows: range, at: int, count: int) -> Array:
        shift = self.beam_shifts[[at]] if at else np.zeros((1, 2))
        beam = open_beam(self.world, np.array(rows, float), shift)
        level = self.detector.photons * (self.current[at] if at else 1.0)
        return np.repeat(beam * np.float32(level), count, axis=0)

    def transmission(self, rows: range, angles: slice) -> Array:
        """Part of the beam that reaches the scintillator, axes ``angle, row, col``."""
        seen = self._straight if self.world.propagation == "none" else self._propagated
        passed = seen(rows, angles)
        return edge_enhancement(passed, self.world.fringes) if self.world.fringes else passed

    def _straight(self, rows: range, angles: slice) -> Array:
        mu = self.mu.astype(np.float32)
        found = []
        for row in rows:
            lengths = self.lengths(row, angles)
            passed = (np.exp(-np.tensordot(m, lengths, axes=1)) for m in mu)
            found.append(self._over_energies(passed))
        return np.stack(found, axis=1)

    def _propagated(self, rows: range, angles: slice) -> Array:
        world, m, f = self.world, self.wave_margin, OVERSAMPLING
        through = transport_of_intensity if world.propagation == "tie" else fresnel
        lengths = self._fine_lengths(rows, angles)
        intensities = (
            through(*self._wave(rows, angles, k, lengths), float(energy), world.distance_m,
                    world.pixel_size_m / f)
            for k, energy in enumerate(self.energies)
        )  # fmt: skip
        seen = binned(self._over_energies(intensities), f)[..., m : m + world.columns]
        return seen if self.flat_world else seen[:, m : m + len(rows)]

    def _fine_lengths(self, rows: range, angles: slice) -> Array:
        """Path lengths on the grid of the waves, axes ``material, angle, row, col``."""
        world, m, f = self.world, self.wave_margin, OVERSAMPLING
        columns = (np.arange((world.columns + 2 * m) * f) + 0.5) / f - 0.5 - m
        if self.flat_world:
            lines = np.array([rows.start], float)
        else:
            lines = (np.arange((len(rows) + 2 * m) * f) + 0.5) / f - 0.5 - m + rows.start
        return np.stack([self.lengths(y, angles, columns, fine=1) for y in lines], axis=2)

    def _wave(self, rows: range, angles: slice, k: int, lengths: Array | None = None
              ) -> tuple[Array, Array]:  # fmt: skip
        """What the wave of an energy has lost (absorption) and its phase behind the specimen."""
        lengths = self._fine_lengths(rows, angles) if lengths is None else lengths
        energy = float(self.energies[k])
        per_px = -2 * np.pi / wavelength_m(energy) * self.world.pixel_size_m
        absorbed = np.tensordot(self.mu[k], lengths, axes=1)
        phase = np.tensordot(per_px * self.matter.delta(energy), lengths, axes=1)
        return absorbed.astype(np.float32), phase.astype(np.float32)

    def _over_energies(self, intensities: Iterable[Array]) -> Array:
        pairs = zip(self.weights.astype(np.float32), intensities, strict=True)
        return np.asarray(sum(weight * part for weight, part in pairs), np.float32)

    def _spread(self, light: Array, rows: int) -> Array:
        if not self.world.blur_px:
            return light
        spread = scintillator.spread(light, self.world.blur_px, self.world.blur_tails)
        return spread[:, self.blur_rows : self.blur_rows + rows]

    def _hit(self, counts: NDArray[np.uint16], row: int) -> None:
        if self.world.zingers:
            places, added = zingers(self.world, row)
            angle, column = places.T
            # A hit is not light: it may exceed where the detector clips.
            hit = counts[angle, column] + added * FULL_WELL
            counts[angle, column] = np.minimum(hit, 65535).astype(np.uint16)

    def _rows(self, index: int) -> range:
        start = index * self.block_rows
        return range(start, min(start + self.block_rows, self.world.rows))

    def _lit(self, rows: range) -> range:
        return range(rows.start - self.blur_rows, rows.stop + self.blur_rows)

    def _views(self, rows: int) -> int:
        """Projections taken together, so that a chunk stays within ``CHUNK_BYTES``."""
        materials = len(self.matter.specimen.materials)
        # Frames, and the places and lengths of the rays of one row.
        held = ((rows + 2 * self.blur_rows) * 8 + 64 + 4 * materials) * self.world.columns
        if self.wave_margin:
            high = 1 if self.flat_world else OVERSAMPLING * (
                rows + 2 * self.blur_rows + 2 * self.wave_margin)  # fmt: skip
            wide = OVERSAMPLING * (self.world.columns + 2 * self.wave_margin)
            held += high * wide * 4 * (materials + 8)
        return max(1, int(CHUNK_BYTES // held))
