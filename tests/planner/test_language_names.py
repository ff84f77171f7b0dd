"""Specimens and features as English noun phrases."""

from __future__ import annotations

import pytest

from planner.language.names import feature_of, specimen_of
from planner.language.normal import normal
from planner.task import Goal, Intent


@pytest.mark.parametrize(
    ("text", "specimen"),
    [
        ("小鼠胫骨，重建一下", "mouse tibia"),
        ("把页岩柱塞里的裂缝分割出来", "shale plug"),
        ("CT of the mouse tibia please", "mouse tibia"),
        ("Quibbleworm, 900 views, volume please", "quibbleworm"),
        ("中心没对，重新找一下", None),
    ],
)
def test_specimens(text: str, specimen: str | None) -> None:
    assert specimen_of(normal(text)) == specimen


@pytest.mark.parametrize(
    ("text", "goal", "feature"),
    [
        ("把页岩柱塞里的裂缝分割出来", Goal.SEGMENT, "cracks"),
        ("segment the blood vessels in the mouse kidney", Goal.SEGMENT, "blood vessels"),
        ("涂层厚度是多少", Goal.QUANTIFY, "coating thickness"),
        ("what is the wall thickness of the foam", Goal.QUANTIFY, "wall thickness"),
        ("位移场算一下", Goal.DEFORM, "displacement field"),
        ("reconstruct the tooth", Goal.RECONSTRUCT, None),
    ],
)
def test_features(text: str, goal: Goal, feature: str | None) -> None:
    assert feature_of(normal(text), Intent.PLAN, (goal,)) == feature
