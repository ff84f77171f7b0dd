"""What stands now, and what a person says of it."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from metadata.errors import InputError
from metadata.watch.acknowledgement import Acknowledgement
from metadata.watch.duration import parse_duration
from metadata.watch.ledger import Ledger, Standing
from metadata.watch.phrases import clock, number, phrase, state_word
from metadata.watch.problem import Problem


def acknowledge_problems(
    known: Sequence[str], snoozed: Sequence[str], by: str = "", language: str = "en"
) -> None:
    """Acknowledge the standing problems of the metrics ``known``, and snooze those of ``snoozed``
    (``METRIC=2h``); prints what came of each.

    Raises InputError where a metric has no standing problem: nothing that comes later is hidden.
    """
    wished: list[tuple[str, float | None]] = [(metric, None) for metric in known]
    for text in snoozed:
        metric, equals, duration = text.rpartition("=")
        if not equals:
            raise InputError(
                f"The snooze {text!r} has no time; expected METRIC=TIME, for instance "
                f"axis_position=2h."
            )
        wished.append((metric, parse_duration(duration)))
    now = time.time()
    with Ledger() as ledger:
        standing = [one.problem for one in ledger.standing()]
        given = []
        for metric, seconds in wished:
            problems = [p for p in standing if p.metric == metric]
            if not problems:
                raise InputError(
                    f"{metric} has no standing warning or alarm to acknowledge or snooze; "
                    f"{_listed(standing)} What comes later is never hidden."
                )
            given += [Acknowledgement.of(p, now, seconds, by) for p in problems]
        ledger.acknowledge(given)
    for metric, seconds in wished:
        key = "ack.done" if seconds is None else "snooze.done"
        print(phrase(key, language, metric=metric, until=clock(now + (seconds or 0.0))))


def _listed(standing: Sequence[Problem]) -> str:
    names = sorted({p.metric for p in standing})
    return f"there are those of {', '.join(names)}." if names else "there is none at all."


def show_standing(language: str = "en", as_json: bool = False) -> None:
    """Print every problem that stands, with what was said of it."""
    now = time.time()
    with Ledger() as ledger:
        standing, given = ledger.standing(), ledger.acknowledgements()
    if as_json:
        print(json.dumps([_document(one, given, now) for one in standing], ensure_ascii=False))
        return
    if not standing:
        print(phrase("nothing", language))
    for one in standing:
        problem, latest = one.problem, one.latest or {}
        limit = ", ".join(number(side) for side in problem.limits)
        note = standing_note(covering(problem, given, now), language)
        said = [problem.metric, state_word(problem.state, language), clock(problem.since),
                number(latest.get("value")),
                f"{phrase('table.limit', language)} {limit}" if limit else "", note]  # fmt: skip
        print("  ".join(word for word in said if word))


def _document(one: Standing, given: Sequence[Acknowledgement], now: float) -> dict[str, Any]:
    known = covering(one.problem, given, now)
    return one.problem.to_json() | {"latest": one.latest, "seen": one.seen,
                                    "acknowledged": known.to_json() if known else None}  # fmt: skip


def standing_note(given: Acknowledgement | None, language: str = "en") -> str:
    """``acknowledged`` or ``snoozed until …``; empty without either."""
    if given is None:
        return ""
    if given.until is None:
        return phrase("acknowledged", language)
    return phrase("snoozed", language, until=clock(given.until))


def covering(
    problem: Problem, given: Sequence[Acknowledgement], now: float
) -> Acknowledgement | None:
    """What a person said of the problem as it is now, if anything."""
    return next((a for a in given if a.covers(problem, now)), None)
