"""The request and the scan held against each other."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

from metadata.drift.verdict import State
from metadata.scan_info import Content, ScanInfo
from metadata.watch.instrument import Remark
from metadata.watch.phrases import clock
from planner.inspection import Inspection
from planner.language.phrases import say
from planner.language.wishes import Wishes, wishes_in
from planner.task import Condition, Goal, Task
from planner.traits import Traits


@dataclass(frozen=True)
class Message:
    """A phrase to be said in the language of the request. Its values may be phrases too, or tuples
    of them, which are told as a list."""

    key: str
    values: tuple[tuple[str, Any], ...] = ()

    def text(self, language: str) -> str:
        """The phrase in a language, its values put in."""
        return say(self.key, language, **{n: _told(v, language) for n, v in self.values})


def _told(value: Any, language: str) -> Any:
    if isinstance(value, Message):
        return value.text(language)
    if isinstance(value, tuple):
        return (", " if language == "en" else "、").join(_told(v, language) for v in value)
    return value


# Goals that ask of several scans what they have to do with each other; they are not tiles.
TOGETHER = (Goal.REGISTER, Goal.DECOMPOSE, Goal.DEFORM)
# What may be wrong with the frames of one tile and not with those of another. The rest is of the
# first: the axis and the field of a tile are not those of what it is joined to, and fringes are
# alike in all.
OF_FRAMES = ("noise", "rings", "jitter", "metal", "zingers", "lost_frames", "saturation",
             "beam_drift")  # fmt: skip
ANY_PROBE = ("x-ray", "neutron", "electron")


def message(key: str, **values: Any) -> Message:
    """A message from a phrase's key and values."""
    return Message(key, tuple(values.items()))


def named(member: Condition | Goal) -> Message:
    """What people call a condition or a goal.

    >>> named(Condition.LOW_DOSE).text("en"), named(Goal.SEGMENT).text("zh")
    ('low dose', '分割')
    """
    return message(f"{type(member).__name__.lower()}.{member.value}")


@dataclass(frozen=True, eq=False)
class Situation:
    """All that a plan depends on.

    ``conditions`` maps each condition that holds to where it is known from: ``text``, ``data``,
    ``file``, ``text and data`` or ``instrument``. ``messages`` say where the text and the data
    disagree, and what was wrong with the instrument. ``remarks``: what the watches of the
    instrument said while the first scan was taken, the worst first.
    """

    task: Task
    infos: tuple[ScanInfo, ...]
    inspections: tuple[Inspection, ...]
    conditions: dict[Condition, str]
    messages: tuple[Message, ...]
    remarks: tuple[Remark, ...] = ()

    @property
    def drifting_axis(self) -> Remark | None:
        """The worst remark on a metric that moves the rotation axis, where one is expected to
        reach its limit or has."""
        pattern = re.compile(rules()["instrument"]["axis"], re.IGNORECASE)
        grave = (r for r in self.remarks if r.state in (State.WARNING, State.ALARM))
        return next((r for r in grave if pattern.search(r.metric)), None)

    @property
    def info(self) -> ScanInfo:
        """What the first scan's file says."""
        return self.infos[0]

    @cached_property
    def traits(self) -> Traits:
        """What the first scan's data shows; of the frames of tiles (:data:`OF_FRAMES`), what the
        worst of them shows."""
        return _worst_traits(self.inspections) if self.tiles else self.inspections[0].traits

    @property
    def tiles(self) -> bool:
        """Whether several scans are taken for tiles of one field."""
        return _are_tiles(self.task, self.inspections)

    def worst_tile(self, trait: str) -> ScanInfo | None:
        """The tile whose frames show most of a trait; None where there is one scan alone, or no
        tile is worse than another."""
        return _worst_tile(trait, self.inspections) if self.tiles else None

    @property
    def content(self) -> Content:
        """What the first file holds."""
        return self.info.content

    @property
    def volumes(self) -> bool:
        """Whether the files hold slices already."""
        return self.content is Content.VOLUME

    @property
    def together(self) -> tuple[Goal, ...]:
        """The goals that need several scans which are no tiles."""
        return tuple(g for g in self.task.goals if g in TOGETHER)

    @property
    def wishes(self) -> Wishes:
        """What the text rules out, and the tools that it names."""
        return wishes_in(self.task.text)

    def has(self, condition: Condition) -> bool:
        """Whether a condition holds, wherever it is known from."""
        return condition in self.conditions


@cache
def rules() -> dict[str, Any]:
    """The rules of thumb: ``configs/rules.yaml``, its numbers replaced by those measured in
    ``configs/rules_measured.yaml``."""
    import yaml

    def read(name: str) -> dict[str, Any]:
        return yaml.safe_load(files("configs").joinpath(name).read_text(encoding="utf-8"))

    found, measured = read("rules.yaml"), read("rules_measured.yaml")
    for name, rule in measured["defects"].items():
        defect = found["defects"][name]
        defect |= {key: rule[key] for key in ("weight", "scale", "highest")}
        defect["left"] = defect["left"] | rule["left"]
        defect["sources"] = dict.fromkeys(rule["left"], found["measured_source"])
    found["harm"], found["base"] = measured["harm"], measured["base"]
    return found


