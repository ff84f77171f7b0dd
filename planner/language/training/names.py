"""Names of specimens and of things to find, drawn for training requests from all lists of nouns."""

from __future__ import annotations

import random

from planner.language.compounds import KINDS, NOUNS
from planner.language.gazetteer import Entry, entries
from planner.language.vocabulary import vocabulary

INVENTED = 0.14  # names that no list knows, so that the place in the sentence must tell
_SYLLABLES = (
    "bra dor fen gil hu jor kel lum mor nas pel qui ras sel tor ul ver wex yor zan tri mek osh "
    "id ap"
)
_SIGNS = "蒲莘菁蕨芷蓼槐榆柘柞鲟鲷鳐鹬鹮貂獾麂岫砾磐璇琮釉缶簋觚鼐绡缂笺茴菽秫稷蛎蚶蝤蛴螟钇铌钽铼"
_ADJECTIVES = {
    "en": "small fresh old fossil dry wet frozen thin broken new large porous fired heated",
    "zh": "小 新鲜 古代 干 湿 冷冻 薄 破损 新 多孔 烧结 腐蚀的",
}


class Names:
    """Draws names in English ("en") or Chinese ("zh"), none of those that pairs are measured on."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.held = {
            said.lower()
            for document in ("pairs", "pairs_unseen")
            for line in vocabulary(document)["names"]["s"]
            for said in line.split("=")
        }
        kinds = {kind: list(entries("specimens", kind)) for kind in ("things", "forms")}
        materials = [*entries("specimens", "materials"), *entries("nouns", KINDS)]
        nouns = [e for group in NOUNS if group != "sought" for e in entries("nouns", group)]
        quantities = {english for english, _ in entries("nouns", "readings")}
        self.lists: dict[str, list[Entry]] = {
            **kinds,
            "materials": materials,
            "nouns": nouns,
            "animals": list(entries("nouns", "living")),
            "body": list(entries("nouns", "body")),
            "heads": [e for e in entries("suffixes", "heads") if e[0] not in quantities],
            "objects": list(entries("features", "objects")),
            "sought": list(entries("nouns", "sought")),
        }
        self.codes = vocabulary("nouns")["codes"].split()

    def specimen(self, base: str) -> str:
        """A specimen: listed as such, made of the nouns of the lists, or invented."""
        while True:
            drawn = self._specimen(base)
            if drawn.lower() not in self.held:
                return drawn

    def _specimen(self, base: str) -> str:
        chance, gap = self.chance, " " if base == "en" else ""
        style = chance.random()
        if style < INVENTED:
            return self._invented(base)
        if style < 0.5:
            return self.named("things", base)
        if style < 0.6:
            return self.named("nouns", base)
        if style < 0.66:
            adjective = chance.choice(_ADJECTIVES[base].split())
            return adjective + gap + self.named(chance.choice(("things", "nouns")), base)
        if style < 0.82:
            noun = self.named(chance.choice(("things", "nouns", "heads")), base)
            return self.named("materials", base) + gap + noun
        if style < 0.88:
            return self._part_of_animal(base)
        if style < 0.95:
            return self.named("materials", base) + gap + self.named("forms", base)
        code = chance.choice(self.codes)
        code = code.upper() if chance.random() < 0.6 else code
        return code + (gap + self.named("forms", base) if chance.random() < 0.7 else "")

    def _part_of_animal(self, base: str) -> str:
        animal, part = self.named("animals", base), self.named("body", base)
        if base == "zh":
            return animal + self.chance.choice(("", "", "的")) + part
        return animal + self.chance.choice((" ", " ", "'s ")) + part

    def thing(self, base: str) -> str:
        """Something to find in a specimen."""
        style, gap = self.chance.random(), " " if base == "en" else ""
        if style < INVENTED / 2:
            return self._invented(base)
        if style < 0.6:
            return self.named("objects", base)
        if style < 0.88:
            return self.named("sought", base)
        return self.named("materials", base) + gap + self.named("sought", base)

    def named(self, kind: str, base: str) -> str:
        """A name of a list; in English where it has no Chinese."""
        english, chinese = self.chance.choice(self.lists[kind])
        return english if base == "en" or not chinese else self.chance.choice(chinese)

    def _invented(self, base: str) -> str:
        chance = self.chance
        if base == "zh":
            name = "".join(chance.choices(_SIGNS, k=chance.choice((2, 2, 3))))
            return name + (self.named("heads", base) if chance.random() < 0.4 else "")
        word = "".join(chance.choices(_SYLLABLES.split(), k=chance.choice((2, 3))))
        return word + " " + self.named("heads", base) if chance.random() < 0.4 else word
