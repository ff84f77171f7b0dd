"""Specimen and feature names in English text: noun phrases around known nouns, or by position."""

from __future__ import annotations

import re
from functools import lru_cache

from planner.language.chinese_names import Name
from planner.language.gazetteer import entries
from planner.language.vocabulary import pattern, vocabulary

_TOKEN = re.compile(r"[a-z][a-z0-9]*(?:[-/'][a-z0-9]+)*|[0-9]+[a-z]+\b|[^\sa-z]", re.ASCII)
_OF = pattern("of")


def stem(word: str) -> str:
    """A word without its plural ending."""
    for ending, singular in (
        ("ies", "y"),
        ("ves", "f"),
        ("sses", "ss"),
        ("shes", "sh"),
        ("ches", "ch"),
        ("xes", "x"),
    ):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            return word[: -len(ending)] + singular
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


@lru_cache(maxsize=1)
def _stop() -> frozenset[str]:
    return frozenset(vocabulary("english")["stop"].split())


@lru_cache(maxsize=8)
def _heads(document: str, kinds: tuple[str, ...]) -> tuple[frozenset[str], frozenset[str]]:
    """Stems that may end a name, and stems that may stand before it."""
    heads: set[str] = set()
    before: set[str] = set(vocabulary("english")["modifiers"].split())
    for kind in kinds:
        for english, _ in entries(document, kind):
            words = [stem(word) for word in english.lower().split()]
            before.update(words)
            if kind != "materials":
                heads.add(words[-1])
    return frozenset(heads - _stop()), frozenset(before - _stop())


def phrases(text: str, document: str, kinds: tuple[str, ...], widen: bool = True) -> list[Name]:
    """Noun phrases that end in a known noun, with the words before that belong to it.

    >>> kinds = ("things", "forms")
    >>> [name.english for name in phrases("the grey cast iron bar, please", "specimens", kinds)]
    ['grey cast iron bar']
    """
    heads, before = _heads(document, kinds)
    tokens = list(_TOKEN.finditer(text))
    words = [token.group() for token in tokens]
    found: list[Name] = []
    place = 0
    while place < len(words):
        if not _is_head(words[place], heads):
            place += 1
            continue
        last = place
        while last + 1 < len(words) and _is_head(words[last + 1], heads):
            last += 1
        first = place
        while first > 0 and place - first < 4 and _joins(words[first - 1], before, widen):
            first -= 1
        start, stop = tokens[first].start(), tokens[last].end()
        found.append(Name(text[start:stop], start, stop, document))
        place = last + 1
    return found


def _is_head(word: str, heads: frozenset[str]) -> bool:
    return stem(word) in heads or ("-" in word and stem(word.rsplit("-", 1)[1]) in heads)


def _joins(word: str, before: frozenset[str], widen: bool) -> bool:
    if stem(word) in before or word in before:
        return True
    plain = word not in _stop() and re.fullmatch(r"[a-z][a-z0-9/-]+", word) is not None
    return widen and plain and not word.endswith(("ed", "ing", "ly"))


def by_position(text: str) -> Name | None:
    """A specimen that no list knows: what something is done to, or a short opening phrase."""
    opening = re.split(r"[,.;:!?(]| - ", text)[0]
    words = _phrase_of(re.sub(r"^(?:the|a|an|our|my|this|these|hi|hello)\s+", "", opening.strip()))
    if words and len(words.split()) == len(opening.split()) and len(words.split()) <= 4:
        start = text.index(words)
        return Name(words, start, start + len(words), "opening")
    for found in _OF.finditer(text):
        words = _phrase_of(found[1])
        if words:
            return Name(words, found.start(1), found.start(1) + len(words), "position")
    return None


def _phrase_of(text: str) -> str:
    """The longest beginning of `text` without stop words; empty where it has a digit."""
    kept: list[str] = []
    for word in text.split():
        if word in _stop() or not re.fullmatch(r"[a-z][a-z/-]+", word):
            break
        kept.append(word)
    return " ".join(kept)


_OBJECT = pattern("object")


def objects_of_verbs(text: str) -> list[Name]:
    """What the verbs of labelling and counting act on."""
    found = []
    for match in _OBJECT.finditer(text):
        words = _phrase_of(match[1])
        if words:
            found.append(Name(words, match.start(1), match.start(1) + len(words), "object"))
    return found
