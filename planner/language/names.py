"""The feature of a request by lists and places, as a short English noun phrase or None."""

from __future__ import annotations

import re

from planner.language.chinese_names import (
    Name,
    chinese_measures,
    chinese_specimens,
    found_names,
    inside,
)
from planner.language.english_names import by_position, objects_of_verbs, phrases
from planner.language.normal import CJK
from planner.language.vocabulary import pattern, vocabulary
from planner.task import Goal, Intent

_MEASURED = {Goal.SEGMENT, Goal.QUANTIFY, Goal.DECOMPOSE, Goal.DEFORM, Goal.DIFFRACTION}
_ELEMENTS = frozenset(
    [
        "iron",
        "copper",
        "zinc",
        "nickel",
        "cobalt",
        "manganese",
        "titanium",
        "iodine",
        "barium",
        "silver",
        "gold",
        "lead",
        "mercury",
        "arsenic",
        "platinum",
        "calcium",
        "strontium",
        "selenium",
    ]
)
_DEFORMED = frozenset(
    ("displacement field", "displacement",
     "strain field", "strain distribution", "strain", "deformation field")
)  # fmt: skip
_CRYSTAL = frozenset(
    ("lattice strain", "lattice parameter", "residual stress", "texture", "grain orientation",
     "preferred orientation", "phases", "peak positions", "collagen fibres")
)  # fmt: skip
_DEFORM_WORDS = pattern("deform_words")
_CRYSTAL_WORDS = re.compile(
    r"\blattice (?:strain|parameter|spacing|constant)s?\b|\b(?:\w+ )?texture\b|\bresidual stress\b|"
    r"\b(?:\w+ ){0,2}orientations?\b|\b(?:\w+-\w+ )?peaks?(?: positions?)?\b|\bphases\b|"
    r"\bcrystallite size\b|\bpole figures?\b|\bunit cell\b",
    re.ASCII,
)
_MEASURE_WORDS = pattern("measure_words")
_FILLER = re.compile(
    r"^(?:(?:the|a|an|of|what|is|are|me|give|and|its|mean|average|median|overall|total|in|for|"
    r"measure|report|to|want|need|i|we|then|please|tell|us|how|get|my|our|this|that|with|"
    r"compute|calculate|plus|also|from|by|as|or|on|at|curve|know|first|needs?|number|both|each) )+",
    re.ASCII,
)


def _specimen(text: str) -> Name | None:
    chinese = chinese_specimens(text) if CJK.search(text) else []
    if chinese:
        first = max(chinese, key=lambda name: _weight(text, name))
        for other in chinese:
            if inside(text, other, first):
                return Name(other.english, other.start, other.stop, "specimen")
        return first
    english = [
        name
        for name in phrases(text, "specimens", ("things", "materials", "forms"))
        if not _is_feature_place(text, name)
    ]
    if english:
        return max(english, key=lambda name: _weight(text, name))
    return None if CJK.search(text) else by_position(text)


def _weight(text: str, name: Name) -> float:
    """How likely a name is the specimen: long, early, at the edge of a clause."""
    before, after = text[: name.start].rstrip(), text[name.stop :].lstrip()
    edges = (not before or before[-1] in ",.;:!?。(-") + (not after or after[0] in ",.;:!?。()")
    context = re.search(
        r"(?:\b(?:of (?:the|a|an|our|my|this)|in (?:the|a|this|our)|the same|a|our|my|this|"
        r"same|sample:?|scanned)|样品是|这个|这块|一块|扫的)$",
        before,
        re.ASCII,
    )
    place = name.start / max(len(text), 1)
    return len(name.english.split()) * 0.6 + edges * 0.8 + (context is not None) * 0.8 - place


def _is_feature_place(text: str, name: Name) -> bool:
    before = text[: name.start]
    return (
        re.search(
            r"\b(?:segment|label|mark|highlight|outline|count|how many|how much|trace|extract|"
            r"find|isolate|are there|is there|where are|number of)"
            r"(?: (?:the|all|any|every|of|out))*\s*$",
            before,
            re.ASCII,
        )
        is not None
    )


