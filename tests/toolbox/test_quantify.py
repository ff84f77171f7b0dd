"""Quantities against shapes whose measures are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from metadata import InputError
from toolbox import Block, DataKind, Geometry, GreyState, make_tool
from toolbox.tools.quantify.thickness import local_thickness


def labels(values: NDArray, pixel_size_m: float | None = None) -> Block:
    geometry = Geometry(np.zeros(1), len(values), values.shape[-1], pixel_size_m)
    return Block(values, DataKind.LABELS, GreyState.ATTENUATION, geometry, np.arange(len(values)))


def ball(radius: float, size: int = 40) -> NDArray[np.bool_]:
    r = np.arange(size) - (size - 1) / 2
    return r[:, None, None] ** 2 + r[:, None] ** 2 + r**2 <= radius**2


def test_fractions_add_up_and_their_interval_holds_the_truth() -> None:
    rng = np.random.default_rng(0)
    trend = 0.3 + 0.05 * np.sin(np.arange(60) / 6)
    values = (rng.random((60, 40, 40)) < trend[:, None, None]).astype(np.uint8)
    found = make_tool("volume_fractions", {})(labels=labels(values))
    one = found.values["fraction_of_class_1"]
    assert one.low is not None
    assert one.high is not None
    assert one.low < 0.3 < one.high < one.low + 0.1
    assert one.value + found.values["fraction_of_class_0"].value == pytest.approx(1)
    assert len(found.tables["fraction_over_z"]["class_1"]) == 60


def test_fractions_count_inside_the_circle() -> None:
    values = np.zeros((3, 32, 32), np.uint8)
    r = np.arange(32) - 15.5
    values[:, np.add.outer(r**2, r**2) <= 256] = 1
    inside = make_tool("volume_fractions", {})(labels=labels(values))
    assert inside.values["fraction_of_class_1"].value == 1
    whole = make_tool("volume_fractions", {"circle": False})(labels=labels(values))
    assert whole.values["fraction_of_class_1"].value == pytest.approx(np.pi / 4, abs=0.02)


def test_instances_are_not_classes() -> None:
    with pytest.raises(InputError, match="size_distribution"):
        make_tool("volume_fractions", {})(labels=labels(np.full((2, 9, 9), 300, np.int32)))


@pytest.mark.parametrize(("pixel", "unit", "scale"), [(None, "px", 1.0), (2e-6, "µm", 2.0)])
def test_the_diameter_of_a_ball(pixel: float | None, unit: str, scale: float) -> None:
    values = ball(11).astype(np.int32)
    found = make_tool("size_distribution", {})(labels=labels(values, pixel)).values
    assert found["objects"].value == 1
    assert found["mean_diameter"].unit == unit
    assert found["mean_diameter"].value == pytest.approx(22 * scale, rel=0.02)


def test_the_diameter_of_a_disc_in_one_slice() -> None:
    values = ball(11)[20:21].astype(np.int32)
    found = make_tool("size_distribution", {})(labels=labels(values)).values
    assert found["mean_diameter"].value == pytest.approx(22, rel=0.02)


def test_parts_of_a_class_and_objects_at_the_border() -> None:
    values = np.zeros((12, 30, 30), np.uint8)
    values[4:8, 4:8, 4:8] = 2
    values[4:8, 20:24, 26:30] = 2
    both = make_tool("size_distribution", {"of_class": 2})(labels=labels(values))
    assert both.values["objects"].value == 2
    inner = make_tool("size_distribution", {"of_class": 2, "border": False})(labels=labels(values))
    assert inner.values["objects"].value == 1
    assert inner.tables["diameters"]["volume_voxel"] == [64]
    none = make_tool("size_distribution", {"of_class": 1})(labels=labels(values))
    assert none.values["objects"].value == 0


def test_the_thickness_of_a_ball_is_its_diameter() -> None:
    mask = ball(12)
    values = local_thickness(mask)[mask]
    assert np.median(values) == pytest.approx(24, rel=0.1)
    assert values.max() <= 25


def test_the_thickness_of_plates_and_rods_side_by_side() -> None:
    mask = np.zeros((40, 40, 60), bool)
    mask[:, 3:7] = True
    mask[:, 15:25] = True
    values = local_thickness(mask)
    assert np.median(values[:, 3:7]) == pytest.approx(4, abs=0.6)
    assert np.median(values[:, 15:25]) == pytest.approx(10, abs=1)
    assert (values[~mask] == 0).all()


def test_thickness_grows_with_scale() -> None:
    rng = np.random.default_rng(0)
    small = rng.random((12, 12, 12)) < 0.5
    large = small.repeat(3, 0).repeat(3, 1).repeat(3, 2)
    ratio = local_thickness(large)[large].mean() / local_thickness(small)[small].mean()
    assert 2 < ratio < 4


def test_thickness_in_micrometres_and_nothing_to_measure() -> None:
    values = np.zeros((20, 20, 24), np.uint8)
    values[:, 6:14] = 1
    found = make_tool("local_thickness", {})(labels=labels(values, 5e-7)).values
    assert found["mean_thickness"].unit == "µm"
    assert found["mean_thickness"].value == pytest.approx(4, abs=0.3)
    none = make_tool("local_thickness", {"of_class": 7})(labels=labels(values))
    assert none.values["fraction"].value == 0


def test_a_real_sandstone(data: Path) -> None:
    import h5py

    with h5py.File(data / "volumes/bentheimer_labels_256.h5") as file:
        pores = np.asarray(file["label"])
    found = make_tool("volume_fractions", {"circle": False})(labels=labels(pores.astype(np.uint8)))
    porosity = found.values["fraction_of_class_1"]
    assert porosity.value == pytest.approx(pores.mean())
    assert porosity.low is not None
    assert porosity.low > 0.1
    part = pores[:64, :96, :96].astype(np.uint8)
    thickness = make_tool("local_thickness", {})(labels=labels(part)).values["mean_thickness"]
    assert 5 < thickness.value < 15
