"""Quantities with units in a request, and which of them are limits.

A number becomes a limit only where the words around it say so ("within", "max", "是上限"), or
where it stands alone in its clause ("…, 15 min."). Exposures, scan times, intervals, ages and raw
data sizes are quantities too, but not limits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from planner.language.clauses import Clause
from planner.language.vocabulary import pattern

SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_NUMBER = r"(?<![\d.a-z])(\d+(?:[.,]\d+)?)"
_DURATION = pattern("duration")
_JOIN = pattern("join")

# Words that make a duration a budget, before it, after it or anywhere in its clause.
_BUDGET_BEFORE = pattern("budget_before")
_BUDGET_AFTER = pattern("budget_after")
_PAST = pattern("past")
_STRONG = pattern("strong")
_AGO = pattern("ago")
_LATE = pattern("late")
_BARE = pattern("bare")

_MEMORY = pattern("memory")
_GIB = {"t": 1024.0, "g": 1.0, "m": 1 / 1024}
_MEMORY_WORDS = pattern("memory_words")
_MEMORY_GIVEN = pattern("memory_given")
_DATA_WORDS = pattern("data_words")
_CEILING = pattern("ceiling")

_NO_LIMIT = pattern("no_limit")

_CLOCK = pattern("clock")
_NOW = pattern("now")
_DUE = pattern("due")


@dataclass(frozen=True)
class Limits:
    """What a request allows: seconds and memory (the number people say, GiB), and tightness."""

    seconds: float | None = None
    memory: float | None = None
    deadline: bool = False


def limits_in(clauses: tuple[Clause, ...]) -> Limits:
    """The limits that the clauses of one request state."""
    deadline = _deadline(clauses)
    seconds = deadline if deadline is not None else _time_budget(clauses)
    return Limits(seconds, _memory_budget(clauses), deadline is not None)


def without_empty_limits(text: str) -> tuple[str, tuple[str, ...]]:
    """The text without limits of nothing or less, and what they say.

    >>> without_empty_limits("reconstruct it within 0 seconds, please")
    ('reconstruct it , please', ('within 0 seconds',))
    """
    said = tuple(found[0].strip() for found in _NO_LIMIT.finditer(text.lower()))
    return (_NO_LIMIT.sub("", text.lower()) if said else text), said


class Kind(StrEnum):
    """What a quantity of a request measures."""

    DURATION = "duration"
    SIZE = "size"
    CLOCK = "clock"


@dataclass(frozen=True)
class Quantity:
    """A duration (s), a size (GiB) or a clock time (minutes after midnight) at `start`:`stop` of
    the whole text; `limit` says whether the words around make it a limit."""

    kind: Kind
    value: float
    start: int
    stop: int
    limit: bool = False
    past: bool = False  # said of the scan or of the specimen, by the words around


def quantities_in(clauses: tuple[Clause, ...]) -> list[Quantity]:
    """The durations, sizes and clock times of one request, clause by clause."""
    found = []
    for clause in clauses:
        at = clause.start
        for mention in durations(clause.text):
            limit = _budget_weight(clause.text, mention) > 0
            found.append(
                Quantity(
                    Kind.DURATION,
                    mention.seconds,
                    at + mention.start,
                    at + mention.stop,
                    limit,
                    past=not limit and _is_past(clause.text, mention),
                )
            )
        for size in _MEMORY.finditer(clause.text):
            near = clause.text[: size.start()][-45:] + " # " + clause.text[size.end() :][:30]
            given = _MEMORY_GIVEN.search(clause.text[: size.start()]) is not None
            own = (_MEMORY_WORDS.search(near) is not None or given) and (
                _is_memory(near) or not _DATA_WORDS.search(near)
            )
            found.append(Quantity(Kind.SIZE, _gib(size), at + size.start(), at + size.end(), own))
        for clock in _CLOCK.finditer(clause.text):
            found.append(
                Quantity(Kind.CLOCK, _minutes(clock), at + clock.start(), at + clock.end())
            )
    return found


def limits_of(quantities: Sequence[Quantity], chance: Callable[[Quantity, str], float]) -> Limits:
    """The limits among quantities; `chance` says how surely one is a "time" or "memory" limit, the
    present ("now") or a deadline ("due")."""

    def surest(kind: Kind, role: str) -> Quantity | None:
        those = [(chance(q, role), q.start, q) for q in quantities if q.kind is kind]
        best = max(those, key=lambda entry: entry[:2], default=None)
        return best[2] if best is not None and best[0] > 0.5 else None

    now, due = surest(Kind.CLOCK, "now"), surest(Kind.CLOCK, "due")
    time, memory = surest(Kind.DURATION, "time"), surest(Kind.SIZE, "memory")
    gap = _gap(now.value, due.value) if now and due and now != due else None
    seconds = gap if gap is not None else time.value if time else None
    return Limits(
        float(round(seconds, 6)) if seconds else None,
        float(round(memory.value, 6)) if memory else None,
        gap is not None,
    )


@dataclass(frozen=True)
class Duration:
    """A duration in seconds at `start`:`stop` of its clause."""

    seconds: float
    start: int
    stop: int


def durations(text: str) -> Iterator[Duration]:
    """The durations in normal text; neighbours join ("1 h 30 min").

    >>> [d.seconds for d in durations("1 h 30 min, then 90s, 2小时15分钟")]
    [5400.0, 90.0, 8100.0]
    """
    pending: Duration | None = None
    for found in _DURATION.finditer(text):
        unit = next(name for name in SECONDS if found[name])
        number = found[2] or found[1]
        value = float(number.replace(",", ".")) * SECONDS[unit]
        mention = Duration(value, found.start(), found.end())
        if pending is not None:
            gap = text[pending.stop : mention.start]
            if _JOIN.fullmatch(gap) and "," not in gap and value < pending.seconds:
                pending = Duration(pending.seconds + value, pending.start, mention.stop)
                continue
            yield pending
        pending = mention
    if pending is not None:
        yield pending


def _is_past(text: str, mention: Duration) -> bool:
    """Whether a duration is said of what was."""
    before, after = text[: mention.start], text[mention.stop :]
    near = before[-40:] + " # " + after[:40]
    return _PAST.search(near) is not None and _STRONG.search(near) is None


def _time_budget(clauses: tuple[Clause, ...]) -> float | None:
    best: tuple[int, float] | None = None
    for clause in clauses:
        for mention in durations(clause.text):
            weight = _budget_weight(clause.text, mention)
            if weight > 0 and (best is None or weight >= best[0]):
                best = (weight, mention.seconds)
    return None if best is None else float(round(best[1], 6))


def _budget_weight(text: str, mention: Duration) -> int:
    """How surely a duration is a budget for the processing; 0 where it is not."""
    before, after = text[: mention.start], text[mention.stop :]
    if _AGO.match(after) or _LATE.match(after) or mention.seconds < 1:
        return 0
    near = before[-40:] + " # " + after[:40]
    past = _PAST.search(near) is not None
    if re.search(r"(?:every|each|per|每|每隔)\s*$", before):
        return 0
    bare = not _BARE.sub("", before + after)
    strong = _STRONG.search(near) is not None
    if bare:
        return 2
    if past and not strong:
        return 0
    if strong and (_BUDGET_BEFORE.search(before) or _BUDGET_AFTER.match(after)):
        return 2 if past else 3
    if past:
        return 0
    if strong:
        return 2
    return int(bool(_BUDGET_BEFORE.search(before) or _BUDGET_AFTER.match(after)))


def _memory_budget(clauses: tuple[Clause, ...]) -> float | None:
    best: tuple[int, float] | None = None
    whole = " ".join(clause.text for clause in clauses)
    for clause in clauses:
        for found in _MEMORY.finditer(clause.text):
            value = _gib(found)
            before, after = clause.text[: found.start()][-45:], clause.text[found.end() :][:30]
            near = before + " # " + after
            bare = not _BARE.sub("", clause.text[: found.start()] + clause.text[found.end() :])
            own = _MEMORY_WORDS.search(near) is not None
            ceiling = _CEILING.search(near) is not None
            if _DATA_WORDS.search(near) and not _is_memory(near):
                continue
            if not (own or ceiling or (bare and value >= 1)):
                if not _MEMORY_WORDS.search(whole) or _DATA_WORDS.search(clause.text):
                    continue
                weight = 1
            else:
                weight = 2 * own + ceiling + bare
            if best is None or weight > best[0]:
                best = (weight, value)
    return None if best is None else float(round(best[1], 6))


def _gib(found: re.Match[str]) -> float:
    return float(found[1].replace(",", ".")) * _GIB[found["unit"][0]]


def _is_memory(near: str) -> bool:
    return (
        re.search(r"\b(?:v?ram|memory|laptop|quota|gpu)\b|内存|显存|配额", near, re.ASCII)
        is not None
    )


def _deadline(clauses: tuple[Clause, ...]) -> float | None:
    """Seconds from the stated present to the stated deadline; None without both."""
    now: float | None = None
    due: float | None = None
    for clause in clauses:
        for found in _CLOCK.finditer(clause.text):
            minutes = _minutes(found)
            before, after = clause.text[: found.start()], clause.text[found.end() :]
            near = before[-24:]
            cue_now, cue_due = _last(_NOW, near), _last(_DUE, near)
            if re.match(r"\s*(?:now|already|了)\b|\s*了", after, re.ASCII):
                cue_now = 99
            if re.match(
                r"\s*(?:之前|以前|前|要|开会|停光|截止|交|换样|组会|走|下班|汇报|就得|得|有会|出发|发车|deadline)",
                after,
            ):
                cue_due = 99
            if cue_now > cue_due and now is None:
                now = minutes
            elif cue_due > cue_now and due is None:
                due = minutes
    if now is None or due is None:
        return None
    return _gap(now, due)


def _gap(now: float, due: float) -> float | None:
    """Seconds between two clock times in minutes; a deadline said to be earlier is after noon."""
    gap = (due - now) % (12 * 60) if due < now else due - now
    return float(gap * 60) if gap > 0 else None


def _last(pattern: re.Pattern[str], text: str) -> int:
    """Where the last match of `pattern` ends, or -1."""
    return max((found.end() for found in pattern.finditer(text)), default=-1)


_QUARTERS = {"半": 30, "刻": 15, "一刻": 15, "二刻": 30, "三刻": 45, "钟": 0, "整": 0}


def _minutes(found: re.Match[str]) -> float:
    hour = int(found["hour"])
    minute = int(found["minute"] or 0)
    if found["cn"]:
        minute = _QUARTERS.get(found["cn"], 0) or int(re.sub(r"\D", "", found["cn"]) or 0)
    if found["half"]:
        minute = 30
    if found["pm"] and found["pm"].startswith("p") and hour < 12:
        hour += 12
    return 60 * hour + minute
