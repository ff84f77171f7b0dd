"""Names of specimens and features in English and Chinese, from configs/language."""

from __future__ import annotations

import re
from functools import lru_cache

from planner.language.vocabulary import vocabulary

Entry = tuple[str, tuple[str, ...]]


@lru_cache(maxsize=16)
def entries(document: str, kind: str) -> tuple[Entry, ...]:
    """The names of one list, one a line or several with semicolons between, as (English name,
    Chinese spellings).

    >>> dict(entries("specimens", "things"))["femur"]
    ('股骨',)
    """
    rows = []
    for line in re.split(r"[\n;]", vocabulary(document)[kind].strip()):
        english, _, chinese = line.partition("=")
        rows.append((english.strip(), tuple(chinese.split())))
    return tuple(rows)
