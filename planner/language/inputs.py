"""What the trained reader sees of a request: tokens with their meaning, and the rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.language.chinese_names import found_names
from planner.language.compounds import chinese_nouns, english_nouns
from planner.language.encoder import Seen, encoder
from planner.language.english_names import phrases
from planner.language.features import EMBEDDING
from planner.language.mentions import Stance
from planner.language.normal import CJK
from planner.language.quantities import Kind, Quantity, quantities_in
from planner.language.rules import Evidence, evidence_of
from planner.language.tokens import Token, pieces_of, tokens_of
from planner.task import Condition, Device, Goal, Intent, Priority

KINDS = ("things", "materials", "forms", "objects", "measures", "watched")
STANCES = tuple(Stance)
# Of a token: kinds of names that begin or go on at it, nouns and what stands before them
NAME_FLAGS = 2 * len(KINDS) + 2
# ... goals by stance, quantities, question.
FLAGS = NAME_FLAGS + 2 + len(Goal) * len(STANCES) + 2 * len(Kind) + 2
# Of a request: goals by stance, conditions said and denied, intents, priority, device, length.
EVIDENCE = len(Goal) * len(STANCES) + 2 * len(Condition) + len(Intent) + 2 + 2 + 1


@dataclass(frozen=True)
class Inputs:
    """One request as numbers; T tokens.

    `pieces` are hash numbers by token, `flags` (T, FLAGS), `meaning` (T, EMBEDDING) what the
    frozen encoder makes of each token in its place, `evidence` (EVIDENCE,).
    """

    text: str
    tokens: tuple[Token, ...]
    pieces: list[list[int]]
    flags: NDArray[np.float32]
    meaning: NDArray[np.floating[Any]]
    evidence: NDArray[np.float32]
    rules: Evidence
    quantities: list[Quantity]


def inputs_of(text: str, embed: bool = True) -> Inputs:
    """What is seen of normal text; without `embed` the meanings are left zero."""
    rules = evidence_of(text)
    tokens = tokens_of(text) or (Token("?", 0, 0),)
    quantities = quantities_in(rules.clauses)
    return Inputs(
        text=text,
        tokens=tokens,
        pieces=pieces_of(tokens),
        flags=_flags(text, tokens, rules, quantities),
        meaning=meanings(encoder().read(text), tokens)
        if embed
        else np.zeros((len(tokens), EMBEDDING), np.float32),
        evidence=_evidence(text, rules),
        rules=rules,
        quantities=quantities,
    )


def meanings(seen: Seen, tokens: Sequence[Token]) -> NDArray[np.float32]:
    """What each token means in its place (T, EMBEDDING): the mean over the encoder's pieces that
    it shares signs with, zero where it shares none."""
    starts = np.array([token.start for token in tokens])
    stops = np.array([token.stop for token in tokens])
    shared = np.zeros((len(tokens), len(seen.pieces)), np.float32)
    for column, piece in enumerate(seen.pieces):
        shared[(stops > piece.start) & (starts < piece.stop), column] = 1
    found: NDArray[np.float32] = (shared / np.clip(shared.sum(1, keepdims=True), 1, None)) @ (
        seen.states
    )
    return found


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
    for start, stop, end in [*chinese_nouns(text), *english_nouns(text)]:
        raise_between(start, stop, 2 * len(KINDS) + (not end))
    at = NAME_FLAGS
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
