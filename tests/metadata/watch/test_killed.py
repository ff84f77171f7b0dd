"""Killed at any point, a watch goes on where it was: nothing is lost, nothing said twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

LIVES = Path(__file__).with_name("lives.py")
DAY = 86400.0


def write_history(folder: Path, days: int) -> None:
    """Three metrics each 15 minutes: one ramps beyond its limit, a clock is set back for an hour,
    one metric is lost for a day; a log book beside them."""
    count = days * 96
    draw = np.random.default_rng(5)
    times = 1767225600.0 + 900.0 * np.arange(count)
    times[count // 2 : count // 2 + 4] -= 7200.0
    swing = 0.2 * np.sin(2 * np.pi * times / DAY)
    axis = draw.normal(0, 0.1, count) + swing
    axis += np.clip(np.arange(count) / count - 0.35, 0, None) * 8
    water = draw.normal(20, 0.05, count)
    lost = (np.arange(count) // 96) == days // 3
    rows = ["time,axis,hutch,water"] + [
        f"{t:.0f},{a:.5f},{h:.5f},{'' if gone else f'{w:.5f}'}"
        for t, a, h, w, gone in zip(times, axis, swing + 23, water, lost, strict=True)
    ]
    (folder / "history.csv").write_text("\n".join(rows) + "\n")
    (folder / "history.csv.limits.yaml").write_text(
        "axis: {low: -3, high: 3}\nwater: {low: 19, high: 21}\n"
    )
    start = times[0] + 0.2 * days * DAY
    (folder / "history.csv.events.csv").write_text(
        f"time,kind,text\n{start:.0f},maintenance,Machine day.\n{start + 3e4:.0f},beam_back,Back.\n"
    )


def killed(folder: Path, kills: int, mode: str) -> list[int]:
    done = subprocess.run(
        [sys.executable, str(LIVES), str(kills), "1", str(folder), mode],
        capture_output=True, text=True, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def check(folder: Path, rounds: list[int]) -> None:
    whole = (folder / "whole.out").read_bytes()
    states = [json.loads(line)["state"] for line in whole.splitlines()]
    assert "alarm" in states
    log = (folder / "whole.log").read_bytes()
    assert log
    for number in range(1, len(rounds) + 1):
        assert (folder / f"round{number}.out").read_bytes() == whole
        assert (folder / f"round{number}.log").read_bytes() == log


@pytest.mark.parametrize("mode", ["events", "all"])
def test_three_kills_lose_and_repeat_nothing(tmp_path: Path, mode: str) -> None:
    write_history(tmp_path, 12)
    rounds = killed(tmp_path, 3, mode)
    assert sum(rounds) >= 3
    check(tmp_path, rounds)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("mode", ["events", "all"])
def test_fifty_kills_lose_and_repeat_nothing(tmp_path: Path, mode: str) -> None:
    write_history(tmp_path, 20)
    rounds = killed(tmp_path, 50, mode)
    assert sum(rounds) >= 50
    check(tmp_path, rounds)


def test_a_reader_of_a_pipe_that_kills_gets_every_line_once(tmp_path: Path) -> None:
    write_history(tmp_path, 12)
    command = [sys.executable, "-m", "planner.app.command_line", "watch",
               str(tmp_path / "history.csv"), "--events", "--json"]  # fmt: skip
    where = {"cwd": Path(__file__).parents[3], "stderr": subprocess.DEVNULL,
             "env": os.environ | {"TOMOPLAN_HOME": str(tmp_path / "home")}}  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, **where) as first:  # type: ignore[call-overload]
        lines = [first.stdout.readline() for _ in range(5)]
        first.kill()
        lines += first.stdout.read().splitlines(keepends=True)
    lines += subprocess.run(command, stdout=subprocess.PIPE, **where).stdout.splitlines(True)  # type: ignore[call-overload]
    whole = subprocess.run(command, stdout=subprocess.PIPE, **where).stdout.splitlines(True)  # type: ignore[call-overload]
    assert lines == whole
