"""What of a message names a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.conversation.named import NAME, named_in


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("tooth.h5", "my scan.nxs", "扫描.h5", "data"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("reconstruct tooth.h5 please", ["tooth.h5"]),
        ("reconstruct ./tooth.h5.", ["tooth.h5"]),
        ('look at "my scan.nxs"', ["my scan.nxs"]),
        ("重建tooth.h5，去环", ["tooth.h5"]),
        ("重建 扫描.h5", ["扫描.h5"]),
        ("register tooth.h5 to 扫描.h5", ["tooth.h5", "扫描.h5"]),
        ("remove rings and/or stripes of the data", []),
        ("5/10 of it, 3.5 keV, e.g. this", []),
    ],
)
def test_files_that_are_there(folder: Path, text: str, names: list[str]) -> None:
    found = named_in(text)
    assert [p.name for p in found.files] == names
    assert found.outputs == found.missing == ()
    assert found.rest.count(NAME) == len(names)


@pytest.mark.parametrize(
    "text", ["run it, save to new.h5", "运行，存到new.h5", "write the result into new.h5",
             "run it to new.h5", "call it new.h5"],
)  # fmt: skip
def test_a_new_file_that_is_to_be_written(folder: Path, text: str) -> None:
    assert named_in(text).outputs == (folder / "new.h5",)


def test_what_is_to_be_written_over_is_no_scan(folder: Path) -> None:
    found = named_in("save it to tooth.h5")
    assert (found.files, found.outputs) == ((), (folder / "tooth.h5",))


def test_a_name_of_nothing_is_missing_unless_it_answers_a_question(folder: Path) -> None:
    assert named_in("new.h5").missing == (folder / "new.h5",)
    assert named_in("new.h5", awaiting_output=True).outputs == (folder / "new.h5",)
    assert named_in("reconstruct /nowhere/x.nxs").missing == (Path("/nowhere/x.nxs"),)


def test_addresses_of_instruments() -> None:
    found = named_in("watch SR:C03-BI{DCCT:1}I-I and https://archiver.example/retrieval")
    assert found.addresses == ("SR:C03-BI{DCCT:1}I-I", "https://archiver.example/retrieval")
    assert named_in("it is 12:30, ratio 1:2").addresses == ()
