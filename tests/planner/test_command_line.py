"""The command line as people and scripts meet it: JSON alone on standard output, one paragraph on
standard error, exit status 0, 1 or 2."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from metadata import InputError, open_scan
from simulators import World
from simulators.writing import write_scan
from tests.exit_status import exit_status
from toolbox.execution.record import RunRecord
from toolbox.pipeline import Pipeline

Result = tuple[int, str, str]


@pytest.fixture
def tomoplan(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
             ) -> Callable[..., Result]:  # fmt: skip
    """Runs the command line in this process; gives exit status, stdout and stderr."""

    def call(*arguments: object) -> Result:
        status = exit_status(monkeypatch, *arguments)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


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


@pytest.mark.parametrize(("text", "told"), [("reconstruct, fast", "This is run {}"),
                                            ("快速重建", "本次运行编号 {}")])  # fmt: skip
def test_a_run_tells_the_id_by_which_it_is_judged(
    tomoplan: Callable[..., Result], scan: Path, tmp_path: Path, text: str, told: str
) -> None:
    output = tmp_path / "o.h5"
    status, out, err = tomoplan("run", text, scan, "-o", output)
    assert status == 0, err
    id = RunRecord.read(output).id
    assert told.format(id[:8]) in out
    for name in (id[:8], output):
        status, out, err = tomoplan("feedback", name, "--rating", 4, "--beamline", "I96", "--json")
        assert status == 0, err
    status, _, err = tomoplan("feedback", scan, "--rating", 4)
    assert status == 2
    assert one_paragraph(err)
    assert "holds no record of a run" in err


def test_a_rank_alone_shows_that_plan(
    tomoplan: Callable[..., Result], scan: Path, tmp_path: Path
) -> None:
    everything = json.loads(tomoplan("plan", "reconstruct", scan, "--json")[1])["plans"]
    status, out, _ = tomoplan("plan", "reconstruct", scan, "--rank", 2, "--json")
    (second,) = json.loads(out)["plans"]
    assert status == 0
    assert second["rank"] == 2
    assert second["pipeline"] == everything[1]["pipeline"]
    status, out, _ = tomoplan("plan", "reconstruct", scan, "--rank", 2)
    assert "\n2. " in out
    assert "\n1. " not in out
    kept = tmp_path / "second.yaml"
    status, out, err = tomoplan("plan", "reconstruct", scan, "--rank", 2, "--out", kept, "--json")
    assert len(json.loads(out)["plans"]) == len(everything)
    assert str(kept) in err
    assert Pipeline.load(kept).to_json() == second["pipeline"]
    status, out, err = tomoplan("plan", "reconstruct", scan, "--rank", 9, "--json")
    assert status == 2
    assert "There is no plan 9" in json.loads(out)["error"]


def test_scans_are_closed_after_plan_and_run(scan: Path, tmp_path: Path) -> None:
    import psutil

    from planner import service

    def still_open() -> list[str]:
        return [f.path for f in psutil.Process().open_files() if f.path == str(scan.resolve())]

    service.inspect(scan)
    service.plan("reconstruct", scan)
    assert still_open() == []
    service.run("reconstruct", scan, tmp_path / "o.h5", store=None)
    assert still_open() == []
    with pytest.raises(InputError, match="does not exist"):
        service.plan("stitch the tiles", [scan, tmp_path / "missing.nxs"])
    assert still_open() == []
    with open_scan(scan) as mine:
        service.plan("reconstruct", mine)
        assert mine.projections(slice(0, 1)).shape[0] == 1, "a scan handed over stays open"


def test_brackets_in_paths_are_no_markup(
    tomoplan: Callable[..., Result], scan: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "[bold]run[" / "bold] [7]"
    folder.mkdir(parents=True)
    path = folder / "s[red].nxs"
    path.symlink_to(scan)
    status, out, _ = tomoplan("inspect", path)
    assert status == 0
    assert path.name in out.replace("\n", "")
    assert tomoplan("plan", "reconstruct", path)[0] == 0
    output = folder / "o[x].h5"
    status, out, err = tomoplan("run", "reconstruct", path, "-o", output)
    assert (status, output.exists()) == (0, True), err
    assert "o[x].h5" in out.replace("\n", "")
    status, out, err = tomoplan("inspect", folder / "[none].h5")
    assert status == 2
    assert "[none].h5" in err


def test_benchmarks_are_listed_as_json(tomoplan: Callable[..., Result]) -> None:
    status, out, _ = tomoplan("bench", "--list", "--json")
    listed = json.loads(out)
    assert status == 0
    assert {"fbp", "center"} <= set(listed)
    assert all(isinstance(about, str) and about for about in listed.values())


def test_what_a_file_does_not_say_can_be_given(
    tomoplan: Callable[..., Result], scan: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "bare.h5"
    with open_scan(scan) as whole, h5py.File(bare, "w") as file:
        file["frames"], file["flats"] = whole.projections(), whole.flats()
    given = ("--data", "frames", "--angles", "0:180", "--flats", f"{bare}::flats", "--state",
             "counts")  # fmt: skip
    status, out, err = tomoplan("inspect", bare, *given, "--json")
    assert status == 0, err
    found = json.loads(out)["scan"]
    assert (found["projections"], found["state"]) == (120, "counts")
    assert found["flats"] > 0
    status, out, _ = tomoplan("plan", "reconstruct", bare, *given, "--state", "odd", "--json")
    assert status == 2
    assert "odd" in json.loads(out)["error"]


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
        assert json.loads(out) == {"error": err.strip()}
        assert one_paragraph(err)
        assert words in err
        assert tomoplan(*command)[1] == ""
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
    assert json.loads(out) == {"error": err.strip()}
    assert one_paragraph(err)
    assert words in err
    assert not (tmp_path / "o.h5").exists()


def test_mistakes_on_the_command_line(tomoplan: Callable[..., Result], scan: Path) -> None:
    status, out, err = tomoplan("inspect", "--json")
    assert status == 2
    assert json.loads(out) == {"error": err.strip()}
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


def test_no_command_shows_the_commands(tomoplan: Callable[..., Result]) -> None:
    status, out, err = tomoplan()
    assert status == 2
    assert "inspect" in out + err
    assert "Expected" not in out + err


def test_a_volume_is_inspected_as_one(tomoplan: Callable[..., Result], tmp_path: Path) -> None:
    path = tmp_path / "volume.npy"
    np.save(path, np.random.default_rng(0).normal(size=(5, 24, 24)).astype(np.float32))
    out = tomoplan("inspect", path, "--content", "volume")[1]
    assert "volume: 5 × 24 × 24 (z, y, x)" in out
    for word in ("projections", "flats", "angles", "not measurable"):
        assert word not in out


def test_a_scan_given_twice_is_told(tomoplan: Callable[..., Result], scan: Path) -> None:
    out = tomoplan("plan", "拼接并重建", scan, scan)[1]
    assert "给了 2 次" in out
    assert "given" not in tomoplan("plan", "reconstruct", scan)[1]


def test_projections_below_the_darks_are_refused(
    tomoplan: Callable[..., Result], tmp_path: Path
) -> None:
    path, rng = tmp_path / "below.h5", np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        file["exchange/data"] = rng.normal(-200, 5, (40, 3, 32)).astype(np.float32)
        file["exchange/data_white"] = rng.normal(2000, 5, (3, 3, 32)).astype(np.float32)
        file["exchange/data_dark"] = rng.normal(100, 5, (3, 3, 32)).astype(np.float32)
        file["exchange/theta"] = np.arange(40) * 4.5
    status, _, err = tomoplan("plan", "reconstruct", path)
    assert status == 2
    assert "no brighter than the darks" in err
    assert one_paragraph(err)


def test_a_warning_of_one_of_several_scans_names_it(
    tomoplan: Callable[..., Result], tmp_path: Path
) -> None:
    left, right = tmp_path / "left.nxs", tmp_path / "right.nxs"
    for path in (left, right):
        write_scan(World("foam", columns=64, rows=3, projections=90), path)
    with h5py.File(right, "r+") as file:
        frames = file["entry/instrument/detector/data"]
        frames[-5] = 0
    said = json.loads(tomoplan("plan", "stitch and reconstruct", left, right, "--json")[1])
    lost = [w for w in said["warnings"] if "hold nothing but zeros" in w]
    assert [w.startswith("right.nxs: ") for w in lost] == [True]
