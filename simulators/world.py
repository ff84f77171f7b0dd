"""A small world: one specimen, one instrument, its faults, and the truth about them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metadata.scan import Frames, Scan
from metadata.scan_info import GreyState, ScanInfo
from simulators.ellipsoids import Ellipsoid, project, slice_at
from simulators.specimens import SPECIMENS, with_metal

FULL_WELL = 60000.0


@dataclass(frozen=True)
class World:
    """What is scanned, how, and what goes wrong. Lengths in px of the detector.

    ``photons`` per pixel and frame in the open beam (``None``: no noise); ``rings``, ``zingers``,
    ``flat_drift``, ``fringes`` are severities from 0 to 1; ``jitter_px`` and
    ``vertical_jitter_px`` are RMS shifts per projection; ``drift_px`` a slow shift over the scan;
    ``motion_px`` one jump in the middle of it; ``fill`` the specimen's diameter as part of the
    field of view (above 1: truncated); ``saturation`` the part of the open beam at which the
    detector clips.
    """

    specimen: str = "shepp_logan"
    columns: int = 256
    rows: int = 4
    projections: int = 180
    range_deg: float = 180.0
    start_deg: float = 0.0
    center: float | None = None
    tilt_deg: float = 0.0
    fill: float = 0.88
    attenuation: float = 1.6
    photons: float | None = None
    flats: int = 10
    darks: int = 10
    rings: float = 0.0
    zingers: float = 0.0
    jitter_px: float = 0.0
    vertical_jitter_px: float = 0.0
    drift_px: float = 0.0
    motion_px: float = 0.0
    flat_drift: float = 0.0
    monitor_drop: float = 0.0
    fringes: float = 0.0
    metal: bool = False
    saturation: float | None = None
    energy_kev: float = 25.0
    pixel_size_m: float = 1e-6
    distance_m: float = 0.05
    seed: int = 0


class SimulatedScan(Scan):
    """Counts of a :class:`World`, made row by row when asked for; the truth is beside them."""

    def __init__(self, world: World) -> None:
        self.world = world
        center = (world.columns - 1) / 2 if world.center is None else world.center
        self.truth_center = center
        angles = np.deg2rad(
            world.start_deg + world.range_deg * np.arange(world.projections) / world.projections
        )
        self.info = ScanInfo(
            path=Path(f"simulated-{world.specimen}-{world.seed}"),
            format="simulated",
            projections=world.projections,
            rows=world.rows,
            columns=world.columns,
            flats=world.flats,
            darks=world.darks,
            dtype="uint16",
            state=GreyState.COUNTS,
            angles_rad=angles,
            pixel_size_m=world.pixel_size_m,
            energy_kev=world.energy_kev,
            distance_m=world.distance_m,
            sample=world.specimen,
        )
        rng = np.random.default_rng([world.seed, 1])
        reach = (
            max(center, world.columns - 1 - center)
            if world.range_deg > 270
            else min(center, world.columns - 1 - center)
        )
        radius = world.fill * reach
        bodies = SPECIMENS[world.specimen](radius, world.rows, rng)
        if world.metal:
            bodies = with_metal(bodies, radius, world.rows, rng)
        bodies_ = tuple(bodies)
        across = np.linspace(-reach, reach, 201)[None, :]
        longest = project(bodies_, np.zeros(1), across, np.zeros_like(across)).max()
        scale = world.attenuation / longest
        self.bodies = tuple(replace(b, value=b.value * scale) for b in bodies_)

        time = np.linspace(0, 1, world.projections)
        shifts = np.zeros((world.projections, 2))
        shifts[:, 0] = rng.normal(0, 1, world.projections) * world.vertical_jitter_px
        shifts[:, 1] = rng.normal(0, 1, world.projections) * world.jitter_px
        shifts[:, 1] += world.drift_px * time + world.motion_px * (time > 0.5)
        self.truth_shifts: NDArray[np.float64] = shifts  # angle, (row, col)
        self._beam = 1 - world.monitor_drop * time
        self._row = lru_cache(maxsize=256)(self._make_row)

    def projections(
        self, angles: slice | NDArray[np.intp] = slice(None), rows: slice = slice(None)
    ) -> Frames:
        chosen = range(*rows.indices(self.info.rows))
        return np.stack([self._row(r)[0][angles] for r in chosen], axis=1)

    def flats(self, rows: slice = slice(None)) -> Frames:
        return self._fixed(rows, 1, self.world.flats)

    def darks(self, rows: slice = slice(None)) -> Frames:
        return self._fixed(rows, 2, self.world.darks)

    def monitor(self) -> NDArray[np.float64] | None:
        return 1e6 * self._beam

    def truth(self, row: int) -> Frames:
        """The slice at a detector row, axes ``y, x``, attenuation in 1/px, columns × columns."""
        z = row - (self.world.rows - 1) / 2
        return slice_at(self.bodies, z, self.world.columns).astype(np.float32)

    def line_integrals(self, row: int) -> NDArray[np.float64]:
        """The clean sinogram with its faults of place (jitter, tilt …), axes ``angle, col``."""
        return _integrals(self.world, self.bodies, self.info, self.truth_shifts,
                          self.truth_center, row)  # fmt: skip

    def _fixed(self, rows: slice, which: int, count: int) -> Frames:
        chosen = range(*rows.indices(self.info.rows))
        if count == 0:
            return np.empty((0, len(chosen), self.info.columns), dtype=np.float32)
        return np.stack([self._row(r)[which] for r in chosen], axis=1)

    def _make_row(self, row: int) -> tuple[Frames, Frames, Frames]:
        world = self.world
        rng = np.random.default_rng([world.seed, 2, row])
        columns = np.arange(world.columns)
        transmission = np.exp(-self.line_integrals(row))
        if world.fringes:
            bend = np.gradient(np.gradient(np.log(transmission), axis=1), axis=1)
            transmission = transmission * np.clip(1 + 12 * world.fringes * bend, 0.2, 3)
        gain = 1 + 0.01 * world.rings * rng.standard_normal(world.columns)
        strong = rng.choice(world.columns, max(1, world.columns // 60), replace=False)
        gain[strong] += 0.08 * world.rings * rng.standard_normal(len(strong))
        phase = 0.02 * row
        time = np.linspace(0, 1, world.projections)[:, None]
        moved = columns[None, :] + 6 * world.flat_drift * time
        photons = 10000.0 if world.photons is None else world.photons
        ideal = photons * _beam_profile(moved, world.columns, phase) * self._beam[:, None]
        still = photons * _beam_profile(columns, world.columns, phase)
        counts_per_photon = 0.5 * FULL_WELL / photons
        dark_level = 100.0

        def detect(light: NDArray[np.float64]) -> Frames:
            if world.photons is not None:
                light = rng.poisson(light).astype(np.float64)
            counts = dark_level + counts_per_photon * light
            if world.photons is not None:
                counts = counts + rng.normal(0, 3, counts.shape)
            limit = FULL_WELL if world.saturation is None else world.saturation * 0.5 * FULL_WELL
            return np.clip(np.rint(counts), 0, limit).astype(np.float32)

        frames = detect(ideal * transmission * gain)
        if world.zingers:
            hits = rng.random(frames.shape) < 1e-3 * world.zingers
            frames[hits] = np.minimum(
                frames[hits] + rng.uniform(0.5, 1.0, hits.sum()) * FULL_WELL, 65535
            )
        flats = detect(np.repeat(still[None, :], world.flats, axis=0))
        darks = np.rint(dark_level + rng.normal(0, 3, (world.darks, world.columns)))
        return frames, flats, darks.astype(np.float32)


def _beam_profile(columns: NDArray[np.float64] | NDArray[np.intp], width: int, phase: float
                  ) -> NDArray[np.float64]:  # fmt: skip
    """Open beam across the detector: a broad hump with the stripes of a multilayer."""
    hump = 1 - 0.3 * ((columns - width / 2) / (width / 2)) ** 2
    return hump * (1 + 0.1 * np.sin(2 * np.pi * (columns / 23.0 + phase)))


def _integrals(
    world: World,
    bodies: tuple[Ellipsoid, ...],
    info: ScanInfo,
    shifts: NDArray[np.float64],
    center: float,
    row: int,
    fine: int = 3,
) -> NDArray[np.float64]:
    tilt = np.deg2rad(world.tilt_deg)
    offsets = (np.arange(fine) + 0.5) / fine - 0.5
    total = np.zeros((world.projections, world.columns))
    v = row - (world.rows - 1) / 2 - shifts[:, 0]
    for offset in offsets:
        u = np.arange(world.columns)[None, :] + offset - center - shifts[:, 1][:, None]
        along = u * np.cos(tilt) - v[:, None] * np.sin(tilt)
        height = u * np.sin(tilt) + v[:, None] * np.cos(tilt)
        total += project(bodies, info.angles_rad, along, height)
    return total / fine


def simulate(world: World) -> SimulatedScan:
    """The scan of a world; the same world gives the same counts.

    >>> scan = simulate(World(columns=64, rows=1, projections=90))
    >>> scan.projections().shape
    (90, 1, 64)
    """
    if world.specimen not in SPECIMENS:
        from metadata.errors import InputError

        raise InputError(
            f"There is no specimen {world.specimen!r}; expected one of {', '.join(SPECIMENS)}."
        )
    return SimulatedScan(world)
