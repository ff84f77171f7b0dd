"""Killed runs go on and end as if nothing had happened."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from metadata.errors import InputError, WorkError
from toolbox.execution import journal as journal_module
from toolbox.execution import run
from toolbox.execution.journal import Journal
from toolbox.execution.part import Part
from toolbox.execution.result import ResultFile
from toolbox.execution.stack_file import StackFile, reserve
from toolbox.registry import known_tools


def helper() -> Any:
    """The scans and tools of the engine's tests."""
    spec = importlib.util.spec_from_file_location(
        "engine_tests", Path(__file__).with_name("test_execution.py")
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules["engine_tests"] = module
    spec.loader.exec_module(module)
    return module


CHILD = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {here!r})
import importlib.util
spec = importlib.util.spec_from_file_location("engine_tests", {engine!r})
tests = importlib.util.module_from_spec(spec)
sys.modules["engine_tests"] = tests
spec.loader.exec_module(tests)
from toolbox.registry import known_tools
from toolbox.execution import run
known_tools().update({{t.card.name: t for t in tests.TOOLS}})
left = int(sys.argv[2])

def progress(*told):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

run(tests.graph(tests.GRAPHS[3]), [tests.ArrayScan((7, 40, 6))], sys.argv[1], resume=True,
    workers=2, progress=progress)
