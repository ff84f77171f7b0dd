"""The command line as people and scripts meet it: JSON alone on standard output, one paragraph on
standard error, exit status 0, 1 or 2."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from planner.app import command_line
from simulators import World
from simulators.writing import write_scan

Result = tuple[int, str, str]


@pytest.fixture
def tomoplan(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
             ) -> Callable[..., Result]:  # fmt: skip
    """Runs the command line in this process; gives exit status, stdout and stderr."""

    def call(*arguments: object) -> Result:
        monkeypatch.setattr("sys.argv", ["tomoplan", *map(str, arguments)])
        status = 0
        try:
            command_line.main()
        except SystemExit as stop:
            status = int(stop.code or 0)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of its own: runs of tests do not teach the machine's costs."""
    folder = tmp_path_factory.mktemp("home")
    os.environ["TOMOPLAN_HOME"] = str(folder)
    return folder


@pytest.fixture(scope="session")
def scan(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Path:
    """A small simulated scan with its axis off the middle."""
    path = tmp_path_factory.mktemp("scan") / "foam.nxs"
    write_scan(World("foam", columns=96, rows=4, projections=120, photons=2e4, center=45.0), path)
    return path


def one_paragraph(text: str) -> bool:
    return bool(text.strip()) and "Traceback" not in text and len(text.strip().split("\n")) == 1


def test_understand_prints_the_fields(tomoplan: Callable[..., Result]) -> None:
    status, out, _ = tomoplan("understand", "segment the pores within ten minutes", "--json")
    task = json.loads(out)
    assert status == 0
    assert task["goals"] == ["segment"]
    assert task["max_seconds"] == 600


def test_inspect_knows_scan_and_axis(
    tomoplan: Callable[..., Result], scan: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "preview.png"
    status, out, _ = tomoplan("inspect", scan, "--json", "--preview", picture)
    document = json.loads(out)
    assert status == 0
    assert document["scan"]["projections"] == 120
    axis = document["traits"]["center_px"]
    assert axis["value"] == pytest.approx(45.0, abs=1.0)
    assert axis["low"] <= 45.0 <= axis["high"]
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_plan_then_run_then_run_the_stored_plan(
    tomoplan: Callable[..., Result], scan: Path, tmp_path: Path
) -> None:
    plan, output = tmp_path / "plan.yaml", tmp_path / "out.h5"
    status, out, _ = tomoplan("plan", "reconstruct, quickly", scan, "--out", plan, "--json")
    document = json.loads(out)
    assert status == 0
    assert 3 <= len(document["plans"]) <= 5
    assert {"task", "scan", "traits", "plans", "warnings", "planning_seconds"} <= set(document)
    status, out, err = tomoplan("run", plan, scan, "-o", output, "--json")
    record = json.loads(out)
    assert status == 0, err
    assert record["center_px"]["value"] == pytest.approx(45.0, abs=1.0)
    with h5py.File(output) as file:
        assert file["/entry/definition"][()] in (b"NXtomoproc", "NXtomoproc")
        volume = file["/entry/data/data"]
        assert volume.shape[0] == 4
        assert np.isfinite(volume[:]).all()
        again = file["/entry/reconstruction/plan"][()].decode()
    (tmp_path / "again.yaml").write_text(again)
    status, _, err = tomoplan("run", tmp_path / "again.yaml", scan, "-o", tmp_path / "again.h5")
    assert status == 0, err
    with h5py.File(output) as one, h5py.File(tmp_path / "again.h5") as two:
        np.testing.assert_array_equal(one["/entry/data/data"][:], two["/entry/data/data"][:])


def test_run_from_text_in_chinese(
    tomoplan: Callable[..., Result], scan: Path, tmp_path: Path
) -> None:
    status, out, err = tomoplan("run", "重建这个样品", scan, "-o", tmp_path / "o.h5", "--json")
    assert status == 0, err
    assert json.loads(out)["task"]["goals"] == ["reconstruct"]


def test_tools_lists_and_shows(tomoplan: Callable[..., Result]) -> None:
    status, out, _ = tomoplan("tools", "--json")
    names = [t["name"] for t in json.loads(out)["tools"]]
    assert status == 0
    assert {"flat_field", "minus_log", "fbp", "center_consensus"} <= set(names)
    status, out, _ = tomoplan("tools", "fbp")
    assert status == 0
    assert "filtered back-projection" in out.lower()


def test_simulate_then_inspect(tomoplan: Callable[..., Result], tmp_path: Path) -> None:
    path = tmp_path / "s.nxs"
    status, _, _ = tomoplan("simulate", "scan", "-o", path, "--columns", 64, "--rows", 2,
                            "--projections", 60)  # fmt: skip
    assert status == 0
    assert path.exists()
    assert (tmp_path / "s.nxs.truth.h5").exists()


# ---- what cannot be served -----------------------------------------------------------------------


def test_a_refusal_has_the_shape_of_an_answer(tomoplan: Callable[..., Result], scan: Path) -> None:
    status, out, _ = tomoplan("plan", "move the sample stage 2 mm up", scan, "--json")
    document = json.loads(out)
    assert status == 1
    assert document["plans"] == []
    assert "motors" in document["refusal"]
    status, out, _ = tomoplan("plan", "measure the strain by digital volume correlation", scan,
                              "--json")  # fmt: skip
    assert status == 1
    assert "deform" in json.loads(out)["refusal"]


def test_no_beam_is_refused(tomoplan: Callable[..., Result], tmp_path: Path) -> None:
    from metadata.nxtomo_writer import write_nxtomo

    rng = np.random.default_rng(0)
    dark = rng.integers(95, 105, (60, 2, 64)).astype(np.uint16)
    path = tmp_path / "dark.nxs"
    write_nxtomo(path, dark, np.linspace(0, np.pi, 60), flats=dark[:5], darks=dark[5:10])
    status, out, _ = tomoplan("plan", "reconstruct", path, "--json")
    assert status == 1
    assert "no beam" in json.loads(out)["refusal"]


def test_a_constant_image_is_an_error(tomoplan: Callable[..., Result], tmp_path: Path) -> None:
    from metadata.nxtomo_writer import write_nxtomo

    path = tmp_path / "flat.nxs"
    same = np.full((60, 2, 64), 500, np.uint16)
    write_nxtomo(path, same, np.linspace(0, np.pi, 60), flats=same[:5] + 500, darks=same[:5] - 400)
    status, _, err = tomoplan("plan", "reconstruct", path)
    assert status == 2
    assert one_paragraph(err)
    assert "same value" in err


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (None, "does not exist"),
        (b"", "empty"),
        (b"this is no scan at all", ""),
    ],
)
def test_unusable_files(
    tomoplan: Callable[..., Result], tmp_path: Path, make: bytes | None, words: str
) -> None:
    path = tmp_path / "bad.h5"
    if make is not None:
        path.write_bytes(make)
    for command in (("inspect", path), ("plan", "reconstruct", path),
                    ("run", "reconstruct", path, "-o", tmp_path / "o.h5")):  # fmt: skip
        status, out, err = tomoplan(*command, "--json")
        assert status == 2
        assert out == ""
        assert one_paragraph(err)
        assert words in err
    assert not (tmp_path / "o.h5").exists()


