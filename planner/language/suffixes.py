"""English head nouns for Chinese names that no list knows, by their last signs."""

from __future__ import annotations

from functools import lru_cache

from planner.language.gazetteer import entries


@lru_cache(maxsize=1)
def _heads() -> dict[str, str]:
    return {
        chinese: english
        for english, spellings in entries("suffixes", "heads")
        for chinese in spellings
    }


def said_by_suffix(text: str) -> str | None:
    """The head noun that the longest known ending of `text` says, or None.

    >>> said_by_suffix("紫云英茎")
    'stem'
    """
    heads = _heads()
    plain = text.strip()
    return next(
        (heads[plain[start:]] for start in range(len(plain)) if plain[start:] in heads), None
    )


def is_head(text: str) -> bool:
    """Whether Chinese signs are such an ending, all of them."""
    return text in _heads()
