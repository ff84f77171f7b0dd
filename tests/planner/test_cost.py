"""Costs are fitted to measured runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.cost import MeasuredCosts, Sample, fit, machine_costs, with_reference
from simulators import World, simulate
from toolbox.execution import run
from toolbox.pipeline import Pipeline
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