"""


def test_a_run_killed_again_and_again_ends_the_same(tmp_path: Path) -> None:
    here = Path(__file__).parent
    code = CHILD.format(here=str(here.parents[1]), engine=str(here / "test_execution.py"))
    whole, killed = tmp_path / "whole.h5", tmp_path / "killed.h5"
    deaths, slabs = 0, []
    # each life reaches a little further: the calls of progress it may see before it is killed
    for life in (7, 15, 24, 0):
        done = subprocess.run([sys.executable, "-c", code, str(killed), str(life)], timeout=120,
                              capture_output=True, check=False)  # fmt: skip
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr.decode()
        assert not killed.exists()
        deaths += 1
        lines = Journal.load(killed.with_name("killed.h5.part") / "journal.jsonl").lines
        slabs.append(sum(line["what"] == "slab" for line in lines))
    assert deaths >= 2
    assert slabs == sorted(slabs)
    assert slabs[-1] > slabs[0]
    subprocess.run([sys.executable, "-c", code, str(whole), "0"], timeout=120, check=True)
    with h5py.File(whole) as a, h5py.File(killed) as b:
        for name in ("data", "labels"):
            np.testing.assert_array_equal(a["entry/data"][name][()], b["entry/data"][name][()])
        plans = [f["/entry/reconstruction/plan"][()] for f in (a, b)]
        assert plans[0] == plans[1]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["killed.h5", "whole.h5"]


@pytest.fixture
def engine() -> Any:
    module = helper()
    known_tools().update({t.card.name: t for t in module.TOOLS})
    yield module
    for tool in module.TOOLS:
        del known_tools()[tool.card.name]


class Stopped(BaseException):
    """As a kill, but one that a test survives."""


def stop_after(calls: int) -> Any:
    left = calls

    def progress(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Stopped

    return progress


def test_the_resumed_run_takes_over_what_was_found(engine: Any, tmp_path: Path) -> None:
    out, scan = tmp_path / "out.h5", engine.ArrayScan((7, 40, 6))
    with pytest.raises(Stopped):
        run(engine.graph(engine.GRAPHS[2]), [scan], out, progress=stop_after(6), workers=1)
    folder = tmp_path / "out.h5.part"
    lines = [json.loads(t) for t in (folder / "journal.jsonl").read_text().splitlines()]
    tuned = next(line for line in lines if line["what"] == "tuned")
    record = run(engine.graph(engine.GRAPHS[2]), [scan], out, resume=True, workers=4)
    by = next(n for n in record.tuned["nodes"] if n["id"] == "a")["parameters"]["by"]
    assert dict(tuned["parameters"]["mapping"])["by"] == by
    assert not folder.exists()


@pytest.mark.parametrize("what", ["plan", "scan", "rows"])
def test_another_run_is_not_resumed(engine: Any, tmp_path: Path, what: str) -> None:
    out, scan = tmp_path / "out.h5", engine.ArrayScan((7, 40, 6))
    with pytest.raises(Stopped):
        run(engine.graph(engine.GRAPHS[2]), [scan], out, progress=stop_after(6), workers=1)
    text = engine.GRAPHS[1 if what == "plan" else 2]
    other = engine.ArrayScan((8, 40, 6)) if what == "scan" else scan
    rows = slice(3, 9) if what == "rows" else None
    with pytest.raises(InputError, match=f"was for another .*{what}.*without --resume"):
        run(engine.graph(text), [other], out, resume=True, rows=rows)


def test_outputs_that_cannot_be(engine: Any, tmp_path: Path, monkeypatch: Any) -> None:
    pipeline, scan = engine.graph(engine.GRAPHS[0]), engine.ArrayScan()
    out = tmp_path / "out.h5"
    out.write_text("mine")
    with pytest.raises(InputError, match="exists already"):
        run(pipeline, [scan], out)
    assert out.read_text() == "mine"
    run(pipeline, [scan], out, overwrite=True)
    assert h5py.is_hdf5(out)
    with pytest.raises(InputError, match="is a folder"):
        run(pipeline, [scan], tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        run(pipeline, [scan], tmp_path / "nowhere" / "out.h5")
    monkeypatch.setattr(os, "access", lambda *a, **k: False)
    with pytest.raises(WorkError, match="read-only"):
        run(pipeline, [scan], tmp_path / "new.h5")


def test_two_runs_of_one_output(engine: Any, tmp_path: Path) -> None:
    out = tmp_path / "out.h5"
    part = Part.open(out, {}, resume=False, overwrite=False)
    with pytest.raises(WorkError, match="Another run is writing"):
        run(engine.graph(engine.GRAPHS[0]), [engine.ArrayScan()], out)
    part.abandon()
    run(engine.graph(engine.GRAPHS[0]), [engine.ArrayScan()], out)


def test_a_full_disk_is_met_before_the_work(engine: Any, tmp_path: Path) -> None:
    code = CHILD.format(
        here=str(Path(__file__).parents[2]),
        engine=str(Path(__file__).with_name("test_execution.py")),
    ).replace("(7, 40, 6)", "(7, 40, 600)")
    code = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 18, 1 << 18))\n" + code
    )
    out = tmp_path / "out.h5"
    done = subprocess.run([sys.executable, "-c", code, str(out), "0"], timeout=120,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 1
    assert "WorkError: Writing" in done.stderr
    assert "Make room" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_change_of_structure_is_undone(tmp_path: Path) -> None:
    path = tmp_path / "r.h5"
    result, noted = ResultFile(path), list[StackFile]()
    result.add("/entry/data/data", (4, 5), "<f4", 0, noted.append)
    noted[0].write(0, np.arange(20, dtype=np.float32).reshape(4, 5), 0)
    before = path.read_bytes()
    with pytest.raises(Stopped):
        result.add("/entry/data/labels", (40, 500), "|u1", 0, stop_after(1))
    path.write_bytes(path.read_bytes()[:100] + b"damaged" + path.read_bytes()[107:])
    again = ResultFile(path)
    again.recover(noted)
    assert path.read_bytes() == before
    again.add("/entry/data/labels", (40, 500), "|u1", 0, noted.append)
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["/entry/data/data"][()].ravel(), np.arange(20))
        assert file["/entry/data/labels"].shape == (40, 500)


def test_lines_cut_short_and_restarts(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.add("begin", boot=journal_module.boot())
    journal.add("slab", start=0)
    journal.settle([], now=True)
    journal.add("slab", start=1)
    with path.open("ab") as file:
        file.write(b'{"what": "sl')
    kept = Journal.load(path)
    assert [s["start"] for s in kept.find("slab")] == [0, 1]
    kept.add("slab", start=2)
    assert len(Journal.load(path).find("slab")) == 3
    monkeypatch.setattr(journal_module, "boot", lambda: "another")
    assert [s["start"] for s in Journal.load(path).find("slab")] == [0]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_pieces_of_a_stack_file(axis: int, tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(4, 5, 6)).astype(np.float32)
    file = StackFile(tmp_path / "raw", 12, values.shape, "<f4", 1)
    reserve(file.path, 12 + file.bytes)
    for start in range(0, values.shape[axis], 2):
        chosen = [slice(None)] * 3
        chosen[axis] = slice(start, start + 2)
        file.write(start, values[tuple(chosen)], axis)
    np.testing.assert_array_equal(file.read(0, 4, 0), values)
    np.testing.assert_array_equal(file.read(1, 3, axis), values.take(range(1, 3), axis))
    file.path.write_bytes(file.path.read_bytes()[:-4])
    with pytest.raises(WorkError, match="ends early"):
        file.read(0, 4, 0)
