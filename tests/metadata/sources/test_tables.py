"""Tables of text: CSV in the shapes that people and programs write."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from metadata.errors import InputError
from metadata.series import Limits, LoggedEvent, Mark, Samples
from metadata.sources import Source, open_source
from metadata.sources.order import in_order
from metadata.sources.source import BLOCK
from metadata.sources.table_text import layout_of
from tests.metadata.sources.reading import joined

UTC_2026 = 1767225600.0  # 2026-01-01T00:00:00Z


def table(tmp_path: Path, text: str, name: str = "t.csv") -> Source:
    path = tmp_path / name
    path.write_text(text)
    return open_source(str(path))


@pytest.mark.parametrize(
    "text",
    [
        "time,value\n1767225600,1.5\n1767225601,2.5\n",
        "time,value\n2026-01-01T00:00:00Z,1.5\n2026-01-01T00:00:01Z,2.5\n",
        "timestamp;value\n2026-01-01 00:00:00;1.5\n2026-01-01 00:00:01;2.5",
        "datetime;value\n2026-01-01 00:00:00;1,5\n2026-01-01 00:00:01;2,5\n",
        "value\ttime\n1.5\t2026-01-01T01:00:00+01:00\n2.5\t2026-01-01T01:00:01+01:00\n",
        "# a beamline\nunix_time_ms,value\r\n1767225600000,1.5\r\n1767225601000,2.5\r\n",
        "1767225600,1.5\n1767225601,2.5\n",
        "1767225600 1.5\n1767225601 2.5\n",
        '"time","value"\n"2026-01-01T00:00:00","1.5"\n"2026-01-01T00:00:01","2.5"\n',
    ],
)
def test_times_and_values_in_many_shapes(tmp_path: Path, text: str) -> None:
    source = table(tmp_path, text)
    assert list(source.metrics()) == ["value"]
    found = joined(list(source.history()))["value"]
    assert found.times.tolist() == [UTC_2026, UTC_2026 + 1]
    assert found.values.tolist() == [1.5, 2.5]
    assert not source.live


def test_several_columns_with_units_and_holes(tmp_path: Path) -> None:
    source = table(tmp_path, "time,axis [px],ring (mA)\n0,1,\n1,nan,100\n2,bad,101\n3,,\n")
    assert {n: i.unit for n, i in source.metrics().items()} == {"axis": "px", "ring": "mA"}
    found = joined(list(source.history()))
    assert found["axis"].times.tolist() == [0, 1, 2]
    assert found["axis"].marks.tolist() == [Mark.GOOD, Mark.INVALID, Mark.INVALID]
    assert found["ring"].times.tolist() == [1, 2]
    assert found["ring"].values.tolist() == [100, 101]


@pytest.mark.parametrize("cell", ["", "nan", "?"])
def test_a_reading_that_failed_is_a_gap_where_there_is_one_metric(
    tmp_path: Path, cell: str
) -> None:
    found = joined(list(table(tmp_path, f"time,value\n0,1\n1,{cell}\n2,3\n").history()))["value"]
    assert found.marks.tolist() == [Mark.GOOD, Mark.INVALID, Mark.GOOD]


def test_long_tables_come_in_blocks_and_only_what_is_later(tmp_path: Path) -> None:
    count = 2 * BLOCK + 10
    lines = "".join(f"{t}.25,{t % 7}\n" for t in range(count))
    source = table(tmp_path, "time,value\n" + lines)
    blocks = [b for b in source.history() if isinstance(b, Samples)]
    assert max(map(len, blocks)) <= BLOCK
    assert joined(list(blocks))["value"].times.tolist() == [t + 0.25 for t in range(count)]
    late = joined(list(source.history({"value": count - 3.0})))["value"]
    assert late.times.tolist() == [count - 2.75, count - 1.75, count - 0.75][-3:]
    assert list(source.history({"value": 1e9})) == []


def test_metrics_go_beside_each_other(tmp_path: Path) -> None:
    hours = np.arange(0, 10 * 24)
    lines = "".join(f"{h * 3600},{h},{-h}\n" for h in hours)
    blocks = [b for b in table(tmp_path, "time,a,b\n" + lines).history() if isinstance(b, Samples)]
    for one, other in zip(blocks[::2], blocks[1::2], strict=True):
        assert (one.metric, other.metric) == ("a", "b")
        assert one.times.tolist() == other.times.tolist()
        assert np.ptp(one.times) < 86400


def test_lines_that_cannot_be_read_are_left_out_and_told(tmp_path: Path) -> None:
    source = table(tmp_path, "time,value\n0,1\nnot a line\n1,2,3\nsoon,5\n2,3\n")
    found = joined(list(source.history()))["value"]
    assert found.times.tolist() == [0, 2]
    assert "3 lines" in source.warnings[0]


def test_columns_of_words_are_no_metrics(tmp_path: Path) -> None:
    source = table(tmp_path, "time,who,axis,shutter\n0,me,1,open\n1,you,2,off\n2,,3,\n")
    assert list(source.metrics()) == ["axis", "shutter"]
    found = joined(list(source.history()))
    assert found["axis"].values.tolist() == [1, 2, 3]
    assert found["shutter"].marks.tolist() == [Mark.INVALID, Mark.GOOD]
    assert "who of" in source.warnings[0]
    single = table(tmp_path, "time,value,note\n0,1,\n1,,broken\n", "one.csv")
    assert joined(list(single.history()))["value"].marks.tolist() == [Mark.GOOD, Mark.INVALID]


def test_neighbours_in_each_others_place(tmp_path: Path) -> None:
    source = table(tmp_path, "time,value\n0,0\n2,2\n1,1\n3,3\n3,3\n4,4\n")
    assert joined(list(source.history()))["value"].values.tolist() == [0, 1, 2, 3, 3, 4]


def test_a_clock_set_back_is_not_sorted_away() -> None:
    times = np.r_[np.arange(100.0), np.arange(50.0, 150.0)]
    kept = in_order(Samples.of("a", times, np.arange(200.0)))
    assert kept.values.tolist() == np.arange(200.0).tolist()


def test_limits_and_log_book_beside_the_table(tmp_path: Path) -> None:
    (tmp_path / "t.csv.limits.yaml").write_text("axis: {low: -2, high: 3.5}\nother: {high: 1}\n")
    (tmp_path / "t.csv.events.csv").write_text(
        "time,kind,text\n5.000,maintenance,bearing\n2026-01-01T00:00:00Z,shutdown,\n"
    )
    source = table(tmp_path, "time,axis\n0,1\n10,2\n")
    assert source.metrics()["axis"].limits == Limits(-2.0, 3.5)
    events = [e for e in source.history() if isinstance(e, LoggedEvent)]
    assert events == [
        LoggedEvent(5.0, "maintenance", "bearing"), LoggedEvent(UTC_2026, "shutdown"),
    ]  # fmt: skip
    (tmp_path / "t.csv.limits.yaml").write_text("axis: 5\n")
    with pytest.raises(InputError, match=r"limits\.yaml cannot be understood .* Expected a line"):
        open_source(tmp_path / "t.csv")


def test_a_file_that_grows_is_followed(tmp_path: Path) -> None:
    source = table(tmp_path, "time,value\n0,1\n")
    assert len(list(source.history())) == 1
    stop = threading.Event()
    coming = source.follow(stop)
    with (tmp_path / "t.csv").open("a") as file:
        file.write("1,2\n2,")
        file.flush()
        assert joined([next(coming)])["value"].times.tolist() == [1]
        file.write("3\n")
        file.flush()
        assert joined([next(coming)])["value"].values.tolist() == [3]
    stop.set()
    assert list(coming) == []


@pytest.mark.parametrize("text", ["", "\n\n", "nothing\n", "a,b\nc,d\n", "time\n1\n2\n"])
def test_what_is_no_table_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"t\.csv holds no table .* Expected a header such as"):
        table(tmp_path, text)
    with pytest.raises(InputError, match=r"none\.csv does not exist"):
        open_source(tmp_path / "none.csv")


def test_the_ring_current_of_petra(data: Path) -> None:
    source = open_source(data / "series" / "petra3_p09_ring_current.csv")
    found = joined(list(source.history()))
    ring = found["ring_current_mA"]
    assert 99 < ring.values.min() < ring.values.max() < 102
    assert np.all(np.diff(ring.times) > 0)
    assert (found["sample_temperature_K"].marks == Mark.INVALID).any()


def test_a_number_that_is_no_time_is_not_taken_for_one() -> None:
    assert layout_of(["temp,pos", "12.0,3"]) is None
    assert layout_of(["when,pos", "1.7e9,3"]) is not None
    assert layout_of(["seconds,pos", "12.0,3"]) is not None


@pytest.mark.parametrize("chunk", [64, 1 << 21])
def test_newest_first_is_read_from_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr("metadata.sources.csv_file.CHUNK", chunk)
    lines = [f"{UTC_2026 + k},{k}" for k in reversed(range(200))]
    source = table(tmp_path, "\n".join(["start_time,value", *lines]) + "\n")
    found = joined(source.history())["value"]
    assert found.values.tolist() == list(range(200))
    assert (np.diff(found.times) > 0).all()
    assert (found.marks == Mark.GOOD).all()
    assert any("newest first" in warning for warning in source.warnings)


@pytest.mark.parametrize("name", ["start_time", "endTime", "timestamp_utc", "acquired", "created"])
def test_names_that_times_go_by(name: str) -> None:
    layout = layout_of([f"run,{name},value", "7,2026-01-01T00:00:00Z,1.5"])
    if name in ("acquired", "created"):
        assert layout is None  # the word alone names no time
    else:
        assert layout is not None
        assert layout.time == 1
