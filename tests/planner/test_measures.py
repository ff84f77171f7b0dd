"""The number that is asked for is the one that is measured, and told."""

from __future__ import annotations

from pathlib import Path

import pytest

from metadata.scan_info import GreyState
from planner.language import understand
from planner.language.normal import CJK
from planner.measures import measured_words, measures_in, measuring
from planner.service import plan, propose_plans, run
from planner.task import Goal, Intent, Task
from simulators import World, simulate
from tests.planner.situations import FixedCosts, situation
from toolbox.pipeline import Pipeline
from toolbox.recipe import wire

COSTS = FixedCosts(tv=9.0)
SEGMENTERS = ("segment_otsu", "segment_watershed")


@pytest.mark.parametrize(
    ("text", "tools"),
    [
        ("what is the porosity of this rock?", {"volume_fractions"}),
        ("reconstruct and give me the pore size distribution", {"size_distribution"}),
        ("how many particles are there?", {"size_distribution"}),
        ("mean wall thickness of the foam", {"local_thickness"}),
        ("porosity and strut thickness", {"volume_fractions", "local_thickness"}),
        ("重建后统计颗粒的粒径分布", {"size_distribution"}),
        ("孔隙率是多少", {"volume_fractions"}),
        ("求涂层的厚度", {"local_thickness"}),
        ("measure it", {"volume_fractions"}),
    ],
)
def test_every_plan_measures_what_is_asked(text: str, tools: set[str]) -> None:
    task = Task(Intent.PLAN, (Goal.QUANTIFY,), text=text)
    plans = propose_plans(situation(task), costs=COSTS)
    assert plans
    measures = {"volume_fractions", "size_distribution", "local_thickness"}
    for one in plans:
        assert {n.tool for n in one.pipeline.nodes} & measures == tools


def parameters(text: str, feature: str | None, tool: str) -> list[dict[str, object]]:
    return [dict(s.parameters) for steps in measuring(text, feature, SEGMENTERS) for s in steps
            if s.tool == tool]  # fmt: skip


def test_a_number_that_nothing_here_measures_is_said() -> None:
    scan = simulate(World(columns=48, rows=2, projections=40))
    for language, text, said in (
        ("en", "compute the permeability", "no number that can be measured here (local thickness"),
        ("zh", "求渗透率", "没有这里能测的量（局部厚度"),
    ):
        task = Task(Intent.PLAN, (Goal.QUANTIFY,), text=text, language=language)
        assert any(said in w for w in plan(task, [scan], costs=COSTS).warnings), text
    task = Task(Intent.PLAN, (Goal.QUANTIFY,), text="the porosity")
    assert not any("names no number" in w for w in plan(task, [scan], costs=COSTS).warnings)


def test_dark_parts_and_bright_ones() -> None:
    pores = parameters("pore sizes", None, "size_distribution")
    assert {"of_class": 0, "border": False} in pores
    assert parameters("grain sizes", "grains", "size_distribution") == [{}]
    assert parameters("how thick are the pore walls?", None, "local_thickness") == [{"of_class": 1}]
    assert parameters("thickness", "cracks", "local_thickness") == [{"of_class": 0}]


def test_measures_that_need_two_segmentations_get_both() -> None:
    for steps in measuring("porosity and particle sizes", "particles", SEGMENTERS):
        names = [s.tool for s in steps]
        assert names.index("segment_otsu") + 1 == names.index("volume_fractions")
        assert names.index("segment_watershed") + 1 == names.index("size_distribution")
        assert wire(steps, volumes=True).validate([GreyState.ATTENUATION]) == []


def test_the_order_of_the_text_is_kept() -> None:
    assert measures_in("粒径和孔隙率") == ("size_distribution", "volume_fractions")
    assert measures_in("reconstruct it") == ()


def test_what_was_measured_is_told_and_kept(tmp_path: Path) -> None:
    scan = simulate(World("foam", columns=64, rows=6, projections=90, photons=None, seed=2))
    text = "Porosity and the mean strut thickness, as fast as you can."
    assert Goal.QUANTIFY in understand(text).task.goals
    record = run(plan(text, scan).best, scan, tmp_path / "out.h5", store=tmp_path / "runs.db")
    told, chinese = (measured_words(record, lang) for lang in ("en", "zh"))
    assert "mean thickness: " in " ".join(told)
    assert "volume fraction of class 0: " in " ".join(told)
    assert "correlation of slices from halves of the views: " in " ".join(told)
    assert len(told) == len(chinese) == len(record.quantities) + len(record.quality)
    assert all(CJK.match(line) for line in chinese), chinese
    kept = record.to_json()["quantities"]["mean_thickness"]
    assert kept["low"] <= kept["value"] <= kept["high"]
    assert kept["unit"] in ("px", "µm")
    assert Pipeline.from_json(record.tuned).validate([scan.info.state]) == []
