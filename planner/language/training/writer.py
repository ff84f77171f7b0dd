"""Writes training requests from the phrases of configs/language/training_*.yaml."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from planner.language.roles import Role
from planner.language.training.example import Example, mark
from planner.language.training.phrasebook import Phrasebook, Words
from planner.language.training.slots import Slots
from planner.task import Condition, Device, Goal, Intent, Priority, in_order

PLAN_SHARE = 0.68
WHOLE_SHARE = 0.45  # requests for a plan that are written at once rather than composed
BARE_SHARE = 0.14  # requests of a few words, as typed at a prompt
TIGHT_MIN = 60  # minutes to a deadline that ask for speed
# What people ask together; single goals are drawn as often as these.
_TOGETHER = """
stitch reconstruct; align reconstruct; center reconstruct; destripe reconstruct;
phase_retrieve reconstruct; center destripe; center destripe reconstruct;
stitch destripe reconstruct; denoise segment; denoise quantify; segment quantify;
super_resolve quantify; super_resolve segment; register segment; register quantify;
decompose quantify; quantify deform; segment deform; reconstruct segment;
reconstruct quantify; reconstruct denoise; stitch segment; align decompose;
phase_retrieve reconstruct segment; stitch quantify; denoise segment quantify;
align denoise reconstruct; destripe denoise reconstruct; align stitch; destripe segment;
reconstruct segment quantify; phase_retrieve segment; align reconstruct segment
"""
TOGETHER = [tuple(Goal(name) for name in line.split()) for line in _TOGETHER.split(";")]
# Asking for a step says a condition (requests of the same kind are annotated so).
IMPLIED = {
    Goal.CENTER: (Condition.UNKNOWN_CENTER,),
    Goal.DESTRIPE: (Condition.RINGS,),
    Goal.DECOMPOSE: (Condition.MULTI_ENERGY,),
    Goal.PHASE_RETRIEVE: (Condition.PHASE_CONTRAST,),
    Goal.DEFORM: (Condition.TIME_SERIES,),
    Goal.ALIGN: (Condition.JITTER, Condition.DRIFT, Condition.MOTION),
    Goal.STITCH: (Condition.MOSAIC, Condition.MOSAIC, Condition.HALF_ACQUISITION),
}
CERTAIN = (
    Goal.STITCH, Goal.CENTER, Goal.DESTRIPE, Goal.DECOMPOSE, Goal.PHASE_RETRIEVE, Goal.DEFORM,
)  # fmt: skip
AFTER_VOLUME = frozenset(list(Goal)[list(Goal).index(Goal.DENOISE) :])
_HALVES = ("360", "half of the turn", "two halves of the turn", "opposite", "对面", "half-scans")
_SAID = {  # words of an order that say a condition themselves
    Condition.DRIFT: (
        "drift", "漂", "wander", "飘", "creep", "sink", "sliding", "下沉", "蠕动", "滑移", "走偏",
    ),
    Condition.JITTER: (
        "jitter", "wobble", "抖", "frame-to-frame", "jumps", "帧间", "跳动", "晃", "shake",
        "vibrat", "trembl", "振动", "摆动",
    ),
    Condition.MOTION: ("movement", "motion", "移动", "运动", "moving", "slip", "滑动"),
    Condition.PHASE_CONTRAST: ("fringe", "edge enhancement", "边缘增强"),
    Condition.LOW_DOSE: ("grain", "noisy", "SNR", "信噪比", "颗粒", "雪花"),
}  # fmt: skip


class Writer(Phrasebook):
    """Makes requests; the same seed makes the same one."""

    def __init__(self, held: bool = False) -> None:
        super().__init__(held)
        self.chance = random.Random()
        self.slots = Slots(self.chance)
        self.mixing = 0.0

    def example(self, seed: str) -> Example:
        """The request of a seed."""
        chance = self.chance
        chance.seed(seed)
        language = chance.choices(("en", "zh", "mixed"), (44, 42, 14))[0]
        base = "en" if language == "en" else "zh"
        self.mixing = 0.25 if language == "mixed" else 0.0
        plans = chance.random() < PLAN_SHARE
        if chance.random() < BARE_SHARE:
            made = self.bare(base) if plans else self.bare_other(base)
        else:
            whole = random.Random(f"{seed}/whole").random() < WHOLE_SHARE
            made = self.other(base) if not plans else (self.whole if whole else self.plan)(base)
        marked = self._mixed(made.marked) if language == "mixed" else made.marked
        marked = self._scuffed(marked, base)
        return Example(marked, made.intent, made.goals, made.conditions, made.priority, made.device)

    # Requests for a plan

    def plan(self, base: str) -> Example:
        chance = self.chance
        goals = [chance.choice(list(Goal))]
        if chance.random() < 0.5:
            goals = list(chance.choice(TOGETHER))
        elif chance.random() < 0.25:
            goals = [Goal.RECONSTRUCT]
        self.slots.placing = 0.3
        order, said = self._order(goals, base)
        self.slots.placing = 0.0
        conditions = said | self._implied(goals, order)
        stated = [c for c in Condition if c in conditions - said and chance.random() < 0.6]
        stated += chance.sample(list(Condition), chance.choices((0, 1, 2, 3), (34, 40, 20, 6))[0])
        if Condition.HALF_ACQUISITION in {*stated, *conditions}:
            stated = [c for c in stated if c is not Condition.MOSAIC]
            conditions -= {Condition.MOSAIC}
        stated = list(dict.fromkeys(stated))
        certain = {c for goal in goals if goal in CERTAIN for c in conditions & set(IMPLIED[goal])}
        conditions = said | certain | set(stated)
        scan = ""
        if mark(Role.SPECIMEN, "")[0] not in order:
            scan, stated = self._scan(stated, base)
            if scan and chance.random() < 0.12 and order[-1] not in "?？" and "." not in order:
                order, scan = (
                    chance.choice(self.frames[base]["inline"]).format(
                        o=order, s=self.slots.filled("{s}", base)
                    ),
                    "",
                )
        before = [self._phrase(self._said_of(c), base) for c in stated]
        if Goal.RECONSTRUCT not in goals and set(goals) <= AFTER_VOLUME and chance.random() < 0.25:
            before.append(self._phrase(self.asides["already"], base))
        before += self._drawn(self._distractors, base, (46, 32, 16, 6))
        if chance.random() < 0.12:
            free = [c for c in Condition if c not in conditions]
            before.append(self._phrase(self.conditions[chance.choice(free)]["not"], base))
        if chance.random() < 0.1:
            before.append(self._named_step("done", goals, base))
        chance.shuffle(before)
        tail, priority, device = self._wishes(goals, base)
        return Example(
            self._laid_out(scan, before, order, tail, base),
            Intent.PLAN,
            in_order(Goal, goals),
            in_order(Condition, conditions),
            priority,
            device,
        )

    def whole(self, base: str) -> Example:
        """A request written at once, sometimes with a wish or a remark more."""
        chance = self.chance
        entry = chance.choice(self.wholes[base])
        said = str(entry["is"]).split()
        goals = [goal for goal in Goal if goal in said]
        now, gap = self._now_and_gap()
        clocks = self._clocks(now, gap)
        parts = [self.slots.filled(str(entry["text"]), base, x=self.slots.crystal, **clocks)]
        priority = next((p for p in Priority if p in said), Priority.BALANCED)
        if "{c1}" in entry["text"] and gap <= TIGHT_MIN:
            priority = Priority.SPEED
        device = next((d for d in Device if d in said), Device.ANY)
        if priority is Priority.BALANCED and device is Device.ANY and chance.random() < 0.4:
            limits = (mark(role, "")[0] for role in (Role.TIME, Role.MEMORY, Role.DUE))
            if not any(sign in parts[0] for sign in limits):
                wishes, priority, device = self._wishes(goals, base)
                parts += wishes
        if chance.random() < 0.25:
            parts.insert(chance.randint(0, len(parts)), self._distractors(base))
        if chance.random() < 0.12:
            parts.insert(0, chance.choice(self.frames[base]["greeting"]))
        conditions = [condition for condition in Condition if condition in said]
        text = self._sentence(parts, base)
        return Example(
            text, Intent.PLAN, tuple(goals), in_order(Condition, conditions), priority, device
        )

    def _implied(self, goals: Sequence[Goal], order: str) -> set[Condition]:
        found = {self.chance.choice(IMPLIED[goal]) for goal in goals if goal in IMPLIED}
        if Goal.STITCH in goals:
            found -= {Condition.MOSAIC, Condition.HALF_ACQUISITION}
            half = any(word in order for word in _HALVES)
            found.add(Condition.HALF_ACQUISITION if half else Condition.MOSAIC)
        return found

    def _order(self, goals: Sequence[Goal], base: str) -> tuple[str, set[Condition]]:
        """The order for the goals, and the conditions that its words say."""
        chance = self.chance
        style = chance.choices(("do", "get", "say", "ask", "clause"), (36, 20, 13, 8, 23))[0]
        base = self._language(base)
        if style == "clause":
            return self._one_by_one(goals, base)
        asks = [self._asked(goal, style, base) for goal in goals]
        if len(goals) > 1 and chance.random() < 0.2:
            asks.reverse()
        if style in ("do", "get"):
            joined = chance.choice(self.frames[base]["join"]).join(asks)
            text = self.slots.chosen(chance.choice(self.frames[base][style])).format(joined)
        else:
            text = chance.choice(self.frames[base]["list"]).join(a.rstrip("?？") for a in asks)
            text += ("?" if base == "en" else "？") if style == "ask" else ""
        said = {c for c, words in _SAID.items() if any(word in text for word in words)}
        if not {Goal.ALIGN} & set(goals):
            said -= {Condition.DRIFT, Condition.JITTER, Condition.MOTION}
        return text, said & self._possible(goals)

    def _one_by_one(self, goals: Sequence[Goal], base: str) -> tuple[str, set[Condition]]:
        """A sentence for each goal, and the conditions that they state."""
        chance = self.chance
        drawn = [chance.choice(self.clauses[goal.value]) for goal in goals]
        crystal = {"x": self.slots.crystal} if Goal.DIFFRACTION in goals else {}
        text = ""
        for clause in drawn:
            said = self.slots.filled(clause[base], base, **crystal)
            gap = chance.choice(self.frames[base]["next"])
            if text and text[-1] in "?？":
                gap = " " if base == "en" else ""
            text += (gap if text else "") + said
        return text, {Condition(clause["says"]) for clause in drawn if "says" in clause}

    def _possible(self, goals: Sequence[Goal]) -> set[Condition]:
        possible = {c for goal in goals for c in IMPLIED.get(goal, ())}
        return possible | ({Condition.LOW_DOSE} if Goal.DENOISE in goals else set())

    def _asked(self, goal: Goal, style: str, base: str) -> str:
        words = self.goals[goal]
        if style == "ask":
            style = "ask" if "ask" in words else "do"
        listed = self.text["goals"][goal.value] if style == "say" else words[style]
        crystal = {"x": self.slots.crystal} if goal is Goal.DIFFRACTION else {}
        return self.slots.filled(self.chance.choice(listed[base]), base, **crystal)

    def _said_of(self, condition: Condition) -> Words:
        new, old = self.conditions[condition]["say"], self.text["conditions"][condition.value]
        return {base: [*new[base], *old[base]] for base in ("en", "zh")}

    def _scan(self, stated: list[Condition], base: str) -> tuple[str, list[Condition]]:
        """A stretch that names the specimen, sometimes with a condition; empty where none does."""
        chance = self.chance
        base = self._language(base)
        if chance.random() < 0.2:
            if chance.random() < 0.6:
                return "", stated
            return self.slots.filled(chance.choice(self.frames[base]["nothing"]), base), stated
        frame = chance.choice([*self.frames[base]["scan"], *self.text["intro"][base]])
        if stated and chance.random() < 0.2:
            attribute = chance.choice(self.conditions[stated[0]]["with"][base])
            gap = " " if base == "en" else ""
            frame = frame.replace("{s}", attribute + gap + "{s}", 1)
            stated = stated[1:]
        return self.slots.filled(frame, base), stated

    def _distractors(self, base: str) -> str:
        listed = [*self.asides["distractors"][base], *self.text["distractors"][base]]
        return self.slots.filled(self.chance.choice(listed), base)

    def _drawn(self, maker: Any, base: str, weights: tuple[int, ...]) -> list[str]:
        count = self.chance.choices(range(len(weights)), weights)[0]
        return [maker(self._language(base)) for _ in range(count)]

    def _named_step(self, kind: str, goals: Sequence[Goal], base: str) -> str:
        nouns = self.asides["nouns"][base]
        name = self.chance.choice([name for name in nouns if Goal(name) not in goals])
        listed = [
            *self.asides[kind][base],
            *(self.text["declined"][base] if kind == "declined" else ()),
        ]
        noun, verb = self.chance.choice(nouns[name]), self.chance.choice(self.verbs[name])
        return self.slots.filled(
            self.chance.choice(listed), base, g=lambda _: noun, v=lambda _: verb
        )

    def _wishes(self, goals: Sequence[Goal], base: str) -> tuple[list[str], Priority, Device]:
        """Limits, priority, device and what is not wanted."""
        chance, asides = self.chance, self.asides
        priority, device, tail = Priority.BALANCED, Device.ANY, []
        timed = chance.random()
        if timed < 0.3:
            tail.append(self._phrase(asides["time"], base))
        elif timed < 0.36:
            now, gap = self._now_and_gap()
            tail.append(self._deadline(now, gap, base))
            priority = Priority.SPEED if gap <= TIGHT_MIN else priority
        if chance.random() < 0.16:
            tail.append(self._phrase(asides["memory"], base))
        machine = chance.random()
        if machine < 0.18:
            device = Device.CPU if machine < 0.1 else Device.GPU
            tail.append(self._phrase(asides[device.value], base))
        care = chance.random()
        if care < 0.42:
            said = Priority.QUALITY if care < 0.22 else Priority.SPEED
            if priority is Priority.BALANCED or said is Priority.SPEED:
                old = self.text["priority"][said.value]
                listed = asides[said.value]
                tail.append(self._phrase({b: [*listed[b], *old[b]] for b in ("en", "zh")}, base))
                priority = said
        elif care < 0.47:
            tail.append(self._phrase(asides["neutral"], base))
        if chance.random() < 0.17:
            tail.append(self._named_step("declined", goals, base))
        chance.shuffle(tail)
        return tail, priority, device

    def _now_and_gap(self) -> tuple[int, int]:
        """A time of day and how long it is to a deadline, in minutes."""
        chance = self.chance
        return chance.randrange(7 * 60, 19 * 60, 5), chance.choice((20, 25, 30, 45, 60, 90, 150))

    def _clocks(self, now: int, gap: int) -> dict[str, Callable[[str], str]]:
        return {
            "c0": lambda base: mark(Role.NOW, self.slots.clock(base, now)),
            "c1": lambda base: mark(Role.DUE, self.slots.clock(base, now + gap)),
        }

    def _deadline(self, now: int, gap: int, base: str) -> str:
        phrase = self.chance.choice(self.asides["due"][base])
        return self.slots.filled(phrase, base, **self._clocks(now, gap))

    def _laid_out(
        self, scan: str, before: list[str], order: str, tail: list[str], base: str
    ) -> str:
        chance, frames = self.chance, self.frames[base]
        style = chance.random()
        if style < 0.12 and scan:  # one line of short pieces
            parts = [scan, *before, order, *tail]
            if chance.random() < 0.5:
                chance.shuffle(parts)
            return chance.choice(frames["pieces"]).join(parts)
        if style < 0.34 and scan:  # order and specimen in one clause
            joined = chance.choice(frames["of"]).format(o=order, s=scan)
            parts = [*before, joined, *tail] if chance.random() < 0.6 else [joined, *before, *tail]
        elif style < 0.6:
            parts = [*filter(None, [scan]), *before, order, *tail]
        elif style < 0.75:
            parts = [order, *filter(None, [scan]), *before, *tail]
        elif style < 0.88:
            parts = [*filter(None, [scan]), *tail, *before, order]
        else:
            parts = [*before, *filter(None, [scan]), order, *tail]
        if chance.random() < 0.15:
            parts.insert(0, chance.choice(frames["greeting"]))
        return self._sentence(parts, base)

    # The rest

    def bare(self, base: str) -> Example:
        """A request of a few words: one deliverable, sometimes two."""
        chance = self.chance
        goals = [chance.choice(list(Goal))]
        if chance.random() < 0.2:
            goals = list(chance.choice(TOGETHER))
        if chance.random() < 0.5:
            asks = [
                self.slots.filled(chance.choice(self.text["bare"][g.value][base]), base)
                for g in goals
            ]
        else:
            asks = [self._asked(g, chance.choice(("do", "get")), base) for g in goals]
        text = chance.choice(self.frames[base]["list"]).join(asks)
        conditions = [IMPLIED[goal][0] for goal in goals if goal in CERTAIN]
        if Goal.STITCH in goals and any(word in text for word in _HALVES):
            conditions = [c for c in conditions if c is not Condition.MOSAIC]
            conditions.append(Condition.HALF_ACQUISITION)
        possible = self._possible(goals)
        conditions += [
            c for c, words in _SAID.items() if c in possible and any(word in text for word in words)
        ]
        if chance.random() < 0.3:  # the specimen as the only other word
            name = self.slots.filled("{s}", base)
            text = f"{name}，{text}" if base == "zh" else f"{name}: {text}"
        end = chance.choice(("", "", ".", "!") if base == "en" else ("", "", "。", "！"))
        return Example(
            text + end, Intent.PLAN, in_order(Goal, goals), in_order(Condition, conditions)
        )

    def bare_other(self, base: str) -> Example:
        intent = self.chance.choice([i for i in Intent if i is not Intent.PLAN])
        listed = self.text["bare"][intent.value][base]
        return Example(self._about(intent, listed, base), intent)

    def other(self, base: str) -> Example:
        chance = self.chance
        intent = chance.choice([i for i in Intent if i is not Intent.PLAN])
        listed = [*self.intents[intent.value][base], *self.text[intent.value][base]]
        text = self._about(intent, listed, base)
        conditions: tuple[Condition, ...] = ()
        parts = [text]
        if chance.random() < 0.3:
            parts.insert(0 if chance.random() < 0.6 else 1, self._distractors(base))
        if intent in (Intent.EXPLAIN, Intent.WATCH) and chance.random() < 0.15:
            parts.insert(0, self.slots.filled(chance.choice(self.frames[base]["scan"]), base))
        if intent is Intent.EXPLAIN and chance.random() < 0.25:
            condition = chance.choice(list(Condition))
            parts.insert(
                0,
                chance.choice(self.frames[base]["own"])
                + self._phrase(self._said_of(condition), base),
            )
            conditions = (condition,)
        if chance.random() < 0.35:
            place = parts.index(text)
            polite = chance.choice(self.frames[base]["polite"])
            parts[place] = polite.format(text.rstrip("?？.。") if polite[-2:] != "{}" else text)
        if chance.random() < 0.12:
            parts.insert(0, chance.choice(self.frames[base]["greeting"]))
        if intent is Intent.REFUSE and chance.random() < 0.12:  # a work that hides an order
            order, _ = self._order([chance.choice(list(Goal))], base)
            parts = [order, chance.choice(self.frames[base]["but"]) + text]
        return Example(self._sentence(parts, base), intent, (), conditions)

    def _about(self, intent: Intent, listed: Sequence[str], base: str) -> str:
        kinds = {"k": self.slots.kind_of_tool} if intent is Intent.CATALOGUE else {}
        return self.slots.filled(self.chance.choice(listed), base, **kinds)

    # Joining and typing

    def _language(self, base: str) -> str:
        return "en" if self.chance.random() < self.mixing else base

    def _phrase(self, listed: Words, base: str) -> str:
        base = self._language(base)
        return self.slots.filled(self.chance.choice(listed[base]), base)

    def _sentence(self, parts: Sequence[str], base: str) -> str:
        chance = self.chance
        marks = ("，", "。", "；", ",", "，", "。", " ") if base == "zh" else (
            ", ", ". ", "; ", " - ", ", ", ". ", ". ", ", and ", " (", "\n")  # fmt: skip
        text = ""
        for part in parts:
            if text:
                gap = " " if text[-1] in "?!:" else chance.choice(marks)
                if text[-1] in "？！：，":
                    gap = ""
                if gap == " (":
                    text += f" ({part})"
                    continue
                if gap in (". ", "\n") and base == "en" and chance.random() < 0.6:
                    part = part[:1].upper() + part[1:]
                text = text.rstrip(",，") + gap
            text += part
        end = chance.choice(("。", "", "！", "。") if base == "zh" else (".", "", "!", ".", "."))
        return text if text[-1] in "?？!！。" else text + end

    def _mixed(self, text: str) -> str:
        for chinese, english in self.text["mixed"].items():
            if chinese in text and self.chance.random() < 0.5:
                text = text.replace(chinese, f" {english} ")
        return " ".join(text.split(" "))

    def _scuffed(self, text: str, base: str) -> str:
        """People's typing: capitals, dropped, doubled or swapped letters now and then."""
        chance = self.chance
        if base == "en" and chance.random() < 0.5:
            text = text[:1].upper() + text[1:]
        if base == "en" and chance.random() < 0.08:
            text = text.lower()
        for _ in range(chance.choices((0, 1, 2), (80, 14, 6))[0]):
            place = chance.randrange(max(len(text) - 2, 1))
            here = text[place : place + 2]
            if len(here) < 2 or not (here.isascii() and here.isalpha()):
                continue
            wrong = chance.choice((here[1] + here[0], here[0], here + here[1]))
            text = text[:place] + wrong + text[place + 2 :]
        return text


def examples(count: int, seed: int, held: bool = False) -> list[Example]:
    """`count` requests in English, Chinese and both mixed; the same seed gives the same ones.

    With `held` they are of phrases that the others never use, but for those of short lists.
    """
    writer = Writer(held)
    return [writer.example(f"{seed}/{number}") for number in range(count)]
