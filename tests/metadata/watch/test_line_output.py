"""Lines are said once: what a file holds already is passed over after a kill."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from metadata.watch.line_output import LineOutput

LINES = ["one\n", "two\n", "drei — 三\n", "four\n"]


@pytest.mark.parametrize("cut", range(len("".join(LINES).encode()) + 1))
def test_a_file_that_was_cut_anywhere_is_completed(tmp_path: Path, cut: int) -> None:
    path, whole = tmp_path / "out", "".join(LINES).encode()
    path.write_bytes(whole[:cut])
    out = LineOutput.appending(path, kept=0)
    assert out.remembers
    for line in LINES:
        out.put(line)
    out.put("five\n")
    out.close()
    assert path.read_bytes() == whole + b"five\n"


def test_lines_of_another_watch_stay_and_nothing_is_passed_over_twice(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("two\nother\none\nhal")
    out = LineOutput.appending(path, kept=4)
    out.put("one\n")
    out.put("two\n")  # was said long before
    out.put("one\n")  # said anew
    out.close()
    assert path.read_text() == "two\nother\none\nhal\ntwo\none\n"


def test_without_a_kill_nothing_is_read(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("one\n")
    out = LineOutput.appending(path)
    out.put("one\n")
    out.close()
    assert path.read_text() == "one\none\n"


def test_a_pipe_that_nobody_reads_is_told() -> None:
    reading, writing = os.pipe()
    out = LineOutput(writing, kept=0)
    assert out.size is None
    assert not out.remembers
    out.wait()
    out.put("short\n")
    assert os.read(reading, 100) == b"short\n"
    os.close(reading)
    with pytest.raises(BrokenPipeError):
        out.put("nobody\n")
    out.close()
