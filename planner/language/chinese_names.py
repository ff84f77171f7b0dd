"""Specimen and feature names in Chinese text, said in English."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from planner.language.gazetteer import entries

# One sign that is also part of common words counts only beside another name.
_LONE = frozenset(
    "人马根花金铁铅锡粉丝条板片段块头球样芯棒管枝束柱毡籽胚眼腿翅脑梨茧肉布砖膜组壳层孔油墨卵胶牛羊猪鸡犬狗猴鸟蚁芽茎泡纸铜银锌镍钴钛碘钡碳硅雪冰砂沙螨蜱藻蛾"
    "猫鹿鸭鹅雀喙蝽鲎胃肠脾蹄草瓮蝇牙兔羊鱼鸟蛇虾煤刺齿鳞"
)
INSIDE = re.compile(
    r"\s*(?:里面|里头|内部|当中|中间|里|中|内|上|表面)(?:的|有没有|有无|到底|究竟|是否|还)?"
)


@dataclass(frozen=True)
class Name:
    """An English name for `start`:`stop` of the text; `kind` is the list it comes from."""

    english: str
    start: int
    stop: int
    kind: str


@lru_cache(maxsize=8)
def _lexicon(document: str, kinds: tuple[str, ...]) -> tuple[re.Pattern[str], dict[str, Name]]:
    names: dict[str, Name] = {}
    for kind in kinds:
        for english, spellings in entries(document, kind):
            for spelling in spellings:
                names.setdefault(spelling.lower(), Name(english, 0, 0, kind))
    longest = sorted(names, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest))), names


def found_names(text: str, document: str, kinds: tuple[str, ...]) -> list[Name]:
    """Names of the lists `kinds` in normal text, longest first, none inside another."""
    pattern, names = _lexicon(document, kinds)
    return [
        Name(names[m.group()].english, m.start(), m.end(), names[m.group()].kind)
        for m in pattern.finditer(text)
    ]


_PATTERNS = re.compile(r"\s*(?:衍射|环|谱|图|xrd|德拜)")  # 粉末衍射 is no powder
# What is said of things, not of a kind: 气泡的数量 is about bubbles, 气泡直径 is one measure.
COUNTED = frozenset(("number", "count", "volume", "fraction", "volume fraction"))
SPECIMENS = ("things", "materials", "forms")


def chinese_specimens(text: str) -> list[Name]:
    """Runs of specimen names, joined: 小鼠 + 胫骨 is a mouse tibia.

    >>> [name.english for name in chinese_specimens("小鼠胫骨,做个重建")]
    ['mouse tibia']
    """
    runs: list[list[Name]] = []
    for name in found_names(text, "specimens", SPECIMENS):
        gap = text[runs[-1][-1].stop : name.start] if runs else "?"
        if name.english == "powder" and _PATTERNS.match(text[name.stop :]):
            continue
        if gap.strip() == "" or (
            gap == "的"
            and name.kind == "things"
            and len(runs[-1]) == 1
            and runs[-1][-1].kind == "things"
            and name.english != "sample"
        ):
            runs[-1].append(name)
        elif name.kind == "forms":
            continue  # a form alone is no specimen
        else:
            runs.append([name])
    found = []
    for run in runs:
        if any(name.kind == "things" for name in run):  # 陨石冷冻: what is done to a meteorite
            while run[-1].kind == "materials":
                run.pop()
        if len(run) == 1 and (run[0].kind != "things" or text[run[0].start : run[0].stop] in _LONE):
            continue
        words = [name.english for name in run]
        if words[0] == "foam":  # 泡沫铜 is a copper foam: this form stands before its material
            words = [*words[1:], words[0]]
        kept = [w for i, w in enumerate(words) if w not in words[:i] and w not in ("sample",)]
        found.append(Name(" ".join(kept), run[0].start, run[-1].stop, "specimen"))
    return found


def inside(text: str, outer: Name, inner: Name) -> bool:
    """Whether `inner` is said to be in `outer`: 琥珀里的昆虫."""
    gap = text[outer.stop : inner.start]
    return outer.stop <= inner.start and INSIDE.fullmatch(gap) is not None


def chinese_measures(text: str) -> list[Name]:
    """Measures with what they measure: 涂层 + 厚度 is a coating thickness."""
    found: list[Name] = []
    names = found_names(text, "features", ("measures", "objects"))
    for place, name in enumerate(names):
        if name.kind != "measures":
            continue
        english, start = name.english, name.start
        before = names[place - 1] if place else None
        if before is not None and before.kind == "objects":
            gap = text[before.stop : name.start]
            whole = gap.strip() in ("", "平均", "总")
            if whole or (name.english not in COUNTED and gap.strip() in ("的", "的平均", "的总")):
                english = f"{_singular(before.english)} {english}"
                start = before.start
        found.append(Name(english, start, name.stop, "measures"))
    return found


def _singular(phrase: str) -> str:
    if phrase.endswith("ies"):
        return phrase[:-3] + "y"
    return phrase[:-1] if phrase.endswith("s") and not phrase.endswith(("ss", "us")) else phrase
