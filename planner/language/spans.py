"""The names that the trained reader marks in a request, said in short English."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from planner.language.chinese_names import (
    COUNTED,
    INSIDE,
    Name,
    chinese_measures,
    chinese_specimens,
    found_names,
)
from planner.language.english_names import is_noun, phrases
from planner.language.normal import CJK
from planner.language.roles import NAMES, TAGS, Role
from planner.language.suffixes import is_head, said_by_suffix
from planner.language.tokens import Token
from planner.language.vocabulary import vocabulary
from planner.task import Goal, Intent

_MEASURED = {Goal.SEGMENT, Goal.QUANTIFY, Goal.DECOMPOSE, Goal.DEFORM, Goal.DIFFRACTION}
_JOINABLE = re.compile(r"[\s-]*|\s*/\s*|'s ")
# What joins two things that are both meant; another thing beside the first is none.
_AND = re.compile(r"[\s,]*(?:and|or|&|和|与|及|以及|或|,|/)?(?: the| any| all)?\s*", re.ASCII)
# Nouns that go on with the name of a thing to find, measure or watch
_ENDING = re.compile(
    r"[ -](?:thickness|volumes?|diameters?|lengths?|widths?|sizes?|fields?|networks?|positions?|"
    r"content|density|spacing|depth|fraction|uptake|intensity|systems?|frames?|walls?|levels?|"
    r"current|temperature|pressure|rate|distribution)\b",
    re.ASCII,
)
_HOW = re.compile(r"\bhow (thick|wide|long|deep|tall|big|large)\b[^.;?]{0,20}$", re.ASCII)
_MEASURE_OF = {"thick": "thickness", "wide": "width", "long": "length", "deep": "depth",
               "tall": "height", "big": "size", "large": "size"}  # fmt: skip
_VALENCE = re.compile(r"\b(?:oxidation|valence|charge) states?\b|\bvalenc[ey]\b|价态|氧化态|化合价")
_AFTER_NAMES = frozenset(("", *" ,.;:!?()的里中内上在和与是被做"))
# What things are told from, and a method, where things are named
_REST = ("matrix", "background", "dvc")
_OF_IT = re.compile(r" of (?:the |these |those |all |its |each )*", re.ASCII)
_ARTICLE = re.compile(
    r"^(?:(?:the|a|an|this|that|these|those|our|my|your|some|any|all|each|every|its|their|of|in|"
    r"same|one|two|three|several|\d+)\s+)+",
    re.ASCII,
)


@dataclass(frozen=True)
class Marked:
    """`text` at `start` is marked as `role`, with the chance of its surest token."""

    role: Role
    text: str
    start: int
    chance: float
    known: bool = False

    @property
    def stop(self) -> int:
        return self.start + len(self.text)


def marked(
    text: str, tokens: Sequence[Token], tags: NDArray[np.float32], least: float = 0.5
) -> list[Marked]:
    """The stretches of normal text that are names; `tags` (T, len(TAGS)) are probabilities.

    A token belongs to a name where its chances to begin or to go on with one exceed `least`.
    """
    found: list[Marked] = []
    for role in NAMES:
        columns = [TAGS.index((role, first)) for first in (True, False)]
        begins, inside = tags[:, columns[0]], tags[:, columns].sum(1)
        run: list[int] = []
        for place in range(len(tokens) + 1):
            goes_on = (
                place < len(tokens)
                and inside[place] > least
                and (tokens[place].text[0].isalnum() or tokens[place].text in "-/'")
            )
            gap = text[tokens[place - 1].stop : tokens[place].start] if goes_on and run else ""
            breaks = not goes_on or begins[place] > 0.5 or not _JOINABLE.fullmatch(gap)
            if run and breaks:
                start, stop = tokens[run[0]].start, tokens[run[-1]].stop
                found.append(Marked(role, text[start:stop], start, float(inside[run].max())))
                run = []
            if goes_on:
                run.append(place)
    return sorted(found, key=lambda name: name.start)


def completed(text: str, names: Sequence[Marked], watched: bool = False) -> list[Marked]:
    """Names that a list knows as parts of longer ones, made as long; each of them once. `watched`:
    what is named is of the instrument."""
    found: list[Marked] = []
    for name in names:
        instrument = watched and name.role is not Role.SPECIMEN
        for known in _watched_names(text) if instrument else _listed(text, name.role):
            if known.start < name.stop and name.start < known.stop:
                start, stop = min(name.start, known.start), max(name.stop, known.stop)
                name = replace(name, text=text[start:stop], start=start, known=True)
        if name.role is not Role.MEASURE:
            name = _with_its_head(text, name)
        ending = _ENDING.match(text[name.stop :]) if name.role is not Role.SPECIMEN else None
        if ending:
            name = replace(name, text=name.text + ending.group())
        same = [other for other in found if other.role is name.role and other.start == name.start]
        if not same:
            found.append(name)
    return found


def _with_its_head(text: str, name: Marked) -> Marked:
    """A Chinese name with the signs of its kind behind it, which were not marked: 银币, where lists
    know 银 alone. Behind what lists know as a thing (马蜂窝) only where the name ends with them."""
    stuff = found_names(name.text, "specimens", ("materials",))
    for length in (3, 2, 1):
        stop = name.stop + length
        head = text[name.stop : stop]
        if len(head) < length or not CJK.match(head) or not is_head(head):
            continue
        plain = not name.known and (stuff or not said_by_suffix(name.text))
        if plain or text[stop : stop + 1] in _AFTER_NAMES:
            return replace(name, text=name.text + head)
    return name


def _watched_names(text: str) -> list[Name]:
    chinese = found_names(text, "features", ("watched",)) if CJK.search(text) else []
    return [*phrases(text, "features", ("watched",), widen=False), *chinese]


def _listed(text: str, role: Role) -> list[Name]:
    """The names of the lists in normal text, English and Chinese."""
    if role is Role.SPECIMEN:
        chinese = chinese_specimens(text) if CJK.search(text) else []
        return [
            *phrases(text, "specimens", ("things", "materials", "forms"), widen=False),
            *chinese,
        ]
    chinese = []
    if CJK.search(text):
        chinese = [*found_names(text, "features", ("objects", "measures")), *chinese_measures(text)]
    return [*phrases(text, "features", ("objects", "measures")), *chinese]


def specimen_in(names: Sequence[Marked], text: str = "") -> str | None:
    """The specimen among the marked names of normal text in English; of several one that lists
    know, then the surest, then the first. What Chinese says to be in another is meant itself."""
    said = [(name, english) for name in names if name.role is Role.SPECIMEN
            and (english := _specimen(name.text))]  # fmt: skip
    if not said:
        return None
    for (outer, place), (inner, thing) in itertools.pairwise(said):
        if INSIDE.fullmatch(text[outer.stop : inner.start]):
            return f"{thing} in {place}"
    return max(said, key=lambda e: (e[0].chance + 0.5 * e[0].known, -e[0].start))[1]


def listed_specimen(text: str, names: Sequence[Marked]) -> str | None:
    """The one thing in normal text that lists know as a specimen, beside `names` that are marked
    as something else; None where there are several."""
    taken = [(name.start, name.stop) for name in names]
    free = [
        name
        for name in _listed(text, Role.SPECIMEN)
        if not any(start < name.stop and name.start < stop for start, stop in taken)
    ]
    said = {_specimen(name.english) for name in free if name.english.split()[-1] not in _rest()}
    said.discard(None)
    return said.pop() if len(said) == 1 else None


@lru_cache(maxsize=1)
def _rest() -> frozenset[str]:
    """Last words that lists of specimens have and that here are none."""
    words = vocabulary("english")
    return frozenset(words["pieces"].split() + words["holders"].split())


def _specimen(text: str) -> str | None:
    if not CJK.search(text):
        return _short(text)
    known = chinese_specimens(text)
    if known:
        whole = max(known, key=lambda name: name.stop - name.start)
        rest = text[whole.stop :].strip()
        head = said_by_suffix(rest) if rest and CJK.search(rest) else None
        return _short(f"{whole.english} {head}" if head else whole.english)
    return said_by_suffix(text) or _first(found_names(text, "specimens", ("forms", "materials")))


def _short(text: str) -> str | None:
    """An English noun phrase without articles and without words for a mere piece of something."""
    words = _ARTICLE.sub("", text.strip(" -/'") + " ").split()
    pieces = set(vocabulary("english")["pieces"].split())
    while words and not is_noun(words[-1]):
        words.pop()
    while len(words) > 1 and words[-1] in pieces:
        words.pop()
    return " ".join(words) or None


def feature_in(
    text: str, names: Sequence[Marked], intent: Intent, goals: Sequence[Goal]
) -> str | None:
    """What is to be found, measured or watched, from the marked names of normal text."""
    objects = [name for name in names if name.role is Role.OBJECT]
    measures = [name for name in names if name.role is Role.MEASURE]
    if intent is Intent.WATCH:
        return _joined(_of_its_thing(text, objects or measures))
    objects = _together(objects, text)
    if intent is not Intent.PLAN or not _MEASURED & set(goals):
        return None
    chosen: list[str | None] = []
    if Goal.DECOMPOSE in goals and _VALENCE.search(text):
        return "oxidation state"
    if {Goal.SEGMENT, Goal.DECOMPOSE} & set(goals):
        chosen += [_object(name.text) for name in objects]
    if not chosen or Goal.DEFORM in goals:
        joined = measures if Goal.DEFORM in goals else _together(measures, text)
        chosen += _measured(text, joined, objects)
    if not any(chosen):
        chosen = [_sized(text, name) for name in objects]
    if Goal.QUANTIFY in goals and Goal.SEGMENT not in goals:
        chosen = _asked(text, objects) or chosen
    counted = [_object(name.text) for name in objects] if set(chosen) <= COUNTED else []
    things = [said for said in [*chosen, *counted] if said not in _REST and said not in COUNTED]
    return _joined(things or chosen)


def _asked(text: str, objects: Sequence[Marked]) -> list[str | None]:
    """The measure that an adjective asks for, with what it is asked of: how porous, 连通得怎样."""
    for measure, words in vocabulary("features")["asked"].items():
        if re.search(words, text, re.ASCII):
            thing = _object(objects[0].text) if objects else None
            return [f"{thing.removesuffix('s')} {measure}" if thing else measure]
    return []


def _of_its_thing(text: str, names: Sequence[Marked]) -> list[str | None]:
    """What is watched: "temperature of the mirror" is the mirror temperature."""
    said = [_watched(name.text) for name in names]
    if len(names) > 1 and all(said[:2]) and _OF_IT.fullmatch(text[names[0].stop : names[1].start]):
        return [f"{said[1]} {said[0]}"]
    return [_watched(name.text) for name in _together(names, text)]


def _together(names: Sequence[Marked], text: str) -> list[Marked]:
    """The first name and those that a conjunction joins to it."""
    kept = list(names[:1])
    for name in names[1:]:
        if not _AND.fullmatch(text[kept[-1].stop : name.start]):
            break
        kept.append(name)
    return kept


def _sized(text: str, name: Marked) -> str | None:
    """A thing, or its measure where the text asks how thick or how long it is."""
    said, asked = _object(name.text), _HOW.search(text[: name.start])
    return f"{said.removesuffix('s')} {_MEASURE_OF[asked[1]]}" if said and asked else said


def _measured(text: str, measures: Sequence[Marked], objects: Sequence[Marked]) -> list[str | None]:
    """Measures, with the object that one of them is said to be of."""
    found = []
    for name in measures:
        said = _measure(name.text)
        after = [o for o in objects if _OF_IT.fullmatch(text[name.stop : o.start])]
        if said in COUNTED and after:
            said = _object(after[0].text)
        elif said and after and " " not in said and not CJK.search(name.text):
            thing = _object(after[0].text)
            said = f"{thing.removesuffix('s')} {said}" if thing else said
        before = [o for o in objects if o.start + len(o.text) in (name.start, name.start - 1)]
        if said in COUNTED and before and text[name.start - 1] == "的":
            said = _object(before[-1].text)
        elif said and before and CJK.search(name.text) and " " not in said:
            thing = _object(before[-1].text)
            said = f"{thing.removesuffix('s')} {said}" if thing else said
        found.append(said)
    return found


def _object(text: str) -> str | None:
    if not CJK.search(text):
        return _short(text)
    return _longest(found_names(text, "features", ("objects", "measures"))) or _specimen(text)


def _measure(text: str) -> str | None:
    if not CJK.search(text):
        return _ARTICLE.sub("", text.strip(" -/'") + " ").strip() or None
    known = chinese_measures(text)
    return known[0].english if known else _object(text)


def _watched(text: str) -> str | None:
    listed = found_names(text, "features", ("watched",))
    if len(listed) == 1 and listed[0].stop - listed[0].start == len(text):
        return listed[0].english
    if not CJK.search(text):
        words = _ARTICLE.sub("", text.strip(" -/'") + " ").split()
        while len(words) > 1 and (words[-1] in _changes() or not is_noun(words[-1])):
            words.pop()
        return " ".join(words) or None
    return _longest(found_names(text, "features", ("watched",))) or _object(text)


@lru_cache(maxsize=1)
def _changes() -> frozenset[str]:
    return frozenset(vocabulary("english")["changes"].split())


def _longest(names: Sequence[Name]) -> str | None:
    best = max(names, key=lambda name: name.stop - name.start, default=None)
    return best.english if best else None


def _first(names: Sequence[Name]) -> str | None:
    return names[0].english if names else None


def _joined(said: Sequence[str | None]) -> str | None:
    kept: list[str] = []
    for phrase in said:
        if phrase and not any(phrase in other for other in kept):
            kept.append(phrase)
    return " and ".join(kept[:2]) or None
