"""Answers in words: what a term or a choice means, and what tools and formats there are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from planner.language.phrases import say
from planner.task import Task
from toolbox.card import ToolCard
from toolbox.kinds import Stage
from toolbox.registry import known_tools

FORMATS = ("NXtomo", "Data Exchange", "TIFF folder", "TIFF stack", "XRM/TXRM", "HDF5")


def catalogue(task: Task) -> str:
    """Tools by stage, and the formats that can be read."""
    lang = "en" if task.language == "en" else "zh"
    lines = [say("answer.catalogue", lang, formats=", ".join(FORMATS))]
    for stage in Stage:
        names = [
            f"{c.name} ({c.title if lang == 'en' else c.title_zh})"
            for c in (t.card for t in known_tools().values())
            if c.stage is stage
        ]
        if names:
            lines.append(f"- {stage.value}: {', '.join(names)}")
    return "\n".join(lines)


def explanation(task: Task) -> str:
    """What the terms and tools in the text mean, or how choices are made in general."""
    lang = "en" if task.language == "en" else "zh"
    text = task.text.lower()
    found = [e.en if lang == "en" else e.zh for e in glossary() if mentions(text, e.words)]
    found += [_card_line(t.card, lang) for t in known_tools().values()
              if mentions(text, [t.card.name, t.card.name.replace("_", " "), t.card.title,
                                 t.card.title_zh])]  # fmt: skip
    return "\n".join(found[:6]) if found else say("answer.explain", lang)


def mentions(text: str, words: Sequence[str]) -> bool:
    """Whether one of some words stands in a text: whole words in English, anywhere in Chinese."""
    return any(
        (w.lower() in text)
        if not w.isascii()
        else re.search(rf"(?<![a-z]){re.escape(w.lower())}(?![a-z])", text)
        for w in words
    )


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
    return f"{card.name} — {title}. {card.limits} [{'; '.join(card.references)}]"
