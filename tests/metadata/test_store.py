"""The store keeps runs across processes."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from metadata.errors import InputError, WorkError
from metadata.store import Store, default_store_path


def document(id: str, time: str = "2026-01-01T00:00:00+00:00") -> dict[str, object]:
    return {"id": id, "time": time, "pipeline": {"nodes": []}, "quality": {"noise": 0.1}}


def test_runs_come_back_the_latest_first(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "store.sqlite"
    with Store(path) as store:
        store.add_run(document("old"))
        store.add_run(document("new", "2026-02-01T00:00:00+00:00"))
    with Store(path) as store:
        assert [r["id"] for r in store.runs()] == ["new", "old"]
        assert [r["id"] for r in store.runs(limit=1)] == ["new"]
        assert [r["id"] for r in store.runs(since="2026-01-15")] == ["new"]
        assert store.run("old") == document("old")
        assert store.run("ne")["id"] == "new"
        store.add_run(document("old") | {"quality": {}})
        assert store.run("old")["quality"] == {}
        assert len(store.runs()) == 2


def test_ids_that_are_not_there(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite") as store:
        store.add_run(document("ab1"))
        store.add_run(document("ab2"))
        with pytest.raises(InputError, match="No run has the id 'x'"):
            store.run("x")
        with pytest.raises(InputError, match="Several runs have ids that begin with"):
            store.run("ab")
        store.add_run(document("ab"))
        assert store.run("ab")["id"] == "ab"


WRITER = """
import sys
import threading
from metadata.store import Store
with Store(sys.argv[1]) as store:
    for i in range(40):
        store.add_run({"id": f"{sys.argv[2]}-{i}", "time": "2026-01-01", "pipeline": {}})
"""


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), name], stderr=subprocess.PIPE)
        for name in ("a", "b")
    ]
    said = [writer.communicate(timeout=120)[1].decode() for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0], said
    with Store(path) as store:
        assert {r["id"] for r in store.runs()} == {f"{n}-{i}" for n in "ab" for i in range(40)}


def test_a_lock_while_the_store_is_opened_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    holder.execute("CREATE TABLE other (x)")
    holder.execute("BEGIN EXCLUSIVE")
    release = threading.Timer(0.3, holder.execute, ["COMMIT"])
    release.start()
    with Store(path) as store:
        store.add_run(document("a"))
        assert [r["id"] for r in store.runs()] == ["a"]
    release.join()
    holder.close()


def test_what_scans_look_like_is_kept_by_model(tmp_path: Path) -> None:
    vector = np.linspace(-1, 1, 5)
    with Store(tmp_path / "s.sqlite") as store:
        store.add_run(document("a"))
        store.add_appearance("a", "one", vector)
        store.add_appearance("a", "one", -vector)  # in its place
        store.add_appearance("gone", "one", vector)  # of no run that is kept
        found = store.appearances("one")
        assert list(found) == ["a"]
        np.testing.assert_allclose(found["a"], -vector, atol=1e-3)
        assert store.appearances("another") == {}


def test_the_place_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOMOPLAN_HOME", str(tmp_path / "home"))
    with Store() as store:
        assert store.path == tmp_path / "home" / "tomoplan.sqlite"
    monkeypatch.delenv("TOMOPLAN_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_store_path() == tmp_path / ".local/share/tomoplan/tomoplan.sqlite"


def test_a_file_that_is_no_store(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    path.write_bytes(b"this is not a database" * 100)
    with pytest.raises(WorkError, match=r"Cannot open the store .* Set TOMOPLAN_HOME"):
        Store(path)
    with pytest.raises(WorkError, match="Cannot open the store"):
        Store(path / "below" / "a-file.sqlite")
