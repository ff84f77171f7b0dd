"""Registration finds known transforms to a fraction of a voxel, and resampling undoes them."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from metadata import InputError, open_scan
from tests.toolbox.soft_spheres import Specimen, block
from toolbox import Transform
from toolbox.execution import run
from toolbox.metrics import transform_error
from toolbox.recipe import Step, wire
from toolbox.tools.register.apply_transform import ApplyTransform
from toolbox.tools.register.register_volumes import RegisterVolumes

SHAPE = (32, 48, 48)
Array = NDArray[np.float64]


def turn(z: float, y: float, x: float) -> Array:
    """A rotation by angles (degrees) about z, y and x, of ``z, y, x``."""
    made = np.eye(3)
    for angle, (a, b) in zip(np.deg2rad((z, y, x)), ((1, 2), (0, 2), (0, 1)), strict=True):
        step = np.eye(3)
        step[a, a] = step[b, b] = np.cos(angle)
        step[a, b], step[b, a] = -np.sin(angle), np.sin(angle)
        made = made @ step
    return made


def about_middle(linear: Array, shift: tuple[float, float, float]) -> Array:
    """The 4 × 4 matrix of a map about the middle of the volume, then a shift."""
    middle = (np.array(SHAPE) - 1) / 2
    matrix = np.eye(4)
    matrix[:3, :3] = linear
    matrix[:3, 3] = middle + shift - linear @ middle
    return matrix


def pair(matrix: Array, noise: float = 0.05, other: bool = False) -> tuple[Array, Array]:
    """A specimen, and the same one where ``matrix`` takes its places, each with noise;
    ``other``: in a modality in which middle grey is brightest."""
    specimen, rng = Specimen(SHAPE, seed=4), np.random.default_rng(5)
    back = np.linalg.inv(matrix)
    places = np.einsum("ij,jzyx->izyx", back[:3, :3], np.indices(SHAPE).astype(float))
    moved = specimen(places + back[:3, 3, None, None, None])
    if other:
        moved = 1.2 - np.abs(moved - 0.7)
    still = specimen(np.indices(SHAPE).astype(float))
    return (still + noise * rng.normal(size=SHAPE), moved + noise * rng.normal(size=SHAPE))


CASES = {
    "rigid": (turn(3, -4, 6), (3.0, -5.0, 4.3), "rigid", "mutual_information", False),
    "same contrast": (turn(3, -4, 6), (3.0, -5.0, 4.3), "rigid", "correlation", False),
    "affine": (turn(2, 3, -2) @ np.diag([1.05, 0.97, 1.02]), (2.0, 3.0, -4.4), "affine",
               "mutual_information", False),
    "two modalities": (turn(2, 3, -2), (2.0, 3.0, -4.4), "rigid", "mutual_information", True),
    "turned on the stage": (turn(70, 2, -1), (1.0, 2.0, 2.5), "rigid", "mutual_information",
                            False),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_known_transform_is_found(name: str) -> None:
    linear, shift, model, similarity, other = CASES[name]
    matrix = about_middle(linear, shift)
    reference, moved = pair(matrix, other=other)
    tool = RegisterVolumes(model=model, similarity=similarity)
    found = tool(reference=block(reference), moved=block(moved))
    truth = Transform(matrix, SHAPE)
    assert transform_error(Transform(np.eye(4), SHAPE), truth) > 4
    assert transform_error(found, truth) < 0.2


def test_pictures_are_registered_in_the_plane() -> None:
    specimen = Specimen((1, 64, 64), seed=2)
    places = np.indices((1, 64, 64)).astype(float)
    there = places - np.array([0, 3.5, -2.0])[:, None, None, None]
    found = RegisterVolumes(model="shift")(
        reference=block(specimen(places)), moved=block(specimen(there))
    )
    assert found.matrix[:3, 3] == pytest.approx([0, 3.5, -2.0], abs=0.05)


def test_resampling_lays_the_volumes_over_each_other() -> None:
    matrix = about_middle(turn(3, -4, 6), (3.0, -5.0, 4.3))
    reference, moved = pair(matrix, noise=0.0)
    drawn = ApplyTransform()(moved=block(moved), transform=Transform(matrix, SHAPE)).values
    inside = drawn != 0
    assert inside.mean() > 0.6
    assert np.abs(drawn - reference)[inside].mean() < 0.01
    assert np.abs(moved - reference)[inside].mean() > 0.1


def test_a_grid_bends_what_a_matrix_cannot() -> None:
    x = np.indices((4, 16, 16))[2].astype(np.float32)
    nodes = np.zeros((1, 3, 3, 3), np.float32)
    nodes[..., 2] = [0, 1, 2]  # further along x
    bent = Transform(np.eye(4), (4, 16, 16), nodes, spacing=(1.0, 8.0, 8.0))
    drawn = ApplyTransform("linear")(moved=block(x), transform=bent).values
    assert drawn[0, 3, :8] == pytest.approx(x[0, 3, :8] * 1.125, abs=1e-5)


@pytest.mark.slow
def test_a_b_spline_bends_one_volume_onto_the_other() -> None:
    specimen, places = Specimen(SHAPE, seed=4), np.indices(SHAPE).astype(float)
    wave = 2 * np.sin(2 * np.pi * places / 40)
    moved = specimen(places - np.stack([wave[1], wave[2], wave[0]]))
    still = specimen(places)
    alike = {}
    for model in ("affine", "bspline"):
        tool = RegisterVolumes(model=model, similarity="correlation", spacing=16)
        found = tool(reference=block(still), moved=block(moved))
        drawn = ApplyTransform()(moved=block(moved), transform=found).values
        alike[model] = np.corrcoef(drawn[drawn != 0], still[drawn != 0])[0, 1]
    assert alike["bspline"] > 0.98 > alike["affine"] + 0.05


def test_one_grey_value_is_refused() -> None:
    flat = block(np.ones(SHAPE))
    with pytest.raises(InputError, match="one grey value"):
        RegisterVolumes()(reference=flat, moved=flat)


def test_two_volumes_of_one_file_are_registered_by_a_pipeline(tmp_path: Path) -> None:
    matrix = about_middle(turn(2, 0, 0), (1.0, 2.0, -3.0))
    with h5py.File(tmp_path / "pair.h5", "w") as file:
        file["before"], file["after"] = (v.astype(np.float32) for v in pair(matrix))
    opened = [open_scan(f"{tmp_path / 'pair.h5'}::{n}", content="volume")
              for n in ("before", "after")]  # fmt: skip
    steps = (Step("register_volumes", {"similarity": "correlation"}), Step("apply_transform"))
    pipeline = wire(steps, 2, volumes=True)
    assert pipeline.validate([s.info.state for s in opened]) == []
    record = run(pipeline, opened, tmp_path / "out.h5")
    assert record.node_seconds["register_volumes"] > 0
    with h5py.File(tmp_path / "out.h5") as file, h5py.File(tmp_path / "pair.h5") as given:
        data = file["entry/data"]
        assert data.attrs["signal"] == "data"
        found = Transform(data["transform/matrix"][...], SHAPE)
        assert transform_error(found, Transform(matrix, SHAPE)) < 0.2
        result, reference = data["data"][...], given["before"][...]
        inside = result != 0
        assert np.corrcoef(result[inside], reference[inside])[0, 1] > 0.97
    with open_scan(tmp_path / "out.h5") as again:  # a result is a volume again
        assert again.info.content == "volume"
        np.testing.assert_array_equal(again.projections().swapaxes(0, 1), result)


def test_a_pipeline_of_volumes_does_not_take_projections(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = np.random.default_rng(0).random((8, 16, 16)).astype(np.float32)
    scan = open_scan(tmp_path / "a.h5", data="data", angles="0:180", state="attenuation")
    with pytest.raises(InputError, match="content='volume'"):
        run(wire((Step("denoise_gaussian"),), volumes=True), [scan], tmp_path / "out.h5")


@pytest.mark.slow
def test_neutron_and_x_ray_volumes_come_closer(data: Path) -> None:
    from toolbox.metrics import mutual_information

    path = data / "volumes" / "spam_concrete_xray_neutron.h5"
    with h5py.File(path) as file:
        rays, neutrons = (file[n][::2, ::2, ::2].astype(np.float32) for n in ("x-ray", "neutron"))
    found = RegisterVolumes(model="rigid")(reference=block(rays), moved=block(neutrons))
    drawn = ApplyTransform()(moved=block(neutrons), transform=found).values
    inside = drawn != 0
    assert inside.mean() > 0.5
    before = mutual_information(rays[inside], neutrons[inside])
    assert mutual_information(rays[inside], drawn[inside]) > 1.15 * before
