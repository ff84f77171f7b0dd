"""Names that only the dictionary knows, and what happens without one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from planner.language import dictionary as book
from planner.language.canonical import same_by_lists, same_thing
from planner.language.compounds import said_by_parts
from planner.language.dictionary import called_alike, dictionary, names_of
from planner.language.marks import Marked, completed
from planner.language.roles import Role


@pytest.fixture
def none_installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(book, "PACKAGE", "no_such_dictionary")
    found = (dictionary, names_of, called_alike)
    for each in found:
        each.cache_clear()
    yield
    for each in found:
        each.cache_clear()


@pytest.mark.parametrize(
    ("chinese", "english"),
    [
        ("开瓶器", "bottle opener"),
        ("断路器", "circuit breaker"),
        ("花椒", "sichuan pepper"),  # behind plain names, but no Latin
        ("鱼竿", "fishing rod"),
    ],
)
def test_a_word_is_said_as_the_dictionary_says(chinese: str, english: str) -> None:
    assert names_of(chinese)[0] == english
    assert said_by_parts(chinese) == english


@pytest.mark.parametrize("chinese", ["打开", "铁杉", "杯", "高脚杯高脚杯高"])
def test_what_is_no_name_of_a_thing_has_none(chinese: str) -> None:
    assert names_of(chinese) == ()


def test_lists_come_before_the_dictionary() -> None:
    assert "plaster" in names_of("石膏")
    assert said_by_parts("石膏") == "gypsum"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("kneecap", "patella", True),
        ("wooden plank", "board", True),
        ("lunch box", "lunchbox", True),
        ("cashew", "cashew nuts", True),
        ("goblet", "bottle opener", False),
        ("grain", "particle", False),  # what is looked for the lists keep apart
    ],
)
def test_one_chinese_word_is_one_thing(one: str, other: str, same: bool) -> None:
    assert same_thing(one, other) is same is same_thing(other, one)


@pytest.mark.usefixtures("none_installed")
def test_without_a_dictionary_the_lists_judge() -> None:
    assert dictionary() is None
    assert names_of("鱼竿") == ()
    assert said_by_parts("鱼竿") is None
    assert not same_thing("kneecap", "patella")
    assert same_thing("cup", "mug")


def test_the_lists_alone_are_stricter() -> None:
    assert same_by_lists("cup", "mug")
    assert not same_by_lists("kneecap", "patella")


@pytest.mark.parametrize(
    ("text", "stretch", "whole"),
    [
        ("风筝受热后跑偏", "风筝受", "风筝"),  # 受热 is the next word
        ("姜饼冻结时", "姜饼冻", "姜饼"),
        ("烛台的断层", "烛", "烛台"),  # only the beginning of a word was marked
        ("琴槌的断层", "琴槌", "琴槌"),
    ],
)
def test_a_mark_ends_where_a_word_does(text: str, stretch: str, whole: str) -> None:
    mark = Marked(Role.SPECIMEN, stretch, 0, 0.9)
    assert [name.text for name in completed(text, [mark])] == [whole]
