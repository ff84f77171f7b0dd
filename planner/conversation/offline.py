"""The conversation without a language model: follow-ups by grammar, requests by the built-in
understanding."""

from __future__ import annotations

import re

from metadata.errors import InputError
from planner.conversation.actions import Actions, read_request
from planner.conversation.followups import Kind, bare, changed, follow_up
from planner.conversation.named import NAME
from planner.conversation.state import State
from planner.conversation.told import Turn
from planner.conversation.wording import plan_words
from planner.language.phrases import say
from planner.language.times import time_words
from planner.language.vocabulary import vocabulary
from planner.language.wishes import as_bare_wish
from planner.plan import Plan
from planner.task import Intent

GIB = 2.0**30
NOTICED = 0.8  # of the seconds before: less than this a person would not call faster
GAINED = 0.002  # quality


def answer_offline(text: str, state: State, actions: Actions) -> Turn:
    """One turn for a message whose file names are taken out (``NAME`` stands for each)."""
    asked = follow_up(text, state.answer is not None)
    named = asked.kind in (Kind.OTHER, Kind.SAME_FOR)
    if state.asks_output and state.output is not None and named:
        actions.run()
    elif asked.kind is Kind.BYE:
        return Turn(words=say("chat.bye", state.language), ends=True)
    elif asked.kind is Kind.HELP:
        return Turn(words=say("chat.help", state.language))
    elif asked.kind is Kind.SAME_FOR:
        if state.task is None:
            _inspect(state, actions)
        else:
            actions.plan(state.task)
    elif asked.kind is Kind.OTHER_SCAN:
        return Turn(words=say("chat.other_scan", state.language))
    elif asked.kind is Kind.FORMAT:
        return Turn(words=say("chat.format", state.language))
    elif asked.kind is Kind.RESULT:
        return Turn(words=_result(state))
    elif asked.kind is Kind.STATUS:
        return Turn(words=_status(state))
    elif asked.kind is Kind.RUN:
        actions.run()
    elif asked.kind is Kind.RESUME:
        actions.resume()
    elif asked.kind is Kind.TAKE:
        assert asked.rank is not None
        if not actions.choose(asked.rank or _quickest(state)).refused and asked.run:
            actions.run()
    elif asked.kind is Kind.SHOW:
        assert asked.rank is not None
        actions.show(asked.rank or _quickest(state))
    elif asked.kind is Kind.BACK:
        actions.back()
    elif asked.kind is Kind.ALTERNATIVES or (asked.kind is Kind.PLAN and state.answer is not None):
        actions.alternatives()
    elif asked.kind is Kind.PLAN:
        actions.plan(read_request("reconstruct" if state.language == "en" else "重建"))
    elif asked.kind is Kind.WHICH:
        return Turn(words=_which(state))
    elif asked.kind is Kind.PREDICTED:
        none = say("chat.no_plan_yet", state.language)
        return Turn(words=plan_words(state.plan, state.language) if state.plan else none)
    elif asked.kind is Kind.WHY:
        actions.explain(text.replace(NAME, " "))
    elif asked.kind is Kind.INSPECT:
        _inspect(state, actions)
    elif asked.kind is Kind.TOOLS:
        actions.tools(asked=text)
    elif asked.kind is Kind.WATCH:
        actions.watch()
    elif asked.kind is Kind.CHANGE:
        return _change(text, state, actions)
    else:
        return _request(text, state, actions)
    return Turn(done=tuple(actions.done))


def _request(text: str, state: State, actions: Actions) -> Turn:
    """A message that is no follow-up: a request of its own, or only the names of scans."""
    said, words = text.replace(NAME, " "), ""
    if not re.search(r"[^\W\d_]", bare(said)):
        _inspect(state, actions)
        return Turn(done=tuple(actions.done))
    try:
        task = read_request(said)
    except InputError:
        if state.answer is None and follow_up(said, True).kind is Kind.CHANGE:
            actions.alternatives()  # which says that there is no plan yet
            return Turn(done=tuple(actions.done))
        actions.plan(said)  # which says that nothing can be made of it
        return Turn(done=tuple(actions.done), words=say("chat.hint", state.language))
    other = task.intent is not Intent.PLAN and as_bare_wish(task) is None
    if state.answer is None and other and follow_up(said, True).kind is Kind.ALTERNATIVES:
        actions.alternatives()  # which says that there is no plan yet
    elif task.intent is Intent.PLAN or as_bare_wish(task) is not None:
        told = actions.plan(task)
        runs = re.search(vocabulary("conversation")["run_also"], bare(said))
        if runs and not told.refused:
            actions.run()
    elif task.intent is Intent.EXPLAIN:
        actions.explain(said)
    elif task.intent is Intent.CATALOGUE:
        actions.tools(asked=said)
    elif task.intent is Intent.WATCH:
        actions.watch()
    else:
        actions.plan(task)  # which says that it is outside
        words = say("chat.hint", state.language)
    return Turn(done=tuple(actions.done), words=words)