def feature_of(text: str, intent: Intent, goals: tuple[Goal, ...]) -> str | None:
    """What is to be found, measured or watched, from normal text."""
    if intent == Intent.WATCH:
        return _joined(_watched(text))
    if intent != Intent.PLAN or not _MEASURED & set(goals):
        return None
    specimen = _specimen(text)
    found: list[str] = []
    if Goal.DIFFRACTION in goals:
        found += _crystal(text)
    if Goal.DECOMPOSE in goals:
        found += _elements(text)
    elif Goal.SEGMENT in goals:
        found += _objects(text, specimen)
    if Goal.QUANTIFY in goals and not found:
        found += _measures(text) or _objects(text, specimen)
    if Goal.DEFORM in goals:
        found += _deformed(text)
    return _joined(found)


def _joined(found: list[str]) -> str | None:
    kept: list[str] = []
    for phrase in found:
        if phrase and not any(phrase in other for other in kept):
            kept.append(phrase)
    return " and ".join(kept[:2]) or None


def _watched(text: str) -> list[str]:
    if CJK.search(text):
        names = [n.english for n in found_names(text, "features", ("watched",))]
        if names:
            return names[:2]
    return [name.english for name in phrases(text, "features", ("watched",))][:1]


def _objects(text: str, specimen: Name | None) -> list[str]:
    if CJK.search(text):
        names = [
            name
            for name in found_names(text, "features", ("objects", "measures"))
            if name.kind == "objects"
            and name.english not in _DEFORMED
            and len(text[name.start : name.stop]) >= 1
            and not (specimen and specimen.start <= name.start < specimen.stop)
        ]
        long = [name for name in names if name.stop - name.start > 1] or names
        more = [
            name
            for name in found_names(text, "nouns", ("sought",))
            if name.stop - name.start > 1
            and not (specimen and specimen.start <= name.start < specimen.stop)
        ]
        if long or more:
            return [(long or more)[0].english]
    overlap = (specimen.start, specimen.stop) if specimen else (-1, -1)
    said = [
        name
        for name in objects_of_verbs(text)
        if not overlap[0] <= name.start < overlap[1]
        and not name.english.startswith("http")
        and name.english.split()[-1] not in vocabulary("english")["instrument"].split()
    ]
    known = [
        name
        for name in phrases(text, "features", ("objects",))
        if not overlap[0] <= name.start < overlap[1]
    ]
    for name in said:
        for other in known:
            if other.start <= name.start < other.stop or name.start <= other.start < name.stop:
                return [other.english]
    if said and not known:
        return [said[0].english]
    return [known[0].english] if known else []


def _measures(text: str) -> list[str]:
    if CJK.search(text):
        chinese = chinese_measures(text)
        if chinese:
            return [chinese[0].english]
    found = []
    for match in _MEASURE_WORDS.finditer(text):
        words = _FILLER.sub("", match.group().strip() + " ").strip()
        if words:
            found.append(words)
    return found[:1]


def _elements(text: str) -> list[str]:
    if CJK.search(text):
        names = [
            name.english
            for name in found_names(text, "features", ("objects",))
            if name.english in _ELEMENTS or name.english == "valence state"
        ]
        if names:
            return names[-1:] if "valence state" in names else names[:1]
    for known in (r"\bvalence state|\boxidation states?|\bstate of charge", "|".join(_ELEMENTS)):
        match = re.search(rf"\b(?:{known})\b", text, re.ASCII)
        if match:
            return [match.group()]
    return []


def _deformed(text: str) -> list[str]:
    if CJK.search(text):
        names = [
            name.english
            for name in found_names(text, "features", ("objects",))
            if name.english in _DEFORMED
        ]
        if names:
            return names[:1]
    match = _DEFORM_WORDS.search(text)
    return [match.group()] if match else []


def _crystal(text: str) -> list[str]:
    if CJK.search(text):
        names = [
            name.english
            for name in found_names(text, "features", ("objects", "measures"))
            if name.english in _CRYSTAL or "orientation" in name.english
        ]
        if names:
            return names[:1]
    match = _CRYSTAL_WORDS.search(text)
    return [_FILLER.sub("", match.group() + " ").strip()] if match else []
