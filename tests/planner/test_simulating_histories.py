"""``tomoplan simulate history``: flags to settings, files with the truth beside them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from metadata.errors import InputError
from planner.app.simulating import app
from simulators.histories import History, draw_history


def run(*words: str | Path) -> None:
    done = CliRunner().invoke(app, ["history", *map(str, words)], catch_exceptions=True)
    if done.exception is not None:
        raise done.exception


def settings_of(path: Path) -> History:
    truth = path.with_name(path.name + ".truth.json")
    return History(**json.loads(truth.read_text())["settings"])


def test_flags_are_settings(tmp_path: Path) -> None:
    path = tmp_path / "history.h5"
    run("-o", path, "--days", "6", "--onset-day", "2", "--life-days", "2", "--cadence-s", "-1",
        "--metrics", "beam_x, axis_position", "--shape", "wear")  # fmt: skip
    assert settings_of(path) == History(
        days=6, onset_day=2, life_days=2, cadence_s=None, metrics=("beam_x", "axis_position"),
        shape="wear",
    )  # fmt: skip


def test_what_is_not_given_is_drawn(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    run("-o", path, "--drawn", "--decoys", "3", "--seed", "4", "--cadence-s", "3600")
    assert settings_of(path) == draw_history(4, decoys=3, cadence_s=3600.0)


def test_mistakes_are_input_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"days is -2\.0"):
        run("-o", tmp_path / "history.csv", "--days", "-2")
    with pytest.raises(InputError, match="--decoys is given without --drawn"):
        run("-o", tmp_path / "history.csv", "--decoys", "2")
