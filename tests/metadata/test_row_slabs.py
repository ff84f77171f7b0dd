"""A pass over the rows reads each stored chunk once."""

from __future__ import annotations

import io
import pickle
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np
import pytest

from metadata import open_scan
from metadata.frames import Hdf5Frames, Selection
from metadata.nxtomo_writer import write_nxtomo
from metadata.scan_info import GreyState, ScanInfo
from metadata.stored_scan import StoredScan

SHAPE = (30, 24, 16)
FRAMES = np.random.default_rng(4).integers(1, 60000, SHAPE).astype(np.uint16)


class CountingFile(io.BytesIO):
    """Bytes that note at which offsets the HDF5 library reads."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: Counter[int] = Counter()

    def readinto(self, buffer: object) -> int:
        self.reads[self.tell()] += 1
        return super().readinto(buffer)  # type: ignore[arg-type]


def stored(chunks: tuple[int, int, int], index: np.ndarray) -> tuple[StoredScan, CountingFile]:
    raw = CountingFile()
    with h5py.File(raw, "w") as file:
        file.create_dataset("data", data=FRAMES, chunks=chunks, compression="gzip")
    # No chunk cache: what the library itself keeps must not hide a second read.
    file = h5py.File(raw, "r", rdcc_nbytes=0)
    info = ScanInfo(
        Path("x"), "test", index.size, SHAPE[1], SHAPE[2], 0, 0, "uint16", GreyState.COUNTS,
        np.arange(index.size) * 0.1,
    )  # fmt: skip
    return StoredScan(info, Selection(Hdf5Frames(file["data"]), index)), raw


def offsets(scan: StoredScan) -> set[int]:
    data = scan._projections.source._data  # type: ignore[attr-defined]
    return {data.id.get_chunk_info(i).byte_offset for i in range(data.id.get_num_chunks())}


@pytest.mark.parametrize("chunks", [(1, 24, 16), (7, 24, 16), (4, 8, 16), (30, 1, 16), (8, 5, 9)])
@pytest.mark.parametrize("cache", [1 << 30, 6000], ids=["memory", "scratch"])
@pytest.mark.parametrize("halo", [0, 2])
def test_each_chunk_is_read_once(chunks: tuple[int, int, int], cache: int, halo: int) -> None:
    if chunks[1] == 1 and halo and cache < 1 << 30:
        pytest.skip("single rows are chunks: halo rows are read again rather than kept")
    index = np.array([*range(3, 20), *range(22, 30)])  # as if flats lay between
    scan, raw = stored(chunks, index)
    scan.cache_bytes = cache
    raw.reads.clear()
    seen = []
    for rows, values in scan.row_slabs(5, halo=halo):
        np.testing.assert_array_equal(values, FRAMES[index, rows])
        seen.append(rows)
    assert [r.start for r in seen] == [max(0, s - halo) for s in range(0, 24, 5)]
    assert seen[-1].stop == 24
    counts = [raw.reads[offset] for offset in offsets(scan)]
    assert max(counts) == 1
    assert sum(counts) > 0


def test_slab_by_slab_would_read_them_again() -> None:
    scan, raw = stored((1, 24, 16), np.arange(30))
    raw.reads.clear()
    for start in range(0, 24, 5):
        scan.projections(rows=slice(start, start + 5))
    assert max(raw.reads[offset] for offset in offsets(scan)) == 5


def test_a_few_rows_only() -> None:
    scan, _ = stored((4, 8, 16), np.arange(30))
    slabs = list(scan.row_slabs(4, halo=1, rows=slice(9, 15)))
    assert [(s.start, s.stop) for s, _ in slabs] == [(8, 14), (12, 16)]
    for rows, values in slabs:
        np.testing.assert_array_equal(values, FRAMES[:, rows])


def test_sparse_frames_do_not_read_what_lies_between() -> None:
    scan, raw = stored((4, 24, 16), np.arange(30))
    raw.reads.clear()
    np.testing.assert_array_equal(
        scan.projections(np.array([29, 0, 1, 29])), FRAMES[[29, 0, 1, 29]]
    )
    assert sum(raw.reads[offset] for offset in offsets(scan)) == 2


def test_threads_and_processes_see_the_same(tmp_path: Path) -> None:
    path = write_nxtomo(
        tmp_path / "a.nxs", FRAMES, np.arange(30) * 0.1, flats=FRAMES[:3], compression="gzip"
    )
    with open_scan(path, angles="0:180") as scan:
        pieces = [slice(start, start + 3) for start in range(0, 24, 3)]
        with ThreadPoolExecutor(4) as pool:
            for rows, values in zip(
                pieces, pool.map(lambda r: scan.projections(rows=r), pieces), strict=True
            ):
                np.testing.assert_array_equal(values, FRAMES[:, rows])
            assert all(f.shape == (3, 24, 16) for f in pool.map(lambda _: scan.flats(), range(8)))
        with pickle.loads(pickle.dumps(scan)) as again:
            np.testing.assert_array_equal(again.projections(), FRAMES)
            np.testing.assert_array_equal(again.info.angles_rad, scan.info.angles_rad)
