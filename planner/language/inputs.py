"""What the trained reader sees of a request: tokens, clauses with their meaning, and the rules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.language.chinese_names import found_names
from planner.language.clauses import Clause
from planner.language.english_names import phrases
from planner.language.features import EMBEDDING, embedded
from planner.language.mentions import Stance
from planner.language.normal import CJK
from planner.language.quantities import Kind, Quantity, quantities_in
from planner.language.rules import Evidence, evidence_of
from planner.language.tokens import Token, pieces_of, tokens_of
from planner.task import Condition, Device, Goal, Intent, Priority

KINDS = ("things", "materials", "forms", "objects", "measures", "watched")
STANCES = tuple(Stance)
# Of a token: kinds of names that begin or go on at it, goals by stance, quantities, question.
FLAGS = 2 * len(KINDS) + 2 + len(Goal) * len(STANCES) + 2 * len(Kind) + 2
# Of a request: goals by stance, conditions said and denied, intents, priority, device, length.
EVIDENCE = len(Goal) * len(STANCES) + 2 * len(Condition) + len(Intent) + 2 + 2 + 1
CHUNK = 9  # tokens of the embedding that a chunk should have at least
BUDGET = 72  # tokens of the embedding that a request may cost: about a millisecond each


@dataclass(frozen=True)
class Inputs:
    """One request as numbers; T tokens, C chunks (clauses, short ones joined).

    `pieces` are hash numbers by token, `flags` (T, FLAGS), `chunk` (T,) the chunk of each token,
    `meaning` (C, EMBEDDING) of the chunks, zero where none was computed, `evidence` (EVIDENCE,).
    """

    text: str
    tokens: tuple[Token, ...]
    pieces: list[list[int]]
    flags: NDArray[np.float32]
    chunk: NDArray[np.intp]
    meaning: NDArray[np.float32]
    evidence: NDArray[np.float32]
    rules: Evidence
    quantities: list[Quantity]


def inputs_of(text: str, embed: bool = True) -> Inputs:
    """What is seen of normal text; without `embed` the meanings are left zero."""
    rules = evidence_of(text)
    tokens = tokens_of(text) or (Token("?", 0, 0),)
    quantities = quantities_in(rules.clauses)
    chunks = chunks_of(rules.clauses, text)
    meaning = np.zeros((max(len(chunks), 1), EMBEDDING), np.float32)
    if embed:
        for place in affordable([part for _, part in chunks]):
            meaning[place] = embedded(chunks[place][1])
    starts = [start for start, _ in chunks]
    middles = [token.start for token in tokens]
    chunk = np.clip(np.searchsorted(starts, middles, side="right") - 1, 0, None)
    return Inputs(
        text=text,
        tokens=tokens,
        pieces=pieces_of(tokens),
        flags=_flags(text, tokens, rules, quantities),
        chunk=chunk,
        meaning=meaning,
        evidence=_evidence(text, rules),
        rules=rules,
        quantities=quantities,
    )


def chunks_of(clauses: tuple[Clause, ...], text: str) -> list[tuple[int, str]]:
    """Where each chunk begins, and its text: clauses, joined while they are short.

    >>> from planner.language.clauses import clauses_of
    >>> said = "walnut, 3 kV, quick please, but label every crack that reaches the shell"
    >>> [part for _, part in chunks_of(clauses_of(said), said)]
    ['walnut, 3 kV, quick please, but label every crack that reaches the shell']
    """
    joined: list[tuple[int, int]] = []
    for clause in clauses:
        if joined and cost(text[joined[-1][0] : joined[-1][1]]) < CHUNK:
            joined[-1] = (joined[-1][0], clause.stop)
        else:
            joined.append((clause.start, clause.stop))
    if len(joined) > 1 and cost(text[joined[-1][0] : joined[-1][1]]) < CHUNK / 2:
        start, stop = joined[-2][0], joined[-1][1]
        joined[-2:] = [(start, stop)]
    return [(start, text[start:stop]) for start, stop in joined]


def affordable(parts: list[str]) -> list[int]:
    """The chunks whose embedding the budget allows: the first, then from the end on."""
    left = float(BUDGET)
    chosen: list[int] = []
    for place in [0, *range(len(parts) - 1, 0, -1)] if parts else []:
        left -= cost(parts[place]) + 5  # signs that every embedding carries
        if left < 0 and chosen:
            break
        chosen.append(place)
    return sorted(chosen)


def cost(text: str) -> float:
    """About how many tokens of the embedding a text has."""
    chinese = sum(sign > "\u3000" for sign in text)
    return 0.75 * chinese + 0.27 * (len(text) - chinese)


def _flags(
    text: str, tokens: tuple[Token, ...], rules: Evidence, quantities: list[Quantity]
) -> NDArray[np.float32]:
    flags = np.zeros((len(tokens), FLAGS), np.float32)
    starts = np.array([token.start for token in tokens])
    stops = np.array([token.stop for token in tokens])

    def raise_between(start: int, stop: int, column: int, first: int | None = None) -> None:
        touched = np.flatnonzero((stops > start) & (starts < stop))
        if touched.size:
            flags[touched, column] = 1
            if first is not None:
                flags[touched[0], first] = 1

    if CJK.search(text):
        for document, kinds in (("specimens", KINDS[:3]), ("features", KINDS[3:])):
            for name in found_names(text, document, kinds):
                column = 2 * KINDS.index(name.kind)
                raise_between(name.start, name.stop, column, column + 1)
    for document, first, last in (("specimens", 0, 3), ("features", 3, 5), ("features", 5, 6)):
        for name in phrases(text, document, KINDS[first:last]):
            raise_between(name.start, name.stop, 2 * first, 2 * first + 1)
    at = 2 * len(KINDS)
    for mentioned, mention in rules.goal_mentions:
        column = at + list(Goal).index(mentioned) * len(STANCES) + STANCES.index(mention.stance)
        raise_between(mention.start, mention.stop, column)
    at += len(Goal) * len(STANCES)
    for quantity in quantities:
        column = at + 2 * list(Kind).index(quantity.kind) + quantity.limit
        raise_between(quantity.start, quantity.stop, column)
    at += 2 * len(Kind)
    for clause in rules.clauses:
        if clause.question:
            raise_between(clause.start, clause.stop, at)
        raise_between(clause.start, clause.start + 1, at + 1)
    flags[0, at + 2] = 1
    flags[-1, at + 3] = 1
    return flags


def _evidence(text: str, rules: Evidence) -> NDArray[np.float32]:
    goals = [float(rules.goals.get(goal) == stance) for goal in Goal for stance in STANCES]
    said = [float(c in rules.conditions) for c in Condition]
    denied = [float(c in rules.denied) for c in Condition]
    intents = [rules.intents[intent] / 3 for intent in Intent]
    priority = [float(rules.priority == p) for p in (Priority.QUALITY, Priority.SPEED)]
    device = [float(rules.device == d) for d in (Device.CPU, Device.GPU)]
    length = [min(len(rules.clauses), 10) / 10]
    return np.array([*goals, *said, *denied, *intents, *priority, *device, *length], np.float32)
