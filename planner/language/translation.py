"""Sentences of the rooms below, which speak English only, told in Chinese.

Readers and tools know nothing of the one who asks. What they say is recognised here by its shape
(configs/language/sentences.yaml), as a message catalogue would, so that a new sentence needs one
line there and nothing in the code that says it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from metadata.errors import TomoplanError
from planner.language.vocabulary import vocabulary

# What joins lists, and a note to the name of the tool that made it
LISTS = {"; ": "；", " and another ": "和", " and ": "和", ", ": "、", ": ": "："}
PLACE = re.compile(r"\{(\w+)\}")
# A length of time in a place of a sentence
TIME = re.compile(r"([\d.]+(?:e[+-]?\d+)?) (s|min|h|d)")
TIMES = re.compile(rf"{TIME.pattern}(?: {TIME.pattern})*")
UNITS = {"s": "秒", "min": "分钟", "h": "小时", "d": "天"}


def translate(text: str, lang: str) -> str:
    """A sentence in the language `lang` ("en", "zh", "mixed"); one that is in no catalogue, and
    any in Chinese already, comes back as it is.

    What fills the places of a sentence is translated as well, so a reason may hold another.

    >>> translate("3 frames are marked invalid or for alignment: left out.", "zh")
    '3 帧标记为无效或用于对准，未采用。'
    """
    if lang == "en" or not text:
        return text
    if TIMES.fullmatch(text):
        return TIME.sub(lambda length: f"{length[1]} {UNITS[length[2]]}", text)
    for shape, chinese in _shapes():
        found = shape.fullmatch(text)
        if found:
            values = {name: translate(value, lang) for name, value in found.groupdict().items()}
            return chinese.format(**values)
    for mark, joined in LISTS.items():
        parts = text.split(mark, 1 if mark == ": " else -1)
        told = [translate(part, lang) for part in parts] if len(parts) > 1 else parts
        # All of a list or nothing: a name or a number may stay as it is, a sentence may not.
        if told != parts and all(t != p or " " not in p for t, p in zip(told, parts, strict=True)):
            return joined.join(told)
    return text


@contextmanager
def told_in(lang: str) -> Iterator[None]:
    """Whatever error ends the work inside is told in the language `lang`."""
    try:
        yield
    except TomoplanError as error:
        error.args = (translate(str(error), lang), *error.args[1:])
        raise


@cache
def _shapes() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Each English sentence as a pattern, the most particular first, and its Chinese."""
    table: dict[str, str] = vocabulary("sentences")
    ordered = sorted(table, key=lambda english: -len(PLACE.sub("", english)))
    return tuple((_shape(english), table[english]) for english in ordered)


def _shape(english: str) -> re.Pattern[str]:
    pattern, seen, at = "", set(), 0
    for place in PLACE.finditer(english):
        pattern += re.escape(english[at : place.start()])
        name, at = place[1], place.end()
        pattern += f"(?P={name})" if name in seen else f"(?P<{name}>.*?)"
        seen.add(name)
    return re.compile(pattern + re.escape(english[at:]), re.DOTALL)
