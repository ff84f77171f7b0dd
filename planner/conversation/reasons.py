"""Why a plan is as it is: its own reasons, what the scan shows, what another tool would bring."""

from __future__ import annotations

import re

from planner.answers import explanation
from planner.conversation.followups import bare
from planner.conversation.state import State
from planner.language.normal import normal
from planner.language.phrases import say
from planner.language.vocabulary import vocabulary
from planner.language.wishes import wishes_in
from planner.plan import Plan
from planner.task import Intent, Task
from toolbox.card import ToolCard
from toolbox.pipeline import SCAN
from toolbox.registry import known_tools, tool_class


def why(question: str, state: State, lang: str) -> list[str]:
    """Sentences that answer a question about the plan at hand, or about a term where there is
    no plan or the question does not touch it."""
    plan, lines = state.plan, []
    if plan is not None and state.answer is not None:
        plan = _asked_plan(question, state) or plan
        stages = stages_in(question)
        tools = tools_in(question)
        cards = [tool_class(n.tool).card for n in plan.pipeline.nodes if n.tool != SCAN]
        for tool in tools:
            used = [c for c in cards if c.name == tool]
            lines += [r for c in used for r in _reasons_of(plan, c)]
        for stage in [s for s in stages if not any(tool_class(t).card.stage == s for t in tools)]:
            there = [c for c in cards if c.stage == stage]
            found = [r for c in there for r in _reasons_of(plan, c)]
            lines += found or [_without(stage, plan, state, lang) if not there
                               else say("chat.step_needed", lang, tool=there[0].name)]  # fmt: skip
        if not stages and not tools and _about_plan(question):
            lines += [say("chat.reasons", lang, rank=plan.rank), *plan.reasons]
    if lines:
        return lines
    return [explanation(Task(Intent.EXPLAIN, text=question, language=lang))]


def tools_in(question: str) -> list[str]:
    """Tools that a question names, wanted or not."""
    wishes = wishes_in(re.sub(r"[?？]", " ", question))
    words = question.lower()
    spelled = [t for t in known_tools() if re.search(rf"(?<![a-z]){re.escape(t)}(?![a-z_])", words)]
    return list(dict.fromkeys([*wishes.tools, *sorted(wishes.barred_tools), *spelled]))


def stages_in(question: str) -> list[str]:
    """Stages of a plan that a question names, in the words of ``conversation.yaml``.

    >>> stages_in("why this ring removal?"), stages_in("为什么要去噪")
    (['destripe'], ['denoise'])
    """
    plain = normal(question)
    table: dict[str, str] = vocabulary("conversation")["stages"]
    return [stage for stage, words in table.items() if re.search(words, plain)]


def _asked_plan(question: str, state: State) -> Plan | None:
    """The plan that a question names by its number."""
    taken = re.search(r"(?:plan |option |方案|第)([1-9一二三四五])", normal(question))
    if taken is None or state.answer is None:
        return None
    rank = vocabulary("conversation")["ordinals"].get(taken[1]) or int(taken[1])
    plans = state.answer.plans
    return plans[rank - 1] if 1 <= rank <= len(plans) else None


def _reasons_of(plan: Plan, card: ToolCard) -> list[str]:
    """The plan's sentences on one tool, which begin with its title."""
    starts = tuple(f"{title}{colon}" for title in (card.title, card.title_zh) for colon in ":：")
    return [r for r in plan.reasons if r.startswith(starts)]


def _without(stage: str, plan: Plan, state: State, lang: str) -> str:
    words = vocabulary("conversation")
    name = words["stage_names"][stage]["en" if lang == "en" else "zh"]
    trait_name = words["answers_to"].get(stage)
    answer = state.answer
    if answer is not None and stage in wishes_in(answer.task.text).barred_stages:
        return say("chat.ruled_out", lang, rank=plan.rank, step=name)
    seen = answer.situation.traits if answer is not None and answer.situation else None
    trait = getattr(seen, trait_name) if seen is not None and trait_name else None
    if trait is None:
        return say("chat.no_step", lang, rank=plan.rank, step=name)
    shown = say(f"trait.{trait_name}", lang)
    return say("chat.no_step_seen", lang, rank=plan.rank, step=name, trait=shown,
               value=trait.value, unit=trait.unit)  # fmt: skip


def _about_plan(question: str) -> bool:
    """Whether a question is about the plan as a whole and not about a term."""
    return re.search(
        r"\b(?:plan|this|that|it|first|second|one|you|choose|chose|chosen|pick|reasons?|rank\w*|"
        r"slower|faster|step|steps)\b|方案|这个|这样|选|理由|原因|依据|第[一二三四五1-5]|慢|快",
        bare(question),
    ) is not None or bare(question) in ("why", "为什么", "为啥", "explain", "解释")  # fmt: skip
