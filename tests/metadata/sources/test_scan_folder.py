"""A folder of scans: what files say, what frames show, and what is added while it is watched."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np
import pytest

from metadata.errors import InputError
from metadata.nxtomo_writer import write_nxtomo
from metadata.scan import Scan
from metadata.series import MetricInfo
from metadata.sources import open_source
from tests.metadata.sources.reading import Following, joined

START = 1767225600.0  # 2026-01-01T00:00:00Z


def write(path: Path, minute: int, current: float, columns: int = 32) -> None:
    rng = np.random.default_rng(minute)
    frames = rng.integers(400, 600, (12, 3, columns)).astype(np.uint16)
    write_nxtomo(path, frames, np.linspace(0, np.pi, 12), flats=frames[:3] + 500,
                 darks=frames[:3] // 50)  # fmt: skip
    with h5py.File(path, "r+") as file:
        entry = next(g for g in file.values() if g.attrs.get("NX_class") in ("NXentry", b"NXentry"))
        for name, value in (("start_time", f"2026-01-01T00:{minute:02d}:00Z"),
                            ("end_time", f"2026-01-01T00:{minute:02d}:30Z")):  # fmt: skip
            if name in entry:
                del entry[name]
            entry[name] = value
        control = entry.require_group("control")
        if "data" in control:
            del control["data"]
        control["data"] = np.linspace(current, current - 1, 18)
        control["data"].attrs["units"] = "mA"


class Brightness:
    """Measures the mean of the first frame, and how far it is from that of the reference."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def metrics(self) -> Mapping[str, MetricInfo]:
        return {"brightness": MetricInfo("brightness", "counts"),
                "moved": MetricInfo("moved", "px")}  # fmt: skip

    def measure(self, scan: Scan, reference: Scan | None) -> Mapping[str, float]:
        assert reference is not None
        self.asked.append(scan.info.path.name)
        mine, first = (float(s.projections(slice(0, 1)).mean()) for s in (scan, reference))
        return {"brightness": mine, "moved": mine - first}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "b.nxs", 5, 299.0)
    write(tmp_path / "a.nxs", 15, 298.0)
    (tmp_path / "deeper").mkdir()
    write(tmp_path / "deeper" / "c.nxs", 10, 301.0)
    (tmp_path / "notes.txt").write_text("no scan")
    (tmp_path / "broken.h5").write_bytes(b"no HDF5")
    return tmp_path


def test_what_the_files_say(folder: Path) -> None:
    source = open_source(folder)
    found = joined(source.history())
    assert found["ring_current"].times.tolist() == [START + 60 * m for m in (5, 10, 15)]
    assert found["ring_current"].values.tolist() == pytest.approx([298.5, 300.5, 297.5], abs=0.3)
    assert found["scan_duration"].values.tolist() == [30, 30, 30]
    assert source.metrics()["ring_current"].unit == "mA"
    assert [w for w in source.warnings if "broken.h5 is passed over" in w]
    assert not source.live
    late = joined(source.history(dict.fromkeys(found, START + 600)))
    assert late["ring_current"].times.tolist() == [START + 900]


def test_what_the_frames_show(folder: Path) -> None:
    measures = Brightness()
    source = open_source(folder, measures=measures)
    assert source.metrics()["brightness"].unit == "counts"
    found = joined(source.history())
    assert len(found["brightness"]) == 3
    assert found["moved"].values[0] == 0  # the first is its own reference
    assert measures.asked == ["b.nxs", "c.nxs", "a.nxs"]
    known = {"brightness": START + 600, "moved": START + 600, "ring_current": START + 600}
    measures.asked.clear()
    assert len(joined(source.history(known))["brightness"]) == 1
    assert measures.asked == ["a.nxs"]


def test_pixels_of_another_width_are_another_metric(folder: Path) -> None:
    write(folder / "wide.nxs", 20, 300.0, columns=48)
    source = open_source(folder, measures=Brightness())
    found = joined(source.history())
    assert len(found["moved"]) == 3
    assert found["moved_48"].values.tolist() == [0]
    assert len(found["brightness"]) == 4
    assert source.metrics()["moved_48"].unit == "px"


def test_new_files_are_taken_when_they_are_whole(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("metadata.sources.scan_folder.POLL_SECONDS", 0.05)
    source = open_source(folder)
    list(source.history())
    whole = folder / "whole"
    write(whole, 30, 305.0)
    with Following(source) as following:
        with (folder / "d.nxs").open("wb") as file:
            file.write(whole.read_bytes()[:2000])
        following.until(lambda _: any("d.nxs is passed over" in w for w in source.warnings))
        os.replace(whole, folder / "d.nxs")
        following.until(lambda found: "ring_current" in found)
        assert following.finish()["ring_current"].times.tolist() == [START + 1800]


def test_a_single_scan_and_folders_without_one(folder: Path, tmp_path: Path) -> None:
    assert len(joined(open_source(folder / "a.nxs").history())["ring_current"]) == 1
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match=r"empty holds no scan that can be read. Expected NXtomo"):
        open_source(empty)
    with h5py.File(empty / "x.h5", "w") as file:
        file["a"] = 5
    with pytest.raises(InputError, match="neither NXlog groups with time and value nor a scan"):
        open_source(empty / "x.h5")


def test_real_metadata(data: Path) -> None:
    found = joined(open_source(data / "logs" / "i12_112482_360scan.nxs").history())
    assert found["ring_current"].values[0] == pytest.approx(297.45, abs=0.5)
