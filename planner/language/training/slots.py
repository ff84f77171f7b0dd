"""What fills the places of a training phrase: names, quantities, terms, with marks around them."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any

from planner.language.chinese_names import COUNTED
from planner.language.gazetteer import entries
from planner.language.roles import Role
from planner.language.training.example import mark
from planner.language.training.names import Names
from planner.language.vocabulary import vocabulary

_PLACE = re.compile(r"\{(\w+)\}")
_CHOICE = re.compile(r"\(([^()]*\|[^()]*)\)")  # (one|other|), none inside another
_FEW = (19, 24, 30, 36, 45, 60, 73, 90, 100, 120, 150, 181, 200, 240)
_BIG = (401, 600, 721, 900, 1000, 1200, 1500, 1801, 2000, 2400, 3000)
_DURATIONS = {
    "en": "ten minutes,an hour,half an hour,two hours,a quarter of an hour,twenty minutes,"
    "one and a half hours,three hours,five minutes,a couple of hours,ninety seconds,"
    "forty-five minutes,a minute",
    "zh": "十分钟,一小时,两个小时,半小时,一刻钟,三小时,一个半小时,二十分钟,五分钟,半个小时,"
    "四十五分钟,两分钟,一个钟头",
}
_AVERAGES = {
    "en": ("mean ", "average ", "median ", "total ", "maximum ", "local "),
    "zh": ("平均", "总", "中位", "最大", "局部"),
}
_DAYS = {
    "en": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    "zh": ["周一", "周二", "周三", "周四", "周五", "周六", "周日"],
}


class Slots:
    """Fills ``{name}`` places in English ("en") or Chinese ("zh"), by chance."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        text = vocabulary("training_text")
        asides, intents = vocabulary("training_asides"), vocabulary("training_intents")
        self.drawn = Names(chance)
        self.names = {kind: list(entries("features", kind)) for kind in ("measures", "watched")}
        self.names["of_things"] = [e for e in self.names["measures"] if e[0] not in COUNTED]
        self.lists: dict[str, Any] = {
            "o": text["others"], "e": text["elements"], "g": text["topics"],
            "d": asides["deformations"], "crystal": asides["crystal"],
            "c": _both(text["concepts"], intents["concepts"]), "kinds": text["kinds"],
            "k1": intents["kinds1"],
        }  # fmt: skip
        self.methods = [*text["tools"], *intents["methods"]]
        self.formats = text["formats"]
        self.instrument = [entries("nouns", kind) for kind in ("instrument", "readings")]
        self.placing = 0.0  # how often a thing to find or measure is said to be in a specimen

    def filled(self, phrase: str, base: str, **fixed: Callable[[str], str]) -> str:
        """`phrase` with alternatives chosen and its places filled; `fixed` says how for some."""

        def value(found: re.Match[str]) -> str:
            name = found[1]
            if name in fixed:
                return fixed[name](base)
            maker = getattr(self, f"_{name}", None)
            return maker(base) if maker else self._listed(name, base)

        return _PLACE.sub(value, self.chosen(phrase))

    def chosen(self, phrase: str) -> str:
        """`phrase` with one of each (one|other|) alternatives."""
        plain = _CHOICE.sub(lambda found: self.chance.choice(found[1].split("|")), phrase)
        return plain if plain == phrase else " ".join(plain.split(" ")).strip()

    def kind_of_tool(self, base: str) -> str:
        return str(self.chance.choice(self.lists["kinds"][base]))

    def crystal(self, base: str) -> str:
        return mark(Role.MEASURE, self.chance.choice(self.lists["crystal"][base]))

    def _listed(self, name: str, base: str) -> str:
        text = str(self.chance.choice(self.lists[name][base]))
        role = {"e": Role.OBJECT, "d": Role.MEASURE}.get(name)
        return mark(role, text) if role else text

    def _s(self, base: str) -> str:
        return mark(Role.SPECIMEN, self.drawn.specimen(base))

    def _name(self, kind: str, base: str) -> str:
        english, chinese = self.chance.choice(self.names[kind])
        return english if base == "en" or not chinese else self.chance.choice(chinese)

    def _f(self, base: str) -> str:
        name = mark(Role.OBJECT, self.drawn.thing(base))
        return self._placed(name, base, ["in", "inside", "within", "of"], "里的 中的 内部的")

    def _placed(self, text: str, base: str, links: list[str], chinese: str) -> str:
        if self.chance.random() >= self.placing:
            return text
        self.placing = 0.0
        if base == "zh":
            return self._s(base) + self.chance.choice(chinese.split()) + text
        article = self.chance.choice(("the", "this", "our", "a", "my"))
        return f"{text} {self.chance.choice(links)} {article} {self._s(base)}"

    def _m(self, base: str) -> str:
        if self.chance.random() < 0.2:
            return self._fm(base)
        measured = self._name("measures", base)
        if self.chance.random() < 0.12:
            measured = self.chance.choice(_AVERAGES[base]) + measured
        measure = mark(Role.MEASURE, measured)
        return self._placed(measure, base, ["of", "of", "in", "for"], "的 的")

    def _fm(self, base: str) -> str:
        thing, measure = self.drawn.named("objects", base), self._name("of_things", base)
        if base == "zh":
            return mark(Role.MEASURE, thing + self.chance.choice(("", "的")) + measure)
        return mark(Role.MEASURE, f"{thing.removesuffix('s')} {measure}")

    def _w(self, base: str) -> str:
        chance, style = self.chance, self.chance.random()
        if style < 0.6:
            return mark(Role.OBJECT, self._name("watched", base))
        part, quantity = (
            english if base == "en" else spellings[0]
            for english, spellings in map(chance.choice, self.instrument)
        )
        if base == "en" and style > 0.9:  # the level of the helium
            return f"{mark(Role.OBJECT, quantity)} of the {mark(Role.OBJECT, part)}"
        gap = " " if base == "en" else chance.choice(("", "", "的"))
        return mark(Role.OBJECT, part + gap + quantity)

    _w2 = _w

    def _t(self, base: str) -> str:
        return str(self.chance.choice(self.methods))

    _t2 = _t

    def _x(self, base: str) -> str:
        return str(self.chance.choice(self.formats))

    # Quantities that are limits

    def _T(self, base: str) -> str:
        return mark(Role.TIME, self.duration(base))

    def _G(self, base: str) -> str:
        size = self.chance.choice((4, 6, 8, 12, 16, 24, 32, 40, 48, 64, 96, 128, 192, 256))
        unit = self.chance.choice(("GB", " GB", "G", "GiB", " GB", " gigs") if base == "en" else
                                  ("GB", "G", " GB", "g", "GB"))  # fmt: skip
        return mark(Role.MEMORY, f"{size}{unit}")

    def duration(self, base: str) -> str:
        chance = self.chance
        if base == "zh":
            if chance.random() < 0.45:
                return chance.choice(_DURATIONS["zh"].split(","))
            unit = chance.choice(("分钟", "分钟", "小时", "秒", "个小时", " min", "分"))
        else:
            if chance.random() < 0.4:
                return chance.choice(_DURATIONS["en"].split(","))
            unit = chance.choice((" min", " minutes", "min", " h", " hours", "h", " s", " mins",
                                  " hrs", " seconds", "-minute"))  # fmt: skip
        if "h" in unit or "小时" in unit:
            return f"{chance.choice((1, 2, 3, 4, 5, 6, 8, 12, 1.5, 2.5))}{unit}"
        if unit.strip(" -")[0] == "s" or unit == "秒":
            return f"{chance.choice((20, 30, 45, 60, 90, 100, 120, 180, 300))}{unit}"
        value = chance.choice((1, 2, 3, 4, 5, 7, 10, 12, 15, 18, 20, 30, 35, 45, 50, 75, 90))
        return f"{value}{unit}"

    def clock(self, base: str, minutes: int) -> str:
        hour, minute = divmod(minutes % (24 * 60), 60)
        if base == "zh":
            style = self.chance.random()
            if style < 0.4 and minute in (0, 30):
                return f"{hour}点" + ("半" if minute else "")
            return f"{hour}:{minute:02d}" if style < 0.8 else f"{hour}点{minute:02d}"
        style = self.chance.random()
        if style < 0.2 and minute == 0 and 0 < hour < 13:
            return f"{hour} " + self.chance.choice(("am", "pm", "o'clock"))
        return f"{hour}.{minute:02d}" if style < 0.3 else f"{hour}:{minute:02d}"

    def _c2(self, base: str) -> str:
        return self.clock(base, self.chance.randrange(0, 24 * 60, 15))

    _c3 = _c2

    # Quantities that are none

    def _k(self, base: str) -> str:
        return str(self.chance.randint(2, 12))

    def _n(self, base: str) -> str:
        return str(self.chance.choice((5, 20, 35, 50, 180, 0.3, 0.5, 12, 75, 298)))

    def _few(self, base: str) -> str:
        return str(self.chance.choice(_FEW))

    def _arc(self, base: str) -> str:
        return str(self.chance.choice((90, 100, 110, 115, 120, 132, 140, 145, 150, 160)))

    def _half(self, base: str) -> str:
        return str(self.chance.choice((40, 45, 50, 55, 60, 65, 68, 70, 75)))

    def _nm(self, base: str) -> str:
        return str(self.chance.choice((8, 12, 16, 20, 28, 30, 32, 35, 45, 50, 65, 80)))

    def _um(self, base: str) -> str:
        return str(self.chance.choice((0.33, 0.5, 0.65, 0.8, 1, 1.1, 1.6, 2.2, 3, 5, 9, 13, 26)))

    def _E(self, base: str) -> str:
        return str(self.chance.choice((8, 12, 16.5, 18, 23, 28, 33, 45, 60, 90)))

    def _E1(self, base: str) -> str:
        return str(self.chance.choice((7.1, 8.3, 8.9, 9.6, 33.0, 37.4, 17.9)))

    def _E2(self, base: str) -> str:
        return str(self.chance.choice((7.2, 8.4, 9.1, 9.7, 33.3, 37.6, 18.2)))

    def _ms(self, base: str) -> str:
        return str(self.chance.choice((2, 5, 10, 20, 35, 50, 100, 150, 300, 500, 1000)))

    def _big(self, base: str) -> str:
        return str(self.chance.choice(_BIG))

    def _gb(self, base: str) -> str:
        return str(self.chance.choice((3, 12, 18, 20, 36, 45, 64, 90, 120, 300, 700)))

    def _min(self, base: str) -> str:
        return str(self.chance.choice((2, 3, 4, 6, 8, 11, 15, 20, 25, 40, 45)))

    def _hr(self, base: str) -> str:
        return str(self.chance.choice((1, 2, 3, 5, 6, 8, 12, 24, 48, 72)))

    def _deg(self, base: str) -> str:
        return str(self.chance.choice((60, 80, 120, 150, 200, 350, 600, 850, 1100, 1350)))

    def _col(self, base: str) -> str:
        return str(self.chance.choice((511.5, 640, 1012.7, 1019.5, 1023.5, 1180.25, 1279, 744)))

    def _day(self, base: str) -> str:
        return self.chance.choice(_DAYS[base])


def _both(first: dict[str, list[str]], second: dict[str, list[str]]) -> dict[str, list[str]]:
    return {base: [*first[base], *second[base]] for base in first}
