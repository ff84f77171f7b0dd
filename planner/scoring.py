"""The transparent scorer: rules of thumb with their sources, from ``configs/rules.yaml``."""

from __future__ import annotations

import math
from functools import lru_cache

from metadata.scan_info import Content
from metadata.watch.duration import duration_text
from metadata.watch.instrument import Remark
from metadata.watch.phrases import clock, number
from planner.language.phrases import say
from planner.language.translation import translate
from planner.plan import Interval
from planner.situation import Situation, rules
from planner.task import Condition
from toolbox.kinds import Stage
from toolbox.recipe import Recipe, Step
from toolbox.registry import tool_class

OWN_GAIN = "gain_over_thresholds"  # the metric of adapters that were trained here
SMOOTHING = (Stage.RECONSTRUCT, Stage.DENOISE)


class RuleScorer:
    """Quality = (1 − base − harm) · Π (1 − what each defect of the data costs after the steps).

    A defect of severity s costs the share ``weight · x / (1 + x)`` with ``x = s / scale`` times
    what each step leaves of it. ``configs/rules_measured.yaml`` holds the numbers and
    ``tomoplan bench rules`` measures them. The interval is ± the part of what is lost that the
    rules are unsure of.
    """

    def quality(self, recipe: Recipe, situation: Situation) -> Interval:
        losses = self.losses(recipe, situation)
        value = min(max(1 - rules()["base"] - self.harm(recipe), 0.0), 1.0)
        for lost in losses.values():
            value *= 1 - lost
        unsure = 0.03 + rules()["unsure"] * (1 - value)
        return Interval(value, max(value - unsure, 0.0), min(value + unsure, 1.0))

    def losses(self, recipe: Recipe, situation: Situation) -> dict[str, float]:
        """The share of quality that each defect costs after the steps, by name."""
        found = {}
        severities = severities_of(situation)
        tools = dict.fromkeys(step.tool for step in recipe)
        for name, rule in rules()["defects"].items():
            left = min(severities[name], rule.get("highest", math.inf))
            # Steps that smooth take out the same thing: the best of them counts, not their product.
            smoothest = 1.0
            for tool in tools:
                share = rule["left"].get(tool, 1.0)
                if tool_class(tool).card.stage in SMOOTHING:
                    smoothest = min(smoothest, share)
                else:
                    left *= share
            left *= smoothest
            x = left / rule["scale"]
            found[name] = min(rule["weight"] * x / (1 + x), 0.99)
        return found

    def harm(self, recipe: Recipe) -> float:
        """Quality that the steps cost where nothing is wrong, below zero where they gain."""
        harm = [rules()["harm"].get(tool, 0.0) for tool in dict.fromkeys(s.tool for s in recipe)]
        # Two steps that smooth do not gain twice.
        return sum(h for h in harm if h > 0) + min(min(harm, default=0.0), 0.0)

    def reasons(self, recipe: Recipe, situation: Situation, language: str) -> list[str]:
        """For each step, the defect it mends most and what the scan shows of it."""
        lang = "en" if language == "en" else "zh"
        severities = severities_of(situation)
        sentences = []
        for step in recipe:
            mends = {
                name: severities[name] / rule["scale"] * (1 - rule["left"][step.tool])
                for name, rule in rules()["defects"].items()
                if step.tool in rule["left"]
            }
            best = max(mends, key=lambda n: mends[n], default=None)
            title = _title(step, lang)
            drifting = situation.drifting_axis
            if drifting is not None and tool_class(step.tool).card.stage is Stage.ALIGN:
                sentences.append(f"{title}{': ' if lang == 'en' else '：'}{_drift(drifting, lang)}")
                continue
            if step.tool == "known_center":
                given = situation.wishes.axis_px
                told = (say("reason.axis_stated", lang) if given is None
                        else say("reason.axis_given", lang, column=f"{given:g}"))  # fmt: skip
                sentences.append(f"{title}{': ' if lang == 'en' else '：'}{told}")
                continue
            if best is not None and mends[best] > 0.02:
                rule = rules()["defects"][best]
                shown = _shown(best, situation, lang)
                share = 100 * (1 - rule["left"][step.tool])
                source = translate(rule.get("sources", {}).get(step.tool, rule["source"]), lang)
                sentences.append(
                    f"{title}: {shown}; removes about {share:.0f} % of it ({source})."
                    if lang == "en"
                    else f"{title}：{shown}；约可去除其中的 {share:.0f} %（依据：{source}）。"
                )
            elif step.tool in rules()["purpose"]:
                colon = ": " if lang == "en" else "："
                sentences.append(f"{title}{colon}{rules()['purpose'][step.tool][lang]}")
            elif OWN_GAIN in (found := tool_class(step.tool).card.metrics):
                fills = tool_class(step.tool).card.stage is Stage.CORRECT
                told = say("reason.own_marks" if fills else "reason.own_labels", lang,
                           iou=found["iou"], thresholds=found["iou_thresholds"])  # fmt: skip
                sentences.append(f"{title}{': ' if lang == 'en' else '：'}{told}")
        return sentences


