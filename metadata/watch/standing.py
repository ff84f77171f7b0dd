"""What stands now, and what a person says of it."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

from metadata.errors import InputError
from metadata.watch.acknowledgement import Acknowledgement
from metadata.watch.duration import parse_duration
from metadata.watch.ledger import Ledger
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
        standing = ledger.problems()
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
        standing, given = ledger.problems(), ledger.acknowledgements()
        states = ledger.states(float("inf"))
    covering = {p.metric: _covering(p, given, now) for p in standing}
    if as_json:
        print(json.dumps([
            p.to_json() | {"acknowledged": a.to_json() if (a := covering[p.metric]) else None}
            for p in standing
        ], ensure_ascii=False))  # fmt: skip
        return
    if not standing:
        print(phrase("nothing", language))
    for p in standing:
        state = states.get(p.metric, {})
        limit = ", ".join(number(one) for one in p.limits)
        note = standing_note(covering[p.metric], language)
        said = [p.metric, state_word(p.state, language), clock(p.since), number(state.get("value")),
                f"{phrase('table.limit', language)} {limit}" if limit else "", note]  # fmt: skip
        print("  ".join(word for word in said if word))


def standing_note(given: Acknowledgement | None, language: str = "en") -> str:
    """``acknowledged`` or ``snoozed until …``; empty without either."""
    if given is None:
        return ""
    if given.until is None:
        return phrase("acknowledged", language)
    return phrase("snoozed", language, until=clock(given.until))


def _covering(
    problem: Problem, given: Sequence[Acknowledgement], now: float
) -> Acknowledgement | None:
    return next((a for a in given if a.covers(problem, now)), None)
