"""``tomoplan chat`` with its standard input from a pipe."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from tests.exit_status import exit_status


def chat(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], lines: str, *given: object
) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    monkeypatch.delenv("TOMOPLAN_LLM", raising=False)
    status = exit_status(monkeypatch, "chat", *given)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_a_conversation_from_a_pipe_plans_and_runs(
    foam: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "o.h5"
    lines = "\nreconstruct it with fbp, no denoising\nrun it\nyes\nbye\nrun it\n"
    status, printed, _ = chat(monkeypatch, capsys, lines, foam, "-o", out, "--json")
    assert status == 0
    turns = [json.loads(line) for line in printed.splitlines()]
    assert [t["said"] for t in turns][-1] == "bye"
    assert [t["done"][0]["action"] for t in turns if t["done"]] == ["plan", "run", "run"]
    assert turns[1]["awaiting"]["output"] == str(out)
    assert turns[2]["done"][0]["data"]["output"] == str(out)
    assert out.exists()


def test_the_end_of_the_input_is_no_yes(
    foam: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "o.h5"
    status, printed, _ = chat(monkeypatch, capsys, "重建\n运行\n", foam, "-o", out)
    assert status == 0
    assert "开始吗" in printed
    assert not out.exists()


def test_a_scan_that_is_not_there_is_an_unusable_argument(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, printed, told = chat(monkeypatch, capsys, "hello\n", "/nowhere/x.h5")
    assert (status, printed) == (2, "")
    assert "/nowhere/x.h5 does not exist" in told


def test_the_machine_s_language_counts_until_words_tell_another(
    foam: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    printed = chat(monkeypatch, capsys, "help\nwhat tools do you have for rings\nhelp\n", foam)[1]
    lines = printed.strip().splitlines()
    first, last = lines[0], lines[-1]
    assert "给出扫描并说想要什么" in first
    assert "Name a scan and say what you want" in last
