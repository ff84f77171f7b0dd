"""Trees of recipes: shared beginnings, and the wiring of one and of two scans."""

from __future__ import annotations

from simulators.outcomes.calls import calls_of
from simulators.outcomes.tree import Tree
from toolbox.recipe import Step

BEFORE = (Step("flat_field"), Step("minus_log"))
AXIS = Step("center_fourier")


def test_beginnings_are_shared_and_parents_come_first() -> None:
    recipes = [
        (*BEFORE, AXIS, Step("fbp")),
        (*BEFORE, Step("stripe_mean", {"strength": 9}), AXIS, Step("fbp")),
        (*BEFORE, AXIS, Step("fbp", {"filter": "hann"})),
        (*BEFORE, AXIS, Step("fbp"), Step("denoise_median")),
    ]
    tree = Tree.of(recipes)
    assert len(tree) == 3 + 1 + 3 + 1 + 1
    assert all(parent < node for node, parent in enumerate(tree.parents))
    ends = [n for n in range(len(tree)) if tree.complete[n]]
    assert {tree.recipe(n) for n in ends} == set(recipes)


def test_settings_of_one_tool_are_different_steps() -> None:
    tree = Tree.of([(Step("flat_field"), Step("fbp", {"filter": f})) for f in ("ramp", "hann")])
    assert tree.parents == (-1, 0, 0)


def test_the_axis_goes_to_the_reconstruction_beside_the_sinogram() -> None:
    tree = Tree.of([(*BEFORE, AXIS, Step("fbp"))])
    calls = calls_of(tree, 1)
    assert calls[3][0].inputs == {"sinogram": (1, 0), "center": (2, 0)}
    assert calls[0][0].inputs == {"projections": (-1, 0)}


def test_steps_before_two_scans_meet_are_done_for_each() -> None:
    recipe = (*BEFORE, AXIS, Step("fbp"), Step("register_volumes"), Step("apply_transform"))
    calls = calls_of(Tree.of([recipe]), 2)
    assert [len(c) for c in calls] == [2, 2, 2, 2, 1, 1]
    assert calls[4][0].inputs == {"reference": (3, 0), "moved": (3, 1)}
    assert calls[5][0].inputs["moved"] == (3, 1)
    assert calls[5][0].inputs["transform"] == (4, 0)
