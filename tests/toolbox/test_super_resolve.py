"""Finer slices than cubic interpolation makes, measured; and where they are not better."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from metadata import open_scan
from planner import service
from tests.planner.situations import FixedCosts
from tests.toolbox.soft_spheres import Specimen, block
from toolbox.execution import run
from toolbox.metrics import psnr
from toolbox.recipe import Step, wire
from toolbox.tools.super_resolve.super_resolve_tv import SuperResolveTV, upsampled

Slices = NDArray[np.floating]


def detected(fine: Slices, noise: float) -> Slices:
    """Slices as the detector sees them: blurred by half a pixel of its own, 2 × 2 averaged."""
    blurred = gaussian_filter(fine, (0, 1.0, 1.0))
    seen = blurred.reshape(len(fine), fine.shape[1] // 2, 2, -1, 2).mean((2, 4))
    rng = np.random.default_rng(0)
    return seen + noise * np.ptp(fine) * rng.normal(size=seen.shape)


def gain(fine: Slices, noise: float) -> float:
    """dB of peak signal to noise over cubic interpolation of the same slices."""
    seen = detected(fine, noise).astype(np.float32)
    cubic = np.stack([upsampled(s, 2) for s in seen])
    ours = SuperResolveTV()(volume=block(seen)).values
    return psnr(ours, fine) - psnr(cubic, fine)


def spheres() -> Slices:
    places = np.indices((1, 128, 128)).astype(float)
    return Specimen((1, 128, 128), seed=5, count=120, softness=0.3)(places)


NOISES = {"low": 0.005, "middle": 0.02, "high": 0.05}


@pytest.mark.parametrize("level", NOISES)
def test_it_beats_cubic_interpolation_by_what_the_card_says(level: str) -> None:
    told = SuperResolveTV.card.metrics[f"gain_db_over_cubic_spheres_{level}_noise"]
    found = gain(spheres(), NOISES[level])
    assert found > 0
    assert found == pytest.approx(told, abs=0.3)


def test_real_slices_gain_or_lose_what_the_card_says(data: Path) -> None:
    """Real slices taken as the truth, seen twice as coarse."""
    names = {"cement": "cement_128x128x128", "bone": "bone_128x128x128",
             "fibres": "fibers_150x150x150"}  # fmt: skip
    for name, file_name in names.items():
        with h5py.File(data / "volumes" / f"qim3d_{file_name}.h5") as file:
            fine = file["volume"][60:61, :128, :128].astype(float)
        told = SuperResolveTV.card.metrics[f"gain_db_over_cubic_real_{name}_middle_noise"]
        found = gain(fine, NOISES["middle"])
        assert found == pytest.approx(told, abs=0.15)
        assert found > -0.01, "worse than leaving it out"


def test_a_trial_leaves_gentle_noisy_texture_at_interpolation() -> None:
    rng = np.random.default_rng(2)
    texture = gaussian_filter(rng.normal(size=(2, 64, 64)), (0, 3, 3))
    noise = 0.3 * texture.std()
    seen = (texture + noise * rng.normal(size=texture.shape)).astype(np.float32)
    tuned = SuperResolveTV(sigma=noise).tune(volume=block(seen))
    assert tuned.tool.parameters()["iterations"] == 0
    assert "super_resolve_tv: 0 steps" in tuned.notes[0]
    made = tuned.tool(volume=block(seen)).values
    assert np.allclose(made[0], upsampled(seen[0], 2) / 2, atol=1e-6)
    told = SuperResolveTV(sigma=noise, iterations=7).tune(volume=block(seen))
    assert told.tool.parameters()["iterations"] == 7
    assert told.notes == ()


def test_slices_too_small_for_a_trial_are_solved_and_it_is_said() -> None:
    seen = np.random.default_rng(2).normal(1, 0.2, (1, 12, 40)).astype(np.float32)
    tuned = SuperResolveTV(sigma=0.1).tune(volume=block(seen))
    assert tuned.tool.parameters()["iterations"] == 40
    assert "too small for a trial" in tuned.notes[0]


def test_the_blur_is_its_own_adjoint_with_the_averaging() -> None:
    tool, rng = SuperResolveTV(factor=3, blur=0.7), np.random.default_rng(0)
    fine = rng.normal(size=(24, 30)).astype(np.float32)
    coarse = rng.normal(size=(8, 10)).astype(np.float32)
    assert np.vdot(tool._seen(fine), coarse) == pytest.approx(
        np.vdot(fine, tool._back(coarse)), rel=1e-3
    )


def test_what_it_makes_explains_what_was_measured() -> None:
    seen = detected(spheres(), 0.01).astype(np.float32)
    tool = SuperResolveTV().tune(volume=block(seen)).tool
    again = tool._seen(tool(volume=block(seen)).values[0] * 2)
    assert np.sqrt(((again - seen[0]) ** 2).mean()) < 2 * 0.01 * np.ptp(spheres())


def test_a_run_writes_finer_pixels_and_the_old_distance_of_slices(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file["v"] = np.tile(detected(spheres(), 0.01), (3, 1, 1)).astype(np.float32)
        file["v"].attrs["pixel_um"] = 2.0
    scan = open_scan(tmp_path / "v.h5", data="v", content="volume")
    answer = service.plan("super-resolution please", [scan], costs=FixedCosts())
    assert answer.refusal is None
    assert "super_resolve_tv" in [n.tool for n in answer.best.pipeline.nodes]
    run(wire((Step("super_resolve_tv", {"iterations": 5}),), volumes=True), [scan],
        tmp_path / "out.h5")  # fmt: skip
    with h5py.File(tmp_path / "out.h5") as file:
        assert file["entry/data/data"].shape == (3, 128, 128)
        assert np.diff(file["entry/data/x"][...]) == pytest.approx(1e-6)
        assert np.diff(file["entry/data/z"][...]) == pytest.approx(2e-6)
    with open_scan(tmp_path / "out.h5") as again:
        assert again.info.pixel_size_m == pytest.approx(1e-6)
