"""The stretches of a request that the trained reader marks as names, made whole."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from planner.language.chinese_names import Name, chinese_measures, chinese_specimens, found_names
from planner.language.compounds import is_end_of_name, is_noun_of_lists
from planner.language.dictionary import LONGEST, is_entry, names_of
from planner.language.english_names import is_noun, phrases, stem
from planner.language.normal import CJK
from planner.language.roles import NAMES, TAGS, Role
from planner.language.suffixes import said_by_suffix
from planner.language.tokens import Token
from planner.language.vocabulary import vocabulary

_JOINABLE = re.compile(r"[\s-]*|\s*/\s*|'s ")
# Nouns that go on with the name of a thing to find, measure or watch
_ENDING = re.compile(
    r"[ -](?:thickness|volumes?|diameters?|lengths?|widths?|sizes?|fields?|networks?|positions?|"
    r"content|density|spacing|depth|fraction|uptake|intensity|systems?|frames?|walls?|levels?|"
    r"current|temperature|pressure|rate|distribution)\b",
    re.ASCII,
)
_AFTER_NAMES = frozenset(("", *" ,.;:!?()的里中内上在和与是被做"))
_NEXT_WORD = re.compile(r"[ -]([a-z]{3,})\b(?!['-])", re.ASCII)


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
        for known in _watched_names(text) if instrument else listed(text, name.role):
            if known.start < name.stop and name.start < known.stop:
                start, stop = min(name.start, known.start), max(name.stop, known.stop)
                name = replace(name, text=text[start:stop], start=start, known=True)
        if name.role is not Role.MEASURE:
            name = _with_its_head(text, _as_whole_word(text, _before_next_word(text, name)))
        if name.role is Role.SPECIMEN:
            name = _with_its_noun(text, name, names)
        ending = _ENDING.match(text[name.stop :]) if name.role is not Role.SPECIMEN else None
        if ending:
            name = replace(name, text=name.text + ending.group())
        same = [other for other in found if other.role is name.role and other.start == name.start]
        if not same:
            found.append(name)
    return found


def _as_whole_word(text: str, name: Marked) -> Marked:
    """A Chinese name of which only the beginning of a word was marked, made as long as the word of
    the dictionary; one that is a word itself is left as it is."""
    if name.known or not CJK.match(name.text) or is_word(name.text):
        return name
    ends = (name.start + length for length in range(LONGEST, len(name.text), -1))
    stop = next((stop for stop in ends if names_of(text[name.start : stop])), None)
    return name if stop is None else replace(name, text=text[name.start : stop])


def _before_next_word(text: str, name: Marked) -> Marked:
    """A Chinese name without the signs that begin the next word, where what is before them is a
    word itself: 风筝受 of 风筝受热后 is 风筝."""
    if name.known or not CJK.match(name.text) or is_word(name.text):
        return name
    for cut in (1, 2):
        start = name.stop - cut
        goes_on = any(is_entry(text[start : start + length]) for length in range(cut + 1, 5))
        if len(name.text) > cut + 1 and goes_on and is_word(name.text[:-cut]):
            return replace(name, text=name.text[:-cut])
    return name


def is_word(text: str) -> bool:
    """Whether Chinese signs are, all of them, one noun of the lists or of the dictionary."""
    return is_end_of_name(text) or bool(names_of(text))


def _with_its_head(text: str, name: Marked) -> Marked:
    """A Chinese name with the signs of its kind behind it, which were not marked: 银币, where lists
    know 银 alone. Behind what lists know as a thing (马蜂窝) only where the name ends with them."""
    stuff = found_names(name.text, "specimens", ("materials",))
    for length in (4, 3, 2, 1):
        stop = name.stop + length
        head = text[name.stop : stop]
        if len(head) < length or not CJK.match(head) or not is_end_of_name(head):
            continue
        said = said_by_suffix(name.text) or is_word(name.text)
        plain = not name.known and (stuff or not said)
        if plain or text[stop : stop + 1] in _AFTER_NAMES:
            return replace(name, text=name.text + head)
    return name


def _with_its_noun(text: str, name: Marked, names: Sequence[Marked]) -> Marked:
    """An English name with the noun of the lists behind it that was not marked: "zircon shard",
    where "zircon" was; none that is marked as something else or may be a verb."""
    ends = _NEXT_WORD.match(text, name.stop) if not CJK.search(name.text) else None
    if ends is None or any(o.start < ends.end() and name.stop < o.stop for o in names if o != name):
        return name
    word = ends[1]
    plain = is_noun_of_lists(word) and is_noun(word) and stem(word) not in _verbs()
    return (
        replace(name, text=name.text + ends.group())
        if plain and word not in no_specimens()
        else name
    )


@lru_cache(maxsize=1)
def _verbs() -> frozenset[str]:
    words = vocabulary("english")
    return frozenset(f"{words['verbs']} {words['changes']} {words['adverbs']}".split())


def _watched_names(text: str) -> list[Name]:
    chinese = found_names(text, "features", ("watched",)) if CJK.search(text) else []
    return [*phrases(text, "features", ("watched",), widen=False), *chinese]


def listed(text: str, role: Role) -> list[Name]:
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


@lru_cache(maxsize=1)
def no_specimens() -> frozenset[str]:
    """Last words that lists of specimens have and that here are none."""
    words = vocabulary("english")
    return frozenset(words["pieces"].split() + words["holders"].split())
