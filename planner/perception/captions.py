"""Captions of simulated scans, English and Chinese: specimen, conditions and their severity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.language.features import embedded
from planner.language.normal import normal
from planner.perception.conditions import MILD, Combination
from planner.perception.shown import SHOWN
from planner.task import Condition
from simulators.specimens import FAMILIES

LANGUAGES = ("en", "zh")
Words = Mapping[str, Any]


@dataclass(frozen=True)
class Caption:
    """``clauses``: what is scanned, and each thing that is said of it."""

    clauses: tuple[str, ...]
    text: str

    @property
    def meaning(self) -> NDArray[np.float32]:
        """Unit vector: the mean of its clauses' embeddings. (A sentence as a whole has another;
        but there are few clauses, which need to be embedded once, and any number of captions.)"""
        mean = np.mean([meaning(clause) for clause in self.clauses], axis=0)
        return np.asarray(mean / np.linalg.norm(mean), np.float32)


def caption(
    rng: np.random.Generator, family: str, shown: Mapping[Condition, int], language: str
) -> Caption:
    """What a colleague might write below the pictures: the specimen and all that is wrong, now and
    then also something that is not.

    >>> rng = np.random.default_rng(2)
    >>> caption(rng, "foam", {Condition.RINGS: 2}, "en").text
    'this scan shows closed-cell foam, heavy vertical stripes in the sinogram'
    """
    words = _words(language)
    said = [_of(rng, words, c, "mild" if s == MILD else "strong") for c, s in shown.items()]
    if rng.random() < 0.25:
        others = [c for c in SHOWN if c not in shown]
        said.append(_of(rng, words, others[int(rng.integers(len(others)))], "absent"))
    rng.shuffle(said)
    said = said or [_pick(rng, words["clean"])]
    head = _pick(rng, words["alone"])
    if rng.random() >= 0.2:
        head = _pick(rng, words["frames"]).format(specimen=_name(family, language))
    return _put(head, said, _pick(rng, words["begin"]), _pick(rng, words["join"]))


def plain(combination: Combination, language: str) -> tuple[Caption, ...]:
    """What is said of a specimen with one condition, strong or mild, or with none.

    >>> plain(("foam", None), "en")[0].text
    'a scan of closed-cell foam, clean'
    """
    words = _words(language)
    family, condition = combination
    said = [words["clean"][0]] if condition is None else [
        words[condition.value][how][0] for how in ("strong", "mild")]  # fmt: skip
    head = words["frames"][0].format(specimen=_name(family, language))
    return tuple(_put(head, [one], words["begin"][0], "") for one in said)


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
def meaning(clause: str) -> NDArray[np.float32]:
    """The frozen embedding of a clause."""
    return embedded(normal(clause))


def _put(head: str, said: Sequence[str], begin: str, join: str) -> Caption:
    said = [one for one in said if one]
    text = head + begin + join.join(said) if said else head
    return Caption((head, *said), text)


@cache
def _words(language: str) -> Words:
    import yaml

    text = files("configs").joinpath("language", "captions.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text)[language])


def _name(family: str, language: str) -> str:
    return FAMILIES[family].en if language == "en" else FAMILIES[family].zh


def _of(rng: np.random.Generator, words: Words, condition: Condition, how: str) -> str:
    return _pick(rng, words[condition.value][how])


def _pick(rng: np.random.Generator, options: Sequence[str]) -> str:
    return str(options[int(rng.integers(len(options)))])
