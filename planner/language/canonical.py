"""One key for a name, whichever words and whichever language it was said in."""

from __future__ import annotations

from functools import lru_cache

from planner.language.dictionary import called_alike, dictionary
from planner.language.english_names import known_words
from planner.language.gazetteer import entries
from planner.language.scoring import heads_of
from planner.language.vocabulary import vocabulary


def key_of(name: str | None) -> frozenset[str] | None:
    """The heads of an English name, each by the first word of its line of synonyms, and of what is
    written in one word only the last part.

    >>> key_of("cavities in the bread") == key_of("hole"), key_of("pores") == key_of("hole")
    (True, False)
    >>> key_of("wormholes") == key_of("worm holes")
    True
    """
    if name is None:
        return None
    return frozenset(_firsts().get(part, part) for part in map(_last_part, _plain_heads(name)))


def same_by_lists(one: str | None, other: str | None) -> bool:
    """Whether two names, both said in English, name one kind of thing (or are both absent), by the
    lists alone."""
    return key_of(one) == key_of(other)


def same_thing(one: str | None, other: str | None) -> bool:
    """Whether two names, both said in English, name one kind of thing (or are both absent): by the
    lists, or each head of one is a word for a head of the other by the dictionary, where it is
    installed (planner.language.dictionary).

    >>> same_thing("brass candlestick", "candlestick"), same_thing("brass candlestick", "brass")
    (True, False)
    """
    if same_by_lists(one, other):
        return True
    if one is None or other is None:
        return False
    return any(
        _same_heads(here, there) for here in _ways_to_say(one) for there in _ways_to_say(other)
    )


def _ways_to_say(name: str) -> list[str]:
    """A name, and it without a last word that says only what kind of thing it is: a larch tree is a
    larch."""
    first, _, last = name.rpartition(" ")
    kinds = vocabulary("synonyms")["kinds"]
    return [name, first] if first and last.removesuffix("s") in kinds else [name]


def _same_heads(one: str, other: str) -> bool:
    first, second = _plain_heads(one), _plain_heads(other)
    return len(first) == len(second) and all(
        any(_alike(here, there) for there in those)
        for these, those in ((first, second), (second, first))
        for here in these
    )


def _alike(one: str, other: str) -> bool:
    words = [{word, _last_part(word), _end_of(word)} for word in (one, other)]
    words = [{*each, *(_firsts().get(word, word) for word in each)} for each in words]
    if not words[0].isdisjoint(words[1]):
        return True
    # what is looked for and measured the lists keep apart: a grain is no particle
    return not {one, other} <= _sought() and called_alike(one, other)


@lru_cache(maxsize=1)
def _sought() -> frozenset[str]:
    kinds = ("objects", "measures", "watched")
    said = (english for kind in kinds for english, _ in entries("features", kind))
    return frozenset(word for name in said for word in _plain_heads(name.lower()))


def _plain_heads(name: str) -> list[str]:
    plurals = vocabulary("synonyms")["plurals"]
    return [plurals.get(word, word) for word in heads_of(_carried(name))]


def _carried(name: str) -> str:
    """What a field or a vector is of."""
    first, _, last = name.rpartition(" ")
    carriers = vocabulary("synonyms")["carriers"]
    return first if first and last.removesuffix("s") in carriers else name


def _last_part(word: str) -> str:
    """ "hole" of "wormhole": the last of two known words that one unknown word is made of."""
    known = known_words()
    if word in known or word in _firsts():
        return word
    parts = (word[place:] for place in range(3, len(word) - 2) if word[:place] in known)
    return next((part for part in parts if part in known), word)


@lru_cache(maxsize=1024)
def _end_of(word: str) -> str:
    """ "shaft" of "crankshaft": the same by the words that the dictionary says things with."""
    book = dictionary()
    if book is None or len(word) < 6 or not word.isascii():
        return word
    cuts = ((word[:place], word[place:]) for place in range(len(word) - 3, 2, -1))
    return next((end for start, end in cuts if book.says(start) and book.says(end)), word)


@lru_cache(maxsize=1)
def _firsts() -> dict[str, str]:
    lines = [line.split() for line in vocabulary("synonyms")["heads"]]
    return {word: words[0] for words in lines for word in words}
