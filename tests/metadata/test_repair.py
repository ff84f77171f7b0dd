"""What is filled, what is said, and what cannot be filled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metadata import Scan, ScanError, open_scan
from metadata.nxtomo_writer import write_nxtomo

ANGLES = np.arange(20) * 0.15


def ramp(dtype: Any = np.float32) -> Any:
    """Frames that grow evenly with the angle, so that interpolation is exact."""
    return (1000 + 10 * np.arange(20)[:, None, None] + np.zeros((20, 6, 8))).astype(dtype)


def scan_of(tmp_path: Path, frames: Any, **more: Any) -> Scan:
    flats = more.pop("flats", np.full((3, 6, 8), 2000, frames.dtype))
    darks = np.ones((2, 6, 8), frames.dtype)
    return open_scan(
        write_nxtomo(tmp_path / "a.nxs", frames, ANGLES, flats=flats, darks=darks, **more)
    )


def said(scan: Scan) -> str:
    return " ".join(scan.info.warnings)


@pytest.mark.parametrize(
    ("value", "dtype", "words"),
    [
        (np.nan, np.float32, "hold no numbers"),
        (np.inf, np.float32, "hold no numbers"),
        (0, np.float32, "hold nothing but zeros"),
        (0, np.uint16, "hold nothing but zeros"),
        (65535, np.uint16, "are saturated all over"),
        (1e6, np.float32, "are far brighter or darker"),
        (30000, np.uint16, "are far brighter or darker"),
        (5, np.float32, "are far brighter or darker"),
    ],
)
def test_lost_frames(tmp_path: Path, value: float, dtype: Any, words: str) -> None:
    frames = ramp(dtype)
    frames[[4, 5, 0]] = value
    with scan_of(tmp_path, frames) as scan:
        assert said(scan) == ""
        whole = scan.projections()
        np.testing.assert_allclose(whole[1:], ramp()[1:], rtol=1e-6)
        np.testing.assert_array_equal(whole[0], ramp()[1])
        assert f"3 of 20 projections (0, 4, 5) {words}" in said(scan)
        by_rows = np.concatenate([v for _, v in scan.row_slabs(2)], axis=1)
        by_angle = np.concatenate([scan.projections(slice(i, i + 1)) for i in range(20)])
        np.testing.assert_array_equal(by_rows, whole)
        np.testing.assert_array_equal(by_angle, whole)


def test_lost_rows_and_pixels(tmp_path: Path) -> None:
    frames = ramp()
    frames[7, 2] = np.nan
    frames[:, 3, 4] = np.nan
    frames[9, 5, :2] = np.inf
    with scan_of(tmp_path, frames) as scan:
        np.testing.assert_allclose(scan.projections(), ramp(), rtol=1e-6)
        assert "some pixels that are not numbers" in said(scan)


@pytest.mark.parametrize("rows", [slice(None), slice(2, 3)])
def test_rows_without_any_number_are_named(tmp_path: Path, rows: slice) -> None:
    frames = ramp()
    frames[:, rows] = np.nan
    with scan_of(tmp_path, frames) as scan:
        first = rows.start or 0
        with pytest.raises(ScanError, match=rf"holds numbers in row {first}.*Copy the file again"):
            scan.projections()


def test_too_many_lost_frames(tmp_path: Path) -> None:
    frames = ramp()
    frames[:] = np.nan
    frames[0] = 1000
    with scan_of(tmp_path, frames) as scan, pytest.raises(ScanError, match="cannot be filled"):
        scan.projections()


def test_blocked_rows_are_left_as_they_are(tmp_path: Path) -> None:
    frames = ramp(np.uint16)
    frames[:, 0] = 0
    with scan_of(tmp_path, frames) as scan:
        assert not scan.projections()[:, 0].any()
        assert said(scan) == ""


def test_flats(tmp_path: Path) -> None:
    flats = np.full((4, 6, 8), 2000, np.uint16)
    flats[0, 1, 1] = 0
    flats[:, 2, 3] = 0
    flats[3] = 0
    with scan_of(tmp_path, ramp(np.uint16), flats=flats) as scan:
        np.testing.assert_array_equal(scan.flats(), np.full((3, 6, 8), 2000))
        assert scan.info.flats == 3
        assert "1 of 4 flats are empty" in said(scan)
        assert "2 pixels of the flats are zero" in said(scan)


def test_flats_through_the_scratch_file(tmp_path: Path) -> None:
    flats = np.random.default_rng(1).integers(1, 9, (5, 6, 8)).astype(np.uint16)
    with scan_of(tmp_path, ramp(np.uint16), flats=flats) as scan:
        scan._flats._budget = 100  # type: ignore[attr-defined]
        np.testing.assert_array_equal(scan.flats(slice(1, 4)), flats[:, 1:4])


def test_zero_flats(tmp_path: Path) -> None:
    with (
        scan_of(tmp_path, ramp(np.uint16), flats=np.zeros((2, 6, 8), np.uint16)) as scan,
        pytest.raises(ScanError, match=r"None of the 2 flats holds anything.*flats="),
    ):
        scan.flats()


def test_a_flickering_beam_and_a_plate_seen_edge_on_are_no_damage(tmp_path: Path) -> None:
    frames = ramp()
    frames[7] *= 2.5
    frames[12] *= 0.2
    with scan_of(tmp_path, frames) as scan:
        np.testing.assert_array_equal(scan.projections(), frames)
        assert said(scan) == ""


def test_part_of_a_bright_frame(tmp_path: Path) -> None:
    frames = ramp()
    frames[9, 2:4] = 1e6
    with scan_of(tmp_path, frames) as scan:
        np.testing.assert_allclose(scan.projections(), ramp(), rtol=1e-6)
        some = scan.projections(np.array([1, 5, 9, 13, 17]))
        np.testing.assert_allclose(some, ramp()[1::4], rtol=1e-6)
