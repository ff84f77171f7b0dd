"""Verdicts as lines of JSON, in time order across metrics."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from metadata.drift.verdict import Verdict
from metadata.drift.verdicts import Verdicts
from metadata.series import Times

Tell = Callable[[str], str]
PLAIN_DIGITS = 12  # of a score
LONGEST = 1e10  # s to a limit: never


def in_time_order(
    blocks: Sequence[Verdicts], keys: Sequence[Times], *, changes: bool = False
) -> Iterator[Verdict]:
    """The verdicts of several metrics one by one, ordered by their ``keys`` (as long as each
    block), those of one time in the order of the blocks; with ``changes`` only where a state
    changes."""
    chosen = [np.flatnonzero(b.changed) if changes else np.arange(len(b)) for b in blocks]
    times = [key[rows] for key, rows in zip(keys, chosen, strict=True)]
    if not sum(map(len, times)):
        return
    which = np.repeat(np.arange(len(blocks)), [len(rows) for rows in chosen])
    rows = np.concatenate(chosen)
    for at in np.argsort(np.concatenate(times), kind="stable").tolist():
        yield blocks[which[at]].one(int(rows[at]))


def json_line(verdict: Verdict, tell: Tell = str) -> str:
    """One line, as INTERFACE describes it; ``tell`` puts the message into the reader's language.

    >>> from metadata.drift.verdict import State
    >>> json_line(Verdict(0.0, "axis", State.QUIET, 0.0, 1.5))[:48]
    '{"time": 0.0, "metric": "axis", "state": "quiet"'
    """
    document = verdict.to_json()
    document["score"] = round(verdict.score, PLAIN_DIGITS)
    left = document["seconds_to_limit"]
    if left is not None:  # JSON knows no infinity
        document["seconds_to_limit"] = {side: min(s, LONGEST) for side, s in left.items()}
    document["message"] = tell(verdict.message) if verdict.message else ""
    return json.dumps(document, ensure_ascii=False) + "\n"


def plain_line(verdict: Verdict, unit: str, clock: str, state: str, tell: Tell = str) -> str:
    """One line for a person: when, what, its state, its value, and the sentence."""
    value = "–" if verdict.value is None else f"{verdict.value:.5g} {unit}".rstrip()
    said = tell(verdict.message) if verdict.message else ""
    return f"{clock}  {verdict.metric}  {state}  {value}  {said}".rstrip() + "\n"
