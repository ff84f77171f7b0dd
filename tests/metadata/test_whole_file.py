"""A file has its name only when it is whole."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from metadata import InputError, WorkError
from metadata.nxtomo_writer import write_nxtomo
from metadata.whole_file import whole_file, write_text


def full(*_: Any, **__: Any) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def half(path: Path, error: BaseException) -> None:
    """Begins a file, and is stopped by an error."""
    with whole_file(path) as draft:
        draft.write_text("half")
        raise error


def test_it_replaces_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    write_text(tmp_path / "a.txt", "new")
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a.txt", "new")]


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(WorkError, match=r"No space left.*Make room"):
        half(tmp_path / "a.txt", OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a.txt", "old")]


def test_any_other_end_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        half(tmp_path / "a.txt", KeyboardInterrupt())
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_looked_at_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"does not exist. Make it first"):
        write_text(tmp_path / "none" / "a.txt", "")
    with pytest.raises(InputError, match="is a folder"):
        write_text(tmp_path, "")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(WorkError, match="read-only"):
        write_text(tmp_path / "a.txt", "")
    assert list(tmp_path.iterdir()) == []


def test_a_drawing_and_a_scan_are_whole_or_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy as np
    from matplotlib.figure import Figure

    from toolbox.recipe import Step, wire

    pipeline = wire((Step("flat_field"), Step("minus_log")), 1)
    write = Path.write_text

    def broken(path: Path, text: str, **options: Any) -> None:
        write(path, text[: len(text) // 2], **options)
        full()

    monkeypatch.setattr(Path, "write_text", broken)
    monkeypatch.setattr(Figure, "savefig", full)
    for name in ("a.svg", "a.png"):
        with pytest.raises(WorkError, match="Make room"):
            pipeline.draw(tmp_path / name)
    monkeypatch.setattr("metadata.nxtomo_writer.fill", full)
    with pytest.raises(WorkError, match="Make room"):
        write_nxtomo(tmp_path / "a.nxs", np.zeros((3, 2, 4)), np.arange(3.0))
    assert list(tmp_path.iterdir()) == []
