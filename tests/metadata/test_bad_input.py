"""Input that cannot be used: one paragraph with the way out."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from metadata import InputError, ScanError, open_scan
from metadata.dx_writer import write_dx
from metadata.nxtomo_writer import write_nxtomo

FRAMES = np.random.default_rng(6).integers(1, 60000, (6, 4, 8)).astype(np.uint16)
ANGLES = np.arange(6) * 0.5


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return write_nxtomo(tmp_path / "good.nxs", FRAMES, ANGLES, flats=FRAMES[:2], compression="gzip")


def test_missing_and_empty(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match=r"does not exist.*check its spelling"):
        open_scan(tmp_path / "none.h5")
    (tmp_path / "empty.h5").touch()
    with pytest.raises(ScanError, match=r"is empty .*copy it again"):
        open_scan(tmp_path / "empty.h5")


def test_truncated(good: Path) -> None:
    good.write_bytes(good.read_bytes()[:-500])
    with pytest.raises(ScanError, match="cut off before its end"):
        open_scan(good)


def test_corrupted(good: Path, tmp_path: Path) -> None:
    with h5py.File(good) as file:
        data = file["entry/instrument/detector/data"]
        offset = data.id.get_chunk_info(5).byte_offset
    raw = bytearray(good.read_bytes())
    raw[offset : offset + 20] = bytes(20)
    good.write_bytes(raw)
    with open_scan(good) as scan, pytest.raises(ScanError, match=r"cannot be read.*copy it again"):
        scan.projections()
    (tmp_path / "noise.h5").write_bytes(np.random.default_rng(0).bytes(5000))
    with pytest.raises(ScanError, match="is not a readable HDF5 file"):
        open_scan(tmp_path / "noise.h5")


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ([1, 1, 2, 2, 2, 2], "holds no projections"),
        ([1, 0, 2, 2, 2, 2], "one projection, and tomography needs several angles"),
    ],
)
def test_too_few_projections(good: Path, keys: list[int], says: str) -> None:
    with h5py.File(good, "a") as file:
        file["entry/instrument/detector/image_key"][:] = [*keys, 3, 3]
    with pytest.raises(ScanError, match=says):
        open_scan(good)


def test_wrong_shape(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["exchange/data"] = np.zeros((2, 3, 4, 5))
    with pytest.raises(ScanError, match=r"shape \(2, 3, 4, 5\).*angle, row, col"):
        open_scan(tmp_path / "a.h5")


def test_no_right_to_read(good: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("the superuser may read everything")
    good.chmod(0)
    with pytest.raises(ScanError, match="Ask for the right to read it"):
        open_scan(good)


def test_no_flats_and_no_darks_are_said(tmp_path: Path) -> None:
    with open_scan(write_nxtomo(tmp_path / "a.nxs", FRAMES, ANGLES)) as scan:
        assert scan.info.flats == 0
        assert "There are no flats" in " ".join(scan.info.warnings)
        assert scan.flats().shape == (0, 4, 8)
    with open_scan(write_nxtomo(tmp_path / "b.nxs", FRAMES, ANGLES, flats=FRAMES)) as scan:
        assert "There are no darks" in " ".join(scan.info.warnings)


def test_truncated_txrm(data: Path, tmp_path: Path) -> None:
    raw = (data / "txm/txrm_test_chip_tomo.txrm").read_bytes()
    for size in (4000, len(raw) // 3, len(raw) - 60000):
        (tmp_path / "a.txrm").write_bytes(raw[:size])
        with (
            pytest.raises(ScanError, match="copy it again"),
            open_scan(tmp_path / "a.txrm") as scan,
        ):
            scan.projections()


def test_writer_refuses_what_does_not_fit(tmp_path: Path) -> None:
    for given, says in (
        ({"projections": FRAMES[:4]}, "4 projections came for 6 angles"),
        ({"projections": FRAMES, "flats": FRAMES[:, :2]}, "flats have frames of"),
        ({"projections": FRAMES, "monitor": [1.0]}, "1 monitor readings for 6"),
        ({"projections": iter(())}, "no projections were given"),
    ):
        with pytest.raises(InputError, match=says):
            write_nxtomo(tmp_path / "a.nxs", angles_rad=ANGLES, **given)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        ([FRAMES[:, :1]], "1 rows of projections came where"),
        ([FRAMES, FRAMES[:, :1]], "0 rows of .* columns were still expected for 6 angles"),
        ([FRAMES[:4]], "rows of .* columns were still expected for 6 angles"),
    ],
)
def test_pieces_by_rows_must_fill_the_frames(
    tmp_path: Path, pieces: list[np.ndarray], text: str
) -> None:
    with pytest.raises(InputError, match=text):
        write_nxtomo(tmp_path / "a.nxs", iter(pieces), ANGLES, rows=FRAMES.shape[1])
    assert not list(tmp_path.iterdir())


def test_reference_frames_of_another_size_do_not_go_into_data_exchange(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="data_white have frames of"):
        write_dx(tmp_path / "a.h5", FRAMES, ANGLES, flats=FRAMES[:2, :1])
