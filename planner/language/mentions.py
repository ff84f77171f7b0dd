"""What a request says of a thing it names: asks for it, does not want it, or has it already."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from planner.language.clauses import Clause
from planner.language.vocabulary import pattern, vocabulary


class Stance(StrEnum):
    """How a clause stands to what it names."""

    ASKED = "asked"
    DECLINED = "declined"
    DONE = "done"


@dataclass(frozen=True)
class Mention:
    """A name found at `start`:`stop` of the normal text."""

    stance: Stance
    start: int
    stop: int
    clause: Clause


_DECLINED_BEFORE = pattern("declined_before")
_DECLINED_AFTER = pattern("declined_after")
_DONE_BEFORE = pattern("done_before")
_DONE_AFTER = pattern("done_after")
_STILL_ASKED = pattern("still_asked")


def stance_of(clause: Clause, start: int, stop: int) -> Stance:
    """How `clause` stands to its stretch `start`:`stop` (counted within the clause)."""
    before, after = clause.text[:start], clause.text[stop:]
    declined = _DECLINED_BEFORE.search(before)
    if declined and not _STILL_ASKED.search(declined["between"]):
        return Stance.DECLINED
    if _DECLINED_AFTER.match(after):
        return Stance.DECLINED
    if _DONE_AFTER.match(after) or _DONE_BEFORE.search(before[-30:]):
        return Stance.DONE
    return Stance.ASKED


@lru_cache(maxsize=256)
def _compiled(document: str, name: str, part: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(p, re.ASCII) for p in vocabulary(document)[name].get(part, ()))


def mentions(
    clauses: tuple[Clause, ...], document: str, name: str, part: str
) -> tuple[Mention, ...]:
    """All mentions of `name` by the patterns `part` of a vocabulary, clause by clause."""
    found = []
    for clause in clauses:
        for wanted in _compiled(document, name, part):
            for match in wanted.finditer(clause.text):
                if match.end() == match.start():
                    continue
                stance = stance_of(clause, match.start(), match.end())
                start = clause.start + match.start()
                found.append(Mention(stance, start, start + len(match.group()), clause))
    return tuple(found)


def any_match(text: str, document: str, name: str, part: str) -> bool:
    """Whether one of the patterns `part` of `name` occurs in normal text."""
    return any(pattern.search(text) for pattern in _compiled(document, name, part))


def without(text: str, document: str, name: str, part: str) -> str:
    """Normal text with every match of the patterns `part` of `name` blanked."""
    for unwanted in _compiled(document, name, part):
        text = unwanted.sub(lambda match: " " * len(match.group()), text)
    return text
