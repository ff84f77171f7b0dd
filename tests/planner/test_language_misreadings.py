"""Requests that people found misread: numbers that were not heard, and texts that say nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import pytest

from metadata.errors import InputError
from planner import service
from planner.conversation.actions import read_request
from planner.grammar import repeating
from planner.language import understand
from planner.language.mentions import Stance
from planner.language.naming import feature_in
from planner.language.nonsense import intelligible
from planner.language.normal import normal
from planner.language.rules import evidence_of
from planner.language.wishes import wishes_in
from planner.service import plan, propose_plans
from planner.task import Condition, Goal, Intent, Task
from simulators import World, simulate
from tests.planner.situations import FixedCosts, situation

COSTS = FixedCosts(tv=9.0)
NONSENSE = ["a" * 5000, "asdf qwer", "哈哈哈哈哈", "qwertyuiop zxcvbnm", "sgjkh ksjdfh kjsdhf"]


@pytest.mark.parametrize("text", NONSENSE)
def test_what_says_nothing_is_refused_as_not_understood(text: str) -> None:
    read = understand(text)
    assert read.task.intent is Intent.REFUSE
    assert read.task.goals == ()
    scan = simulate(World("foam", columns=32, rows=1, projections=20))
    refused = plan(text, scan, costs=COSTS).refusal or ""
    assert "No request could be made out of" in refused or "无法从" in refused
    assert len(refused) < 200
    with pytest.raises(InputError, match=r"No request could be made out of|无法从"):
        read_request(text)


@pytest.mark.parametrize(
    "text",
    ["recon pls", "FBP", "SIRT", "tooth", "hello", "ok", "fast", "12 min", "去噪", "quokka ear",
     "реконструкция", "Rekonstruktion bitte", "centre?"],
)  # fmt: skip
def test_few_words_are_words(text: str) -> None:
    assert intelligible(text)


@pytest.mark.parametrize(
    ("text", "slices"),
    [
        ("Reconstruct slices 100 to 200 with 8 GiB", (100, 200)),
        ("reconstruct rows 10-20", (10, 20)),
        ("reconstruct between slice 5 and slice 50", (5, 50)),
        ("重建第100到200层，内存8G", (100, 200)),
        ("切片100到200，重建", (100, 200)),
        ("slices 100 to 200 look odd, reconstruct it all", None),
        ("第100到200层有环，重建", None),
        ("what is in slices 100 to 200?", None),
        ("reconstruct, not slices 1 to 5", None),
        ("layers of 2 to 5 um, reconstruct", None),
        ("reconstruct from 0 to 180 degrees", None),
        ("reconstruct slices 200 to 100", None),
    ],
)
def test_a_range_of_slices_is_heard(text: str, slices: tuple[int, int] | None) -> None:
    assert wishes_in(text).slices == slices
    if slices is not None:
        assert wishes_in(text).rows == slice(slices[0], slices[1] + 1)


def test_a_run_makes_the_slices_that_are_wanted(tmp_path: Path) -> None:
    scan = simulate(World("foam", columns=48, rows=6, projections=60, photons=3e4))
    text = "reconstruct slices 2 to 3 with FBP"
    assert any("2 to 3" in warning for warning in plan(text, scan, costs=COSTS).warnings)
    given: list[tuple[dict[str, Any], int]] = [({}, 2), ({"rows": slice(0, 4)}, 4)]
    for place, (options, rows) in enumerate(given):
        output = tmp_path / f"{place}.h5"
        service.run(text, scan, output, store=None, **options)
        with h5py.File(output) as made:
            shapes: list[tuple[int, ...]] = []
            made.visititems(
                lambda _, node, s=shapes: (
                    s.append(node.shape)
                    if isinstance(node, h5py.Dataset) and node.ndim == 3
                    else None
                )
            )
        assert rows in {shape[0] for shape in shapes}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("SIRT with 30 iterations", 30),
        ("reconstruct with SIRT, iterations = 30", 30),
        ("用SIRT迭代30次重建", 30),
        ("用 SIRT 重建，30次迭代", 30),
        ("do we need 30 iterations of SIRT?", None),
        ("SIRT, not 30 iterations", None),
        ("SIRT", None),
    ],
)
def test_a_number_of_iterations_is_heard(text: str, count: int | None) -> None:
    assert wishes_in(text).iterations == count
    if count is None:
        return
    of = situation(Task(Intent.PLAN, (Goal.RECONSTRUCT,), text=text))
    assert repeating(of) == {"sirt": 100}
    made = [dict(n.parameters) for p in propose_plans(of, costs=COSTS)
            for n in p.pipeline.nodes if n.tool == "sirt"]  # fmt: skip
    assert made
    assert all(parameters["iterations"] == 30 for parameters in made)


def test_what_is_made_of_a_number_of_iterations_is_said() -> None:
    scan = simulate(World("foam", columns=48, rows=1, projections=60, photons=3e4))
    told = " ".join(plan("reconstruct with SIRT, 30 iterations", scan, costs=COSTS).warnings)
    assert "sirt runs 30 iterations" in told
    told = " ".join(plan("reconstruct with FBP, 30 iterations", scan, costs=COSTS).warnings)
    assert "30 iterations were asked for" in told


@pytest.mark.parametrize(
    ("text", "seconds", "memory"),
    [
        ("Reconstruct slices 100 to 200 with 8 GiB", None, 8.0),
        ("in under half an hour on my 32 GB laptop", 1800.0, 32.0),
        ("Reconstruct it in under half an hour on my 32 GB laptop", 1800.0, 32.0),
        ("reconstruct the 300 GB of projections", None, None),
        ("重建第100到200层，内存8G", None, 8.0),
    ],
)
def test_limits_are_heard(text: str, seconds: float | None, memory: float | None) -> None:
    task = understand(text).task
    assert (task.intent, task.goals) == (Intent.PLAN, (Goal.RECONSTRUCT,))
    assert (task.max_seconds, task.max_memory_gib) == (seconds, memory)


def test_what_happened_is_no_name() -> None:
    for text in (
        "the sample moved once",
        "segment it, the sample moved once",
        "quantify the cracks, it was scanned twice",
    ):
        task = understand(text).task
        assert "moved" not in f"{task.feature} {task.specimen}"
        assert "twice" not in f"{task.feature} {task.specimen}"


@pytest.mark.parametrize(
    ("text", "feature"),
    [
        ("how well are the pores connected?", "connectivity"),
        ("how porous is it?", "porosity"),
        ("它的多孔程度", "porosity"),
    ],
)
def test_an_adjective_asks_for_a_measure(text: str, feature: str) -> None:
    assert feature_in(text, [], Intent.PLAN, (Goal.QUANTIFY,)) == feature


@pytest.mark.parametrize(
    "text",
    [
        "register the projections to one another, then back-project",
        "请把各张图彼此配准，再重建",
    ],
)
def test_projections_are_registered_with_one_another_by_aligning(text: str) -> None:
    goals = evidence_of(normal(text)).goals
    assert goals.get(Goal.ALIGN) is Stance.ASKED
    assert Goal.REGISTER not in goals


def test_what_only_the_name_of_the_specimen_says_is_no_condition() -> None:
    assert Condition.METAL not in understand("reconstruct the steel rope").task.conditions
