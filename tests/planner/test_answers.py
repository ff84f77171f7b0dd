"""What is said to those who ask what a term means."""

from __future__ import annotations

import re

import pytest

from planner.answers import catalogue, explanation, glossary, limits_told
from planner.task import Intent, Task
from toolbox.registry import known_tools

TERMS = [
    ("What is a sinogram?", "什么是正弦图", "sine", "正弦曲线"),
    ("what are flats for", "平场是干什么用的", "without the sample", "没有样品"),
    ("Why do I need dark frames?", "暗场是什么", "without beam", "没有光"),
    ("what does projection mean", "投影是什么意思", "one angle", "一个角度"),
    ("what is FRC", "FRC 这条曲线掉到 0.143 是啥含义？", "0.143", "0.143"),
    ("where do the half-moon shadows come from", "月牙是怎么来的", "axis", "旋转轴"),
    ("what is beam hardening", "什么是射束硬化", "polychromatic", "多色光"),
    ("is this bright border real", "外圈发白说明什么", "fringes", "条纹"),
    ("what is a zinger", "什么是坏点", "cosmic", "宇宙"),
    ("What is meant by 'axis confidence 0.4'?", "为啥 auto center 的 区间这么宽？", "95 %", "95 %"),
    ("why is plan 2 ranked below plan 1", "方案二排在前面的依据在哪", "front", "前沿"),
    ("what is a missing cone", "什么是缺失锥", "laminography", "laminography"),
    ("How many views are enough?", "采多少张才够", "Crowther", "Crowther"),
]


@pytest.mark.parametrize(("english", "chinese", "en", "zh"), TERMS)
def test_terms_are_explained_in_both_languages(
    english: str, chinese: str, en: str, zh: str
) -> None:
    assert en in explanation(Task(Intent.EXPLAIN, text=english, language="en"))
    assert zh in explanation(Task(Intent.EXPLAIN, text=chinese, language="zh"))


def test_terms_come_in_the_order_of_the_question() -> None:
    lines = explanation(Task(Intent.EXPLAIN, text="Rings in a sinogram: are they real?")).split(
        "\n"
    )
    assert lines[0].startswith("Rings")
    assert lines[1].startswith("Sinogram")


def test_no_term_is_a_general_answer() -> None:
    assert "ports fit" in explanation(Task(Intent.EXPLAIN, text="Why?"))


def test_every_entry_speaks_both_languages_and_can_be_called_up() -> None:
    for term in glossary():
        assert term.words
        assert re.search("[\u4e00-\u9fff]", term.zh)
        assert not re.search("[\u4e00-\u9fff]", term.en)
        assert any(not w.isascii() for w in term.words), term.en


def test_the_catalogue_is_of_the_steps_that_are_asked_for() -> None:
    rings = catalogue(Task(Intent.CATALOGUE, text="What can you do about ring removal?"))
    assert "stripe_sorting" in rings
    assert "denoise_tv" not in rings
    chinese = catalogue(Task(Intent.CATALOGUE, text="有哪些去噪工具？", language="zh"))
    assert "denoise_tv" in chinese
    assert "stripe_sorting" not in chinese
    everything = catalogue(Task(Intent.CATALOGUE, text="what tools are there?"))
    assert {"stripe_sorting", "denoise_tv", "fbp"} <= set(re.findall(r"\w+", everything))


def test_what_cards_say_of_limits_is_told_in_chinese() -> None:
    """All of it but what a training writes into the card."""
    for tool in known_tools().values():
        if tool.card.weights is not None:
            continue
        told = limits_told(tool.card.limits, "zh")
        rest = re.sub(r"`[^`]*`|（[^）]*）", "", told)
        assert not re.search(r"[a-z]{2,} [a-z]{2,} [a-z]{2,}", rest), (tool.card.name, told)
    assert limits_told("Needs a full turn. Said by nobody yet.", "zh") == (
        "需要整圈。 Said by nobody yet."
    )