@pytest.mark.parametrize(
    ("yaml", "words"),
    [
        ("nodes: [\n", "YAML"),
        ("nodes: 3\nedges: []\n", ""),
        (
            "nodes: [{id: a, tool: scan, parameters: {index: 0}}, {id: b, tool: fpb}]\n"
            "edges: [{source: a, target: b, port: sinogram}]\n",
            "fbp",
        ),
    ],
)
def test_unusable_plans(
    tomoplan: Callable[..., Result], scan: Path, tmp_path: Path, yaml: str, words: str
) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(yaml)
    status, out, err = tomoplan("run", path, scan, "-o", tmp_path / "o.h5", "--json")
    assert status == 2
    assert out == ""
    assert one_paragraph(err)
    assert words in err
    assert not (tmp_path / "o.h5").exists()


def test_mistakes_on_the_command_line(tomoplan: Callable[..., Result], scan: Path) -> None:
    for arguments in (("inspect",), ("fly",), ("run", "reconstruct", scan, "-o", "o.h5",
                      "--memory", "lots"), ("tools", "fpb"), ("bench", "nothing"),
                      ("train", "nothing")):  # fmt: skip
        status, out, err = tomoplan(*arguments)
        assert (status, out) == (2, ""), arguments
        assert one_paragraph(err), arguments


def test_over_budget_asks_first(
    tomoplan: Callable[..., Result], scan: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    from planner import service

    monkeypatch.setattr(service, "breaks_budget", lambda task, plan: True)
    output = tmp_path / "o.h5"
    status, _, err = tomoplan("run", "reconstruct within 10 minutes", scan, "-o", output)
    assert status == 1
    assert "--yes" in err
    assert not output.exists()
    assert tomoplan("run", "reconstruct within 10 minutes", scan, "-o", output, "--yes")[0] == 0
