"""Every kind of bad input on the command line: exit status 1 or 2, one paragraph that says the way
out, and nothing under the final name."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile
import typer.testing

from metadata.errors import InputError
from metadata.nxtomo_writer import write_nxtomo
from planner.app import command_line

VIEWS, ROWS, COLUMNS = 24, 2, 32
ANGLES = np.linspace(0, np.pi, VIEWS, endpoint=False)
DATA = "entry/instrument/detector/data"
PLAN = """
nodes:
- {id: scan, tool: scan, parameters: {index: 0}}
- {id: flat, tool: flat_field, parameters: {}}
- {id: log, tool: minus_log, parameters: {}}
edges:
- {source: scan, target: flat, port: projections}
- {source: flat, target: log, port: projections}
"""
CYCLE = PLAN.replace("{source: scan, target: flat", "{source: log, target: flat")


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The whole of the command line but for the process: exit status and standard error."""
    # CliRunner wants a command; ours prints its own errors, so it is run inside one.
    app = typer.Typer()

    @app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
    def whole(context: typer.Context) -> None:
        monkeypatch.setattr("sys.argv", ["tomoplan", *context.args])
        command_line.main()

    def run(*arguments: object, out: bool = False) -> tuple[int, str] | str:
        found = typer.testing.CliRunner().invoke(app, ["--", *map(str, arguments)])
        assert found.exception is None or isinstance(found.exception, SystemExit)
        return found.stdout if out else (found.exit_code, found.stderr)

    return run


def frames(low: int = 2000, high: int = 3000, count: int = VIEWS) -> np.ndarray:
    return np.random.default_rng(0).integers(low, high, (count, ROWS, COLUMNS)).astype(np.uint16)


def good(path: Path, **changes: Any) -> Path:
    given: dict[str, Any] = {
        "projections": frames(), "angles_rad": ANGLES, "flats": frames(4000, 4100, 3),
        "darks": frames(90, 110, 3), "compression": "gzip",
    }  # fmt: skip
    return write_nxtomo(path, **given | changes)


def missing(path: Path) -> None:
    assert not path.exists()


def empty(path: Path) -> None:
    path.touch()


def truncated(path: Path) -> None:
    good(path)
    path.write_bytes(path.read_bytes()[:-600])


def corrupted(path: Path) -> None:
    good(path)
    with h5py.File(path) as file:
        data = file[DATA].id
        places = [data.get_chunk_info(i).byte_offset for i in range(data.get_num_chunks())]
    raw = bytearray(path.read_bytes())
    for at in places:
        raw[at : at + 30] = bytes(30)
    path.write_bytes(raw)


def not_a_scan(path: Path) -> None:
    path.write_bytes(b"this is no scan at all")


def link_outside(path: Path) -> None:
    _linked(path, h5py.ExternalLink("frames_of_last_night.h5", "/data"))


def link_inside(path: Path) -> None:
    _linked(path, h5py.SoftLink("/entry/raw/frames"))


def _linked(path: Path, link: Any) -> None:
    good(path)
    with h5py.File(path, "r+") as file:
        del file[DATA], file["entry/data/data"]
        file[DATA] = link


def zero_flats(path: Path) -> None:
    good(path, flats=np.zeros((3, ROWS, COLUMNS), np.uint16))


def wrong_shapes(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["exchange/data"] = frames()
        file["exchange/data_white"] = np.ones((3, ROWS, COLUMNS + 5), np.uint16)
        file["exchange/data_dark"] = np.ones((3, ROWS, COLUMNS + 5), np.uint16)


def one_projection(path: Path) -> None:
    good(path, projections=frames(count=1), angles_rad=ANGLES[:1])


def constant(path: Path) -> None:
    good(path, projections=np.full((VIEWS, ROWS, COLUMNS), 500, np.uint16),
         flats=np.full((3, ROWS, COLUMNS), 1000, np.uint16),
         darks=np.full((3, ROWS, COLUMNS), 100, np.uint16))  # fmt: skip


def check(status: int, told: str, output: Path) -> None:
    assert status in (1, 2), told
    paragraph = told.strip()
    assert paragraph
    assert "\n" not in paragraph
    assert "Traceback" not in paragraph
    assert "did not foresee" not in paragraph
    assert len(paragraph.split(". ")) > 1 or ";" in paragraph, f"no way out: {paragraph}"
    assert not output.exists()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (missing, "check its spelling"),
        (empty, "copy it again"),
        (truncated, "copy it again"),
        (corrupted, "copy it again"),
        (not_a_scan, "not a readable HDF5 file"),
        (link_outside, "frames_of_last_night.h5"),
        (link_inside, "/entry/raw/frames, where nothing is"),
        (zero_flats, "Give others with --flats"),
        (wrong_shapes, "the same size"),
        (one_projection, "several angles"),
        (constant, "same value"),
    ],
)
def test_scans(call: Any, tmp_path: Path, make: Callable[[Path], Any], words: str) -> None:
    path, output = tmp_path / "scan.h5", tmp_path / "out.h5"
    make(path)
    for command in (("plan", "reconstruct", path, "--out", output),
                    ("run", "reconstruct", path, "-o", output)):  # fmt: skip
        status, told = call(*command)
        check(status, told, output)
        assert words in told


