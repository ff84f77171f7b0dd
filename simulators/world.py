"""The settings of a simulated world: one specimen, one instrument, its faults."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError
from simulators.acquisition.propagation import LARGEST_MARGIN, margin_px
from simulators.acquisition.scintillator import margin_rows
from simulators.materials import MATERIALS
from toolbox.card import Param, Parameter, parameters_of

PROBES = ("x-ray", "neutron")
SPECTRA = ("mono", "bending_magnet", "tube")
PROPAGATIONS = ("none", "tie", "fresnel")


def _severity(doc: str) -> Param:
    return Param(doc, "", 0, 1)


def _pixels(doc: str, auto: str = "") -> Param:
    return Param(doc, "px", 0, auto=auto)


@dataclass(frozen=True)
class World:
    """What is scanned, how, and what goes wrong; lengths in px of the detector unless said.

    A severity runs from 0 (none) to 1 (as bad as is met). What a setting does is in the file of
    that name below ``simulators/acquisition`` and ``simulators/faults``. Settings that make no
    sense, alone or together, raise one :class:`InputError` that names them all.

    >>> World("foam", columns=-3, rings=2.0)
    Traceback (most recent call last):
    metadata.errors.InputError: This world cannot be: columns is -3, expected at least 8; rings ...
    """

    specimen: Annotated[str, Param("family of the specimen")] = "shepp_logan"
    columns: Annotated[int, Param("columns of the detector", "", 8, 65536)] = 256
    rows: Annotated[int, Param("rows of the detector", "", 1, 65536)] = 4
    projections: Annotated[int, Param("projections over the range", "", 1)] = 180
    range_deg: Annotated[float, Param("angular range, end not included", "°", 1e-3, 7200)] = 180.0
    start_deg: Annotated[float, Param("first angle", "°")] = 0.0
    center: Annotated[float | None, Param("column of the rotation axis (none: middle)")] = None
    tilt_deg: Annotated[float, Param("lean of the axis in the detector", "°", -45, 45)] = 0.0
    fill: Annotated[float, Param("specimen's diameter by the field (above 1: truncated)",
                                 "", 0.01, 20)] = 0.88  # fmt: skip
    attenuation: Annotated[float | None, Param("what the longest path absorbs, by scaling the "
                           "densities (none: real densities)", "", 0)] = 1.6  # fmt: skip
    photons: Annotated[float | None, Param("per pixel and frame in the open beam (none: no noise)",
                                           "", 1e-3)] = None  # fmt: skip
    flats: Annotated[int, Param("flat fields, before the scan", "", 0)] = 10
    darks: Annotated[int, Param("dark frames, before the scan", "", 0)] = 10
    rings: Annotated[float, _severity("columns that respond otherwise than in the flats")] = 0.0
    zingers: Annotated[float, _severity("bright spots of stray radiation")] = 0.0
    jitter_px: Annotated[float, _pixels("RMS shift of each projection across the axis")] = 0.0
    vertical_jitter_px: Annotated[float, _pixels("RMS shift of each projection along it")] = 0.0
    drift_px: Annotated[float, Param("even shift over the scan, across", "px")] = 0.0
    motion_px: Annotated[float, Param("one jump in the middle of the scan, across", "px")] = 0.0
    flat_drift: Annotated[float, _severity("even drift of the beam over the detector")] = 0.0
    monitor_drop: Annotated[float, Param("part of the beam lost over the scan, or between two "
                                         "refills", "", 0, 0.99)] = 0.0  # fmt: skip
    fringes: Annotated[float, _severity("edge enhancement of no particular distance")] = 0.0
    metal: Annotated[float, _severity("a few strongly absorbing grains in the middle rows")] = 0.0
    saturation: Annotated[float | None, Param("part of the open beam at which counts clip",
                                              "", 0.01)] = None  # fmt: skip
    energy_kev: Annotated[float, Param("photon energy", "keV", 1, 400)] = 25.0
    pixel_size_m: Annotated[float, Param("pixel size at the specimen", "m", 1e-9, 1e-2)] = 1e-6
    distance_m: Annotated[float, Param("specimen to detector", "m", 0, 100)] = 0.05
    seed: Annotated[int, Param("of everything that is drawn", "", 0)] = 0

    # the specimen and where it stands
    specimen_seed: Annotated[int | None, Param("of the specimen (none: seed)", "", 0)] = None
    radius_px: Annotated[float | None, Param("specimen's radius (none: from fill)", "px", 1)] = None
    height_px: Annotated[float | None, Param("specimen's height (none: the rows)", "px", 1)] = None
    scale: Annotated[float, Param("enlarges the finished specimen", "", 0.01, 100)] = 1.0
    deformation_px: Annotated[float, _pixels("largest displacement of the specimen's parts")] = 0.0
    turned_deg: Annotated[float, Param("specimen turned about the axis", "°")] = 0.0
    moved_x_px: Annotated[float, Param("specimen moved along x", "px")] = 0.0
    moved_y_px: Annotated[float, Param("specimen moved along y", "px")] = 0.0
    moved_z_px: Annotated[float, Param("specimen moved along z", "px")] = 0.0
    row_offset_px: Annotated[float, Param("height of the middle row over the specimen's middle",
                                          "px")] = 0.0  # fmt: skip

    flats_after: Annotated[int, Param("flat fields after the scan, in the beam as it is then",
                                      "", 0)] = 0  # fmt: skip

    # the beam
    probe: Annotated[str, Param("radiation", choices=PROBES)] = "x-ray"
    spectrum: Annotated[str, Param("of the beam", choices=SPECTRA)] = "mono"
    source_kev: Annotated[float | None, Param("critical energy of the magnet, voltage of the "
                          "tube (none: energy_kev, twice that)", "keV", 3, 400)] = None  # fmt: skip
    filter: Annotated[str, Param("material of the filter in the beam (empty: none)")] = ""
    filter_mm: Annotated[float, Param("thickness of the filter", "mm", 0, 100)] = 0.0
    attenuation_kev: Annotated[float | None, Param("energy at which `attenuation` holds "
                               "(none: energy_kev)", "keV", 1, 400)] = None  # fmt: skip
    flux: Annotated[float | None, Param("photons per pixel and second; with exposure_s in place "
                                        "of photons", "1/s", 1e-3)] = None  # fmt: skip
    exposure_s: Annotated[float, Param("of one frame", "s", 1e-9)] = 0.1
    stripes: Annotated[float, Param("stripes of a multilayer, peak to valley", "", 0, 1.5)] = 0.0
    hump: Annotated[float, Param("fall of the beam from the middle to the sides", "", 0,
                                 0.9)] = 0.3  # fmt: skip
    ripple: Annotated[float, Param("ripples of the beam across the field", "", 0, 0.9)] = 0.1
    ripple_px: Annotated[float, Param("length of a ripple", "px", 2)] = 23.0

    # the way to the detector, and the detector
    propagation: Annotated[str, Param("phase contrast over distance_m",
                                      choices=PROPAGATIONS)] = "none"  # fmt: skip
    blur_px: Annotated[float, Param("standard deviation of the scintillator's spread", "px",
                                    0, 20)] = 0.0  # fmt: skip
    blur_tails: Annotated[float, Param("part of the light in its wide tails", "", 0, 0.9)] = 0.0
    gain: Annotated[float | None, Param("counts per photon (none: half the full well in the open "
                                        "beam)", "", 1e-9)] = None  # fmt: skip
    nonlinearity: Annotated[float, Param("part of the counts lost at the full well", "", 0,
                                         0.5)] = 0.0  # fmt: skip
    dead_pixels: Annotated[float, Param("part of the pixels that see nothing", "", 0, 0.5)] = 0.0
    hot_pixels: Annotated[float, Param("part of the pixels that add a constant", "", 0, 0.5)] = 0.0
    detector_seed: Annotated[int | None, Param("of the detector (none: seed)", "", 0)] = None

    # more faults
    partial_rings: Annotated[float, _severity("columns wrong for a part of the scan")] = 0.0
    wide_rings: Annotated[float, _severity("spots of many columns and rows")] = 0.0
    intermittent_rings: Annotated[float, _severity("columns that come and go")] = 0.0
    thermal_px: Annotated[float, Param("drift that settles, along the axis; 0.6 of it across",
                                       "px")] = 0.0  # fmt: skip
    settling_px: Annotated[float, _pixels("way the specimen itself slips while it settles")] = 0.0
    wobble_px: Annotated[float, _pixels("once-per-turn rise and fall of the stage")] = 0.0
    wobble_deg: Annotated[float, Param("once-per-turn lean of the axis", "°", 0, 10)] = 0.0
    flat_jumps: Annotated[float, _severity("jumps of the beam over the detector")] = 0.0
    refills: Annotated[int, Param("refills of the ring during the scan", "", 0, 10000)] = 0
    distortion_px: Annotated[float, Param("what the optics puts the middle of the left and right "
                                          "sides outwards by", "px")] = 0.0  # fmt: skip

    def __post_init__(self) -> None:
        if isinstance(self.metal, bool):  # as it was before it had a severity
            object.__setattr__(self, "metal", float(self.metal))
        for name, value in vars(self).items():
            if isinstance(value, np.generic):
                object.__setattr__(self, name, value.item())
        problems = [p.problem(getattr(self, p.name)) for p in settings()]
        found = [p for p in problems if p] or self._misfits()
        if found:
            raise InputError(f"This world cannot be: {'; '.join(found)}.")

    def _misfits(self) -> list[str]:
        found = []
        if self.radius_px is None and not 0 < self.axis < self.columns - 1:
            found.append(
                f"center is {self.axis:g} outside of {self.columns} columns, expected it among "
                f"them, or radius_px to say how large the specimen is"
            )
        if self.photons is not None and self.flux is not None:
            found.append(
                f"photons is {self.photons:g} and flux {self.flux:g}, expected one of the two "
                f"(photons = flux × exposure_s)"
            )
        if bool(self.filter) != bool(self.filter_mm):
            found.append(
                f"filter is {self.filter!r} with filter_mm {self.filter_mm:g}, expected a material "
                f"and a thickness, or neither"
            )
        if self.filter and self.filter not in MATERIALS:
            found.append(
                f"filter is {self.filter!r}, expected one of {', '.join(sorted(MATERIALS))}"
            )
        if self.probe == "neutron" and (self.spectrum, self.propagation) != ("mono", "none"):
            found.append("probe is 'neutron', expected spectrum 'mono' and propagation 'none'")
        if abs(self.distortion_px) > self.columns / 16:
            found.append(
                f"distortion_px is {self.distortion_px:g} on {self.columns} columns, expected at "
                f"most a sixteenth of them"
            )
        if self.propagation == "fresnel" and margin_px(self) > LARGEST_MARGIN:
            found.append(
                f"over {self.distance_m:g} m at {self.energy_kev:g} keV a pixel of "
                f"{self.pixel_size_m:g} m spreads over {margin_px(self)} px, expected at most "
                f"{LARGEST_MARGIN}: shorten distance_m or enlarge pixel_size_m"
            )
        return found

    @property
    def axis(self) -> float:
        """Column of the rotation axis."""
        return (self.columns - 1) / 2 if self.center is None else self.center

    @property
    def radius(self) -> float:
        """Radius of the specimen in px before ``scale``."""
        if self.radius_px is not None:
            return self.radius_px
        sides = (self.axis, self.columns - 1 - self.axis)
        # Over more than three quarters of a turn the wider side sees everything.
        return self.fill * (max(sides) if self.range_deg > 270 else min(sides))

    @property
    def height(self) -> float:
        """Height of the specimen in px before ``scale``: the rows and some more on either side, as
        faults of place and spreading light let them be seen. As long as they reach no further than
        8 px, the specimen is the same with and without them; set ``height_px`` to keep it so."""
        if self.height_px is not None:
            return self.height_px
        lean = np.sin(np.deg2rad(abs(self.tilt_deg) + self.wobble_deg)) * self.columns / 2
        moved = 4 * self.vertical_jitter_px + abs(self.thermal_px) + self.settling_px
        moved += self.wobble_px + abs(self.row_offset_px) + abs(self.moved_z_px)
        moved += abs(self.distortion_px)
        spread = 0 if self.rows == 1 else margin_px(self) + margin_rows(self)
        beyond = 8.0
        while beyond < lean + moved + spread:
            beyond *= 2
        return (self.rows + 2 * beyond) / self.scale

    @property
    def angles_rad(self) -> NDArray[np.float64]:
        """Angle of each projection."""
        part = np.arange(self.projections) / self.projections
        return np.deg2rad(self.start_deg + self.range_deg * part)

    @property
    def time(self) -> NDArray[np.float64]:
        """When each projection is taken, from 0 to 1."""
        return np.linspace(0, 1, self.projections)

    @property
    def open_beam(self) -> float | None:
        """Photons per pixel and frame, or None: no noise."""
        return self.photons if self.flux is None else self.flux * self.exposure_s

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain values; ``World(**settings)`` is the same world."""
        return asdict(self)


@cache
def settings() -> tuple[Parameter, ...]:
    """Every setting of a world with its meaning, unit and bounds.

    >>> next(s for s in settings() if s.name == "blur_px").about.unit
    'px'
    """
    return parameters_of(World)
