"""Requests written by a grammar, with what they mean: the text that the heads train on."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from planner.language.gazetteer import entries
from planner.language.vocabulary import vocabulary
from planner.task import Condition, Goal, Intent, Priority, in_order

PLAN_SHARE = 0.62
BARE_SHARE = 0.3  # requests of a few words, as typed at a prompt
MEASURING = {Goal.SEGMENT, Goal.QUANTIFY}
# What people ask together; single goals are drawn as often as these.
TOGETHER = (
    ("stitch", "reconstruct"), ("align", "reconstruct"), ("center", "reconstruct"),
    ("destripe", "reconstruct"), ("phase_retrieve", "reconstruct"), ("center", "destripe"),
    ("center", "destripe", "reconstruct"), ("stitch", "destripe", "reconstruct"),
    ("denoise", "segment"), ("denoise", "quantify"), ("segment", "quantify"),
    ("super_resolve", "quantify"), ("super_resolve", "segment"), ("register", "segment"),
    ("register", "quantify"), ("decompose", "quantify"), ("quantify", "deform"),
    ("segment", "deform"), ("reconstruct", "segment"), ("reconstruct", "quantify"),
    ("reconstruct", "denoise"), ("stitch", "segment"), ("align", "decompose"),
    ("phase_retrieve", "reconstruct", "segment"), ("stitch", "quantify"),
)  # fmt: skip
# Asking for a step says a condition (requests of the same kind are annotated so).
IMPLIED = {
    Goal.STITCH: (Condition.MOSAIC, Condition.HALF_ACQUISITION),
    Goal.CENTER: (Condition.UNKNOWN_CENTER,),
    Goal.DESTRIPE: (Condition.RINGS,),
    Goal.ALIGN: (Condition.JITTER, Condition.DRIFT, Condition.MOTION),
    Goal.DECOMPOSE: (Condition.MULTI_ENERGY,),
    Goal.DEFORM: (Condition.TIME_SERIES,),
    Goal.PHASE_RETRIEVE: (Condition.PHASE_CONTRAST,),
}

# Those that a goal says whatever else is said.
CERTAIN = (Goal.STITCH, Goal.CENTER, Goal.DESTRIPE, Goal.DECOMPOSE, Goal.PHASE_RETRIEVE)


@dataclass(frozen=True)
class Example:
    """One request and its labels."""

    text: str
    intent: Intent
    goals: tuple[Goal, ...] = ()
    conditions: tuple[Condition, ...] = ()


def examples(count: int, seed: int) -> list[Example]:
    """`count` requests in English, Chinese and both mixed; the same seed gives the same ones."""
    chance = random.Random(seed)
    writer = _Writer(chance, vocabulary("training_text"))
    return [writer.example() for _ in range(count)]


class _Writer:
    def __init__(self, chance: random.Random, words: dict[str, Any]) -> None:
        self.chance = chance
        self.words = words
        self.names = {
            kind: entries(document, kind)
            for document, kind in (
                ("specimens", "things"),
                ("specimens", "forms"),
                ("specimens", "materials"),
                ("features", "objects"),
                ("features", "measures"),
                ("features", "watched"),
            )
        }

    def example(self) -> Example:
        language = self.chance.choices(("en", "zh", "mixed"), (45, 40, 15))[0]
        base = "en" if language == "en" else "zh"
        plans = self.chance.random() < PLAN_SHARE
        if self.chance.random() < BARE_SHARE:
            made = self.bare(base, plans)
        else:
            made = self.plan(base) if plans else self.other(base)
        text = self.mix(made.text) if language == "mixed" else made.text
        if base == "en":
            text = self.scuff(text)
        return Example(text, made.intent, made.goals, made.conditions)

    def plan(self, base: str) -> Example:
        chance = self.chance
        if chance.random() < 0.5:
            goals = [Goal(chance.choice(list(Goal)))]
        else:
            goals = [Goal(name) for name in chance.choice(TOGETHER)]
        conditions: list[Condition] = []
        for goal in goals:
            if goal in IMPLIED:
                conditions.append(chance.choice(IMPLIED[goal]))
        extra = chance.choices((0, 1, 2, 3), (30, 40, 22, 8))[0]
        conditions += chance.sample(list(Condition), extra)
        if Condition.HALF_ACQUISITION in conditions and Condition.MOSAIC in conditions:
            conditions.remove(Condition.MOSAIC)
        stated = [self.fill(self.words["conditions"][c.value][base], base) for c in conditions]
        asks = [self.fill(self.words["goals"][g.value][base], base) for g in goals]
        priority = chance.choices(list(Priority), (22, 22, 56))[0]
        parts: list[str] = []
        if chance.random() < 0.85:
            parts.append(self.fill(self.words["intro"][base], base))
        parts += self.shuffled(stated, 0.3)
        parts += self.drawn("distractors", base, (55, 30, 15))
        order = self.joined(asks, base)
        tail = self.drawn("limits", base, (60, 30, 10))
        if priority != Priority.BALANCED:
            tail.append(chance.choice(self.words["priority"][priority.value][base]))
        if chance.random() < 0.22:
            tail.append(self.declined(goals, base))
        if chance.random() < 0.15:
            tail.append(self.fill(self.words["distractors"][base], base))
        parts = [order, *parts] if chance.random() < 0.25 else [*parts, order]
        chance.shuffle(tail)
        return Example(
            self.sentence([*parts, *tail], base),
            Intent.PLAN,
            in_order(Goal, goals),
            in_order(Condition, conditions),
        )

    def bare(self, base: str, plans: bool) -> Example:
        """A request of a few words: one deliverable, sometimes two, or another intent."""
        chance = self.chance
        end = chance.choice(("", "", "", ".", "!") if base == "en" else ("", "", "", "。", "！"))
        if not plans:
            intent = chance.choice((Intent.WATCH, Intent.EXPLAIN, Intent.CATALOGUE, Intent.REFUSE))
            return Example(self.fill(self.words["bare"][intent.value][base], base) + end, intent)
        goals = [Goal(chance.choice(list(Goal)))]
        if chance.random() < 0.2:
            goals = [Goal(name) for name in chance.choice(TOGETHER)]
        asks = [self.fill(self.words["bare"][goal.value][base], base) for goal in goals]
        if base == "zh":
            text = chance.choice(("，", "再", "，然后", "、")).join(asks)
        else:
            text = chance.choice((" and ", ", ", ", then ")).join(asks)
        conditions = [IMPLIED[goal][0] for goal in goals if goal in CERTAIN]
        if chance.random() < 0.25:  # the specimen as the only other word
            name = self.specimen(base)
            text = f"{name}，{text}" if base == "zh" else f"{name}: {text}"
        return Example(
            text + end, Intent.PLAN, in_order(Goal, goals), in_order(Condition, conditions)
        )

    def other(self, base: str) -> Example:
        chance = self.chance
        intent = chance.choice((Intent.WATCH, Intent.EXPLAIN, Intent.CATALOGUE, Intent.REFUSE))
        text = self.fill(self.words[intent.value][base], base)
        conditions: tuple[Condition, ...] = ()
        if chance.random() < 0.25:
            aside = self.fill(self.words["distractors"][base], base)
            text = self.sentence([aside, text] if chance.random() < 0.6 else [text, aside], base)
        if intent == Intent.EXPLAIN and chance.random() < 0.25:
            condition = chance.choice(list(Condition))
            stated = self.fill(self.words["conditions"][condition.value][base], base)
            text = self.sentence([stated, text], base)
            conditions = (condition,)
        if base == "en" and chance.random() < 0.5:
            text = chance.choice(
                (
                    "please {}",
                    "could you {}",
                    "can you {}",
                    "hi, {}",
                    "{} please",
                    "hey {}",
                    "so {}",
                )
            ).format(text)
        if base == "zh" and chance.random() < 0.4:
            text = chance.choice(("请{}", "麻烦{}", "帮我{}", "{}，谢谢", "那个，{}")).format(text)
        if chance.random() < 0.6:
            ask = intent in (Intent.EXPLAIN, Intent.CATALOGUE)
            text += ("?" if ask else ".") if base == "en" else ("？" if ask else "。")
        return Example(text, intent, (), conditions)

    def drawn(self, kind: str, base: str, weights: tuple[int, int, int]) -> list[str]:
        count = self.chance.choices((0, 1, 2), weights)[0]
        return [self.fill(self.words[kind][base], base) for _ in range(count)]

    def shuffled(self, parts: Sequence[str], chance: float) -> list[str]:
        parts = list(parts)
        if self.chance.random() < chance:
            self.chance.shuffle(parts)
        return parts

    def declined(self, goals: Sequence[Goal], base: str) -> str:
        nouns = self.words["nouns"][base]
        name = self.chance.choice([name for name in nouns if Goal(name) not in goals])
        pattern = self.chance.choice(self.words["declined"][base])
        return pattern.format(g=self.chance.choice(nouns[name]))

    def joined(self, asks: Sequence[str], base: str) -> str:
        openings: tuple[str, ...]
        if base == "zh":
            openings = ("", "", "请", "麻烦", "帮忙", "想", "我要", "先")
            link = self.chance.choice(("，再", "，", "，然后", "、", "，最后", "，还要"))
            return self.chance.choice(openings) + link.join(asks)
        openings = ("", "", "please ", "could you ", "I'd like to have: ", "can you ", "need: ")
        link = self.chance.choice((", then ", " and ", ", ", "; ", " -> ", ", and finally "))
        return self.chance.choice(openings) + link.join(asks)

    def sentence(self, parts: Sequence[str], base: str) -> str:
        marks = ("，", "。", "；", ",") if base == "zh" else (", ", ". ", "; ", " - ", ", ", ". ")
        text = ""
        for part in parts:
            if text:
                text = text.rstrip(",，") + self.chance.choice(marks)
            text += part
        end = self.chance.choice(("。", "", "！") if base == "zh" else (".", "", "!", "."))
        return text + end

    def fill(self, choices: Sequence[str], base: str) -> str:
        text = self.chance.choice(choices)
        if "{" not in text:
            return text
        words, chance = self.words, self.chance
        timed = "内" in text or text in words["limits"][base]
        return text.format(
            s=self.specimen(base),
            f=self.name("objects", base),
            m=self.name("measures", base),
            w=self.name("watched", base),
            o=chance.choice(words["others"][base]),
            e=chance.choice(words["elements"][base]),
            t=chance.choice(words["durations"][base] if timed else words["tools"]),
            t2=chance.choice(words["tools"]),
            c=chance.choice(words["concepts"][base]),
            k=chance.choice(words["kinds"][base]) if choices is words["catalogue"][base]
            else chance.randint(2, 12),
            x=chance.choice(words["formats"]),
            g=chance.choice(words["topics"][base]),
            n=chance.choice((5, 20, 35, 50, 180, 0.3)),
            few=chance.choice((24, 36, 60, 73, 90, 120, 150, 200)),
            arc=chance.choice((90, 100, 110, 120, 130, 140)),
            half=chance.choice((50, 55, 60, 65, 70)),
            nm=chance.choice((12, 20, 30, 32, 45, 50, 65)),
            E=chance.choice((8, 12, 18, 25, 33)),
            ms=chance.choice((20, 50, 100, 300)),
            big=chance.choice((721, 900, 1200, 1500, 1800, 3000)),
            gb=chance.choice((20, 64, 120, 300)),
            min=chance.choice((4, 11, 20, 45)),
            mem=chance.choice((8, 16, 32, 64, 128)),
        )  # fmt: skip

    def name(self, kind: str, base: str) -> str:
        english, chinese = self.chance.choice(self.names[kind])
        return english if base == "en" else self.chance.choice(chinese)

    def specimen(self, base: str) -> str:
        if self.chance.random() < 0.75:
            return self.name("things", base)
        gap = " " if base == "en" else ""
        return self.name("materials", base) + gap + self.name("forms", base)

    def mix(self, text: str) -> str:
        for chinese, english in self.words["mixed"].items():
            if chinese in text and self.chance.random() < 0.7:
                text = text.replace(chinese, f" {english} ")
        return " ".join(text.split())

    def scuff(self, text: str) -> str:
        """People's typing: lower case, dropped or swapped letters now and then."""
        chance = self.chance
        if chance.random() < 0.4:
            text = text[:1].upper() + text[1:]
        if chance.random() < 0.12:
            place = chance.randrange(max(len(text) - 2, 1))
            swapped = text[place + 1 : place + 2] + text[place : place + 1]
            text = text[:place] + swapped + text[place + 2 :]
        return text
