"""Costs are fitted to measured runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planner.calibration import measure_reference, timed
from planner.cost import MeasuredCosts, Sample, fit, machine_costs, reference, with_reference
from planner.trial_runs import UNTIMED, covering
from simulators import World, simulate
from toolbox.execution import run
from toolbox.pipeline import Pipeline
from toolbox.registry import known_tools
from toolbox.values import Shape

PIPELINE = Pipeline.chain(
    ["flat_field", "minus_log", "fbp"], center=("known_center", {"column": 31.5})
)


def test_seconds_follow_the_samples_and_grow_beyond_them() -> None:
    costs = MeasuredCosts({"fbp": [Sample(1e6, 0.1), Sample(1e7, 1.0)]}, 1.0, 1)
    assert costs.step_seconds("fbp", 1e6) == pytest.approx(0.1, rel=0.2)
    assert costs.step_seconds("fbp", 1e9) == pytest.approx(100, rel=0.5)
    assert costs.step_seconds("never measured", 1e6) == 0.0


def test_another_machine_fills_gaps_at_this_ones_pace() -> None:
    own = MeasuredCosts({"fbp": [Sample(1e6, 0.2)]}, 1.0, 1)
    both = with_reference(own, {"fbp": [(1e6, 0.1)], "tv": [(1e6, 3.0)]})
    assert both.step_seconds("tv", 1e6) == pytest.approx(6.0, rel=0.05)


def test_a_fit_of_real_runs_tells_the_next(tmp_path: Path) -> None:
    documents = []
    for turn in range(3):
        scan = simulate(World("foam", columns=64, rows=4, projections=90))
        record = run(PIPELINE, [scan], tmp_path / f"{turn}.h5")
        documents.append(record.to_json())
    costs = fit(documents)
    small = costs.pipeline_seconds(PIPELINE, [Shape(90, 4, 64)])
    large = costs.pipeline_seconds(PIPELINE, [Shape(900, 40, 640)])
    assert 0 < small < large


def test_first_use_times_small_runs_and_keeps_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from metadata.store import Store

    with Store(tmp_path / "s.sqlite") as store:
        costs = machine_costs(store)
    assert costs.knows("fbp")
    assert costs.knows("tv")
    assert "First use" in capsys.readouterr().err
    with Store(tmp_path / "s.sqlite") as store:
        machine_costs(store)
        assert len(store.runs()) >= 2
    assert "First use" not in capsys.readouterr().err


def test_every_tool_that_a_plan_may_hold_has_been_timed() -> None:
    held = {step.tool for recipe in covering() for step in recipe}
    assert set(known_tools()) - held == set(UNTIMED)
    # The first learns from what a person has marked; the others take what has no size beforehand
    assert held - set(reference()) == {"segment_pixel_classifier", "strain", "fit_peaks"}


@pytest.mark.parametrize("tool", ["stitch_tiles", "merge_360", "azimuthal_integration"])
def test_scans_are_made_that_a_recipe_can_run_on(tool: str) -> None:
    recipe = next(r for r in covering() if any(step.tool == tool for step in r))
    document = timed(recipe, 48, 1)
    assert document is not None
    assert document["node_seconds"][tool] > 0
    assert fit([document]).knows(tool)


def test_what_is_added_is_brought_to_the_pace_of_what_was_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from planner import calibration, cost

    path = tmp_path / "costs.json"
    path.write_text('{"hardware": {}}')
    monkeypatch.setattr(cost, "reference", dict)
    monkeypatch.setattr(calibration, "FULL", (calibration.FULL[0],))
    measure_reference(path, ["center_moments"])
    alone = json.loads(path.read_text())
    slow = {key: [(n, 100 * t) for n, t in pairs] for key, pairs in alone["samples"].items()
            if key != "center_moments"}  # fmt: skip
    path.write_text(json.dumps({"hardware": {"cpus": 99}, "samples": slow}))
    monkeypatch.setattr(cost, "reference", lambda: slow)
    measure_reference(path, ["center_moments"])
    found = json.loads(path.read_text())
    assert found["hardware"] == {"cpus": 99}
    assert found["samples"]["fbp"] == [list(pair) for pair in slow["fbp"]]
    before, after = (MeasuredCosts({"center_moments": [Sample(*s) for s in of["center_moments"]]},
                                   1.0, 1).step_seconds("center_moments", 1e6)
                     for of in (alone["samples"], found["samples"]))  # fmt: skip
    assert 10 * before < after < 1000 * before
