"""The materials that a request names."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Any

GIVEN = re.compile(r"(?<![A-Za-z0-9])((?:[A-Z][a-z]?\d*\.?\d*)+=\d+(?:\.\d+)?)(?![A-Za-z0-9])")


def named_materials(text: str) -> list[str]:
    """Materials as ``FORMULA=DENSITY`` (g/cm³), in the order of the text; what is written in that
    form is taken over, words are looked up in ``configs/language/materials.yaml``.

    >>> named_materials("Separate iodine from the bone")
    ['I=4.93', 'Ca5P3O13H=3.16']
    >>> named_materials("把镍和 NiO=6.67 分开")
    ['Ni=8.908', 'NiO=6.67']
    """
    found = [(m.start(), m.end(), m.group(1)) for m in GIVEN.finditer(text)]
    lowered = text.lower()
    for entry in _entries():
        for word in entry["words"]:
            for match in re.finditer(_pattern(word, entry.get("not_before", ())), lowered):
                found.append((match.start(), match.end(), entry["is"]))
    # of words that overlap ("nickel oxide", "nickel") the longest is meant
    found.sort(key=lambda f: f[0] - f[1])
    kept: list[tuple[int, int, str]] = []
    for start, stop, name in found:
        if all(stop <= a or start >= b for a, b, _ in kept):
            kept.append((start, stop, name))
    return list(dict.fromkeys(name for _, _, name in sorted(kept)))


def _pattern(word: str, not_before: list[str]) -> str:
    after = f"(?!{'|'.join(not_before)})" if not_before else ""
    if word.isascii():
        return rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9=])"
    return re.escape(word) + after


@cache
def _entries() -> list[dict[str, Any]]:
    import yaml

    path = files("configs").joinpath("language", "materials.yaml")
    return yaml.safe_load(path.read_text(encoding="utf-8"))