def _inspect(state: State, actions: Actions) -> None:
    labels = [label for label, path in state.files.items() if path in state.current]
    for label in labels:
        actions.inspect(label)
    if not labels:
        actions.inspect()


def _change(text: str, state: State, actions: Actions) -> Turn:
    """Plan again with what a message changes, and say what came of it."""
    before, task, answer = state.plan, state.task, state.answer
    assert before is not None  # a change is a change only of a plan
    assert task is not None
    half = before.prediction.peak_bytes.value / GIB / 2
    said = text.replace(NAME, " ")
    new = changed(task, said, half_memory_gib=half)
    told = actions.plan(new, [state.name(p) for p in state.current or state.planned])
    after = state.plan
    if told.refused or after is None or state.answer is answer:
        return Turn(done=tuple(actions.done))
    words = _compared(said, before, state, actions)
    return Turn(done=tuple(actions.done), words=words)


def _compared(said: str, before: Plan, state: State, actions: Actions) -> str:
    """How the new plan stands beside the one before; where it was to be faster (or better) and is
    not, the fastest (or best) of the others is taken."""
    answer = state.answer
    assert answer is not None
    seconds, quality = before.prediction.seconds.value, before.prediction.quality.value
    first = answer.plans[0].prediction
    words, short = vocabulary("conversation"), bare(said)
    faster, better = (re.search(words[n], short) is not None for n in ("faster", "better"))
    if faster and first.seconds.value > NOTICED * seconds:
        best = min(answer.plans, key=lambda p: p.prediction.seconds.value)
        none = best.prediction.seconds.value > NOTICED * seconds
        if not none or NOTICED * first.seconds.value > seconds:  # the first would be a step back
            actions.choose(best.rank)
        if none:
            return say("chat.no_faster", state.language)
    elif better and first.quality.value < quality + GAINED:
        best = max(answer.plans, key=lambda p: p.prediction.quality.value)
        none = best.prediction.quality.value < quality + GAINED
        if not none or first.quality.value < quality - GAINED:
            actions.choose(best.rank)
        if none:
            return say("chat.no_better", state.language)
    now = state.plan
    assert now is not None
    if now.pipeline.to_json() == before.pipeline.to_json():
        return say("chat.same", state.language, rank=now.rank)
    new = now.prediction
    return say(
        "chat.compared", state.language, seconds=new.seconds.value, before=seconds,
        quality=new.quality.value, quality_before=quality,
    )  # fmt: skip


def _quickest(state: State) -> int:
    plans = state.answer.plans if state.answer else ()
    return min(plans, key=lambda p: p.prediction.seconds.value).rank if plans else 1


def _which(state: State) -> str:
    """Which plan was chosen, which promises most and which is the quickest."""
    if state.answer is None:
        return say("chat.no_plan_yet", state.language)
    lang, plans = state.language, state.answer.plans
    best = max(plans, key=lambda p: p.prediction.quality.value)
    quickest = min(plans, key=lambda p: p.prediction.seconds.value)
    return say(
        "chat.which", lang, priority=say(f"priority.{state.answer.task.priority.value}", lang),
        first=plans[0].rank, best=best.rank, quality=best.prediction.quality.value,
        quickest=quickest.rank, time=time_words(quickest.prediction.seconds.value, lang),
    )  # fmt: skip


def _result(state: State) -> str:
    """Where the result of this conversation lies."""
    if state.record is None:
        return say("chat.no_result", state.language)
    return say("chat.result", state.language, output=str(state.record.output))


def _status(state: State) -> str:
    lang = state.language
    files = ", ".join(str(p) for p in state.current) or "–"
    rank = state.rank if state.plan else "–"
    then = "run" if state.plan else "request" if state.current else "scan"
    return say("chat.status", lang, files=files, rank=rank, then=say(f"chat.next_{then}", lang),
               output=str(state.output) if state.output else "–")  # fmt: skip