def test_no_flats_are_done_without(call: Any, tmp_path: Path) -> None:
    path = good(tmp_path / "scan.nxs", flats=None, darks=None)
    found = json.loads(call("inspect", path, "--json", out=True))
    assert found["scan"]["flats"] == 0
    assert any("There are no flats" in warning for warning in found["warnings"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot be read (No such file"),
        (b"", "The plan is empty"),
        (b"nodes: [\n", "not readable YAML"),
        (b"\xff\xfe\x00\x9f", "is no text"),
        (PLAN.replace("flat_field", "flat_feild").encode(), "flat_field"),
        (CYCLE.encode(), "the steps form a circle"),
    ],
)
def test_plans(call: Any, tmp_path: Path, text: bytes | None, words: str) -> None:
    plan, output = tmp_path / "plan.yaml", tmp_path / "out.h5"
    scan = good(tmp_path / "scan.nxs")
    if text is not None:
        plan.write_bytes(text)
    status, told = call("run", plan, scan, "-o", output)
    check(status, told, output)
    assert words in told
    assert status == 2


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("inspect",), 2, "tomoplan inspect --help"),
        (("plan", "reconstruct"), 2, "tomoplan plan --help"),
        (("inspect", "scan.nxs", "--preview", "x.nope"), 2, "Expected .png"),
        (("inspect", "scan.nxs", "--angles", "5:5"), 2, "--angles '5:5' covers no angle"),
        (("inspect", "scan.nxs", "--flats", "scan.nxs::/nope"), 2, "--flats scan.nxs::/nope does"),
        (("inspect", "scan.nxs", "--preview", "none/x.png"), 2, "does not exist. Make it"),
        (("plan", "reconstruct", "scan.nxs", "--out", "none/p.yaml"), 2, "does not exist. Make it"),
        (("plan", "reconstruct", "scan.nxs", "--rank", "0"), 2, "equal to 1. Expected `"),
        (("plan", "scan.nxs", "scan.nxs"), 2, "scan.nxs is a file, expected a request in words"),
        (("run", "scan.nxs", "scan.nxs", "-o", "o.h5"), 2, "scan.nxs is a file, expected a req"),
        (("run", "reconstruct", "scan.nxs", "-o", "o.h5", "--scheduler", "nonsense"), 2,
         "tcp://host:8786"),
        (("run", "reconstruct", "scan.nxs", "-o", "o.h5", "--scheduler", "tcp://127.0.0.1:9"), 1,
         "No Dask scheduler answers"),
    ],
)  # fmt: skip
def test_arguments(call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                   arguments: tuple[str, ...], status: int, words: str) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    good(tmp_path / "scan.nxs")
    found, told = call(*arguments)
    check(found, told, tmp_path / "o.h5")
    assert (found, words in told) == (status, True), told
    assert [p.name for p in tmp_path.iterdir()] == ["scan.nxs"]


def full(*_: Any, **__: Any) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("where", ["posix_fallocate", "fsync"])
def test_a_full_disk(call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
                     ) -> None:  # fmt: skip
    plan, output = tmp_path / "plan.yaml", tmp_path / "out.h5"
    plan.write_text(PLAN)
    scan = good(tmp_path / "scan.nxs")
    monkeypatch.setattr(os, where, full)
    status, told = call("run", plan, scan, "-o", output)
    check(status, told, output)
    assert (status, "Make room" in told) == (1, True)


