"""The store of series: append-only, deduplicated, safe against a kill and a second writer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metadata.sample_codec import decode, encode
from metadata.series import Limits, LoggedEvent, Mark, MetricInfo, Samples
from metadata.series_gap import Gap
from metadata.series_store import FULL, SeriesStore
from metadata.store import Store

DAY = 86400.0


def block(start: float, count: int, step: float = 1.0, seed: int = 0) -> Samples:
    times = start + step * np.arange(count)
    return Samples.of("axis", times, np.random.default_rng(seed).normal(size=count), "px")


@pytest.fixture
def store(tmp_path: Path) -> SeriesStore:
    return SeriesStore(tmp_path / "s.sqlite")


floats = st.floats(allow_nan=True, allow_infinity=True, width=64)
rounded = st.integers(-(10**9), 10**9).map(lambda i: i / 1000)


@given(st.lists(st.tuples(floats.filter(np.isfinite), st.one_of(floats, rounded),
                          st.integers(0, 4)), min_size=1, max_size=200))  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_what_is_packed_comes_back_to_the_last_bit(rows: list[tuple[float, float, int]]) -> None:
    times, values, marks = (np.array(c, d) for c, d in zip(zip(*rows, strict=True),
                            (float, float, np.uint8), strict=True))  # fmt: skip
    back = decode(encode(times, values, marks))
    for given_, found in zip((times, values, marks), back, strict=True):
        np.testing.assert_array_equal(found, given_)


def test_quiet_series_take_few_bytes() -> None:
    times = 1.7e9 + np.arange(50000.0)
    walk = np.round(100 + 0.01 * np.cumsum(np.random.default_rng(0).normal(size=50000)), 3)
    assert len(encode(times, walk, np.zeros(50000, np.uint8))) < 1.5 * 50000
    assert len(encode(times, np.full(50000, 7.25), np.zeros(50000, np.uint8))) < 1000


def test_samples_come_back_and_come_once(store: SeriesStore) -> None:
    samples = block(1.7e9, 3000)
    assert store.append(samples[:1000]) == 1000
    assert store.append(samples) == 2000
    assert store.append(samples) == 0
    back = store.read("axis")
    np.testing.assert_array_equal(back.times, samples.times)
    np.testing.assert_array_equal(back.values, samples.values)
    assert back.unit == "px"
    assert store.last() == {"axis": samples.times[-1]}
    part = store.read("axis", 1.7e9 + 10, 1.7e9 + 20)
    assert part.times.tolist() == (1.7e9 + np.arange(10, 21)).tolist()
    assert len(store.read("nothing")) == 0


def test_what_was_kept_first_stays(store: SeriesStore) -> None:
    store.append(Samples.of("axis", np.array([1.0, 2.0]), np.array([5.0, 6.0])))
    again = Samples.of("axis", np.array([2.0, 3.0, 3.0]), np.array([60.0, 7.0, 8.0]))
    assert store.append(again) == 1
    assert store.read("axis").values.tolist() == [5.0, 6.0, 7.0]


@pytest.mark.parametrize("size", [1, 30, 1000])
def test_the_pieces_do_not_matter(store: SeriesStore, size: int) -> None:
    samples = block(1.7e9, 400 if size == 1 else 2500)
    for start in range(0, len(samples), size):
        store.append(samples[start : start + size])
    np.testing.assert_array_equal(store.read("axis").values, samples.values)
    blocks = store._connection.execute("SELECT COUNT(*) FROM series_blocks").fetchone()[0]
    assert blocks <= 15  # joined as they came


def test_the_past_can_be_filled_in(store: SeriesStore) -> None:
    samples = block(1.7e9, 9000)
    assert store.append(samples[6000:]) == 3000
    assert store.append(samples[:3000]) == 3000
    assert store.append(samples[2000:7000]) == 3000
    back = store.read("axis")
    np.testing.assert_array_equal(back.times, samples.times)
    np.testing.assert_array_equal(back.values, samples.values)
    assert (back.marks == Mark.GOOD).all()


def test_summaries_are_those_of_the_samples(store: SeriesStore) -> None:
    samples = block(1.7e9, 3 * FULL // 2, step=2.0)
    samples.marks[100:5000] = Mark.INVALID
    for start in range(0, len(samples), 10000):
        store.append(samples[start : start + 10000])
    good = samples.marks == Mark.GOOD
    for resolution in (5.0, 60.0, 600.0, 3600.0, DAY):
        found = store.summary("axis", resolution=resolution)
        place = np.floor(samples.times / resolution)
        assert found.count.sum() == len(samples)
        assert found.good.sum() == good.sum()
        for i in (0, len(found) // 3, len(found) - 1):
            inside = good & (place == np.floor(found.times[i] / resolution))
            if not inside.any():
                assert np.isnan(found.mean[i])
                continue
            values = samples.values[inside]
            np.testing.assert_allclose(
                [found.low[i], found.mean[i], found.high[i], found.deviation[i]],
                [values.min(), values.mean(), values.max(), values.std()], rtol=1e-9, atol=1e-12,
            )  # fmt: skip
    means = store.read("axis", resolution=60.0)
    assert means.marks[10] == Mark.INVALID
    assert len(store.summary("axis", 1.7e9 + 7200, 1.7e9 + 10800, 60.0)) <= 62


def test_gaps_and_marks_are_told(store: SeriesStore) -> None:
    samples = block(1.7e9, 20000)
    samples.marks[3000:3500] = Mark.DISCONNECTED
    keep = np.r_[0:8000, 9000:20000]
    store.append(samples[keep])
    expected = [
        Gap(1.7e9 + 3000, 1.7e9 + 3499, "disconnected"),
        Gap(1.7e9 + 7999, 1.7e9 + 9000, "gap"),
    ]
    assert store.gaps("axis") == expected
    assert store.gaps("axis", least=10.0) == expected
    assert store.gaps("axis", 1.7e9 + 4000, 1.7e9 + 6000) == []
    assert store.gaps("axis", least=5000.0) == expected[:1]


def test_a_held_value_is_no_quiet(store: SeriesStore) -> None:
    samples = block(0.0, 1000)
    samples.values[600:900] = samples.values[600]
    for start in range(0, 1000, 50):
        store.append(samples[start : start + 50])
    gaps = store.gaps("axis")
    assert [g.kind for g in gaps] == ["disconnected"]
    assert 600 < gaps[0].start < 612
    assert gaps[0].stop == 899


def test_a_clock_that_is_wrong_is_marked_and_reaches_nobody(store: SeriesStore) -> None:
    samples = block(1.7e9, 300)
    samples.times[100] = 4.0e9
    samples.times[200:220] -= 150.5
    for i in range(300):
        store.append(samples[i : i + 1])
    back = store.read("axis")
    wrong = back.marks == Mark.MISTIMED
    assert sorted(back.times[wrong]) == sorted(samples.times[[100, *range(200, 220)]])
    assert store.last() == {"axis": samples.times[-1]}
    blocks = store._connection.execute(
        "SELECT start, stop FROM series_blocks WHERE stop > 2e9"
    ).fetchall()
    assert blocks == [(4.0e9, 4.0e9)]


def test_two_sources_may_use_one_name(store: SeriesStore) -> None:
    store.append(block(0.0, 5), "a.csv")
    store.append(block(0.0, 7), "b.csv")
    assert len(store.read("axis", source="a.csv")) == 5
    assert len(store.read("axis", source="b.csv")) == 7
    assert len(store.read("axis")) == 0
    assert store.sources() == ["a.csv", "b.csv"]


def test_what_is_known_of_metrics_and_events(store: SeriesStore) -> None:
    info = MetricInfo("axis", "px", Limits(high=5.0), "rotation axis")
    store.describe([MetricInfo("axis"), info])
    assert store.metrics() == {"axis": info}
    events = [LoggedEvent(2.0, "maintenance", "bearing"), LoggedEvent(1.0, "shutdown")]
    store.add_events(events)
    store.add_events(events)
    assert store.events() == events[::-1]
    assert store.events(1.5) == events[:1]


def test_samples_and_state_are_kept_together_or_not_at_all(store: SeriesStore) -> None:
    with store.transaction():
        store.append(block(0.0, 10))
        store.set_state("monitor", b"one")

    def breaks() -> None:
        with store.transaction():
            store.append(block(10.0, 10))
            store.set_state("monitor", b"two")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        breaks()
    with SeriesStore(store.path) as other:
        assert other.state("monitor") == b"one"
        assert len(other.read("axis")) == 10
        other.set_state("monitor", None)
    assert store.state("monitor") is None


def test_runs_live_in_the_same_file(store: SeriesStore) -> None:
    store.append(block(0.0, 10))
    with Store(store.path) as runs:
        runs.add_run({"id": "r", "time": "2026-01-01", "pipeline": {}})
        assert runs.run("r")["id"] == "r"
    assert len(store.read("axis")) == 10


WRITER = """
import sys, threading
import numpy as np
from metadata.series import Samples
from metadata.series_store import SeriesStore
path, offset = sys.argv[1], int(sys.argv[2])
times = np.arange(4000.0)
with SeriesStore(path) as store:
    for start in range(0, 4000, 100):
        part = times[start : start + 100]
        with store.transaction():
            store.append(Samples.of("shared", part, np.sqrt(part)))
            store.append(Samples.of(f"own {offset}", part, part + offset))
            store.set_state(f"position {offset}", str(start).encode())
        print(start, flush=True)
