"""Why each step of a recipe is there, in sentences that a person can check on the scan."""

from __future__ import annotations

import math
from typing import Any

from metadata.watch.duration import duration_text
from metadata.watch.instrument import Remark
from metadata.watch.phrases import clock, number
from planner.language.phrases import say
from planner.language.translation import translate
from planner.language.vocabulary import vocabulary
from planner.severity import severities_of
from planner.situation import Situation, rules
from planner.task import Condition
from planner.traits import Trait
from toolbox.card import ToolCard
from toolbox.kinds import Stage
from toolbox.recipe import Recipe
from toolbox.registry import tool_class

OWN_GAIN = "gain_over_thresholds"  # the metric of adapters that were trained here
NOTHING = Trait(0.0, 0.0, 0.0, "")
WORTH_SAYING = 0.02  # of a defect, in units of its scale, that a step takes out


def reasons(recipe: Recipe, situation: Situation, language: str) -> list[str]:
    """One for each step, which begins with the title of its tool: what the instrument or the
    request says of it, else the defect that it mends most and what the scan shows of it, else what
    it is for."""
    lang = "en" if language == "en" else "zh"
    cards = [tool_class(step.tool).card for step in recipe]
    return [
        f"{card.title}: {_reason(card, situation, lang)}"
        if lang == "en"
        else f"{card.title_zh}：{_reason(card, situation, lang)}"
        for card in cards
    ]


def _reason(card: ToolCard, situation: Situation, lang: str) -> str:
    drifting = situation.drifting_axis
    if drifting is not None and card.stage is Stage.ALIGN:
        return _drift(drifting, lang)
    if card.name == "known_center":
        given = situation.wishes.axis_px
        return (say("reason.axis_stated", lang) if given is None
                else say("reason.axis_given", lang, column=f"{given:g}"))  # fmt: skip
    mended = _mended(card.name, situation, lang)
    if mended is not None:
        return mended
    if card.name in vocabulary("purposes"):
        return _purpose(card.name, situation, lang)
    if OWN_GAIN in card.metrics:
        fills = card.stage is Stage.CORRECT
        return say("reason.own_marks" if fills else "reason.own_labels", lang,
                   iou=card.metrics["iou"], thresholds=card.metrics["iou_thresholds"])  # fmt: skip
    gain = -rules()["harm"].get(card.name, 0.0)
    if gain > 0:
        return say("reason.gain", lang, gain=gain, source=rules()["measured_source"])
    if card.name in situation.wishes.tools:
        return say("reason.named", lang)
    return _purpose(card.stage.value, situation, lang)


def _drift(remark: Remark, lang: str) -> str:
    """Why a drifting axis calls for alignment."""
    left = remark.seconds_to_limit
    return say(
        f"reason.axis_{remark.state.value}", lang, metric=remark.metric, since=clock(remark.since),
        value=number(remark.value), limit=number(remark.limit),
        time=duration_text(left if left is not None else math.inf, lang),
    )  # fmt: skip


def _mended(tool: str, situation: Situation, lang: str) -> str | None:
    """The defect that a tool mends most, what is seen of it and what is left; None where there is
    next to nothing to mend."""
    severities = severities_of(situation)
    mends = {
        name: severities[name] / rule["scale"] * (1 - rule["left"][tool])
        for name, rule in rules()["defects"].items()
        if tool in rule["left"]
    }
    best = max(mends, key=mends.__getitem__, default=None)
    if best is None or mends[best] <= WORTH_SAYING:
        return None
    rule = rules()["defects"][best]
    source = translate(rule.get("sources", {}).get(tool, rule["source"]), lang)
    return say("reason.mends", lang, shown=_shown(best, situation, lang), source=source,
               share=100 * (1 - rule["left"][tool]))  # fmt: skip


def _shown(defect: str, situation: Situation, lang: str) -> str:
    rule = rules()["defects"][defect]
    condition = rule.get("condition")
    if condition and situation.conditions.get(Condition(condition)) == "text":
        return say("reason.said", lang)
    traits = situation.traits
    words: str = rule["shown"][lang]
    told = words.format(
        value=severities_of(situation)[defect], views=situation.info.projections,
        coverage=traits.value("angular_coverage", 180.0), jitter=traits.value("jitter"),
    )  # fmt: skip
    tile = situation.worst_tile(defect)  # defects of frames are called as their traits
    if tile is None:
        return told
    return told + say("reason.worst_tile", lang, count=len(situation.infos), file=tile.path.name)


def _purpose(name: str, situation: Situation, lang: str) -> str:
    """What a tool, or a stage, is for on this scan, by configs/language/purposes.yaml."""
    info, before = situation.info, situation.info.flats_before or 0
    case = next(c for c in vocabulary("purposes")[name] if _holds(c, situation))
    trait = getattr(situation.traits, case["trait"]) if "trait" in case else NOTHING
    words: str = case[lang]
    return words.format(
        views=info.projections, scans=len(situation.infos), flats=info.flats, darks=info.darks,
        flats_before=before, flats_after=info.flats - before, value=trait.value, low=trait.low,
        high=trait.high, percent=100 * trait.value, least=100 * trait.low, most=100 * trait.high,
    )  # fmt: skip


def _holds(case: dict[str, Any], situation: Situation) -> bool:
    """Whether the trait of a case was measured and lies so; of several scans it says nothing."""
    if "trait" not in case:
        return True
    trait: Trait | None = getattr(situation.traits, case["trait"])
    alone = len(situation.infos) == 1
    return alone and trait is not None and trait.value < case.get("below", math.inf)
