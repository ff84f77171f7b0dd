"""Goals that compare two scans, need energies, or look at pictures: plans, or why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from metadata import Content
from metadata.scan_info import GreyState, ScanInfo
from planner import service
from planner.language import understand
from planner.materials import named_materials
from planner.refusals import refusal
from planner.task import Goal, Intent, Task
from tests.planner.situations import FixedCosts, inspection, scan_info, situation
from tests.toolbox.soft_spheres import Specimen

COSTS = FixedCosts()
SHAPE = (24, 40, 40)


def task(*goals: Goal, **changes: Any) -> Task:
    return Task(Intent.PLAN, goals, **changes)


def steps(scans: list[ScanInfo], *goals: Goal, **changes: Any) -> list[str]:
    of = situation(task(*goals, **changes), scans)
    assert refusal(of) is None
    best = service.propose_plans(of, costs=COSTS)[0]
    assert best.pipeline.validate([s.state for s in scans]) == []
    assert len(best.reasons) >= 2
    return [n.tool for n in best.pipeline.nodes]


def volume(**changes: Any) -> ScanInfo:
    return scan_info(content=Content.VOLUME, state=GreyState.ATTENUATION, flats=0, darks=0,
                     **changes)  # fmt: skip


def why_not(scans: list[ScanInfo], *goals: Goal, **changes: Any) -> str:
    found = refusal(situation(task(*goals, **changes), scans))
    assert found is not None
    chinese = found.text("zh")
    assert any("一" <= c <= "鿿" for c in chinese)
    return found.text("en")


def test_two_volumes_are_registered() -> None:
    found = steps([volume(), volume()], Goal.REGISTER)
    assert found.count("scan") == 2
    assert found[-2:] == ["register_volumes", "apply_transform"]
    assert "fbp" not in found


def test_two_scans_are_reconstructed_each_and_then_registered() -> None:
    found = steps([scan_info(), scan_info()], Goal.REGISTER)
    assert sum(found.count(tool) for tool in ("fbp", "mbir", "sirt", "tv")) == 2
    assert found[-2:] == ["register_volumes", "apply_transform"]
    assert "stitch_tiles" not in found


def test_scans_that_are_no_tiles_of_one_field_are_refused() -> None:
    one = scan_info()
    other = scan_info(projections=one.projections + 9)
    assert "cannot be joined" in why_not([one, other], Goal.RECONSTRUCT)


def test_two_tiles_are_stitched_by_the_tool_that_is_named() -> None:
    for text, tool in (
        ("stitch the two tiles and reconstruct", "stitch_tiles"),
        ("undistort and stitch the two tiles, then reconstruct", "stitch_distorted"),
        ("stitch the tiles with the stitching network, then reconstruct", "stitch_network"),
    ):
        asked = situation(understand(text).task, [scan_info(), scan_info()])
        for found in service.propose_plans(asked, costs=COSTS):
            assert [n.tool for n in found.pipeline.nodes if "stitch" in n.tool] == [tool]


def test_a_displacement_comes_with_its_strain() -> None:
    found = steps([volume(), volume()], Goal.DEFORM)
    assert found[-2:] == ["deform_correlation", "strain"]
    assert "register_volumes" not in found  # nothing asks for it
    both = steps([scan_info(), scan_info()], Goal.REGISTER, Goal.DEFORM)
    assert both[-4:] == ["register_volumes", "apply_transform", "deform_correlation", "strain"]


def test_one_scan_cannot_be_compared_and_the_refusal_says_so() -> None:
    for goal in (Goal.REGISTER, Goal.DEFORM, Goal.DECOMPOSE):
        said = why_not([scan_info()], goal)
        assert "two" in said
        assert goal.value in said


def test_three_scans_are_too_many_for_a_pair() -> None:
    assert "3 were given" in why_not([volume()] * 3, Goal.DEFORM)


def test_scans_and_volumes_are_not_mixed() -> None:
    assert "different things" in why_not([scan_info(), volume()], Goal.REGISTER)


def test_slices_need_no_reconstruction_and_cannot_have_one() -> None:
    found = steps([volume()], Goal.SEGMENT)
    assert found[0] == "scan"
    assert "fbp" not in found
    assert "slices already" in why_not([volume()], Goal.RECONSTRUCT)


@pytest.mark.parametrize(
    ("text", "tool"),
    [
        ("register these two volumes", "register_volumes"),
        ("把这两个体数据配准", "register_volumes"),
        ("measure the displacement between these two scans", "deform_correlation"),
        ("算一下这两个扫描之间的位移场", "deform_correlation"),
    ],
)
def test_the_words_lead_to_a_plan(text: str, tool: str, tmp_path: Path) -> None:
    specimen = Specimen(SHAPE, seed=1)
    places = np.indices(SHAPE).astype(float)
    with h5py.File(tmp_path / "pair.h5", "w") as file:
        for name, shift in (("before", 0.0), ("after", 2.0)):
            file[name] = specimen(places - shift).astype(np.float32)
    named = [f"{tmp_path / 'pair.h5'}::{n}" for n in ("before", "after")]
    answer = service.plan(text, named, costs=COSTS, reading={"content": "volume"})
    assert answer.refusal is None
    tools = [n.tool for n in answer.best.pipeline.nodes]
    assert tool in tools
    assert answer.task.language == understand(text).task.language
    alone = service.plan(text, named[0], costs=COSTS, reading={"content": "volume"})
    assert alone.plans == ()
    assert alone.refusal


def test_the_words_choose_how_one_volume_may_lie_in_the_other() -> None:
    of = situation(task(Goal.REGISTER, text="affine registration, neutron to x-ray"),
                   [volume(), volume()])  # fmt: skip
    best = service.propose_plans(of, costs=COSTS)[0].pipeline
    assert best.node("register_volumes").parameters == {"model": "affine"}


def test_materials_are_read_from_the_words() -> None:
    assert named_materials("separate nickel oxide from carbon") == ["NiO=6.67", "C=2.23"]
    assert named_materials("把碘和骨分开") == ["I=4.93", "Ca5P3O13H=3.16"]
    assert named_materials("unmix LiCoO2=4.9 and Cu=8.96") == ["LiCoO2=4.9", "Cu=8.96"]
    assert named_materials("subtract the two energies") == []


def test_an_inspection_of_a_volume_shows_its_middle_slice(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file["v"] = np.arange(5 * 6 * 7, dtype=np.float32).reshape(5, 6, 7)
    seen = service.inspect(tmp_path / "v.h5", reading={"data": "v", "content": "volume"})
    assert seen.preview is None
    assert seen.picture is not None
    assert seen.picture.shape == (6, 7)
    assert seen.picture[0, 0] == 2 * 42
    assert inspection(seen.info).info.content is Content.VOLUME
