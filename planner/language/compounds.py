"""English for a Chinese name that no list has as a whole: said part by part, its last part last."""

from __future__ import annotations

import re
from functools import lru_cache

from planner.language.dictionary import names_of
from planner.language.english_names import stem
from planner.language.gazetteer import entries
from planner.language.normal import CJK
from planner.language.vocabulary import vocabulary

NOUNS = ("living", "body", "food", "earth", "stuff", "made", "energy", "heritage", "sought")
KINDS = "kinds"
# Where a sign is known in several lists, the first one says it: of what is scanned, and of what is
# looked for in it.
_SCANNED = (("specimens", ("things", "forms")), ("suffixes", ("heads",)), ("nouns", NOUNS),
            ("features", ("objects",)))  # fmt: skip
_SOUGHT = (("features", ("objects", "measures", "watched")),
           ("nouns", ("sought", *NOUNS, "instrument", "readings")),
           ("suffixes", ("heads",)), ("specimens", ("things", "forms")))  # fmt: skip
_KINDS = (("specimens", ("materials",)), ("nouns", (KINDS,)))
_ALL = (*_SCANNED, ("features", ("measures", "watched")))
_LATIN = re.compile(r"[a-z0-9]+(?:[-/.][a-z0-9]+)*", re.ASCII)
_BETWEEN = frozenset("的之式型状制质色用·- ")  # signs that say only how parts belong together
LONGEST = 8  # signs of a part
# What a known part, one that only the dictionary knows, an unknown sign and a link cost
PART, LOOKED_UP, SIGN, LINK = 1.0, 1.3, 1.6, 0.2
Parts = tuple[float, tuple[str, ...]]
Documents = tuple[tuple[str, tuple[str, ...]], ...]


def said_by_parts(text: str, sought: bool = False) -> str | None:
    """The English of a Chinese name by the fewest known parts; None where its end is not known.
    The dictionary is asked where no list has the name as a whole.

    `sought`: it is of something looked for in a specimen, which decides what a sign means that is
    known as both.

    >>> said_by_parts("麻雀的肋骨"), said_by_parts("镍铬合金弹簧"), said_by_parts("甪直")
    ('sparrow rib', 'nickel chromium alloy spring', None)
    """
    plain = text.strip().lower()
    cost, words = _cheapest(plain, sought, looked_up=False)
    if not words or cost > PART:
        cost, words = _cheapest(plain, sought, looked_up=True)
    if words and words[0] == "foam":  # 泡沫铜 is a copper foam: it stands before its material
        words = [*words[1:], words[0]]
    return " ".join([*map(_singular, words[:-1]), *words[-1:]]) or None


def _cheapest(plain: str, sought: bool, looked_up: bool) -> tuple[float, list[str]]:
    """The cheapest way to make a name of parts, with what it costs; no words where there is none.
    With `looked_up` also of words that only the dictionary has."""
    best: dict[int, Parts] = {len(plain): (0.0, ())}
    for start in reversed(range(len(plain))):
        found = [
            (cost + best[stop][0], (word, *best[stop][1]) if word else best[stop][1])
            for cost, stop, word in _steps(plain, start, sought, looked_up)
            if stop in best
        ]
        if found:
            best[start] = min(found, key=lambda parts: parts[0])
    cost, words = best.get(0, (0.0, ()))
    return cost, list(dict.fromkeys(words))


def is_end_of_name(text: str) -> bool:
    """Whether Chinese signs are, all of them, one noun of the lists."""
    return text in _lexicon(_SCANNED)[0]


def is_noun_of_lists(word: str) -> bool:
    """Whether an English word, lower case, ends a name of the lists.

    >>> [word for word in ("spindles", "swiftly", "feathers") if is_noun_of_lists(word)]
    ['spindles', 'feathers']
    """
    return stem(word) in _words()[0]


def chinese_nouns(text: str) -> list[tuple[int, int, bool]]:
    """Where Chinese nouns begin and end in normal text, the longest ones, and whether they are ends
    of names (or only stand before one)."""
    ends, kinds = _lexicon(_ALL)
    found, place = [], 0
    while place < len(text):
        for stop in range(min(place + LONGEST, len(text)), place, -1):
            part = text[place:stop]
            if part in ends or part in kinds:
                found.append((place, stop, part in ends))
                place = stop - 1
                break
        place += 1
    return found


def english_nouns(text: str) -> list[tuple[int, int, bool]]:
    """The same for English words."""
    ends, kinds = _words()
    return [
        (word.start(), word.end(), stem(word.group()) in ends)
        for word in _LATIN.finditer(text)
        if stem(word.group()) in ends or word.group() in kinds
    ]


@lru_cache(maxsize=1)
def _words() -> tuple[frozenset[str], frozenset[str]]:
    """Stems of the last words of English names, and the words that only stand before them."""
    ends: set[str] = set()
    kinds: set[str] = set(vocabulary("nouns")["codes"].split())
    for documents, last in ((_ALL, True), (_KINDS, False)):
        for document, groups in documents:
            for group in groups:
                for english, _ in entries(document, group):
                    words = english.lower().split()
                    kinds.update(words)
                    if last:
                        ends.add(stem(words[-1]))
    stop = frozenset(vocabulary("english")["stop"].split())
    return frozenset(ends - stop), frozenset(kinds - stop)


def _steps(text: str, start: int, sought: bool, looked_up: bool) -> list[tuple[float, int, str]]:
    """What may come next at `start`: its cost, where it stops, and its English."""
    ends, kinds = _lexicon(_SOUGHT if sought else _SCANNED)
    found: list[tuple[float, int, str]] = []
    latin = _LATIN.match(text, start)
    if latin and not CJK.match(text[start]):
        return [(PART, latin.end(), latin.group())]
    if text[start] in _BETWEEN and start > 0:
        found.append((LINK, start + 1, ""))
    # the longest first: of splits that cost alike the one with the longer beginning stays
    for stop in range(min(start + LONGEST, len(text)), start, -1):
        part = text[start:stop]
        if stop < len(text) and part in kinds:
            found.append((PART, stop, kinds[part]))
        elif part in ends:
            found.append((PART, stop, ends[part]))
        elif looked_up and (names := names_of(part)):
            found.append((LOOKED_UP, stop, names[0]))
    if start + 1 < len(text):  # an unknown end would be an unknown thing
        found.append((SIGN, start + 1, ""))
    return found


@lru_cache(maxsize=3)
def _lexicon(ends: Documents) -> tuple[dict[str, str], dict[str, str]]:
    """What Chinese says in English: names and ends of names, and what stands before one."""

    def gathered(documents: Documents) -> dict[str, str]:
        found: dict[str, str] = {}
        for document, groups in documents:
            for group in groups:
                for english, spellings in entries(document, group):
                    for spelling in spellings:
                        found.setdefault(spelling.lower(), english)
        return found

    return gathered(ends), gathered(_KINDS)


def _singular(phrase: str) -> str:
    if phrase.endswith("ies"):
        return phrase[:-3] + "y"
    return phrase[:-1] if phrase.endswith("s") and not phrase.endswith(("ss", "us")) else phrase
