"""Why each of several plans stands where it does beside the others."""

from __future__ import annotations

from collections.abc import Sequence

from planner.language import say
from planner.language.times import time_words
from planner.search import MENDING, SURELY, Candidate, mends, same_cost
from planner.situation import Situation, named

TOLD = 3  # decimals of a difference in quality


def beside_first(candidate: Candidate, first: Candidate, situation: Situation) -> str:
    """What a plan takes and gives, measured against the first one."""
    lang = situation.task.language
    if candidate is first:
        return say(
            "reason.first", lang,
            priority=say(f"priority.{situation.task.priority.value}", lang),
            quality=candidate.quality,
            seconds=f"{candidate.seconds:.{1 if candidate.seconds < 10 else 0}f}",  # as the table
        )  # fmt: skip
    gain = _gain(candidate, first)
    ratio = candidate.seconds / first.seconds
    if same_cost(candidate, first):
        return say("reason.another", lang, gain=gain)
    if ratio >= 1:
        more = "reason.better" if gain >= SURELY else "reason.perhaps_better"
        return say(more if gain > 0 else "reason.slower", lang, ratio=ratio, gain=gain)
    return say("reason.faster", lang, ratio=1 / ratio, gain=gain)


def why_first(chosen: Sequence[Candidate], situation: Situation) -> str | None:
    """Why the first of the plans stands before the one of which the most quality is told: what it
    saves and what it gives up; None where none is told to be better."""
    first, lang = chosen[0], situation.task.language
    rank, best = max(enumerate(chosen, start=1), key=lambda one: one[1].quality)
    gain = _gain(best, first)
    if gain <= 0:
        return None
    told = {"rank": rank, "quality": best.quality, "gain": gain,
            "time": time_words(best.seconds, lang)}  # fmt: skip
    limit = situation.task.max_seconds
    if limit and best.time.high > limit >= first.time.high:
        return say("reason.first_in_time", lang, **told, slow=time_words(best.time.high, lang),
                   limit=time_words(limit, lang))  # fmt: skip
    if mends(first, situation) and not mends(best, situation):
        wanted = [named(c).text(lang) for c in MENDING if c in situation.conditions]
        wrong = (", " if lang == "en" else "、").join(wanted)
        return say("reason.first_mends", lang, **told, wrong=wrong)
    if best.seconds > first.seconds and not same_cost(best, first):
        sure = "" if gain >= SURELY else say("reason.first_unsure", lang)
        return say("reason.first_quicker", lang, **told, ratio=best.seconds / first.seconds,
                   saved=time_words(best.seconds - first.seconds, lang), unsure=sure)  # fmt: skip
    return say("reason.first_alike" if gain < SURELY else "reason.first_asked", lang, **told)


def _gain(one: Candidate, first: Candidate) -> float:
    """The quality that is told of one plan more than of the first."""
    return round(one.quality - first.quality, TOLD) + 0.0  # no "-0.000"
