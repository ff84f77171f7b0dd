"""Tools that train on each scan: not offered by themselves, planned where they are named."""

from __future__ import annotations

import pytest

from planner.grammar import slots
from planner.inspection import inspect_scan
from planner.language.wishes import wishes_in
from planner.situation import Situation, assess
from planner.task import Goal, Intent, Task
from simulators import World, simulate
from toolbox import known_tools

SAID = {
    "noise2inverse": ("reconstruct, use noise2inverse", "用 Noise2Inverse 重建", "noise-2-inverse"),
    "tomodip_tv": ("reconstruct with TomoDIP", "with tomodip_tv", "用深度图像先验重建"),
    "ganrec": ("reconstruct with GANrec please", "用 GANrec 重建"),
}


@pytest.mark.parametrize(("tool", "text"), [(t, s) for t, said in SAID.items() for s in said])
def test_they_are_heard_by_name(tool: str, text: str) -> None:
    assert wishes_in(text).tools == (tool,)


def offered(text: str) -> set[str]:
    scan = simulate(World("foam", columns=64, rows=2, projections=60, range_deg=120.0))
    task = Task(Intent.PLAN, (Goal.RECONSTRUCT,), text=text)
    situation: Situation = assess(task, [inspect_scan(scan)])
    found = next(slot for slot in slots(situation) if slot.name == "reconstruct")
    return {step.tool for steps in found.steps for step in steps}


def test_they_are_planned_only_where_they_are_named() -> None:
    plain = offered("reconstruct")
    assert "fbp" in plain
    off = {tool for tool in SAID if not known_tools()[tool].card.default_on}
    assert not plain & off
    for tool, (text, *_) in SAID.items():
        assert offered(text) == {tool}
