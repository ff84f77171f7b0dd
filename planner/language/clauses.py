"""A request cut into clauses, and what a clause does to the things it names."""

from __future__ import annotations

from dataclasses import dataclass

from planner.language.vocabulary import pattern

_BREAK = pattern("break")


@dataclass(frozen=True)
class Clause:
    """A stretch of normal text between breaks; `sentence` counts full stops before it."""

    text: str
    start: int
    sentence: int
    question: bool = False

    @property
    def stop(self) -> int:
        return self.start + len(self.text)


def clauses_of(text: str) -> tuple[Clause, ...]:
    """The clauses of normal text, in order, without empty ones.

    >>> [c.text for c in clauses_of("rings out, then the volume. 15 min")]
    ['rings out', 'the volume', '15 min']
    """
    found: list[Clause] = []
    start = sentence = 0
    for gap in [*_BREAK.finditer(text), None]:
        stop = gap.start() if gap else len(text)
        raw = text[start:stop]
        words = raw.strip()
        if words:
            offset = start + len(raw) - len(raw.lstrip())
            question = gap is not None and gap.group()[0] in "?？"
            found.append(Clause(words, offset, sentence, question))
        if gap:
            sentence += gap.group()[0] in ".。!！?？;；\n"
            start = gap.end()
    return tuple(found)
