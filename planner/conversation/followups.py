"""What a message asks for within a conversation, read without any service."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from planner.language.clauses import clauses_of
from planner.language.mentions import Stance
from planner.language.normal import language_of, normal
from planner.language.quantities import limits_in
from planner.language.rules import evidence_of
from planner.language.vocabulary import vocabulary
from planner.language.wishes import as_bare_wish, goals_ruled_out, wishes_in
from planner.task import Device, Goal, Priority, Task

RUNNING = ("run", "运行", "执行", "跑")


class Kind(StrEnum):
    """What a message is, seen from the conversation; ``OTHER``: a request of its own."""

    RUN = "run"
    RESUME = "resume"
    TAKE = "take"
    SHOW = "show"
    BACK = "back"
    CHANGE = "change"
    ALTERNATIVES = "alternatives"
    PLAN = "plan"
    WHICH = "which"
    PREDICTED = "predicted"
    WHY = "why"
    INSPECT = "inspect"
    TOOLS = "tools"
    WATCH = "watch"
    SAME_FOR = "same_for"
    OTHER_SCAN = "other_scan"
    RESULT = "result"
    FORMAT = "format"
    STATUS = "status"
    HELP = "help"
    ANEW = "anew"
    BYE = "bye"
    OTHER = "other"


@dataclass(frozen=True)
class FollowUp:
    """``rank``: of the plan that is taken or shown (−1: the last, 0: the quickest); ``run``: that
    it is to run as well."""

    kind: Kind
    rank: int | None = None
    run: bool = False


@lru_cache(maxsize=32)
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(vocabulary("conversation")[name])


@lru_cache(maxsize=1)
def _taken_alone() -> re.Pattern[str]:
    words = vocabulary("conversation")
    return re.compile(words["take_alone"].format(take=words["take"]))


def bare(text: str) -> str:
    """Normal text without courtesies and closing signs.

    >>> bare("Run it, please!"), bare("那就跑吧。")
    ('run it', '跑')
    """
    plain = _pattern("courtesy").sub(" ", normal(text))
    return " ".join(re.sub(r"[!?.,;:。！？，；\s]+", " ", plain).split())


def is_yes(text: str) -> bool:
    """Whether the whole of a message is a yes."""
    return any(_pattern("agree").fullmatch(t) for t in (bare(text), _closed(text)))


def is_no(text: str) -> bool:
    """Whether the whole of a message is a no."""
    return any(_pattern("decline").fullmatch(t) for t in (bare(text), _closed(text)))


def _closed(text: str) -> str:
    return normal(text).strip(" !.,;。！，；\n\t")


def follow_up(text: str, planned: bool) -> FollowUp:
    """What a message asks for; ``planned``: whether there are plans to speak of.

    >>> follow_up("take the second and run it", True)
    FollowUp(kind=<Kind.TAKE: 'take'>, rank=2, run=True)
    >>> follow_up("快一点", True).kind, follow_up("重建这个牙齿", True).kind
    (<Kind.CHANGE: 'change'>, <Kind.OTHER: 'other'>)
    """
    plain, closed = bare(text), _closed(text)
    for kind in (Kind.ANEW, Kind.BYE, Kind.HELP):
        if any(_pattern(kind.value).fullmatch(t) for t in (plain, closed)):
            return FollowUp(kind)
    if not plain or _pattern("praise").fullmatch(plain):  # thanks, and no more
        return FollowUp(Kind.STATUS)
    if _pattern("resume").search(plain):
        return FollowUp(Kind.RESUME)
    if _pattern("run").search(plain):
        return FollowUp(Kind.RUN)
    for kind in (Kind.BACK, Kind.SAME_FOR, Kind.OTHER_SCAN, Kind.FORMAT, Kind.RESULT):
        if _pattern(kind.value).search(plain):
            return FollowUp(kind)
    shown = _pattern("show").search(plain)
    if shown and not _pattern("which").search(plain):
        return FollowUp(Kind.SHOW, _rank(shown))
    asks = _pattern("why").search(plain) is not None
    if not asks:
        taken = _pattern("take").search(plain) if planned else _taken_alone().fullmatch(plain)
        if taken and not _asked_goals(text):
            runs = _pattern("run_also").search(closed) or plain.startswith(RUNNING)
            return FollowUp(Kind.TAKE, _rank(taken), bool(runs))
        if planned and _pattern("alternatives").search(plain):
            return FollowUp(Kind.ALTERNATIVES)
    for kind in (Kind.WHICH, Kind.PREDICTED, Kind.PLAN, Kind.STATUS, Kind.TOOLS, Kind.INSPECT):
        if _pattern(kind.value).search(plain):
            return FollowUp(kind)
    if asks:
        return FollowUp(Kind.WHY)
    if _pattern("watch").search(plain):
        return FollowUp(Kind.WATCH)
    if planned and _changes(text):
        return FollowUp(Kind.CHANGE)
    return FollowUp(Kind.OTHER)


def _rank(named: re.Match[str]) -> int:
    """The rank that a message names, from a pattern that matched."""
    word = next(g for g in named.groups() if g is not None)
    ranks: dict[str, int] = vocabulary("conversation")["ordinals"]
    return ranks[word] if word in ranks else int(word.rstrip("stndrh"))


def _asked_goals(text: str) -> set[Goal]:
    stances = evidence_of(normal(text)).goals
    return {goal for goal, stance in stances.items() if stance is Stance.ASKED}


def _changes(text: str) -> bool:
    """Whether a message changes the request at hand rather than makes another."""
    plain = normal(text)
    if _asked_goals(text) - _by_wish(text):
        return _pattern("also").search(plain) is not None
    named = wishes_in(text)
    limits = limits_in(clauses_of(plain))
    return bool(
        any(_pattern(n).search(bare(text)) for n in ("faster", "better", "balanced", "less_memory"))
        or limits.seconds or limits.memory
        or named.tools or named.barred_tools or named.barred_stages
        or evidence_of(plain).device is not Device.ANY
    )  # fmt: skip


def _by_wish(text: str) -> set[Goal]:
    """Goals that only the name of a tool or of a step that is ruled out brings up."""
    found = {Goal.RECONSTRUCT} if wishes_in(text).tools else set()
    return found | goals_ruled_out(text)


def changed(task: Task, text: str, half_memory_gib: float | None = None) -> Task:
    """The task at hand with what a message changes: priority, limits, device, steps named or
    ruled out, further goals. ``half_memory_gib``: what "less memory" comes to."""
    plain, short = normal(text), bare(text)
    known = _asked_goals(text)
    new: dict[str, object] = {"language": language_of(text) if text.strip() else task.language}
    for name, priority in (("balanced", Priority.BALANCED), ("better", Priority.QUALITY),
                           ("faster", Priority.SPEED)):  # fmt: skip
        if _pattern(name).search(short):
            new["priority"] = priority
    limits, evidence = limits_in(clauses_of(plain)), evidence_of(plain)
    if limits.seconds:
        new["max_seconds"] = limits.seconds
    if limits.memory:
        new["max_memory_gib"] = limits.memory
    elif half_memory_gib and _pattern("less_memory").search(short):
        new["max_memory_gib"] = half_memory_gib
    if evidence.device is not Device.ANY:
        new["device"] = evidence.device
    wishes = wishes_in(text)
    # What stood alone as a wish (as "quickly") would go on to set the priority by its words.
    said = "" if as_bare_wish(task) is not None else task.text
    barred = goals_ruled_out(text)
    goals = (set(task.goals) | (known - _by_wish(text))) - barred
    new["goals"] = tuple(goals) or (Goal.RECONSTRUCT,)
    new["conditions"] = tuple({*task.conditions, *evidence.conditions} - evidence.denied)
    if wishes.tools or wishes.barred_tools or wishes.barred_stages or goals != set(task.goals):
        said = f"{said}. {text}" if said else text
    new["text"] = said or ("reconstruct" if new["language"] == "en" else "重建")
    return replace(task, **new)  # type: ignore[arg-type]
