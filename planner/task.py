"""What was asked: the task that a request states, and nothing that it does not."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from metadata.errors import InputError


class Intent(StrEnum):
    """What kind of answer a request wants."""

    PLAN = "plan"
    WATCH = "watch"
    EXPLAIN = "explain"
    CATALOGUE = "catalogue"
    REFUSE = "refuse"


class Goal(StrEnum):
    """A deliverable; the members stand in processing order."""

    STITCH = "stitch"
    ALIGN = "align"
    CENTER = "center"
    DESTRIPE = "destripe"
    PHASE_RETRIEVE = "phase_retrieve"
    RECONSTRUCT = "reconstruct"
    DENOISE = "denoise"
    SUPER_RESOLVE = "super_resolve"
    SEGMENT = "segment"
    QUANTIFY = "quantify"
    REGISTER = "register"
    DECOMPOSE = "decompose"
    DEFORM = "deform"
    DIFFRACTION = "diffraction"


class Condition(StrEnum):
    """What a request says of the data."""

    LOW_DOSE = "low_dose"
    SPARSE_VIEW = "sparse_view"
    LIMITED_ANGLE = "limited_angle"
    RINGS = "rings"
    JITTER = "jitter"
    DRIFT = "drift"
    UNKNOWN_CENTER = "unknown_center"
    PHASE_CONTRAST = "phase_contrast"
    MOSAIC = "mosaic"
    HALF_ACQUISITION = "half_acquisition"
    MULTI_ENERGY = "multi_energy"
    TIME_SERIES = "time_series"
    ZINGERS = "zingers"
    TRUNCATED = "truncated"
    METAL = "metal"
    NANO = "nano"
    MOTION = "motion"


class Priority(StrEnum):
    """Where the balance between cost and quality lies."""

    QUALITY = "quality"
    SPEED = "speed"
    BALANCED = "balanced"


class Device(StrEnum):
    """Which processor the request allows."""

    CPU = "cpu"
    GPU = "gpu"
    ANY = "any"


LANGUAGES = ("en", "zh", "mixed")

Member = TypeVar("Member", bound=StrEnum)


def in_order(kind: type[Member], names: Iterable[str]) -> tuple[Member, ...]:
    """The members that `names` names, once each, in the order of `kind`.

    >>> [goal.value for goal in in_order(Goal, ["segment", "stitch", "segment"])]
    ['stitch', 'segment']
    """
    wanted = {kind(name) for name in names}
    return tuple(member for member in kind if member in wanted)


@dataclass(frozen=True)
class Task:
    """The fields of one understood request; what was not said is None, empty or the default.

    ``max_seconds`` is in seconds; ``max_memory_gib`` is the number that people say.

    >>> Task(intent=Intent.PLAN, goals=(Goal.SEGMENT,)).to_json()["goals"]
    ['segment']
    """

    intent: Intent
    goals: tuple[Goal, ...] = ()
    specimen: str | None = None
    feature: str | None = None
    conditions: tuple[Condition, ...] = ()
    priority: Priority = Priority.BALANCED
    max_seconds: float | None = None
    max_memory_gib: float | None = None
    device: Device = Device.ANY
    language: str = "en"
    text: str = ""

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise InputError(
                f"A task's language is one of {', '.join(LANGUAGES)}, not {self.language!r}."
            )
        for name in ("max_seconds", "max_memory_gib"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise InputError(
                    f"A task's {name} is a positive number or null, not {value!r}; leave it out "
                    "where the request sets no such limit."
                )
        object.__setattr__(self, "goals", in_order(Goal, self.goals))
        object.__setattr__(self, "conditions", in_order(Condition, self.conditions))

    def to_json(self) -> dict[str, Any]:
        """The task as a JSON document (plain lists, strings and numbers)."""
        return {
            "intent": self.intent.value,
            "goals": [goal.value for goal in self.goals],
            "specimen": self.specimen,
            "feature": self.feature,
            "conditions": [condition.value for condition in self.conditions],
            "priority": self.priority.value,
            "max_seconds": self.max_seconds,
            "max_memory_gib": self.max_memory_gib,
            "device": self.device.value,
            "language": self.language,
            "text": self.text,
        }

    @classmethod
    def from_json(cls, document: Any) -> Task:
        """A task from its JSON document; unknown names raise InputError with the choices."""
        if not isinstance(document, Mapping):
            raise InputError(
                f"A task is a JSON object with at least an intent, not {type(document).__name__}."
            )
        return cls(
            intent=_member(Intent, document.get("intent"), "intent"),
            goals=tuple(_member(Goal, goal, "goal") for goal in document.get("goals") or ()),
            specimen=_phrase(document.get("specimen"), "specimen"),
            feature=_phrase(document.get("feature"), "feature"),
            conditions=tuple(
                _member(Condition, name, "condition") for name in document.get("conditions") or ()
            ),
            priority=_member(Priority, document.get("priority", "balanced"), "priority"),
            max_seconds=_number(document.get("max_seconds"), "max_seconds"),
            max_memory_gib=_number(document.get("max_memory_gib"), "max_memory_gib"),
            device=_member(Device, document.get("device", "any"), "device"),
            language=str(document.get("language", document.get("lang", "en"))),
            text=str(document.get("text", "")),
        )


def _member(kind: type[Member], value: Any, name: str) -> Member:
    try:
        return kind(value)
    except ValueError:
        choices = ", ".join(member.value for member in kind)
        raise InputError(f"A task's {name} is one of {choices}, not {value!r}.") from None


def _phrase(value: Any, name: str) -> str | None:
    if value is None or (isinstance(value, str) and value.strip()):
        return value.strip() if value else None
    raise InputError(f"A task's {name} is a short noun phrase or null, not {value!r}.")


def _number(value: Any, name: str) -> float | None:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise InputError(f"A task's {name} is a number or null, not {value!r}.")
