"""What marked names say in short English: the specimen, and what is looked for in it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from functools import lru_cache

from planner.language.chinese_names import (
    COUNTED,
    INSIDE,
    Name,
    chinese_measures,
    chinese_specimens,
    found_names,
)
from planner.language.compounds import is_noun_of_lists, said_by_parts
from planner.language.dictionary import names_of
from planner.language.english_names import is_noun
from planner.language.gazetteer import entries
from planner.language.marks import Marked, listed, no_specimens
from planner.language.normal import CJK
from planner.language.roles import Role
from planner.language.suffixes import said_by_suffix
from planner.language.vocabulary import vocabulary
from planner.task import Goal, Intent

_MEASURED = {Goal.SEGMENT, Goal.QUANTIFY, Goal.DECOMPOSE, Goal.DEFORM, Goal.DIFFRACTION}
# What joins two things that are both meant; another thing beside the first is none.
_AND = re.compile(r"[\s,]*(?:and|or|&|和|与|及|以及|或|,|/)?(?: the| any| all)?\s*", re.ASCII)
_HOW = re.compile(r"\bhow (thick|wide|long|deep|tall|big|large)\b[^.;?]{0,20}$", re.ASCII)
# "what width does the vein have": the measure stands before, and the thing behind a verb
_WHAT_HAS = re.compile(
    r"\b(?:what|which) (?:\w+ )?(thickness|width|length|depth|height|size|diameter|volume|density|"
    r"porosity) (?:has|have|do|does|is|are)(?: the| these| our| each)* $",
    re.ASCII,
)
_PEAKS = re.compile(r"\bpeaks?$", re.ASCII)
_AVERAGES = frozenset(
    ("mean", "average", "median", "total", "maximum", "minimum", "overall", "local")
)
_MEASURE_OF = {"thick": "thickness", "wide": "width", "long": "length", "deep": "depth",
               "tall": "height", "big": "size", "large": "size"}  # fmt: skip
# What is made of a specimen and named behind it
_DATA = re.compile(r"(?:的)?(?:断层(?:图像?|扫描)?|体数据|切片|扫描|数据|投影|图像|序列|样品)$")
# What is made of a thing to find and named behind it: the pore labels are about pores
_MADE = re.compile(r"(?: |的)?(?:labels?|masks?|outlines?|标签|掩膜|掩模|轮廓)$", re.ASCII)
FIRST = 0.15  # how much less sure than another the name said first may be
_VALENCE = re.compile(r"\b(?:oxidation|valence|charge) states?\b|\bvalenc[ey]\b|价态|氧化态|化合价")
_OF_THE_AXIS = re.compile(r"\s*[xyz]?\s*(?:方向|轴|向)?的")  # 转台 z 方向的误差 is of the stage
# What things are told from, and a method, where things are named
_REST = ("matrix", "background", "dvc")
_OF_IT = re.compile(r" of (?:the |these |those |all |its |each )*", re.ASCII)
_ARTICLE = re.compile(
    r"^(?:(?:the|a|an|this|that|these|those|our|my|your|some|any|all|each|every|its|their|of|in|"
    r"same|one|two|three|several|\d+)\s+)+",
    re.ASCII,
)


def specimen_in(names: Sequence[Marked], text: str = "") -> str | None:
    """The specimen among the marked names of normal text in English; of several one that lists
    know, then the surest, then the first. What Chinese says to be in another is meant itself."""
    marks = [name for name in names if name.role is Role.SPECIMEN]
    said = [
        (name, english)
        for name in marks
        if (english := _specimen(name.text)) and english.split()[-1] not in _instrument()
    ]
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
        for name in listed(text, Role.SPECIMEN)
        if not any(start < name.stop and name.start < stop for start, stop in taken)
    ]
    said = {
        _specimen(name.english) for name in free if name.english.split()[-1] not in no_specimens()
    }
    said.discard(None)
    return said.pop() if len(said) == 1 else None


@lru_cache(maxsize=1)
def _instrument() -> frozenset[str]:
    """Parts of the instrument that nobody takes to it as a specimen."""
    return frozenset(vocabulary("english")["instrument"].split())


def _specimen(text: str) -> str | None:
    if not CJK.search(text):
        return _short(text)
    text = _DATA.sub("", text) or text
    said = said_by_parts(text)
    if said:
        return _short(said)
    known = chinese_specimens(text)
    if known:
        whole = max(known, key=lambda name: name.stop - name.start)
        rest = text[whole.stop :].strip()
        head = said_by_suffix(rest) if rest and CJK.search(rest) else None
        return _short(f"{whole.english} {head}" if head else whole.english)
    said = (
        said_by_suffix(text)
        or _said_without_end(text)
        or _first(found_names(text, "specimens", ("forms", "materials")))
    )
    # a name that nobody knows is kept as it was said
    return said or (text if CJK.match(text[-1:]) and len(text) > 1 else None)


def _said_without_end(text: str) -> str | None:
    """A Chinese name without the last signs that are none of it: 风筝受 of 风筝受热 is a kite."""
    whole = (text[:stop] for stop in range(len(text) - 1, 1, -1))
    return next((known[0] for part in whole if (known := names_of(part))), None)


def _short(text: str) -> str | None:
    """An English noun phrase without articles and without words for a mere piece of something."""
    words = _ARTICLE.sub("", text.strip(" -/'") + " ").split()
    pieces = set(vocabulary("english")["pieces"].split())
    while words and not is_noun(words[-1]):
        words.pop()
    while len(words) > 1 and words[-1] in pieces:
        words.pop()
    return _in_full(" ".join(words)) or None


def _in_full(name: str) -> str:
    """A listed name of which only the beginning is said, where one alone begins so and the
    beginning is no name itself: balsa is balsa wood."""
    if not name or is_noun_of_lists(name.split()[-1]):
        return name
    longer = {english for english, _ in entries("specimens", "things")
              if english.lower().startswith(name + " ")}  # fmt: skip
    return longer.pop() if len(longer) == 1 else name


def feature_in(
    text: str, names: Sequence[Marked], intent: Intent, goals: Sequence[Goal]
) -> str | None:
    """What is to be found, measured or watched, from the marked names of normal text."""
    objects = [name for name in names if name.role is Role.OBJECT]
    measures = [name for name in names if name.role is Role.MEASURE and name.text not in _AVERAGES]
    if intent is Intent.WATCH:
        return _joined(_of_its_thing(text, objects or measures))
    if intent is not Intent.PLAN or not _MEASURED & set(goals):
        return None
    objects = [name for name in objects if name.text.split()[-1] not in _instrument()]
    objects = _together(objects, text)
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
    if Goal.DIFFRACTION in goals:  # peaks are fitted for the sake of what they tell
        things = [said for said in things if not _PEAKS.search(said or "")] or things
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
    between = text[names[0].stop : names[1].start] if len(names) > 1 else "?"
    if all(said[:2]) and _OF_THE_AXIS.fullmatch(between):
        return [f"{said[0]} {said[1]}"]
    return [_watched(name.text) for name in _together(names, text)]


def _together(names: Sequence[Marked], text: str) -> list[Marked]:
    """The first name, unless one behind it is much surer, and those that a conjunction joins to
    it."""
    surest = max((name.chance for name in names), default=0.0)
    first = next((p for p, name in enumerate(names) if name.chance > surest - FIRST), 0)
    kept = list(names[first : first + 1])
    for name in names[first + 1 :]:
        if not _AND.fullmatch(text[kept[-1].stop : name.start]):
            break
        kept.append(name)
    return kept


def _sized(text: str, name: Marked) -> str | None:
    """A thing, or its measure where the text asks how thick or how long it is."""
    said, before = _object(name.text), text[: name.start]
    how, what = _HOW.search(before), _WHAT_HAS.search(before)
    measure = _MEASURE_OF[how[1]] if how else what[1] if what else None
    return f"{said.removesuffix('s')} {measure}" if said and measure else said


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
    text = _MADE.sub("", text) or text
    if not CJK.search(text):
        return _short(text)
    said = said_by_parts(text, sought=True)
    if said:  # the number of bubbles is about bubbles
        words = said.rsplit(" ", 1)
        return words[0] if words[-1] in COUNTED and len(words) > 1 else said
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
        return _reading_of(" ".join(words)) or None
    return said_by_parts(text, sought=True) or _longest(found_names(text, "features", ("watched",)))


def _reading_of(name: str) -> str:
    """What is read of a part of the instrument where lists know one reading only: of the rotation
    axis its position."""
    longer = {english for english, _ in entries("features", "watched")
              if " " in name and english.lower().startswith(name + " ")}  # fmt: skip
    return longer.pop() if len(longer) == 1 else name


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
