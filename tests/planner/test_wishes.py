"""What a text rules out is left out, what it names is used, and a bare wish is a wish."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from metadata.nxtomo_writer import write_nxtomo
from planner.grammar import unplaced
from planner.language import understand
from planner.language.wishes import as_bare_wish, wishes_in
from planner.service import plan, propose_plans
from planner.situation import Situation
from planner.task import Condition, Goal, Intent, Priority, Task
from simulators import World, simulate
from tests.planner.situations import FixedCosts, situation
from toolbox.registry import known_tools

COSTS = FixedCosts(tv=9.0)
BAD = {"noise": 0.3, "rings": 20.0, "jitter": 3.0}  # all that one would mend


def of(text: str, **traits: float) -> Situation:
    return situation(understand(text).task, None, **(BAD | traits))


def tools(of: Situation) -> list[set[str]]:
    return [{n.tool for n in p.pipeline.nodes} - {"scan"} for p in propose_plans(of, costs=COSTS)]


@pytest.mark.parametrize(
    ("text", "stage"),
    [
        ("reconstruct quickly, no denoising", "denoise"),
        ("不要去噪，直接重建", "denoise"),
        ("reconstruct without ring removal", "destripe"),
        ("重建，不要去环", "destripe"),
        ("reconstruct it, don't align the projections", "align"),
        ("重建，不用对齐", "align"),
        ("reconstruct, segmentation is not needed", "segment"),
        ("重建就行，不需要分割", "segment"),
        ("reconstruct, skip the phase retrieval", "phase"),
        ("重建，不做相位恢复", "phase"),
    ],
)
def test_what_is_ruled_out_is_in_no_plan(text: str, stage: str) -> None:
    asked = of(text)
    assert asked.task.goals == (Goal.RECONSTRUCT,)
    assert not {Condition.RINGS, Condition.PHASE_CONTRAST} & set(asked.task.conditions)
    for used in tools(asked):
        assert stage not in {known_tools()[tool].card.stage.value for tool in used}


@pytest.mark.parametrize(
    ("text", "barred"),
    [
        ("remove the rings and reconstruct. No, without ring removal", True),
        ("去环并重建。算了，不要去环", True),
        ("remove the rings. Ring removal is not needed any more", True),
        ("without ring removal. Sorry, do remove the rings", False),
        ("不要去环。还是去环吧，再重建", False),
    ],
)
def test_of_a_step_asked_for_and_ruled_out_the_later_counts(text: str, barred: bool) -> None:
    assert wishes_in(text).barred_stages == ({"destripe"} if barred else set())
    assert (Goal.DESTRIPE in understand(text).task.goals) is not barred


def test_what_is_ruled_out_of_one_thing_is_not_ruled_out_of_another() -> None:
    text = "segment the pores, do not segment the grains"
    assert not wishes_in(text).barred_stages
    assert Goal.SEGMENT in understand(text).task.goals


def test_several_steps_are_ruled_out_at_once() -> None:
    text = "reconstruct, no denoising or ring removal"
    assert wishes_in(text).barred_stages == {"denoise", "destripe"}
    assert Goal.DENOISE in understand("denoise it, but do not smooth the edges").task.goals
    assert Goal.DESTRIPE in understand("reconstruct without rings").task.goals


@pytest.mark.parametrize(
    ("text", "tool"),
    [
        ("用 SIRT 重建", "sirt"),
        ("reconstruct with SIRT", "sirt"),
        ("用全变分重建", "tv"),
        ("reconstruct by conjugate gradient least squares", "cgls"),
        ("take the rings out with stripe_wavelet and reconstruct", "stripe_wavelet"),
        ("reconstruct with align_center_of_mass", "align_center_of_mass"),
        ("reconstruct and denoise with non-local means", "denoise_nlm"),
        ("找旋转中心用 center_moments，然后重建", "center_moments"),
        ("用小波去环，然后重建", "stripe_wavelet"),
        ("reconstruct, then clean the slices with TomoGAN", "tomogan"),
        ("reconstruct, use the ring network", "stripe_network"),
        ("用去环网络重建", "stripe_network"),
        ("reconstruct, then denoise by RED-CNN", "red_cnn"),
        ("reconstruct with the network that adds views", "view_network"),
        ("用视角补全网络重建", "view_network"),
        ("reconstruct with the sinogram transformer", "sinogram_transformer"),
        ("用正弦图去噪变换器重建", "sinogram_transformer"),
        ("align the views by the marker, then reconstruct", "align_feature"),
        ("用标记点跟踪对齐，然后重建", "align_feature"),
        ("reconstruct using SHARP", "sharp"),
        ("reconstruct, then correct the slices with MD-Unet", "md_unet"),
        ("重建，再用漂移校正网络处理切片", "md_unet"),
        ("用全连接反投影重建", "sharp"),
        ("reconstruct by SARTConvNet", "sartconvnet"),
        ("用代数重建加卷积网络重建", "sartconvnet"),
        ("reconstruct with UNet++", "unetpp_gan"),
        ("reconstruct with the dual-branch network", "adb_net"),
        ("用双分支注意力网络重建", "adb_net"),
        ("align the views with the jitter network, then reconstruct", "align_network"),
        ("用配准网络对齐投影，然后重建", "align_network"),
        ("find the axis by registration, then reconstruct", "center_registration"),
        ("reconstruct with gridrec", "fbp"),
    ],
)
def test_a_tool_that_is_named_is_in_every_plan(text: str, tool: str) -> None:
    asked = of(text)
    assert unplaced(asked) == []
    assert all(tool in used for used in tools(asked))


def test_learned_alignment_that_is_off_by_default_is_in_plans_by_name_only() -> None:
    wide = of("align the views and reconstruct", truncation=0.5)
    assert not any("align_feature" in used for used in tools(wide))


def test_a_tool_that_is_declined_is_in_no_plan() -> None:
    assert not any("tv" in used for used in tools(of("reconstruct, but not with TV")))


def test_a_tool_that_cannot_take_part_is_said() -> None:
    assert unplaced(of("reconstruct with Paganin")) == ["paganin"]  # energy is not known


@pytest.mark.parametrize(
    ("text", "priority", "seconds"),
    [
        ("highest quality please", Priority.QUALITY, None),
        ("fast please", Priority.SPEED, None),
        ("做到最好", Priority.QUALITY, None),
        ("快点", Priority.SPEED, None),
        ("as good as you can", Priority.QUALITY, None),
        ("Give me the best result you can get from this", Priority.QUALITY, None),
        ("best quality within 10 minutes", Priority.QUALITY, 600.0),
        ("how long will it take to reconstruct this?", Priority.BALANCED, None),
        ("fast", Priority.SPEED, None),
        ("快", Priority.SPEED, None),
        ("重建这个要多久？", Priority.BALANCED, None),
        ("best quality, the axis is at 1275", Priority.QUALITY, None),
        ("轴在1275，质量优先", Priority.QUALITY, None),
    ],
)
def test_a_bare_wish_is_for_a_reconstruction(
    text: str, priority: Priority, seconds: float | None
) -> None:
    task = understand(text).task
    assert (task.intent, task.goals) == (Intent.PLAN, (Goal.RECONSTRUCT,))
    assert (task.priority, task.max_seconds) == (priority, seconds)


@pytest.mark.parametrize(
    "text",
    ["move the motor fast please", "What is a sinogram?", "segment the pores, fast", "你好",
     "move the axis to 1275", "fast, set the axis to 1275", "把轴移到1275"],
)  # fmt: skip
def test_other_texts_are_no_bare_wishes(text: str) -> None:
    assert as_bare_wish(understand(text).task) is None


def test_a_bare_wish_on_a_scan_is_planned(tmp_path: Path) -> None:
    scan = simulate(World("foam", columns=64, rows=1, projections=60, photons=3e4))
    path = write_nxtomo(tmp_path / "a.nxs", scan.projections(), np.asarray(scan.info.angles_rad),
                        flats=scan.flats(), darks=scan.darks())  # fmt: skip
    found = plan("highest quality please", path, costs=COSTS)
    assert found.task.priority is Priority.QUALITY
    assert found.plans
    warned = plan("find the axis only, no reconstruction, with SIRT", path, costs=COSTS)
    assert warned.plans
    placed = {n.tool for p in warned.plans for n in p.pipeline.nodes}
    assert ("sirt" in placed) != any("sirt" in warning for warning in warned.warnings)


def test_less_memory_than_the_program_takes_is_refused(tmp_path: Path) -> None:
    scan = simulate(World("foam", columns=64, rows=1, projections=60, photons=3e4))
    path = write_nxtomo(tmp_path / "a.nxs", scan.projections(), np.asarray(scan.info.angles_rad),
                        flats=scan.flats(), darks=scan.darks())  # fmt: skip
    for text, words in (
        ("reconstruct with at most 0.05 GB of memory", "the program alone"),
        ("重建，内存最多 0.05 GB", "程序本身"),
    ):
        found = plan(text, path, costs=COSTS)
        assert words in (found.refusal or "")
        assert found.plans == ()


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("reconstruct with the axis at 126.5", 126.5),
        ("Centre of rotation: 130, remove rings too", 130.0),
        ("旋转轴在第 126 列，重建", 126.0),
        ("旋转中心=126.5，十分钟内", 126.5),
        ("the axis is 3 px off, fix it", None),
        ("is the axis at 126?", None),
        ("the tilt axis is 2° off", None),
        ("find the centre in 10 minutes", None),
        ("reconstruct the centre 100 slices", None),
        ("the axis is not at 126", None),
        ("轴偏了 3 像素", None),
    ],
)
def test_an_axis_that_is_given_is_taken(text: str, column: float | None) -> None:
    assert wishes_in(text).axis_px == column
    task = Task(Intent.PLAN, (Goal.RECONSTRUCT,), text=text)
    for one in propose_plans(situation(task), costs=COSTS):
        axes = [dict(n.parameters) for n in one.pipeline.nodes if n.tool == "known_center"]
        assert axes == ([] if column is None else [{"column": column}])
        assert any(n.tool == "center_consensus" for n in one.pipeline.nodes) == (column is None)
        told = [reason for reason in one.reasons if "you gave the axis" in reason]
        assert len(told) == (column is not None)


@pytest.mark.parametrize(
    ("text", "words", "used"),
    [
        ("reconstruct, axis at 900", "columns 0 to 63: it is looked for instead", False),
        ("重建，轴在900", "只有第 0 到 63 列", False),
        ("reconstruct, axis at 70", "Yours is used", True),
        ("reconstruct, axis at 12", "a first look finds it at 3", True),
        ("reconstruct, axis at 32", "", True),
    ],
)
def test_an_axis_far_from_where_it_is_seen_is_told(text: str, words: str, used: bool) -> None:
    scan = simulate(World("foam", columns=64, rows=1, projections=60, photons=3e4))
    found = plan(text, scan, costs=COSTS)
    said = " ".join(found.warnings)
    assert words in said
    assert bool(words) == ("axis" in said or "转轴" in said)
    for one in found.plans:
        assert ("known_center" in {n.tool for n in one.pipeline.nodes}) == used
    assert not unplaced(situation(Task(Intent.PLAN, (Goal.RECONSTRUCT,), text=text)))


def test_a_method_that_is_not_here_is_said(tmp_path: Path) -> None:
    scan = simulate(World("foam", columns=64, rows=1, projections=60, photons=3e4))
    warned = plan("reconstruct with gridrec and segment the pores with a U-Net", scan, costs=COSTS)
    assert "There is no gridrec among the tools; fbp" in " ".join(warned.warnings)
    assert "There is no U-Net among the tools:" in " ".join(warned.warnings)
    assert all("fbp" in {n.tool for n in p.pipeline.nodes} for p in warned.plans)
    assert wishes_in("重建，不要用 gridrec").strangers == ()
