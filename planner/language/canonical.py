"""One key for a name, whichever words and whichever language it was said in."""

from __future__ import annotations

from functools import lru_cache

from planner.language.english_names import known_words
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
    words = vocabulary("synonyms")
    plain = (words["plurals"].get(word, word) for word in heads_of(_carried(name)))
    return frozenset(_firsts().get(part, part) for part in map(_last_part, plain))


def same_thing(one: str | None, other: str | None) -> bool:
    """Whether two names, both said in English, name one kind of thing (or are both absent)."""
    return key_of(one) == key_of(other)


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


@lru_cache(maxsize=1)
def _firsts() -> dict[str, str]:
    lines = [line.split() for line in vocabulary("synonyms")["heads"]]
    return {word: words[0] for words in lines for word in words}
