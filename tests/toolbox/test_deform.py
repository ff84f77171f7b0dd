"""Volume correlation measures a known displacement; strain follows from it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from metadata import InputError, open_scan
from tests.toolbox.soft_spheres import Specimen, block
from toolbox import Displacement
from toolbox.execution import run
from toolbox.metrics import end_point_error
from toolbox.recipe import Step, wire
from toolbox.tools.deform.deform_correlation import DeformCorrelation
from toolbox.tools.deform.strain import Strain

SHAPE = (40, 56, 56)
NOISE = 0.1  # of a specimen whose own standard deviation is 0.9
Array = NDArray[np.float64]


def field(places: Array) -> Array:
    """A smooth displacement with shifts to 4 px and strains to 3 %, ``component, …``."""
    z, y, x = (places[i] - (SHAPE[i] - 1) / 2 for i in range(3))
    return np.stack(
        [
            1.2 + 0.03 * z + 0.01 * x,
            -2.3 + 0.02 * y + np.sin(x / 45),
            3.4 - 0.025 * x + 6e-4 * y * z,
        ]
    )


@cache
def pair(noise: float = NOISE) -> tuple[Array, Array]:
    """The specimen, and the same one displaced (no interpolation), each with its own noise."""
    specimen, rng = Specimen(SHAPE, seed=3, count=400, softness=0.6), np.random.default_rng(0)
    places = np.indices(SHAPE).astype(float)
    origin = places
    for _ in range(30):  # where what is seen here was before
        origin = places - field(origin)
    still, moved = specimen(places), specimen(origin)
    return (still + noise * rng.normal(size=SHAPE), moved + noise * rng.normal(size=SHAPE))


def truth(found: Displacement) -> Array:
    mesh = np.stack(np.meshgrid(found.z, found.y, found.x, indexing="ij"))
    return np.moveaxis(field(mesh), 0, -1)


@cache
def measured() -> Displacement:
    still, moved = pair()
    return DeformCorrelation()(reference=block(still), moved=block(moved))


def test_a_smooth_displacement_is_measured_to_a_twentieth_of_a_pixel() -> None:
    found = measured()
    error, missed = end_point_error(found.vectors, truth(found), found.trusted)
    assert found.trusted.mean() > 0.95
    assert found.correlation.min() > 0.9
    assert error < 0.05
    assert missed < 0.1


def test_it_is_better_than_optical_flow() -> None:
    from skimage.registration import optical_flow_ilk

    still, moved = (v.astype(np.float32) for v in pair())
    flow = np.moveaxis(optical_flow_ilk(still, moved, radius=7), 0, -1)
    found = measured()
    at = np.ix_(found.z.astype(int), found.y.astype(int), found.x.astype(int))
    other, _ = end_point_error(flow[at], truth(found), None)
    error, _ = end_point_error(found.vectors, truth(found), None)
    assert error < 0.5 * other


def test_whole_pixels_alone_are_worse() -> None:
    still, moved = pair()
    coarse = DeformCorrelation(iterations=1)(reference=block(still), moved=block(moved))
    error, _ = end_point_error(coarse.vectors, truth(coarse), None)
    assert error > 4 * end_point_error(measured().vectors, truth(coarse), None)[0]


def test_strain_of_the_field() -> None:
    found = Strain()(displacement=measured()).values
    gradient = np.array([[0.03, 0, 0.01], [0, 0.02, 1 / 45], [0, 0, -0.025]])  # in the middle
    exact = 0.5 * ((np.eye(3) + gradient).T @ (np.eye(3) + gradient) - np.eye(3))
    for i, a in enumerate("zyx"):
        for j, b in list(enumerate("zyx"))[i:]:
            assert found[f"strain_{a}{b}"].value == pytest.approx(exact[i, j], abs=4e-3)
    assert found["volume_change"].value == pytest.approx(0.025, abs=4e-3)


def test_a_turn_is_no_strain() -> None:
    z, y, x = (np.arange(0.0, 50.0, 10.0) for _ in range(3))
    mesh = np.stack(np.meshgrid(z, y, x, indexing="ij"), axis=-1)
    turn = np.array([[1, 0, 0], [0, np.cos(0.1), -np.sin(0.1)], [0, np.sin(0.1), np.cos(0.1)]])
    vectors = (mesh @ turn.T - mesh).astype(np.float32)
    whole = np.ones(vectors.shape[:3], np.float32)
    found = Strain()(displacement=Displacement(vectors, whole, whole > 0, z, y, x)).values
    assert all(abs(q.value) < 1e-6 for n, q in found.items() if n.startswith("strain"))


def test_a_lost_part_takes_the_median_of_its_neighbours_and_is_not_trusted() -> None:
    still, moved = pair()
    broken = moved.copy()
    broken[:, 30:, 30:] = np.random.default_rng(9).normal(size=broken[:, 30:, 30:].shape)
    found = DeformCorrelation()(reference=block(still), moved=block(broken))
    assert not found.trusted[:, -1, -1].any()
    assert found.trusted[:, 0, :2].all()
    error, _ = end_point_error(found.vectors, truth(found), None)
    assert error < 1.5


def test_pictures_are_followed_in_the_plane() -> None:
    specimen = Specimen((1, 80, 80), seed=2, count=400, softness=1.0)
    places = np.indices((1, 80, 80)).astype(float)
    moved = specimen(places - np.array([0, 1.3, -0.6])[:, None, None, None])
    found = DeformCorrelation()(reference=block(specimen(places)), moved=block(moved))
    assert found.vectors[..., 0] == pytest.approx(0)
    error, _ = end_point_error(found.vectors, np.broadcast_to([0, 1.3, -0.6], found.vectors.shape),
                               found.trusted)  # fmt: skip
    assert error < 0.05


def test_volumes_of_two_sizes_are_refused() -> None:
    still, moved = pair()
    with pytest.raises(InputError, match="expected one size"):
        DeformCorrelation()(reference=block(still), moved=block(moved[:-1]))


def test_a_run_writes_the_displacement_with_its_nodes(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "pair.h5", "w") as file:
        file["before"], file["after"] = (v.astype(np.float32) for v in pair())
    opened = [open_scan(f"{tmp_path / 'pair.h5'}::{n}", content="volume")
              for n in ("before", "after")]  # fmt: skip
    pipeline = wire((Step("deform_correlation", {"window": 15, "spacing": 15}), Step("strain")), 2,
                    volumes=True)  # fmt: skip
    run(pipeline, opened, tmp_path / "out.h5")
    with h5py.File(tmp_path / "out.h5") as file:
        data = file["entry/data"]
        assert data.attrs["signal"] == "displacement"
        assert data["displacement"].shape[-1] == 3
        assert data["displacement"].attrs["units"] == "px"
        assert data["displacement_correlation"][...].min() > 0.8
        assert len(data["displacement_x"]) == data["displacement"].shape[2]
        assert data["quantities/volume_change"][()] == pytest.approx(0.025, abs=6e-3)


def test_a_known_shift_of_real_concrete_is_measured(data: Path) -> None:
    """Real grey values and noise, of which one copy is moved by less than a pixel in Fourier
    space; then thawed and frozen states, where most windows are found again."""
    from scipy.ndimage import fourier_shift

    with h5py.File(data / "dynamic" / "concrete_freeze_thaw.h5") as file:
        thawed, frozen = (file[f"state_{i}"][20:70, 20:100, 20:100].astype(np.float32)
                          for i in (0, 1))  # fmt: skip
    shift = np.array([0.3, -1.6, 2.45])
    moved = np.fft.ifftn(fourier_shift(np.fft.fftn(thawed), shift)).real
    tool = DeformCorrelation(spacing=20)
    found = tool(reference=block(thawed), moved=block(moved))
    error, _ = end_point_error(found.vectors, np.broadcast_to(shift, found.vectors.shape),
                               found.trusted)  # fmt: skip
    assert error < 0.02
    assert found.trusted.mean() > 0.9
    between = tool(reference=block(thawed), moved=block(frozen))
    assert between.trusted.mean() > 0.4  # ice and water share no texture in the pore
    assert np.median(between.correlation[between.trusted]) > 0.8
