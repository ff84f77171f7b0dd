"""Captions of simulated scans, English and Chinese: specimen, conditions and their severity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from planner.perception.conditions import MILD, Combination
from planner.perception.shown import SHOWN
from planner.task import Condition
from simulators.specimens import FAMILIES

LANGUAGES = ("en", "zh")
Words = Mapping[str, Any]


def caption(
    rng: np.random.Generator, family: str, shown: Mapping[Condition, int], language: str
) -> str:
    """What a colleague might write below the pictures: the specimen and all that is wrong, or a
    part of that; now and then also something that is not.

    >>> rng = np.random.default_rng(2)
    >>> caption(rng, "foam", {Condition.RINGS: 2}, "en")
    'a tomogram, heavy vertical stripes in the sinogram'
    """
    words = _words(language)
    said = [_of(rng, words, c, "mild" if s == MILD else "strong") for c, s in shown.items()]
    if rng.random() < 0.25:
        others = [c for c in SHOWN if c not in shown]
        said.append(_of(rng, words, others[int(rng.integers(len(others)))], "absent"))
    rng.shuffle(said)
    tail = _pick(rng, words["clean"]) if not said else _pick(rng, words["begin"]) + _pick(
        rng, words["join"]).join(said)  # fmt: skip
    if rng.random() < 0.2:
        return _pick(rng, words["alone"]).format(said=tail)
    names = FAMILIES[family]
    name = names.en if language == "en" else names.zh
    return _pick(rng, words["frames"]).format(specimen=name, said=tail)


def plain(combination: Combination, language: str) -> tuple[str, ...]:
    """What is said of a specimen with one condition, strong or mild, or with none.

    >>> plain(("foam", None), "en")[0]
    'a scan of closed-cell foam, clean'
    """
    words = _words(language)
    family, condition = combination
    name = FAMILIES[family].en if language == "en" else FAMILIES[family].zh
    begin = str(words["begin"][0])
    tails = [words["clean"][0]] if condition is None else [
        begin + words[condition.value][how][0] for how in ("strong", "mild")]  # fmt: skip
    return tuple(words["frames"][0].format(specimen=name, said=tail) for tail in tails)


@cache
def claims(condition: Condition) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is said where a condition is there and where it is not, in both languages."""
    there: list[str] = []
    absent: list[str] = []
    for language in LANGUAGES:
        known = _words(language)[condition.value]
        there += [*known["mild"], *known["strong"]]
        absent += known["absent"]
    return tuple(there), tuple(absent)


@cache
def _words(language: str) -> Words:
    import yaml

    text = files("configs").joinpath("language", "captions.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text)[language])


def _of(rng: np.random.Generator, words: Words, condition: Condition, how: str) -> str:
    return _pick(rng, words[condition.value][how])


def _pick(rng: np.random.Generator, options: Sequence[str]) -> str:
    return str(options[int(rng.integers(len(options)))])
