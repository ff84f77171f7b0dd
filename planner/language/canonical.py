"""One key for a name, whichever words and whichever language it was said in."""

from __future__ import annotations

from functools import lru_cache

from planner.language.scoring import heads_of
from planner.language.vocabulary import vocabulary


def key_of(name: str | None) -> frozenset[str] | None:
    """The heads of an English name, each by the first word of its line of synonyms.

    >>> key_of("cavities in the bread") == key_of("hole"), key_of("pores") == key_of("hole")
    (True, False)
    """
    return None if name is None else frozenset(_firsts().get(h, h) for h in heads_of(name))


def same_thing(one: str | None, other: str | None) -> bool:
    """Whether two names, both said in English, name one kind of thing (or are both absent)."""
    return key_of(one) == key_of(other)


@lru_cache(maxsize=1)
def _firsts() -> dict[str, str]:
    lines = [line.split() for line in vocabulary("synonyms")["heads"]]
    return {word: words[0] for words in lines for word in words}
