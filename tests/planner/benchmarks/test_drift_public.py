"""Scores in public collections, on small ones made here."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from planner.benchmarks.drift import public, settings
from planner.benchmarks.drift.change_points import clock, matched, measure, once, score
from planner.benchmarks.drift.collections import rigs, windowed
from planner.benchmarks.drift.streams import deviating
from planner.benchmarks.drift.window_score import FALSE_POSITIVE, Scored, weights, window_score

BEGIN = datetime(2024, 5, 1, tzinfo=UTC)


def stamps(count: int, seconds: int) -> list[str]:
    return [f"{BEGIN + timedelta(seconds=seconds * k):%Y-%m-%d %H:%M:%S}" for k in range(count)]


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    """A series of 1000 rows with a burst in its window, and a rig of two channels that shift."""
    rng = np.random.default_rng(0)
    (tmp_path / "one" / "labels").mkdir(parents=True)
    (tmp_path / "one" / "data" / "some").mkdir(parents=True)
    times, values = stamps(1000, 300), rng.normal(50, 1, 1000)
    values[700:705] += 30
    lines = [f"{t},{v:.4f}" for t, v in zip(times, values, strict=True)]
    series = tmp_path / "one" / "data" / "some" / "series.csv"
    series.write_text("timestamp,value\n" + "\n".join(lines))
    fraction = ".000000"
    labels = {"some/series.csv": [[times[690] + fraction, times[740] + fraction]]}
    (tmp_path / "one" / "labels" / "windows.json").write_text(json.dumps(labels))
    (tmp_path / "one" / "labels" / "windows_tiny.json").write_text("{}")
    (tmp_path / "rig").mkdir()
    times = stamps(900, 1)
    a, b = rng.normal(0, 1, 900), rng.normal(5, 0.1, 900)
    a[600:] += 12
    rows = [f"{times[k]};{a[k]:.4f};{b[k]:.4f};{float(k >= 600)};{float(k == 600)}"
            for k in range(900)]  # fmt: skip
    (tmp_path / "rig" / "1.csv").write_text("datetime;a;b;anomaly;changepoint\n" + "\n".join(rows))
    (tmp_path / "rig" / "free.csv").write_text("datetime;a;b\n2024-05-01 00:00:00;1;2\n")
    return tmp_path


def test_collections_are_found_by_their_form(collection: Path) -> None:
    [series] = windowed(collection)
    assert series.windows == ((690, 740),)
    assert len(series.samples) == 1000
    assert np.diff(series.samples.times).tolist() == [300.0] * 999
    [rig] = rigs(collection)
    assert list(rig.channels) == ["a", "b"]
    assert rig.changes.tolist() == [rig.channels["a"].times[600]]


def test_the_window_score_pays_the_first_and_charges_what_is_outside() -> None:
    scores = np.zeros(1000)
    scores[[100, 400, 520, 900]] = (1.0, 0.9, 0.8, 0.7)
    series = Scored("a", scores, ((500, 599),))
    earned, inside = weights(series)
    assert earned[500] == pytest.approx(1.0)
    assert earned[599] == pytest.approx((2 / (1 + np.exp(-0.05)) - 1) / 0.98661, abs=1e-4)
    assert earned[400] == -FALSE_POSITIVE
    assert earned[620] == pytest.approx(FALSE_POSITIVE * (2 / (1 + np.exp(5 * 21 / 99)) - 1))
    assert (inside[:150] == -2).all()
    assert (inside[500:600] == 0).all()
    # Row 100 is before anything counts; 400 and 900 cost 0.11 each.
    gain = earned[520] - 2 * FALSE_POSITIVE
    assert window_score([series], 0.5).fixed == pytest.approx(50 * (gain + 1))
    assert window_score([series], 0.75).fixed == pytest.approx(50 * (gain + FALSE_POSITIVE + 1))
    best = window_score([series], 0.5)
    assert best.threshold == 0.8
    assert best.best > best.fixed


def test_silence_scores_nothing_and_always_fire_less_than_nothing() -> None:
    series = Scored("a", np.ones(1000), ((500, 549),))
    assert window_score([series], 2.0).fixed == 0
    assert window_score([series], 0.5).fixed < -1000
    assert window_score([series], 0.5).best == 0


def test_a_burst_is_found_by_the_simple_detector(collection: Path) -> None:
    [series] = windowed(collection)
    scored = Scored(series.name, deviating(series.samples, 400, 1), series.windows)
    assert window_score([scored], 0.5).best > 85


def test_change_points_are_said_once_and_found_by_their_own_saying(collection: Path) -> None:
    assert once(np.array([100.0, 0.0, 59.0, 61.0]), 60.0).tolist() == [0.0, 61.0]
    assert matched(np.array([10.0, 20.0]), np.array([25.0, 26.0]), 60.0) == 2
    assert matched(np.array([10.0]), np.array([9.0, 80.0]), 60.0) == 0
    recordings = list(rigs(collection))
    truth = score("truth", recordings, lambda rig: rig.changes + 1, 60.0)
    assert truth.f1 == 1
    ticks = score("clock", recordings, clock(60), 60.0)
    assert (ticks.found, ticks.said, ticks.changes) == (1, 15, 1)
    assert ticks.f1 == pytest.approx(2 / 16)
    *_, simple, _ = measure(recordings, 60.0)
    assert simple.f1 > 0.6


def test_without_a_folder_nothing_is_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOMOPLAN_ANOMALIES", raising=False)
    assert public(settings(quick=True)) == (None, None)


def test_the_monitor_is_scored_where_a_folder_is_named(
    collection: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOMOPLAN_ANOMALIES", str(collection))
    series, points = public(settings(quick=True))
    rows = {row["name"]: row for row in series}
    assert set(rows) == {"tomoplan", "windowed Gaussian", "random", "always-fire"}
    assert all(0 <= row["best"] <= 100 for row in series)
    assert rows["windowed Gaussian"]["best"] > 85
    assert points[0].name == "tomoplan"
