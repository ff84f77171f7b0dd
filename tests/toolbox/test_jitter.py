"""The jitter estimate on real scans, aligned and jittered, and on simulated ones."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from simulators import World, simulate
from toolbox.jitter import jitter_level
from toolbox.kinds import DataKind, GreyState
from toolbox.values import Block, Geometry


def block(transmission: NDArray, angles: NDArray | None = None) -> Block:
    views, rows, columns = transmission.shape
    if angles is None:
        angles = np.linspace(0, np.pi, views, endpoint=False)
    return Block(
        transmission.astype(np.float32), DataKind.PROJECTIONS, GreyState.TRANSMISSION,
        Geometry(angles, rows, columns), np.arange(rows), np.arange(views),
    )  # fmt: skip


def simulated(**world: object) -> Block:
    scan = simulate(World(rows=1, photons=1e4, rings=0.5, **world))  # type: ignore[arg-type]
    dark, flat = scan.darks().mean(axis=0), scan.flats().mean(axis=0)
    return block((scan.projections() - dark) / (flat - dark), scan.info.angles_rad)


def real(path: Path, step: int = 1) -> Block:
    with h5py.File(path) as file:
        exchange = file["exchange"]
        dark = exchange["data_dark"][()].mean(axis=0)
        flat = exchange["data_white"][()].mean(axis=0)
        return block((exchange["data"][::step] - dark) / (flat - dark))


def test_aligned_real_scans_show_next_to_nothing(data: Path) -> None:
    rms, low, high = jitter_level(real(data / "projections/tooth_aps_dx.h5"))
    assert rms < 0.05
    assert high < 0.1
    rms, low, high = jitter_level(real(data / "projections/tomobank_00076_rows01_dx.h5"))
    assert rms < 0.5
    assert low == 0


def test_the_jitter_put_into_a_real_scan_is_measured(data: Path) -> None:
    with h5py.File(data / "conditions/jitter_injected_flatcorrected.h5") as file:
        jittered = block(file["exchange/data"][()])
        truth = float(np.std(file["truth/shift_px"][()]))
    rms, low, high = jitter_level(jittered)
    assert rms == pytest.approx(truth, rel=0.25)
    assert low > 2.5
    assert high < 8


def test_stripes_have_no_say(data: Path) -> None:
    scan = real(data / "conditions/sparse_100proj.h5")
    stripes = np.random.default_rng(0).normal(1, 0.2, (1, 1, scan.values.shape[-1]))
    plain = jitter_level(scan)
    striped = jitter_level(scan.with_values((scan.values * stripes).astype(np.float32)))
    np.testing.assert_allclose(striped, plain, rtol=0.02, atol=0.05)
    assert plain[1] == 0


@pytest.mark.parametrize("specimen", ["foam", "rock"])
@pytest.mark.parametrize("jitter", [0.0, 0.3, 1.0, 3.0])
def test_simulated_jitter_is_measured(specimen: str, jitter: float) -> None:
    rms, low, high = jitter_level(
        simulated(specimen=specimen, columns=256, projections=180, jitter_px=jitter)
    )
    assert rms == pytest.approx(jitter, rel=0.3, abs=0.08)
    assert low <= rms <= high


def test_the_order_of_the_views_does_not_matter() -> None:
    scan = simulated(specimen="foam", columns=128, projections=90, jitter_px=1.0)
    order = np.random.default_rng(1).permutation(90)
    shuffled = block(scan.values[order], scan.geometry.angles_rad[order])
    assert jitter_level(shuffled) == pytest.approx(jitter_level(scan), rel=1e-4)


def test_few_views_and_empty_frames_leave_it_open() -> None:
    assert jitter_level(block(np.ones((4, 1, 64)))) == (0.0, 0.0, 16.0)
    assert jitter_level(block(np.ones((40, 1, 64)))) == (0.0, 0.0, 16.0)
