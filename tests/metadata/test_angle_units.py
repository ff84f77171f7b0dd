"""Angles in the units that files name, and values that no unit makes a scan of."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from metadata import ScanError, open_scan
from metadata.angles import to_radians

HALF = np.linspace(0, np.pi, 60, endpoint=False)


@pytest.mark.parametrize(
    ("unit", "by"),
    [("degree", 180 / np.pi), ("rad", 1.0), ("mdeg", 180e3 / np.pi), ("mrad", 1e3),
     ("arcmin", 10800 / np.pi), ("arcsec", 648e3 / np.pi), ("turns", 0.5 / np.pi),
     ("Revolutions", 0.5 / np.pi)],
)  # fmt: skip
def test_a_unit_that_is_known_is_taken_without_a_word(unit: str, by: float) -> None:
    angles, warnings = to_radians(HALF * by, unit, "theta")
    np.testing.assert_allclose(angles, HALF, rtol=1e-9)
    assert warnings == []


def test_steps_of_a_motor_are_no_angles(tmp_path: Path) -> None:
    path = tmp_path / "steps.h5"
    with h5py.File(path, "w") as file:
        file["exchange/data"] = np.random.default_rng(0).integers(100, 200, (60, 2, 16))
        file["exchange/theta"] = np.arange(60) * 37.0
        file["exchange/theta"].attrs["units"] = "steps"
    with pytest.raises(ScanError, match=r"'steps'.*37° from view to view.*angles='0:180'"):
        open_scan(path)
    with open_scan(path, angles="0:180") as scan:
        np.testing.assert_allclose(scan.info.angles_rad, HALF)


def test_no_scan_turns_a_whole_turn_from_view_to_view() -> None:
    with pytest.raises(ScanError, match=r"no unit.*3000° from view to view"):
        to_radians(np.degrees(HALF) * 1000, None, "theta")


def test_many_turns_in_wide_steps_are_taken_and_told() -> None:
    golden = np.arange(300) * 111.246
    angles, warnings = to_radians(golden, "deg", "theta")
    np.testing.assert_allclose(angles, np.radians(golden))
    assert ["111.2° from view to view, 92.4 turns" in w for w in warnings] == [True]
    (told,) = to_radians(np.degrees(HALF), "rad", "theta")[1]  # degrees that are called radians
    assert "if its values are in another unit" in told


def test_any_order_within_a_turn_is_as_good_as_another() -> None:
    shuffled = np.random.default_rng(0).permutation(np.degrees(HALF) * 2)
    assert to_radians(shuffled, "deg", "theta")[1] == []
    assert to_radians(np.arange(0, 3600, 0.5), "deg", "theta")[1] == []  # ten turns, narrow steps
