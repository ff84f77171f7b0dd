"""NXlog groups, and the histories that `tomoplan simulate history` writes in both forms."""

from __future__ import annotations

import threading
from pathlib import Path

import h5py
import numpy as np
import pytest

from metadata.errors import InputError
from metadata.series import Limits
from metadata.sources import open_source
from simulators.histories import History, simulate_history
from simulators.histories.writing import write_history
from tests.metadata.sources.reading import events, joined

START = 1767225600.0


def log(path: Path, name: str, times: np.ndarray, values: np.ndarray, **attributes: object) -> None:
    with h5py.File(path, "a") as file:
        group = file.require_group("entry").create_group(name)
        group.attrs["NX_class"] = "NXlog"
        group.create_dataset("time", data=times, maxshape=(None,))
        group["time"].attrs.update(start="2026-01-01T00:00:00+00:00", units="min")
        group.create_dataset("value", data=values, maxshape=(None, *values.shape[1:]))
        group["value"].attrs.update(attributes)


def test_times_units_and_limits(tmp_path: Path) -> None:
    path = tmp_path / "log.nxs"
    log(path, "water", np.array([0.0, 1, 2]), np.array([20, 21, 22]), units="degC", high_limit=25.0)
    log(path, "axis", np.array([0.5]), np.array([[7.0]]), units="px")
    log(path, "axis_low", np.array([0.0, 1.0]), np.array([-5.0, -4.0]))
    source = open_source(path)
    infos = source.metrics()
    assert set(infos) == {"water", "axis"}
    assert infos["water"].limits == Limits(high=25.0)
    assert infos["axis"].limits == Limits(low=-4.0)
    found = joined(source.history())
    assert found["water"].times.tolist() == [START, START + 60, START + 120]
    assert found["water"].unit == "degC"
    assert found["axis"].values.tolist() == [7.0]
    assert joined(source.history({"water": START + 60.0}))["water"].values.tolist() == [22]


def test_a_log_that_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metadata.sources.nxlog.POLL_SECONDS", 0.02)
    path = tmp_path / "log.nxs"
    log(path, "axis", np.array([0.0, 1.0]), np.array([5.0, 6.0]))
    source = open_source(path)
    assert len(joined(source.history())["axis"]) == 2
    with h5py.File(path, "a") as file:
        for name, value in (("time", 2.0), ("value", 7.0)):
            file[f"entry/axis/{name}"].resize((3,))
            file[f"entry/axis/{name}"][2] = value
    stop = threading.Event()
    coming = source.follow(stop)
    assert joined([next(coming)])["axis"].values.tolist() == [7.0]
    stop.set()
    assert list(coming) == []


def test_two_logs_of_one_name(tmp_path: Path) -> None:
    path = tmp_path / "log.nxs"
    log(path, "a/temperature", np.array([0.0]), np.array([1.0]))
    log(path, "b/temperature", np.array([0.0]), np.array([2.0]))
    found = joined(open_source(path).history())
    assert {n: s.values.tolist() for n, s in found.items()} == {
        "entry/a/temperature": [1.0], "entry/b/temperature": [2.0],
    }  # fmt: skip


def test_a_file_without_logs(tmp_path: Path) -> None:
    from metadata.sources.nxlog import NxLog

    with h5py.File(tmp_path / "x.nxs", "w") as file:
        file["data"] = 5
    with pytest.raises(InputError, match=r"holds no NXlog with times and values\. Expected groups"):
        NxLog(tmp_path / "x.nxs")


def test_simulated_histories_say_the_same_in_both_forms(tmp_path: Path) -> None:
    settings = History(
        days=4.0, cadence_s=900.0, seed=3, metric="axis_position",
        metrics=("axis_position", "hutch_temperature", "ring_current"), shape="linear",
        onset_day=1.0, life_days=2.0, clock_faults_per_month=0.0,
    )  # fmt: skip
    history = simulate_history(settings)
    files = [tmp_path / "h.h5", tmp_path / "h.csv"]
    for path in files:
        write_history(history, path)
    sources = [open_source(path) for path in files]
    limits = [{n: i.limits for n, i in s.metrics().items()} for s in sources]
    assert limits[0].keys() == limits[1].keys()
    assert limits[0]["axis_position"] is not None
    np.testing.assert_allclose(vars(limits[0]["axis_position"])["high"],
                               vars(limits[1]["axis_position"])["high"], rtol=1e-8)  # fmt: skip
    entries = [list(source.history()) for source in sources]
    found = [joined(e) for e in entries]
    assert len(found[0]["axis_position"]) > 100
    for name, samples in found[0].items():
        np.testing.assert_allclose(found[1][name].times, samples.times, atol=2e-3)
        np.testing.assert_allclose(found[1][name].values, samples.values, rtol=1e-7)
    assert found[0]["axis_position"].unit == "px"
    books = [[(round(e.time), e.kind) for e in events(e_)] for e_ in entries]
    assert books[0] == books[1]
    assert books[0]