def assess(
    task: Task, inspections: Sequence[Inspection], remarks: Sequence[Remark] = ()
) -> Situation:
    """Compare what the text says with what each file and its data show, and with ``remarks``: what
    the watches of the instrument said while the first scan was taken."""
    tiles = _are_tiles(task, inspections)
    traits = _worst_traits(inspections) if tiles else inspections[0].traits
    shown = {Condition(c): rule for c, rule in rules()["conditions"].items()}
    held: dict[Condition, str] = {}
    messages: list[Message] = []
    for condition in Condition:
        said = condition in task.conditions
        rule = shown.get(condition)
        if rule is not None and inspections[0].info.probe not in rule.get("probes", ANY_PROBE):
            rule = None
        seen = None if rule is None else _seen(traits, rule)
        if said and seen:
            held[condition] = "text and data"
        elif said:
            held[condition] = "text"
            if seen is False and rule is not None and rule.get("trusted", True):
                messages.append(_disagreement("disagree.said", condition, traits, rule, None))
        elif seen and rule is not None and rule.get("trusted", True):
            held[condition] = "data"
            tile = _worst_tile(rule["trait"], inspections) if tiles else None
            messages.append(_disagreement("disagree.unsaid", condition, traits, rule, tile))
    if tiles and not {Condition.MOSAIC, Condition.TIME_SERIES} & set(held):
        held[Condition.MOSAIC] = "file"
    if Condition.HALF_ACQUISITION not in held and _offset_axis(inspections[0]):
        held[Condition.HALF_ACQUISITION] = "data"
    messages += marks_of_alarms(remarks)
    found = Situation(task, tuple(i.info for i in inspections), tuple(inspections), held,
                      tuple(messages), tuple(remarks))  # fmt: skip
    if found.drifting_axis is not None and Condition.DRIFT not in held:
        held[Condition.DRIFT] = "instrument"
    return found


def _disagreement(
    key: str, condition: Condition, traits: Traits, rule: dict[str, Any], tile: ScanInfo | None
) -> Message:
    """What the data shows of a condition, against what was said; ``tile``: of which."""
    name = rule["trait"]
    trait, called = getattr(traits, name), message(f"trait.{name}")
    unit = trait.unit if tile is None else message("disagree.tile", unit=trait.unit,
                                                   file=tile.path.name)  # fmt: skip
    return message(key, condition=named(condition), trait=called, value=trait.value, unit=unit)


def _are_tiles(task: Task, inspections: Sequence[Inspection]) -> bool:
    return len(inspections) > 1 and not set(task.goals) & set(TOGETHER)


def _worst_traits(inspections: Sequence[Inspection]) -> Traits:
    """The traits of the first tile, those of its frames replaced by the worst of any tile."""
    worst = {name: one for name in OF_FRAMES if (one := _worst(name, inspections)) is not None}
    found = {name: getattr(one.traits, name) for name, one in worst.items()}
    return replace(inspections[0].traits, **found)


def _worst(trait: str, inspections: Sequence[Inspection]) -> Inspection | None:
    """The tile with most of a trait, the first of equals; None where none has it measured."""
    told = [one for one in inspections if not math.isnan(one.traits.value(trait, math.nan))]
    return max(told, key=lambda one: one.traits.value(trait), default=None)


def _worst_tile(trait: str, inspections: Sequence[Inspection]) -> ScanInfo | None:
    found = _worst(trait, inspections) if trait in OF_FRAMES else None
    values = {one.traits.value(trait, math.nan) for one in inspections}
    return found.info if found is not None and len(values) > 1 else None


def marks_of_alarms(remarks: Sequence[Remark]) -> list[Message]:
    """Marks on a scan that was taken while something was beyond its limit."""
    return [
        message("instrument.alarm", metric=r.metric, value=r.value, limit=r.limit,
                since=clock(r.since))
        for r in remarks
        if r.state is State.ALARM and r.value is not None and r.limit is not None
    ]  # fmt: skip


def _offset_axis(inspection: Inspection) -> bool:
    """A full turn with the axis far from the middle of the field."""
    info, axis = inspection.info, inspection.traits.center_px
    if axis is None or info.angular_range_rad < 1.7 * math.pi:
        return False
    middle = (info.columns - 1) / 2
    return abs(axis.value - middle) > 0.2 * info.columns and axis.high - axis.low < info.columns / 4


def _seen(traits: Traits, rule: dict[str, Any]) -> bool | None:
    """Whether the data shows a condition; None where the trait could not be measured or lies
    so near the limit that its interval does not tell."""
    trait = getattr(traits, rule["trait"])
    if trait is None or math.isnan(trait.value):
        return None
    if "surely_above" in rule:
        return trait.low >= rule["surely_above"]
    if "above" in rule:
        if trait.value >= rule["above"]:
            return True
        return False if trait.high < rule["above"] else None
    if trait.value <= rule["below"]:
        return True
    return False if trait.low > rule["below"] else None
