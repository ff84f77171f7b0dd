"""Histories on disk: NeXus logs and CSV, without the truth in them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml

from metadata.errors import InputError
from simulators.histories import History, simulate_history
from simulators.histories.writing import write_history
from tests.simulators.histories.histories import month


def test_nexus_logs_hold_the_series(tmp_path: Path) -> None:
    made = month()
    path = tmp_path / "history.h5"
    truth = write_history(made, path)
    assert truth == tmp_path / "history.h5.truth.json"
    assert json.loads(truth.read_text())["onset"] == made.truth.onset
    with h5py.File(path) as file:
        for name, (times, values) in made.series.items():
            log = file["entry"][name]
            assert log.attrs["NX_class"] == "NXlog"
            assert log["time"].attrs["units"] == "s"
            assert log["time"].attrs["start"] == "2026-01-05T00:00:00+00:00"
            assert log["value"].attrs["units"] == made.units[name]
            np.testing.assert_allclose(log["time"][:] + made.settings.start, times, atol=1e-6)
            np.testing.assert_array_equal(log["value"][:], values)
            cue = log["cue_index"][:]
            np.testing.assert_array_equal(log["cue_timestamp_zero"][:], log["time"][:][cue])
        low, high = made.limits["axis_position"][0][1:]
        assert file["entry/axis_position/value"].attrs["low_limit"] == low
        assert file["entry/axis_position/value"].attrs["high_limit"] == high
        assert len(file["entry/events/time"]) == len(made.events)


def test_the_record_does_not_tell_the_truth(tmp_path: Path) -> None:
    made = simulate_history(History(days=20, onset_day=5, life_days=5, cause="hutch_temperature"))
    write_history(made, tmp_path / "history.h5")
    write_history(made, tmp_path / "history.csv")
    said: list[str] = [e.text + e.kind for e in made.events]
    with h5py.File(tmp_path / "history.h5") as file:
        file.visititems(lambda name, item: said.extend([name, *map(str, item.attrs.items())]))
    said += [p.read_text() for p in tmp_path.glob("*.csv*") if "truth" not in p.name]
    text = " ".join(said).lower()
    for word in ("drift", "onset", "cause", "crossing", "disconnect", "seed", "linear"):
        assert word not in text
    assert not any(made.truth.onset == e.time for e in made.events)


def test_csv_holds_the_same(tmp_path: Path) -> None:
    made = month()
    write_history(made, tmp_path / "history.csv")
    with (tmp_path / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["time", *made.names]
    for name, (times, values) in made.series.items():
        read = [(float(r["time"]), float(r[name])) for r in rows if r[name]]
        np.testing.assert_allclose([r[0] for r in read], times, atol=1e-3)
        np.testing.assert_allclose([r[1] for r in read], values, rtol=1e-8)
    limits = yaml.safe_load((tmp_path / "history.csv.limits.yaml").read_text())
    assert limits["axis_position"]["high"] == pytest.approx(made.limits["axis_position"][0][2])


def test_an_unknown_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ends in \.txt; expected one of \.h5"):
        write_history(month(), tmp_path / "history.txt")
    with pytest.raises(InputError, match=r"nowhere for history\.csv does not exist"):
        write_history(month(), tmp_path / "nowhere" / "history.csv")