"""


def write(path: Path, offset: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(offset)], stdout=subprocess.PIPE, text=True
    )


def test_two_writers_and_no_sample_twice(store: SeriesStore) -> None:
    writers = [write(store.path, offset) for offset in (1, 2)]
    assert [(w.communicate(timeout=120), w.returncode)[1] for w in writers] == [0, 0]
    for metric, add in (("own 1", 1), ("own 2", 2)):
        assert store.read(metric).values.tolist() == (np.arange(4000.0) + add).tolist()
    shared = store.read("shared")
    assert shared.times.tolist() == np.arange(4000.0).tolist()
    np.testing.assert_array_equal(shared.values, np.sqrt(shared.times))


def test_a_kill_loses_nothing_that_was_said_to_be_kept(store: SeriesStore) -> None:
    for _ in range(2):
        writer = write(store.path, 1)
        assert writer.stdout is not None
        said = -1
        for line in writer.stdout:
            said = int(line)
            if said >= 700:
                os.kill(writer.pid, signal.SIGKILL)
                break
        writer.wait()
        writer.stdout.close()
        kept = int((store.state("position 1") or b"-1").decode())
        assert kept >= said
        # What the state says and what there is of samples was written together.
        times = store.read("own 1").times
        assert np.array_equal(times, np.arange(len(times)))
        assert len(times) >= kept + 100
    last = write(store.path, 1)
    last.communicate(timeout=120)
    assert last.returncode == 0
    assert len(store.read("own 1")) == 4000