def test_a_full_disk_for_pictures_and_plans(
    call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matplotlib.figure import Figure

    from planner import service
    from tests.planner.situations import FixedCosts

    scan = good(tmp_path / "scan.nxs")
    plan = service.plan
    monkeypatch.setattr(service, "plan", lambda *a, **k: plan(*a, **k, costs=FixedCosts()))
    monkeypatch.setattr(Figure, "savefig", full)
    monkeypatch.setattr(Path, "replace", full)
    for command in (("inspect", scan, "--preview", tmp_path / "p.png"),
                    ("plan", "reconstruct", scan, "--out", tmp_path / "p.yaml")):  # fmt: skip
        status, told = call(*command)
        assert (status, "Make room" in told) == (1, True), told
        assert "\n" not in told.strip()
    assert [p.name for p in tmp_path.iterdir()] == ["scan.nxs"]


def test_a_read_only_folder(call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, output = tmp_path / "plan.yaml", tmp_path / "out.h5"
    plan.write_text(PLAN)
    scan = good(tmp_path / "scan.nxs")
    may = os.access
    monkeypatch.setattr(os, "access", lambda p, how, **k: not how & os.W_OK and may(p, how, **k))
    for command in (("run", plan, scan, "-o", output),
                    ("inspect", scan, "--preview", tmp_path / "p.png"),
                    ("plan", "reconstruct", scan, "--out", tmp_path / "p.yaml")):  # fmt: skip
        status, told = call(*command)
        check(status, told, output)
        assert "read-only" in told


def test_a_worker_that_is_killed(
    call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distributed import KilledWorker

    from toolbox.execution import slab
    from toolbox.execution.cluster import _lost
    from toolbox.execution.passes import Direction

    def killed(self: Any, piece: slab.Slab, *_: Any) -> Any:
        raise _lost(KilledWorker("slab-0", "tcp://1.2.3.4:5", 3), piece, Direction.ROWS)  # type: ignore[arg-type]

    plan, output = tmp_path / "plan.yaml", tmp_path / "out.h5"
    plan.write_text(PLAN)
    monkeypatch.setattr(slab.SlabJob, "work", killed)
    status, told = call("run", plan, good(tmp_path / "scan.nxs"), "-o", output)
    check(status, told, output)
    assert (status, "lost again and again" in told) == (1, True)


def test_a_store_that_cannot_be_used_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from metadata.store import Store
    from planner import calibration, cost

    (tmp_path / "file").touch()
    monkeypatch.setenv("TOMOPLAN_HOME", str(tmp_path / "file"))
    kept: list[Store] = []
    monkeypatch.setattr(calibration, "first_runs", kept.append)
    assert cost.machine_costs().samples
    assert len(kept) == 1
    assert "Going on without" in capsys.readouterr().err


def test_resuming_nothing_is_said(tmp_path: Path, home: Path) -> None:
    from planner import service

    (tmp_path / "plan.yaml").write_text(PLAN)
    record = service.run(tmp_path / "plan.yaml", good(tmp_path / "scan.nxs"), tmp_path / "o.h5",
                         resume=True, store=None)  # fmt: skip
    assert any("begun anew" in warning for warning in record.warnings)


def test_more_scans_than_a_plan_takes_are_refused(tmp_path: Path, home: Path) -> None:
    from planner import service

    (tmp_path / "plan.yaml").write_text(PLAN)
    scans = [good(tmp_path / "a.nxs"), good(tmp_path / "b.nxs")]
    with pytest.raises(InputError, match="takes 1 of the 2 scans"):
        service.run(tmp_path / "plan.yaml", scans, tmp_path / "o.h5", store=None)
    assert not (tmp_path / "o.h5").exists()


def test_no_command_writes_over_what_it_reads(call: Any, tmp_path: Path) -> None:
    """Not even where it may overwrite: a scan cannot be taken again."""
    scan, flats = good(tmp_path / "scan.h5"), good(tmp_path / "flats.h5")
    kept = scan.read_bytes(), flats.read_bytes()
    link = tmp_path / "link.h5"
    link.symlink_to(scan)
    folder = tmp_path / "frames"
    folder.mkdir()
    for at, frame in enumerate(frames()):
        tifffile.imwrite(folder / f"{at:03d}.tif", frame)
    first = folder / "000.tif"
    for arguments in (
        ("run", "reconstruct", scan, "-o", scan, "--overwrite"),
        ("run", "reconstruct", scan, "-o", link, "--overwrite"),
        ("run", "reconstruct", scan, "-o", flats, "--flats", flats, "--overwrite"),
        ("plan", "reconstruct", scan, "--out", scan),
        ("inspect", folder, "--preview", first),
    ):
        status, told = call(*arguments)
        assert (status, "would destroy it" in told) == (2, True), told
    for arguments in (
        ("run", "reconstruct", scan, "-o", tmp_path / "o.tif"),
        ("simulate", "scan", "-o", scan),
        ("simulate", "history", "-o", scan),
    ):
        status, told = call(*arguments)
        assert status == 2, told
        assert "ends in .h5" in told or "is no simulation" in told
    assert (scan.read_bytes(), flats.read_bytes()) == kept
    assert not list(tmp_path.glob("*.part"))
