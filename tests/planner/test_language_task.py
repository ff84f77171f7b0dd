"""The task: a value that travels as JSON and refuses what it cannot mean."""

from __future__ import annotations

import dataclasses

import pytest

from metadata.errors import InputError
from planner.language.scoring import Scores, same_head
from planner.task import Condition, Goal, Intent, Priority, Task


def test_json_round_trip() -> None:
    task = Task(
        intent=Intent.PLAN,
        goals=(Goal.QUANTIFY, Goal.SEGMENT),
        specimen="battery cathode",
        feature="cracks",
        conditions=(Condition.NANO, Condition.LOW_DOSE),
        priority=Priority.SPEED,
        max_seconds=600.0,
        max_memory_gib=16.0,
        language="zh",
        text="文字",
    )
    assert Task.from_json(task.to_json()) == task
    assert task.goals == (Goal.SEGMENT, Goal.QUANTIFY)
    assert task.conditions == (Condition.LOW_DOSE, Condition.NANO)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"intent": "dance"}, "intent is one of plan, watch"),
        ({"goals": ["dance"]}, "goal is one of stitch, align"),
        ({"conditions": ["wet"]}, "condition is one of low_dose"),
        ({"max_seconds": -1}, "positive number or null"),
        ({"max_memory_gib": float("nan")}, "positive number or null"),
        ({"max_seconds": "soon"}, "number or null"),
        ({"specimen": 3}, "noun phrase or null"),
        ({"device": "abacus"}, "device is one of cpu, gpu, any"),
        ({"language": "la"}, "language is one of en, zh, mixed"),
    ],
)
def test_what_cannot_be_meant_is_an_input_error(change: dict[str, object], told: str) -> None:
    with pytest.raises(InputError, match=told):
        Task.from_json({"intent": "plan", **change})


def test_a_task_is_an_object() -> None:
    with pytest.raises(InputError, match="JSON object"):
        Task.from_json(["plan"])


def test_heads_of_noun_phrases_are_compared() -> None:
    assert same_head("grey cast iron", "iron")
    assert same_head("insect in amber", "insects")
    assert same_head("strain and cracks", "cracks and strain")
    assert not same_head("pore size", "pores")
    assert not same_head(None, "pores")
    assert same_head(None, None)


def test_scores_fall_with_each_difference() -> None:
    wanted = Task(
        intent=Intent.PLAN,
        goals=(Goal.SEGMENT,),
        conditions=(Condition.RINGS, Condition.NANO),
        max_seconds=60.0,
    )
    found = dataclasses.replace(
        wanted, goals=(Goal.SEGMENT, Goal.DENOISE), conditions=(Condition.RINGS,), max_seconds=None
    )
    scores = Scores.of([wanted, found], [wanted, wanted])
    assert (scores.goals, scores.limits, scores.intent) == (0.5, 0.5, 1.0)
    assert scores.conditions == pytest.approx(2 * 3 / 7)