def _drift(remark: Remark, lang: str) -> str:
    """Why a drifting axis calls for alignment."""
    left = remark.seconds_to_limit
    return say(
        f"reason.axis_{remark.state.value}", lang, metric=remark.metric, since=clock(remark.since),
        value=number(remark.value), limit=number(remark.limit),
        time=duration_text(left if left is not None else math.inf, lang),
    )  # fmt: skip


def _title(step: Step, lang: str) -> str:
    card = tool_class(step.tool).card
    return card.title if lang == "en" else card.title_zh


def _shown(defect: str, situation: Situation, lang: str) -> str:
    rule = rules()["defects"][defect]
    condition = rule.get("condition")
    if condition and situation.conditions.get(Condition(condition)) == "text":
        return say("reason.said", lang)
    words = rule["shown"][lang]
    return words.format(value=severities_of(situation)[defect], **_numbers(situation))


def _numbers(situation: Situation) -> dict[str, float]:
    traits, info = situation.traits, situation.info
    return {
        "views": info.projections,
        "noise": traits.value("noise"),
        "signal": traits.value("signal"),
        "coverage": traits.value("angular_coverage", 180.0),
        "rings": traits.value("rings"),
        "jitter": traits.value("jitter"),
    }


# ---- severities: one number a defect, from traits and words --------------------------------------


@lru_cache(maxsize=8)  # situations are compared by identity
def severities_of(situation: Situation) -> dict[str, float]:
    """How bad each defect is, in the unit of its rule's scale."""
    traits, info = situation.traits, situation.info
    views = max(info.projections, 1)
    width = info.columns
    signal = max(traits.value("signal", 1.0), 1e-3)
    # Noise of a ramp-filtered slice against its mean grey level: Kak & Slaney 1988, ch. 5.
    slice_noise = traits.value("noise") * math.pi / math.sqrt(12 * views) * width / signal
    sufficiency = traits.view_sufficiency
    missing_views = max(0.0, 1 / max(sufficiency.high, 1e-3) - 1) if sufficiency else 0.0
    center, stack = traits.center_px, situation.content is not Content.PROJECTIONS
    found = {
        "noise": slice_noise,
        "rings": traits.value("rings"),
        "sparse": missing_views,
        "limited": max(0.0, 180.0 - traits.value("angular_coverage", 180.0)) / 180.0,
        "zingers": traits.value("zingers") * 1e4,
        "jitter": traits.jitter.low if traits.jitter else 0.0,
        "beam_drift": traits.value("beam_drift") * 100,
        "fringes": max(0.0, traits.value("fringes")),
        "axis": (center.high - center.low) / 2 if center else float(not stack),
    }
    for name, rule in rules()["defects"].items():
        condition = rule.get("condition")
        if condition and situation.conditions.get(Condition(condition)) == "text":
            # Said but not seen in the preview: believed half.
            found[name] = max(found[name], rule["scale"] / 2)
    return found
