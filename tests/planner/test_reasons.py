"""Every step has a reason, and what it says is so for this scan and this request."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from planner import service
from planner.language.normal import CJK
from planner.language.vocabulary import vocabulary
from planner.plan import Plan
from planner.reasons import reasons
from planner.situation import Situation, assess
from planner.task import Condition, Goal, Intent, Task
from tests.planner.situations import inspection, scan_info, situation
from toolbox.kinds import Stage
from toolbox.pipeline import SCAN
from toolbox.recipe import Step
from toolbox.registry import known_tools, tool_class

# Where nothing is wrong, where much is, and of tiles
SCENES = {
    "good": situation(),
    "bad": situation(noise=0.4, rings=30.0, view_sufficiency=0.1, zingers=1e-3, jitter=2.0),
    "tiles": situation(infos=[scan_info(), scan_info()]),
}


def said(tool: str, given: Situation, lang: str = "en") -> str:
    (one,) = reasons((Step(tool),), given, lang)
    return one


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_tool_has_a_reason_in_both_languages(scene: str, lang: str) -> None:
    for name, tool in known_tools().items():
        reason = said(name, SCENES[scene], lang)
        start = f"{tool.card.title}: " if lang == "en" else f"{tool.card.title_zh}："
        assert reason.startswith(start)
        rest = reason.removeprefix(start)
        assert rest.endswith("." if lang == "en" else "。"), reason
        assert bool(CJK.search(rest)) is (lang == "zh"), reason


def test_every_stage_has_a_purpose_that_holds_of_any_scan() -> None:
    purposes = vocabulary("purposes")
    assert {stage.value for stage in Stage} <= purposes.keys()
    for name, cases in purposes.items():
        assert name in known_tools() or name in set(Stage)
        assert ["trait" in case for case in cases][-1] is False, name


def test_few_views_are_not_called_enough() -> None:
    few, many = (said("fbp", situation(view_sufficiency=v)) for v in (0.2, 1.3))
    assert "18 to 22 % of those that this width calls for" in few
    assert "as many as this width calls for" in many
    narrow = said("fbp", situation(view_sufficiency=1.3, angular_coverage=120.0))
    assert "only 120° of the half turn" in narrow
    assert "18 至 22 %" in said("fbp", situation(view_sufficiency=0.2), "zh")


def test_the_axis_is_told_as_far_as_it_was_seen() -> None:
    assert "column 127.5 (114.8 to 140.2)" in said("center_consensus", situation())
    assert "column" not in said("center_consensus", SCENES["tiles"])


def test_weak_stripes_are_told_as_they_are_and_removed_by_no_share() -> None:
    weak = said("stripe_network", situation(rings=1.2))
    assert "1.2 σ" in weak
    assert "%" not in weak
    assert "removes about" in said("stripe_network", situation(rings=30.0))


def test_the_worst_tile_speaks_for_all_and_is_named() -> None:
    """Rings in the second tile alone call for their removal, and are told to be there."""
    left, right = (scan_info(path=Path(f"{side}.h5")) for side in ("left", "right"))
    task = Task(Intent.PLAN, (Goal.STITCH, Goal.RECONSTRUCT))
    pair = assess(task, [inspection(left), inspection(right, rings=9.0, truncation=0.5)])
    assert pair.traits.value("rings") == 9.0
    assert pair.traits.value("truncation") == 0.01  # of the field, which is no tile's own
    assert pair.conditions[Condition.RINGS] == "data"
    assert Condition.TRUNCATED not in pair.conditions
    (told,) = (m for m in pair.messages if "rings" in m.text("en"))
    assert told.text("en").endswith("(stripes 9 , in right.h5).")
    assert "见于 right.h5" in told.text("zh")
    assert "9.0 σ above the noise in right.h5, the worst of 2 tiles;" in said(
        "stripe_network", pair
    )
    assert "（2 块中最差的 right.h5）" in said("stripe_network", pair, "zh")
    alike = assess(task, [inspection(left, rings=9.0), inspection(right, rings=9.0)])
    assert "tiles" not in said("stripe_network", alike)
    apart = replace(task, goals=(Goal.REGISTER,))
    two = assess(apart, [inspection(left), inspection(right, rings=9.0)])
    assert two.traits.value("rings") == 0.5


def test_what_is_only_named_is_said_to_be() -> None:
    task = Task(Intent.PLAN, (Goal.RECONSTRUCT,), text="reconstruct with ganrec")
    assert "by name" in said("ganrec", situation(task))
    assert "by name" not in said("ganrec", situation())


REAL = {
    "projections/tooth_aps_dx.h5": "measure the porosity, {}",
    "projections/i13_24737_nxtomo.nxs": "reconstruct, {}",
    "sinograms/neutron_360_halfacq_crop.h5": "reconstruct, {}",
    "conditions/jitter_injected_flatcorrected.h5": "align and reconstruct, {}",
    "conditions/tile_left.h5 conditions/tile_right.h5": "stitch and reconstruct, {}",
    "volumes/qim3d_bone_128x128x128.h5": "measure the local thickness, {}",
}


@pytest.mark.parametrize("names", REAL)
@pytest.mark.parametrize("word", ["quick", "尽量好"])
def test_every_step_of_plans_for_real_scans_has_a_reason(names: str, word: str, data: Path) -> None:
    found = service.plan(REAL[names].format(word), [data / name for name in names.split()])
    assert found.plans, found.refusal
    for plan in found.plans:
        for name in tools_of(plan):
            card = tool_class(name).card
            (reason,) = (r for r in plan.reasons
                         if r.startswith((f"{card.title}: ", f"{card.title_zh}：")))  # fmt: skip
            assert "enough views" not in reason


def tools_of(plan: Plan) -> list[str]:
    return [node.tool for node in plan.pipeline.nodes if node.tool != SCAN]
