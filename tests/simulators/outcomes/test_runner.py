"""Trees run in memory give what the engine gives, each beginning once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from simulators import World, simulate
from simulators.outcomes import Job, generate, generation
from simulators.outcomes import runner as running
from simulators.outcomes.runner import Runner
from simulators.outcomes.table import Outcomes
from toolbox.execution import run
from toolbox.execution.threads import threads_restored
from toolbox.metrics import ssim_in_circle
from toolbox.recipe import Recipe, Step, wire

WORLD = World("foam", columns=64, rows=2, projections=60, photons=3e3, rings=0.4, seed=3)
BEFORE = (Step("flat_field"), Step("minus_log"))
CHAIN: Recipe = (*BEFORE, Step("stripe_mean"), Step("center_consensus"), Step("fbp"),
                 Step("denoise_tv"))  # fmt: skip
OTHERS: tuple[Recipe, ...] = (
    (*BEFORE, Step("stripe_mean"), Step("center_consensus"), Step("fbp")),
    (*BEFORE, Step("center_fourier"), Step("fbp", {"filter": "hann"})),
)


def job(number: int, recipes: tuple[Recipe, ...] = (CHAIN, *OTHERS)) -> Job:
    world = World(**{**WORLD.to_dict(), "seed": number})
    return Job(f"train-{number}", [simulate(world)], recipes, ("reconstruct",), {"split": "train"})


def stopped(number: int) -> Job:
    if number == 2:
        raise KeyboardInterrupt
    return job(number)


@pytest.fixture(autouse=True)
def _threads() -> Any:
    with threads_restored():
        yield


def test_quality_is_that_of_a_run_by_the_engine(tmp_path: Path) -> None:
    found = Runner(job(3)).run()
    (node,) = [n for n in range(len(found.tree)) if found.tree.recipe(n) == CHAIN]
    scan = simulate(WORLD)
    run(wire(CHAIN), [scan], tmp_path / "out.h5")
    with h5py.File(tmp_path / "out.h5") as file:
        volume = file["/entry/data/data"][:]
    direct = ssim_in_circle(volume, np.stack([scan.truth(0), scan.truth(1)]))
    assert found.quality[node, 0] == pytest.approx(direct, abs=2e-4)


def test_each_beginning_is_run_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: Counter[str] = Counter()
    original = running.called

    def counted(tool: Any, inputs: dict[str, Any]) -> Any:
        calls[tool.card.name] += 1
        return original(tool, inputs)

    monkeypatch.setattr(running, "called", counted)
    monkeypatch.setattr(running, "REPEATED", 0.0)
    monkeypatch.setattr(running, "_warm", {s.tool for r in (CHAIN, *OTHERS) for s in r})
    found = Runner(job(3)).run()
    assert calls == Counter(s.tool for s in found.tree.steps)
    assert calls["flat_field"] == calls["stripe_mean"] == 1
    assert calls["fbp"] == 2


def test_a_step_that_fails_ends_its_branch_only(capsys: pytest.CaptureFixture[str]) -> None:
    bad = (*BEFORE, Step("center_mirror"), Step("fbp"))  # needs a full turn
    found = Runner(job(3, (bad, *OTHERS))).run()
    failed = {found.tree.recipe(n) for n in np.flatnonzero(found.failed)}
    assert failed == {bad, bad[:-1]}
    assert "center_mirror needs a full turn" in capsys.readouterr().err
    assert np.isfinite(found.quality[np.array(found.tree.complete) & ~found.failed]).all()


def test_seconds_and_memory_are_measured() -> None:
    found = Runner(job(3)).run()
    assert (found.seconds > 0).all()
    assert (found.peak_bytes[np.isfinite(found.peak_bytes)] > 0).all()


def test_a_table_comes_back_from_its_file(tmp_path: Path) -> None:
    made = generate(job, 2, tmp_path / "table.h5", workers=0, about={"why": "a test"})
    read = Outcomes.load(tmp_path / "table.h5")
    assert read.about == {"why": "a test"}
    assert read.versions["fbp"] == "1"
    assert "library torch" in read.versions
    for a, b in zip(made, read, strict=True):
        assert (a.name, a.document, a.goals) == (b.name, b.document, b.goals)
        assert [a.recipe(n) for n in a.complete] == [b.recipe(n) for n in b.complete]
        assert set(map(len, (a.complete, b.complete))) == {3}
        np.testing.assert_array_equal(a.total_seconds, b.total_seconds)
        np.testing.assert_array_equal(a.main_quality, b.main_quality)
    chain = next(n for n in read[0].complete if read[0].recipe(n) == CHAIN)
    path = [n for n in range(len(read[0].parent)) if read[0].recipe(n) == CHAIN[: n + 1]]
    assert read[0].total_seconds[chain] == pytest.approx(read[0].seconds[path[:6]].sum(), rel=1e-6)


def test_a_job_that_cannot_be_made_is_told_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def make(number: int) -> Job:
        if number == 0:
            raise ValueError("no such world")
        return job(number, OTHERS[1:])

    made = generate(make, 2, tmp_path / "table.h5", workers=0)
    assert [s.name for s in made] == ["train-1"]
    assert "job 0 is left out: ValueError: no such world" in capsys.readouterr().err


def test_a_scan_run_with_other_versions_says_so() -> None:
    (scan,) = generation.run_job(lambda n: job(n, OTHERS[1:]), 1)
    old, new = (Outcomes((scan,), scan.steps, {"fbp": v, "tv": "1"}, {}) for v in ("1", "2"))
    both = Outcomes.joined([old, new], {})
    assert both.versions == {"fbp": "2", "tv": "1"}
    assert [s.document.get("versions") for s in both] == [{"fbp": "1"}, None]


def test_a_killed_generation_goes_on_where_it_was(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        generate(stopped, 4, tmp_path / "killed.h5", workers=0)
    kept = sorted((tmp_path / "killed.h5.parts").iterdir())
    assert [p.stem for p in kept] == ["00000", "00001"]
    before = [p.read_bytes() for p in kept]
    went_on = generate(job, 4, tmp_path / "killed.h5", workers=0)
    assert [p.read_bytes() for p in kept] == before
    straight = generate(job, 4, tmp_path / "straight.h5", workers=0)
    assert went_on.steps == straight.steps
    for a, b in zip(went_on, straight, strict=True):
        assert a.name == b.name
        for column in ("parent", "step", "failed"):
            np.testing.assert_array_equal(getattr(a, column), getattr(b, column))
        # Threads of the Fourier transform add up in any order
        np.testing.assert_allclose(a.main_quality, b.main_quality, atol=1e-6)
