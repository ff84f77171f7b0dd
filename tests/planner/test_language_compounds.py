"""Chinese names said in English part by part, and the lists of nouns that they are made of."""

from __future__ import annotations

import random

import numpy as np
import pytest

from planner.language.canonical import same_thing
from planner.language.compounds import (
    KINDS,
    NOUNS,
    chinese_nouns,
    english_nouns,
    is_end_of_name,
    said_by_parts,
)
from planner.language.features import embedded
from planner.language.gazetteer import entries
from planner.language.normal import normal
from planner.language.training.names import Names
from planner.language.vocabulary import vocabulary

GROUPS = (*NOUNS, KINDS, "instrument", "readings")


@pytest.mark.parametrize(
    ("chinese", "english"),
    [
        ("兔子头骨", "rabbit skull"),
        ("鲨鱼的皮", "shark skin"),  # 的 says only that one is of the other
        ("泡沫钛", "titanium foam"),  # a form that stands before its material
        ("LED灯", "led lamp"),
        ("IN718 阀门", "in718 valve"),
        ("马蜂窝", "wasp nest"),
        ("蜘蛛网", "cobweb"),  # the longer beginning, not 蛛网
        ("甪直灯", "lamp"),  # what is unknown before a known end is left out
    ],
)
def test_a_name_is_said_by_the_fewest_parts(chinese: str, english: str) -> None:
    assert said_by_parts(normal(chinese)) == english


@pytest.mark.parametrize("chinese", ["甪直", "木甪", "", "的"])
def test_a_name_with_an_unknown_end_is_not_said(chinese: str) -> None:
    assert said_by_parts(chinese) is None


def test_what_is_looked_for_has_its_own_meaning() -> None:
    assert said_by_parts("气孔", sought=True) == "pores"
    assert said_by_parts("颗粒", sought=True) == "particles"
    assert said_by_parts("转台温度", sought=True) == "rotation stage temperature"


def test_nouns_are_found_in_both_languages() -> None:
    text = normal("请把木梳的裂纹标出来")
    assert [text[a:b] for a, b, end in chinese_nouns(text) if end][-1:] == ["裂纹"]
    assert "木" in text[slice(*chinese_nouns(text)[0][:2])]
    text = "the antique comb shows swiftly grown cracks"
    ends = [text[a:b] for a, b, end in english_nouns(text) if end]
    assert ends == ["comb", "cracks"]
    assert ("antique", False) in [(text[a:b], end) for a, b, end in english_nouns(text)]
    assert is_end_of_name("梳子")
    assert not is_end_of_name("梳头发")


def test_the_lists_are_in_order() -> None:
    """Names as they come out of normal text, each once in its group, many of them."""
    count = 0
    for group in GROUPS:
        names = [english for english, _ in entries("nouns", group)]
        count += len(names)
        for english, spellings in entries("nouns", group):
            assert english
            assert spellings, english
            assert english.isascii()
            for spelling in spellings:
                assert normal(spelling) == spelling.lower(), (english, spelling)
    assert count > 1500
    assert all(code == code.lower() for code in vocabulary("nouns")["codes"].split())


def test_names_for_training_are_varied_and_none_of_those_measured() -> None:
    names = Names(random.Random(4))
    for base in ("en", "zh"):
        drawn = [names.specimen(base) for _ in range(800)]
        assert len(set(drawn)) > 600
        assert not {name.lower() for name in drawn} & names.held
        assert len({names.thing(base) for _ in range(300)}) > 180


@pytest.mark.slow
def test_the_nearest_name_in_the_encoders_space_is_mostly_another_thing() -> None:
    """Why names are said by lists: the embedding of a Chinese name seldom lies beside its own."""
    chance = random.Random(1)
    named = [(e.lower(), spellings) for e, spellings in entries("specimens", "things")]
    chosen = chance.sample(named, 400)
    english = np.stack([embedded(name) for name, _ in chosen])
    asked = chance.sample(range(len(chosen)), 100)
    chinese = np.stack([embedded(chosen[place][1][0]) for place in asked])
    nearest = (chinese @ english.T).argmax(1)
    right = [same_thing(chosen[n][0], chosen[p][0]) for n, p in zip(nearest, asked, strict=True)]
    assert 0.1 < np.mean(right) < 0.5
