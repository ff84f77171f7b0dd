"""What high-precision vocabularies find in a request, before any learned part is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from planner.language.clauses import Clause, clauses_of
from planner.language.geometry import conditions_from_numbers
from planner.language.mentions import Mention, Stance, any_match, mentions, stance_of, without
from planner.language.vocabulary import pattern, vocabulary
from planner.task import Condition, Device, Goal, Intent, Priority

AFTER_VOLUME = (
    Goal.DENOISE,
    Goal.SUPER_RESOLVE,
    Goal.SEGMENT,
    Goal.QUANTIFY,
    Goal.REGISTER,
    Goal.DECOMPOSE,
    Goal.DEFORM,
)


@dataclass(frozen=True)
class Evidence:
    """What the rules say of one request: stances of goals, conditions, weights of intents."""

    text: str
    clauses: tuple[Clause, ...]
    goals: dict[Goal, Stance]
    goal_mentions: tuple[tuple[Goal, Mention], ...]
    conditions: frozenset[Condition]
    denied: frozenset[Condition]
    intents: dict[Intent, float]
    priority: Priority | None
    device: Device


def evidence_of(text: str) -> Evidence:
    """The evidence in normal text."""
    clauses = clauses_of(text)
    found, denied = _conditions(text, clauses)
    mentioned = _goal_mentions(clauses)
    goals = _goals(text, clauses, mentioned, found)
    return Evidence(
        text=text,
        clauses=clauses,
        goals=goals,
        goal_mentions=mentioned,
        conditions=frozenset(found),
        denied=frozenset(denied),
        intents=_intents(text, clauses, goals),
        priority=_priority(text),
        device=_device(text),
    )


def _conditions(text: str, clauses: tuple[Clause, ...]) -> tuple[set[Condition], set[Condition]]:
    found = conditions_from_numbers(text)
    denied: set[Condition] = set()
    for condition in Condition:
        for clause in clauses:
            words = without(clause.text, "conditions", condition.value, "unless")
            if any_match(words, "conditions", condition.value, "say"):
                found.add(condition)
            elif words != clause.text:
                denied.add(condition)
    if Condition.HALF_ACQUISITION in found and not re.search(
        r"\btiles?\b|\bheights\b|\d ?x ?\d|段|行|高度", text, re.ASCII
    ):
        found.discard(Condition.MOSAIC)
    if Condition.HALF_ACQUISITION in found and not _AXIS_ASKED.search(text):
        found.discard(Condition.UNKNOWN_CENTER)
    if re.search(r"\b1 jump\b|\bjump at\b|\bslipped\b", text, re.ASCII):
        found.discard(Condition.JITTER)
    return found, denied - found


def _goal_mentions(clauses: tuple[Clause, ...]) -> tuple[tuple[Goal, Mention], ...]:
    return tuple(
        (goal, mention)
        for goal in Goal
        for mention in mentions(clauses, "goals", goal.value, "ask")
    )


def _goals(
    text: str,
    clauses: tuple[Clause, ...],
    mentioned: tuple[tuple[Goal, Mention], ...],
    conditions: set[Condition],
) -> dict[Goal, Stance]:
    stances: dict[Goal, Stance] = {}
    for goal, mention in mentioned:
        if stances.get(goal) != Stance.ASKED:
            stances[goal] = mention.stance
    asked = {goal for goal, stance in stances.items() if stance == Stance.ASKED}
    if Goal.RECONSTRUCT not in stances and _volume_wanted(clauses, asked):
        stances[Goal.RECONSTRUCT] = Stance.ASKED
    if Goal.RECONSTRUCT not in stances and _RECONSTRUCTED.search(text):
        stances[Goal.RECONSTRUCT] = Stance.DONE
    shifted = {Condition.DRIFT, Condition.JITTER, Condition.MOTION} & conditions
    if Goal.ALIGN not in stances and shifted and not asked & set(AFTER_VOLUME):
        weak = mentions(clauses, "goals", "align", "weak")
        if any(mention.stance == Stance.ASKED for mention in weak):
            stances[Goal.ALIGN] = Stance.ASKED
    if (
        Goal.DECOMPOSE not in stances
        and Condition.MULTI_ENERGY in conditions
        and Goal.DIFFRACTION not in asked
        and any_match(text, "goals", "decompose", "weak")
    ):
        stances[Goal.DECOMPOSE] = Stance.ASKED
    if Condition.MULTI_ENERGY in conditions and stances.get(Goal.DECOMPOSE) == Stance.ASKED:
        # "where is the silver" is answered by the maps of the materials
        marks = [m for goal, m in mentioned if goal == Goal.SEGMENT]
        if all(_WHERE.match(text[m.start : m.stop]) for m in marks):
            stances.pop(Goal.SEGMENT, None)
    if Goal.DIFFRACTION in asked:
        conditions.discard(Condition.RINGS)
        for goal in (Goal.QUANTIFY, Goal.DEFORM, Goal.SEGMENT, Goal.DECOMPOSE, Goal.ALIGN):
            stances.pop(goal, None)
    if Goal.ALIGN in asked & set(stances) and _modalities(text) >= 2:
        stances[Goal.REGISTER] = Stance.ASKED
        stances.pop(Goal.ALIGN)
    if Goal.REGISTER in asked and _modalities(text) < 2 and _AMONG.search(text):
        stances[Goal.ALIGN] = Stance.ASKED  # projections with one another, not two pictures
        stances.pop(Goal.REGISTER)
        asked = asked - {Goal.REGISTER}
    if {Goal.REGISTER, Goal.STITCH} <= asked and _modalities(text) < 2:
        stances.pop(Goal.REGISTER, None)
    return stances


_RECONSTRUCTED = re.compile(
    r"\b(?:already|been|is|are|was|were|all|both) reconstructed\b|\breconstructed already\b|"
    r"(?:已经?|都)(?:重建|重构)|(?:重建|重构)(?:好|过|完)的",
    re.ASCII,
)
_AXIS_ASKED = re.compile(r"\bunknown\b|\bwrong\b|find|不知道|没记|找|不准|不对", re.ASCII)
_VIEWS = r"(?:projections?|radiographs?|views?|frames?|tilts?|tilt images)"
_AMONG = re.compile(
    rf"\b(?:register|match|registration of) (?:all |the |our |these |every )*{_VIEWS}"
    r"(?: images)?\b(?! (?:with|to|onto) (?:the|a|an) )|"
    r"(?:投影|射线照片|视图|倾转图|各张图|各帧)[^,;。]{0,4}(?:彼此|互相|相互|之间)[^,;。]{0,4}配准",
    re.ASCII,
)
_WHERE = re.compile(
    r"where|isolate|extract|find|identify|separate|distinguish|提取|区分|.*在哪", re.ASCII
)


@lru_cache(maxsize=1)
def _demand() -> re.Pattern[str]:
    return re.compile(
        re.sub(r"\s*\n\s*|(?<=\|) (?=\w)", "", vocabulary("goals")["demand"]), re.ASCII
    )


def _volume_wanted(clauses: tuple[Clause, ...], asked: set[Goal]) -> bool:
    """Whether a clause asks for a volume or slices as such, not as what a later step works on."""
    later = asked & set(AFTER_VOLUME)
    for mention in mentions(clauses, "goals", "reconstruct", "weak"):
        if mention.stance != Stance.ASKED:
            continue
        size = len(mention.clause.text.replace(" ", ""))
        short = size <= mention.stop - mention.start + (3 if later else 8)
        if short or (not later and _demand().search(mention.clause.text)):
            return True
    return False


_MODALITIES = pattern("modalities")


def _modalities(text: str) -> int:
    return len({found.group() for found in _MODALITIES.finditer(text)})


def _intents(
    text: str, clauses: tuple[Clause, ...], goals: dict[Goal, Stance]
) -> dict[Intent, float]:
    weights = dict.fromkeys(Intent, 0.0)
    if any_match(text, "intents", "refuse", "topic"):
        weights[Intent.REFUSE] += 2.5 if len(clauses) <= 3 else 0.5
    for intent in (Intent.REFUSE, Intent.EXPLAIN, Intent.CATALOGUE, Intent.WATCH):
        name = intent.value
        words = without(text, "intents", name, "unless")
        if any_match(words, "intents", name, "sure"):
            weights[intent] += 3.0
        if any_match(text, "intents", name, "hint"):
            weights[intent] += 0.5
    instrument = any_match(text, "intents", "watch", "nouns")
    question = text.rstrip().endswith(("?", "吗", "么", "呢", "吗。", "没有"))
    asked = [goal for goal, stance in goals.items() if stance == Stance.ASKED]
    hinted = any_match(text, "intents", "watch", "hint")
    if not instrument:
        weights[Intent.WATCH] -= 1.5
    elif question and hinted:
        weights[Intent.WATCH] += 2.0
    elif hinted and not asked:
        weights[Intent.WATCH] += 1.5
    weights[Intent.PLAN] += 1.0 * min(len(asked), 2) + (0.5 if len(clauses) > 2 else 0.0)
    if asked and all(weights[other] < 2.0 for other in Intent if other != Intent.PLAN):
        weights[Intent.PLAN] += 3.0  # a deliverable is named and nothing else explains it
    if not asked:
        weights[Intent.PLAN] -= 1.0
    if question and len(clauses) <= 2:
        weights[Intent.PLAN] -= 0.5
    return weights


def _priority(text: str) -> Priority | None:
    said = {
        name: any_match(without(text, "priority", name, "unless"), "priority", name, "say")
        for name in ("quality", "speed")
    }
    if said["quality"] == said["speed"]:
        return None
    return Priority.QUALITY if said["quality"] else Priority.SPEED


def _device(text: str) -> Device:
    if any_match(text, "devices", "neutral", "say"):
        return Device.ANY
    if any_match(text, "devices", "cpu", "say"):
        return Device.CPU
    for clause in clauses_of(text):
        for mention in mentions((clause,), "devices", "gpu", "say"):
            inside = mention.start - clause.start, mention.stop - clause.start
            if stance_of(clause, *inside) == Stance.ASKED:
                return Device.GPU
    return Device.ANY
