"""A plan: the pipeline, what is predicted of it, and why it was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from planner.situation import Situation
from planner.task import Task
from planner.traits import Traits
from toolbox.pipeline import Pipeline
from toolbox.recipe import Recipe


@dataclass(frozen=True)
class Interval:
    """A predicted value with its 90 % interval."""

    value: float
    low: float
    high: float

    def to_json(self) -> dict[str, float]:
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class Prediction:
    """What a pipeline will give and cost: quality in [0, 1], seconds, bytes at the peak."""

    quality: Interval
    seconds: Interval
    peak_bytes: Interval

    def to_json(self) -> dict[str, Any]:
        return {
            "quality": self.quality.to_json(),
            "seconds": self.seconds.to_json(),
            "peak_bytes": self.peak_bytes.to_json(),
        }


class Scorer(Protocol):
    """Predicts the quality of recipes, whole or begun; learned scorers come behind this too."""

    def quality(self, recipe: Recipe, situation: Situation) -> Interval:
        """Expected quality of what the recipe delivers."""

    def reasons(self, recipe: Recipe, situation: Situation, language: str) -> list[str]:
        """Why each step is there, in sentences that a person can check."""


@runtime_checkable
class AheadScorer(Scorer, Protocol):
    """A scorer that works out many recipes at once more quickly than one after the other."""

    def ahead(self, recipes: Sequence[Recipe], situation: Situation) -> None:
        """Work out some recipes, to be asked for afterwards."""


class CostModel(Protocol):
    """Predicts what recipes cost."""

    def seconds(self, recipe: Recipe, situation: Situation) -> Interval:
        """Seconds of a recipe, whole or begun."""

    def peak_bytes(self, pipeline: Pipeline, situation: Situation) -> Interval:
        """Peak of resident memory of a complete pipeline."""


@dataclass(frozen=True)
class Plan:
    """One proposal."""

    rank: int
    pipeline: Pipeline
    prediction: Prediction
    reasons: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "rank": self.rank,
            "pipeline": self.pipeline.to_json(),
            "predicted": self.prediction.to_json(),
            "reasons": list(self.reasons),
        }


@dataclass(frozen=True, eq=False)
class Answer:
    """What ``plan`` answers: proposals, or a refusal with the way out, or words."""

    task: Task
    situation: Situation | None = None
    plans: tuple[Plan, ...] = ()
    warnings: tuple[str, ...] = ()
    refusal: str | None = None
    answer: str | None = None
    planning_seconds: float = 0.0

    @property
    def best(self) -> Plan:
        """The first proposal."""
        return self.plans[0]

    def to_json(self) -> dict[str, Any]:
        """INTERFACE's document for ``tomoplan plan --json``."""
        if self.answer is not None:
            return {"task": self.task.to_json(), "answer": self.answer}
        traits: Traits = self.situation.traits if self.situation else Traits()
        document: dict[str, Any] = {
            "task": self.task.to_json(),
            "scan": self.situation.info.to_json() if self.situation else None,
            "traits": traits.to_json() if self.situation else None,
            "plans": [plan.to_json() for plan in self.plans],
            "warnings": list(self.warnings),
            "planning_seconds": self.planning_seconds,
        }
        if self.refusal is not None:
            document["refusal"] = self.refusal
        return document
