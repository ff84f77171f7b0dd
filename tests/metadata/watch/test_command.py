"""``tomoplan watch`` as INTERFACE describes it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Result = tuple[int, str, str]
Command = Callable[..., Result]


def documents(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_one_object_a_sample_in_time_order(tomoplan: Command, ramp: Path) -> None:
    status, out, _ = tomoplan("watch", ramp, "--limit", "2.5", "--json")
    said = documents(out)
    assert status == 0
    assert len(said) == 14 * 96
    assert list(said[0]) == ["time", "metric", "state", "score", "value", "limit",
                             "seconds_to_limit", "cause", "message"]  # fmt: skip
    times = [d["time"] for d in said]
    assert times == sorted(times)
    assert {d["metric"] for d in said} == {"value"}
    assert {d["state"] for d in said} <= {"quiet", "moving", "warning", "alarm", "gap"}
    assert all(0 <= d["score"] <= 1 for d in said)
    warned = next(d for d in said if d["state"] == "warning")
    alarm = next(d for d in said if d["state"] == "alarm")
    assert times[6 * 96] < warned["time"] < alarm["time"]
    left = warned["seconds_to_limit"]
    assert 0 <= left["low"] <= left["value"] <= left["high"]
    assert warned["limit"] == alarm["limit"] == 2.5
    assert warned["message"]


def test_events_are_the_changes_of_state(tomoplan: Command, ramp: Path) -> None:
    every = documents(tomoplan("watch", ramp, "--limit", "2.5", "--json")[1])
    events = documents(tomoplan("watch", ramp, "--limit", "2.5", "--json", "--events")[1])
    states = ["", *(d["state"] for d in every)]
    assert events == [d for d, before in zip(every, states, strict=False) if d["state"] != before]


def test_what_is_said_depends_on_nothing_after_it(
    tomoplan: Command, ramp: Path, tmp_path: Path
) -> None:
    whole = tomoplan("watch", ramp, "--limit", "2.5", "--json")[1].splitlines()
    part = tmp_path / "part.csv"
    part.write_text("".join(ramp.read_text().splitlines(keepends=True)[:801]))
    assert tomoplan("watch", part, "--limit", "2.5", "--json")[1].splitlines() == whole[:800]


def test_a_finished_history_can_be_watched_again(tomoplan: Command, ramp: Path) -> None:
    first = tomoplan("watch", ramp, "--limit", "2.5", "--json", "--events")
    assert tomoplan("watch", ramp, "--limit", "2.5", "--json", "--events")[:2] == first[:2]


def test_without_a_limit_there_are_states_and_no_times(tomoplan: Command, ramp: Path) -> None:
    said = documents(tomoplan("watch", ramp, "--json")[1])
    assert all(d["limit"] is None and d["seconds_to_limit"] is None for d in said)


def test_several_sources_come_in_one_order(tomoplan: Command, ramp: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text(
        "time,hutch\n" + "".join(f"{1767225600 + 3600 * h},23.5\n" for h in range(300))
    )
    status, out, _ = tomoplan("watch", ramp, other, "--limit", "value=2.5", "--json")
    said = documents(out)
    assert status == 0
    assert [d["time"] for d in said] == sorted(d["time"] for d in said)
    assert sum(d["metric"] == "hutch" for d in said) == 300
    twin = tmp_path / "twin.csv"
    twin.write_text(ramp.read_text())
    names = {d["metric"] for d in documents(tomoplan("watch", ramp, twin, "--json", "--events")[1])}
    assert names == {f"{ramp}:value", f"{twin}:value"}


def test_plain_lines_speak_both_languages(tomoplan: Command, ramp: Path) -> None:
    _, out, err = tomoplan("watch", ramp, "--limit", "2.5")
    assert "value  alarm" in out
    assert "Has reached its limit of 2.5." in out
    assert "1344 samples of 1 metric, up to" in err
    _, out, err = tomoplan("watch", ramp, "--limit", "2.5", "--language", "zh")
    assert "value  报警" in out
    assert "已到达限值 2.5。" in out
    assert "共 1 个指标、1344 个样本" in err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--limit", "12.5x"], "is no number"),
        (["--limit", "axis=3"], "given for axis, which no source has; there are value"),
        (["--limits", "none.yaml"], "cannot be read"),
        (["--language", "fr"], "expected one of en, zh"),
        (["--report", "r.svg"], "expected .png"),
        (["--report", "nowhere/r.png"], "does not exist"),
        (["--webhook", "hook"], "http://"),
        (["--false-alarm-days", "0"], "1 to 100000 days"),
        (["--for", "soon"], "cannot be read"),
    ],
)
def test_what_cannot_be_used_is_one_paragraph(
    tomoplan: Command, ramp: Path, options: list[str], said: str
) -> None:
    status, out, err = tomoplan("watch", ramp, *options)
    assert status in (1, 2)
    assert said in err
    assert len(err.strip().splitlines()) == 1
    assert out == ""
    _, out, _ = tomoplan("watch", ramp, *options, "--json")
    assert said in json.loads(out)["error"]


def test_a_log_holds_one_warning_and_its_updates(
    tomoplan: Command, ramp: Path, tmp_path: Path
) -> None:
    log = tmp_path / "w.log"
    tomoplan("watch", ramp, "--limit", "2.5", "--log", log)
    lines = log.read_text().splitlines()
    assert sum("value, new: " in line for line in lines) <= 2
    assert any("ERROR value, worse: Has reached its limit of 2.5." in line for line in lines)


def test_what_stands_is_acknowledged_or_snoozed(tomoplan: Command, ramp: Path) -> None:
    status, _, err = tomoplan("watch", "--acknowledge", "value")
    assert status == 2
    assert "there is none at all" in err
    tomoplan("watch", ramp, "--limit", "2.5", "--events")
    (standing,) = json.loads(tomoplan("watch", "--json")[1])
    assert (standing["metric"], standing["state"], standing["acknowledged"]) == (
        "value", "alarm", None)  # fmt: skip
    status, out, _ = tomoplan("watch", "--snooze", "value=2h", "--language", "zh")
    assert status == 0
    assert "静默至" in out
    assert "静默至" in tomoplan("watch", "--language", "zh")[1]
    status, out, _ = tomoplan("watch", "--acknowledge", "value", "--by", "shift 3")
    assert "is acknowledged" in out
    (standing,) = json.loads(tomoplan("watch", "--json")[1])
    assert standing["acknowledged"]["by"] == "shift 3"
    assert "acknowledged" in tomoplan("watch")[1]
    assert tomoplan("watch", "--snooze", "value")[0] == 2


def test_an_acknowledged_problem_is_not_said_each_day(
    tomoplan: Command, ramp: Path, tmp_path: Path
) -> None:
    rows = ramp.read_text().splitlines(keepends=True)
    grown = tmp_path / "grown.csv"
    grown.write_text("".join(rows[: 12 * 96]))
    log = tmp_path / "w.log"
    tomoplan("watch", grown, "--limit", "2.5", "--events", "--log", log)
    before = log.read_text()
    assert "ERROR" in before
    tomoplan("watch", "--acknowledge", "value")
    grown.write_text("".join(rows))
    log.unlink()
    tomoplan("watch", grown, "--limit", "2.5", "--events", "--log", log)
    after = log.read_text()
    assert "value, new: " in after  # the same history, said again
    assert sum("still: Has reached" in line for line in after.splitlines()) == 0


def test_samples_are_kept_where_asked(tomoplan: Command, ramp: Path) -> None:
    from metadata.series_store import SeriesStore

    tomoplan("watch", ramp, "--limit", "2.5", "--events", "--keep")
    with SeriesStore() as store:
        assert len(store.read("value")) == 14 * 96


def test_a_store_that_cannot_be_written_is_no_hindrance(
    tomoplan: Command, ramp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOMOPLAN_HOME", "/proc/nowhere")
    status, out, err = tomoplan("watch", ramp, "--limit", "2.5", "--json")
    assert status == 0
    assert len(out.splitlines()) == 14 * 96
    assert "not kept" in err
