"""Any valid scan comes back as it was written; any damaged one is an error of ours."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from metadata import TomoplanError, open_scan
from metadata.nxtomo_writer import write_nxtomo

few = settings(max_examples=40, deadline=None)


def frames(draw: Any, count: int, size: tuple[int, int], dtype: Any) -> Any:
    seed = draw(st.integers(0, 2**32 - 1))
    return np.random.default_rng(seed).integers(1, 200, (count, *size)).astype(dtype)


@st.composite
def scans(draw: Any) -> dict[str, Any]:
    size = draw(st.tuples(st.integers(1, 6), st.integers(2, 9)))
    dtype = draw(st.sampled_from([np.uint8, np.uint16, np.int32, np.float32, np.float64]))
    count = draw(st.integers(2, 12))
    start, step = draw(st.floats(-300, 300)), draw(st.floats(0.01, 0.5))
    angles = start + step * np.arange(count) * draw(st.sampled_from([1, -1]))
    return {
        "projections": frames(draw, count, size, dtype),
        "angles_rad": draw(st.permutations(list(angles))),
        "flats": frames(draw, draw(st.integers(1, 3)), size, dtype),
        "darks": frames(draw, draw(st.integers(1, 3)), size, dtype),
        "monitor": draw(st.none() | st.just(np.arange(1.0, count + 1))),
    }


def check(path: Path, scan: dict[str, Any]) -> None:
    with open_scan(path) as opened:
        np.testing.assert_array_equal(opened.projections(), scan["projections"])
        np.testing.assert_array_equal(opened.flats(), scan["flats"])
        np.testing.assert_array_equal(opened.darks(), scan["darks"])
        np.testing.assert_allclose(opened.info.angles_rad, scan["angles_rad"], atol=1e-9)
        height = 2
        slabs = [v for _, v in opened.row_slabs(height)]
        np.testing.assert_array_equal(np.concatenate(slabs, axis=1), scan["projections"])


@few
@given(scans(), st.sampled_from([None, "gzip"]))
def test_nxtomo_round_trip(scan: dict[str, Any], compression: str | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write_nxtomo(Path(folder) / "a.nxs", compression=compression, **scan)
        check(path, scan)
        if scan["monitor"] is not None:
            np.testing.assert_array_equal(open_scan(path).monitor(), scan["monitor"])


@few
@given(scans(), st.sampled_from(["degrees", "rad"]))
def test_data_exchange_round_trip(scan: dict[str, Any], unit: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.h5"
        angles = np.asarray(scan["angles_rad"])
        with h5py.File(path, "w") as file:
            file["exchange/data"] = scan["projections"]
            file["exchange/data_white"] = scan["flats"]
            file["exchange/data_dark"] = scan["darks"]
            file["exchange/theta"] = np.rad2deg(angles) if unit == "degrees" else angles
            file["exchange/theta"].attrs["units"] = unit
        check(path, scan)


def try_to_read(path: Path) -> None:
    """Anything but success and our own errors goes through and fails the test."""
    with contextlib.suppress(TomoplanError), open_scan(path) as scan:
        scan.projections()
        scan.flats()
        scan.darks()


def example() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        stack = np.random.default_rng(0).integers(1, 60000, (6, 5, 9)).astype(np.uint16)
        path = write_nxtomo(
            Path(folder) / "a.nxs", stack, np.arange(6) * 0.5, flats=stack[:2], compression="gzip"
        )
        return path.read_bytes()


def chunk_bytes() -> list[int]:
    """Where frames are stored. Damage to the library's own tables is left out: it can crash or
    hang HDF5 itself, which no caller in the same process can prevent."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.nxs"
        path.write_bytes(EXAMPLE)
        with h5py.File(path) as file:
            data = file["entry/instrument/detector/data"].id
            infos = [data.get_chunk_info(i) for i in range(data.get_num_chunks())]
    return [at for info in infos for at in range(info.byte_offset, info.byte_offset + info.size)]


EXAMPLE = example()
CHUNK_BYTES = chunk_bytes()


@few
@given(st.integers(0, len(EXAMPLE) - 1))
def test_truncated_nxtomo(length: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.nxs"
        path.write_bytes(EXAMPLE[:length])
        try_to_read(path)


@few
@given(st.lists(st.tuples(st.sampled_from(CHUNK_BYTES), st.integers(0, 255)), min_size=1))
def test_flipped_bytes_in_nxtomo_frames(flips: list[tuple[int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        raw = bytearray(EXAMPLE)
        for at, value in flips:
            raw[at] = value
        path = Path(folder) / "a.nxs"
        path.write_bytes(raw)
        try_to_read(path)


@few
@given(st.data(), st.sampled_from([".tif", ".npy"]))
def test_damaged_tiff_and_numpy(data: Any, suffix: str) -> None:
    stack = np.random.default_rng(0).integers(1, 60000, (4, 5, 9)).astype(np.uint16)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a{suffix}"
        if suffix == ".tif":
            tifffile.imwrite(path, stack, photometric="minisblack")
        else:
            np.save(path, stack)
        raw = bytearray(path.read_bytes())
        places = st.tuples(st.integers(0, len(raw) - 1), st.integers(0, 255))
        for at, value in data.draw(st.lists(places, max_size=6)):
            raw[at] = value
        path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))])
        try_to_read(path)


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_bare_hdf5(data: Any) -> None:
    """Any stack of numbers comes back; one of another shape, type or length is an error of ours."""
    scan = data.draw(scans())
    name = data.draw(st.sampled_from(["frames", "a/b/frames"]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.h5"
        with h5py.File(path, "w") as file:
            file[name] = scan["projections"]
            file["flats"], file["darks"] = scan["flats"], scan["darks"]
            file["theta"] = np.rad2deg(scan["angles_rad"])
            file["odd"] = data.draw(
                st.sampled_from([b"text", np.zeros(3), np.zeros((2, 2, 2, 2)), np.zeros((0, 3))])
            )
        given = {"flats": "flats", "darks": "darks", "state": "counts"}
        with open_scan(path, data=name, angles=np.asarray(scan["angles_rad"]), **given) as opened:
            np.testing.assert_array_equal(opened.projections(), scan["projections"])
            np.testing.assert_array_equal(opened.flats(), scan["flats"])
            np.testing.assert_allclose(opened.info.angles_rad, scan["angles_rad"], atol=1e-9)
        for wrong in ({"data": "odd"}, {"data": name, "angles": "0:180", "flats": "odd"},
                      {"data": "none"}, {"data": name, "angles": "odd"}):  # fmt: skip
            with contextlib.suppress(TomoplanError), open_scan(path, **wrong) as opened:
                opened.projections()
                opened.flats()
        raw = path.read_bytes()
        path.write_bytes(raw[: data.draw(st.integers(0, len(raw) - 1))])
        with contextlib.suppress(TomoplanError), open_scan(path, data=name) as opened:
            opened.projections()


@settings(max_examples=15, deadline=None)
@given(flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)),
                      max_size=6), keep=st.floats(0, 1))  # fmt: skip
def test_damaged_txrm(data: Path, flips: list[tuple[float, int]], keep: float) -> None:
    raw = bytearray((data / "txm/txrm_test_chip_tomo.txrm").read_bytes())
    for place, value in flips:
        raw[int(place * len(raw))] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.txrm"
        path.write_bytes(raw[: int(keep * len(raw))])
        try_to_read(path)
