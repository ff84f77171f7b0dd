"""What ``tomoplan bench tools`` measured, and what the planner makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from metadata import open_scan
from planner.benchmarks.tools import measured, settings
from planner.benchmarks.tools.real import half_of
from planner.benchmarks.tools.row import Row, averaged, page
from planner.grammar import slots
from planner.inspection import inspect_scan
from planner.situation import assess
from planner.task import Goal, Intent, Task
from simulators import World
from toolbox.kinds import Stage
from toolbox.registry import shipped_tools

HOW = settings()


@pytest.mark.parametrize("job", HOW["real"])
def test_no_tool_is_offered_on_a_real_scan_that_it_made_worse(job: str, data: Path) -> None:
    rows = [r for r in measured() if r.real and r.job == job and r.measure == "fine structure"]
    assert len(rows) > 15
    harmful = {r.tool for r in rows if r.gain is not None and r.gain < -HOW["worse"]}
    about = HOW["real"][job]
    with open_scan(data / about["file"]) as whole:
        half = half_of(whole, about, 0)
        situation = assess(Task(Intent.PLAN, (Goal.RECONSTRUCT,)), [inspect_scan(half)])
    offered = {s.tool for slot in slots(situation) for steps in slot.steps for s in steps}
    assert offered
    assert not offered & harmful


def test_no_tool_of_the_planner_makes_other_real_data_worse() -> None:
    """Volumes, shifts, labels and patterns; of slices the test above, and the axis is found by the
    consensus, beside which the others are measured."""
    cards = {name: tool.card for name, tool in shipped_tools().items()}
    chosen = {n for n, card in cards.items() if card.default_on or card.stage is Stage.ALIGN}
    rows = [r for r in measured() if r.real and r.job not in HOW["real"] and r.tool in chosen
            and not r.job.startswith("axis, ")]  # fmt: skip
    assert {"super_resolve_tv", "fit_peaks", "align_reprojection"} <= {r.tool for r in rows}
    assert [(r.tool, r.job) for r in rows if r.gain is not None and r.gain < -HOW["worse"]] == []


def test_halves_of_a_scan_share_no_view(data: Path) -> None:
    with open_scan(data / "projections/tooth_aps_dx.h5") as whole:
        first, second = (half_of(whole, {"row": 0, "bin": 2, "thin": 2}, n) for n in (0, 1))
        assert not set(first.info.angles_rad) & set(second.info.angles_rad)
        assert first.projections().shape == (46, 1, 320)
        assert first.axis(296.0) == 147.75


def test_rows_are_averaged_over_worlds_and_a_gain_is_for_the_better() -> None:
    rows = [Row("fbp", "a", "SSIM", v, 0.5) for v in (0.6, 0.8)]
    rows += [Row("fbp", "a", "error, px", 1.0, 3.0), Row("sirt", "a", "SSIM", None, 0.5)]
    table = {(r.tool, r.measure): r for r in averaged(rows)}
    assert table["fbp", "SSIM"].gain == pytest.approx(0.2)
    assert table["fbp", "error, px"].gain == pytest.approx(2.0)
    assert table["sirt", "SSIM"].gain is None
    text = page(list(table.values()), "head")
    assert text.index("| fbp | 0.700 | 0.500 | +0.200") < text.index("| sirt | – |")


def test_one_tool_can_be_measured_alone_and_the_rest_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from planner.benchmarks import tools
    from planner.benchmarks.tools import axes

    small = World("foam", columns=48, rows=2, projections=40)
    monkeypatch.setattr(axes, "random_world", lambda seed: ("half", small))
    monkeypatch.setattr(tools, "settings", lambda: {"axis": {"first_seed": 1, "worlds": 2}})
    monkeypatch.setattr(tools, "MEASURED", tmp_path / "measured.yaml")
    monkeypatch.setattr(tools, "DOCS", tmp_path)
    monkeypatch.delenv("TOMOPLAN_DATA", raising=False)
    tools.keep([Row("fbp", "a", "SSIM", 0.7, 0.5), Row("center_moments", "axis, half", "error, px",
                                                       99.0, 1.0)])  # fmt: skip
    found = tools.run(parts=("axes", "labels"), tools=["center_moments"])["rows"]
    assert [(row["tool"], row["job"]) for row in found] == [("center_moments", "axis, half")]
    kept = {row.tool: row.value for row in tools.measured()}
    assert kept["fbp"] == 0.7
    assert kept["center_moments"] == pytest.approx(found[0]["value"], abs=1e-4)
    assert found[0]["value"] < 5
    assert tools.run(parts=["axes"], only="axis, full")["rows"] == []
