"""Answers in words: what a term or a choice means, and what tools and formats there are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from planner.language.normal import normal
from planner.language.phrases import say
from planner.language.vocabulary import vocabulary
from planner.task import Task
from toolbox.card import ToolCard
from toolbox.kinds import Stage
from toolbox.registry import known_tools

FORMATS = ("NXtomo", "Data Exchange", "TIFF folder", "TIFF stack", "XRM/TXRM", "HDF5")


def catalogue(task: Task) -> str:
    """Tools by stage, and the formats that can be read; where the text names steps, the tools of
    these alone."""
    lang = "en" if task.language == "en" else "zh"
    lines = [say("answer.catalogue", lang, formats=", ".join(FORMATS))]
    asked = stages_named(task.text)
    for stage in asked or Stage:
        names = [
            f"{c.name} ({c.title if lang == 'en' else c.title_zh})"
            for c in (t.card for t in known_tools().values())
            if c.stage is stage
        ]
        if names and lang == "en":
            lines.append(f"- {stage.value}: {', '.join(names)}")
        elif names:
            told = vocabulary("conversation")["stage_names"][stage.value]["zh"]
            lines.append(f"- {told}（{stage.value}）：{'、'.join(names)}")
    return "\n".join(lines)


def stages_named(text: str) -> tuple[Stage, ...]:
    """The stages whose work a text names.

    >>> [stage.value for stage in stages_named("What is there for ring removal and denoising?")]
    ['destripe', 'denoise']
    """
    plain = normal(text)
    steps = vocabulary("wishes")["steps"].values()
    named = {s["stage"] for s in steps if "stage" in s and re.search(s["called"], plain)}
    if not named:  # a step may be named by what it is for
        asked: dict[str, str] = vocabulary("conversation")["stages"]
        named = {stage for stage, words in asked.items() if re.search(words, plain)}
    return tuple(stage for stage in Stage if stage.value in named)


def explanation(task: Task) -> str:
    """What the terms and tools in the text mean, in their order there, or how choices are made in
    general."""
    lang = "en" if task.language == "en" else "zh"
    found = [(at, e.en if lang == "en" else e.zh) for e in glossary()
             for at in [mentioned(task.text, e.words)] if at is not None]  # fmt: skip
    for card in (t.card for t in known_tools().values()):
        names = [card.name, card.name.replace("_", " "), card.title, card.title_zh]
        at = mentioned(task.text, names)
        if at is not None:
            found.append((at, _card_line(card, lang)))
    # The sort keeps a term before the tools of the same name.
    told = [line for _, line in sorted(found, key=lambda one: one[0])]
    return "\n".join(told[:6]) if told else say("answer.explain", lang)


def mentioned(text: str, words: Sequence[str]) -> int | None:
    """Where the first of some words stands in a text: whole words, singular or plural, in
    English, anywhere in Chinese.

    >>> mentioned("What are sinograms?", ["projection", "sinogram"])
    9
    """
    patterns = [
        re.escape(w.lower()) if not w.isascii() else rf"(?<![a-z]){re.escape(w.lower())}s?(?![a-z])"
        for w in words
    ]
    found = re.search("|".join(patterns), text.lower())
    return found.start() if found else None


@dataclass(frozen=True)
class Term:
    """A term of the field: the words that call it up, and what is said in each language."""

    words: tuple[str, ...]
    en: str
    zh: str


@cache
def glossary() -> tuple[Term, ...]:
    """Terms in both languages, from ``configs/language/glossary.yaml``."""
    import yaml

    path = files("configs").joinpath("language", "glossary.yaml")
    entries = yaml.safe_load(path.read_text(encoding="utf-8")).values()
    return tuple(Term(tuple(map(str, e["words"])), e["en"], e["zh"]) for e in entries)


def _card_line(card: ToolCard, lang: str) -> str:
    title = card.title if lang == "en" else card.title_zh
    stop = ". " if lang == "en" else "。"
    sources = "; ".join(card.references)
    return f"{card.name} — {title}{stop}{limits_told(card.limits, lang)} [{sources}]"


_SENTENCE = re.compile(r"(?<=[.!?]) (?=[A-Z])")


def limits_told(limits: str, lang: str) -> str:
    """What a card says of its limits, in the language ``lang``, by configs/language/limits.yaml.

    What training writes into a card (as figures measured) stays in English.

    >>> limits_told("Needs a full turn. Slice by slice.", "zh")
    '需要整圈。逐张切片处理。'
    """
    if lang == "en":
        return limits
    told = [vocabulary("limits").get(sentence, sentence) for sentence in _SENTENCE.split(limits)]
    return "".join(said if said.endswith("。") else f" {said} " for said in told).strip()
