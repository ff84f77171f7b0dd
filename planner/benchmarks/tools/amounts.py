"""Decomposition into materials, super-resolution and diffraction, each beside the plain way."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.benchmarks.tools.pairs import volume
from planner.benchmarks.tools.row import Row
from simulators import World, simulate
from simulators.acquisition.series import energies
from toolbox import Block, DataKind, Geometry, GreyState, make_tool
from toolbox.metrics import circle_mask, psnr

CERIA = 5.41165  # Å, lattice constant of NIST SRM 674b
REFLECTIONS = (3, 4, 8, 11, 12, 16, 19, 20, 24, 27, 32, 35, 36, 40, 43, 44, 48)  # h² + k² + l²


def measure(settings: Mapping[str, Any], only: str | None = None) -> Iterator[Row]:
    """Rows of the three jobs; real slices and patterns with ``TOMOPLAN_DATA``."""
    if only in (None, "decompose"):
        yield decomposed(settings)
    if only in (None, "super-resolve"):
        for family in settings["families"]:
            world = World(specimen=family, seed=settings["seeds"][0], columns=256, rows=1)
            yield resolved("super-resolve", simulate(world).truth(0)[None], False)
    folder = os.environ.get("TOMOPLAN_DATA")
    if folder and only in (None, "super-resolve"):
        for name, slices in real_slices(Path(folder)).items():
            yield resolved(f"super-resolve, {name}", slices, True)
    if folder and only in (None, "diffraction"):
        yield ceria(Path(folder) / "xrd" / "CeO2_2D")


def decomposed(settings: Mapping[str, Any]) -> Row:
    """Error of the fraction of Al2Cu in an aluminium alloy that holds iron particles too, from
    energies about both edges; without: from the grey value at one energy alone."""
    kev = (7.05, 7.2, 8.9, 9.1)
    world = World("alloy", seed=settings["seeds"][0], columns=128, rows=1, projections=200,
                  photons=1e5, attenuation=None, pixel_size_m=5e-7, energy_kev=kev[-1])  # fmt: skip
    scans = energies(world, kev)
    volumes = [volume(s) for s in scans]
    tool = make_tool("decompose_materials", {
        "materials": "Al2Cu=4.34, Al=2.70, Al5FeSi=3.4", "energies_kev": kev,
        "pixel_size_um": 0.5})  # fmt: skip
    began = time.perf_counter()
    found = tool(**dict(zip(tool.card.inputs, volumes, strict=False))).values[0, 0]
    seconds = time.perf_counter() - began
    names = [m.name for m in scans[-1].specimen.materials]
    at, base = names.index("al2cu"), names.index("aluminium")
    truth = scans[-1].fractions(0)[at]
    inside = circle_mask(len(truth), 0.8)
    mu = scans[-1].attenuation_per_px()
    single = np.clip((volumes[-1].values[0] - mu[base]) / (mu[at] - mu[base]), 0, 1)
    error, plain = (float(np.sqrt(((v - truth)[inside] ** 2).mean())) for v in (found, single))
    return Row("decompose_materials", "decompose", "error of the fraction", error, plain, seconds)


def resolved(job: str, fine: NDArray[Any], real: bool) -> Row:
    """PSNR of twice as fine slices after blur and 2 % noise; without: cubic interpolation."""
    from scipy.ndimage import gaussian_filter

    from toolbox.tools.super_resolve.super_resolve_tv import upsampled

    blurred = gaussian_filter(fine.astype(np.float32), (0, 1.0, 1.0))
    even = blurred[:, : fine.shape[1] // 2 * 2, : fine.shape[2] // 2 * 2]
    seen = even.reshape(len(fine), fine.shape[1] // 2, 2, -1, 2).mean((2, 4))
    noise = np.random.default_rng(0).normal(size=seen.shape)
    seen = (seen + 0.02 * np.ptp(fine) * noise).astype(np.float32)
    block = Block(seen, DataKind.VOLUME, GreyState.ATTENUATION,
                  Geometry(np.zeros(1), len(seen), seen.shape[-1]),
                  np.arange(len(seen)), np.arange(1))  # fmt: skip
    truth = fine[:, : even.shape[1], : even.shape[2]]
    began = time.perf_counter()
    cubic = np.stack([upsampled(s, 2) for s in seen])
    between = time.perf_counter()
    ours = make_tool("super_resolve_tv", {})(volume=block).values
    return Row("super_resolve_tv", job, "PSNR, dB", psnr(ours, truth), psnr(cubic, truth),
               time.perf_counter() - between, between - began, real)  # fmt: skip


def real_slices(folder: Path) -> dict[str, NDArray[Any]]:
    """The middle slice of some real volumes."""
    import h5py

    found = {}
    for name in ("cement", "bone", "fibers"):
        path = next((folder / "volumes").glob(f"qim3d_{name}*.h5"))
        with h5py.File(path) as file:
            data = max((v for v in file.values() if isinstance(v, h5py.Dataset)),
                       key=lambda v: v.size)  # fmt: skip
            found[name] = data[len(data) // 2][None].astype(np.float32)
    return found


def ceria(folder: Path) -> Row:
    """Error of the lattice constant of ceria from a real picture; without: from the brightest bins
    of the pattern instead of fitted peaks."""
    from scipy.signal import find_peaks

    from metadata import open_scan

    began = time.perf_counter()
    with open_scan(folder / "CeO2_Pilatus1M.tif", content="images") as scan:
        pictures = Block(scan.projections(), DataKind.PROJECTIONS, GreyState.COUNTS,
                         Geometry(np.zeros(1), scan.info.rows, scan.info.columns),
                         np.arange(scan.info.rows), np.arange(1))  # fmt: skip
    tool = make_tool("azimuthal_integration", {"geometry": str(folder / "CeO2_Pilatus1M.poni")})
    pattern = tool.tune(pictures=pictures).tool(pictures=pictures)
    fitted = make_tool("fit_peaks", {})(pattern=pattern).tables["peaks"]["d_angstrom"]
    seconds = time.perf_counter() - began
    line = pattern.intensity[0]
    bright = find_peaks(line, prominence=0.02 * np.ptp(line))[0]
    sines = np.sin(np.deg2rad(pattern.two_theta_deg[bright]) / 2)
    plain = pattern.wavelength_m * 1e10 / (2 * sines)
    errors = lattice_error(np.array(fitted)), lattice_error(plain)
    measure_ = "error of the lattice constant, 1e-4"
    return Row("fit_peaks", "diffraction, ceria", measure_, *errors, seconds, real=True)


def lattice_error(spacings: NDArray[np.float64]) -> float:
    """Median relative error, in 1e-4, over the peaks that are reflections of ceria."""
    errors = []
    for d in spacings:
        squares = (CERIA / d) ** 2
        best = min(REFLECTIONS, key=lambda n: abs(n - squares))
        if abs(best - squares) < 0.01 * squares:
            errors.append(abs(d * np.sqrt(best) / CERIA - 1))
    return float(np.median(errors)) * 1e4
