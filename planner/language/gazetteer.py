"""Names of specimens and features in English and Chinese, from configs/language."""

from __future__ import annotations

from functools import lru_cache

from planner.language.vocabulary import vocabulary

Entry = tuple[str, tuple[str, ...]]


@lru_cache(maxsize=16)
def entries(document: str, kind: str) -> tuple[Entry, ...]:
    """The lines of one list as (English name, Chinese spellings).

    >>> dict(entries("specimens", "things"))["femur"]
    ('股骨',)
    """
    rows = []
    for line in vocabulary(document)[kind].strip().splitlines():
        english, _, chinese = line.partition("=")
        rows.append((english.strip(), tuple(chinese.split())))
    return tuple(rows)
