"""Specimens and features as English noun phrases, from the stretches that the reader marks."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from planner.language.canonical import same_thing
from planner.language.inputs import inputs_of
from planner.language.marks import Marked, completed, marked
from planner.language.naming import feature_in, listed_specimen, specimen_in
from planner.language.normal import normal
from planner.language.offline import task_of
from planner.language.reader import Reading
from planner.language.roles import TAGS, Role
from planner.language.suffixes import said_by_suffix
from planner.language.tokens import tokens_of
from planner.language.vocabulary import vocabulary
from planner.task import Condition, Device, Goal, Intent, Priority


def names(text: str, *stretches: tuple[Role, str]) -> list[Marked]:
    """What is marked where the reader is sure of the stretches."""
    plain = normal(text)
    return marked(plain, tokens_of(plain), tagged(text, *stretches))


def tagged(text: str, *stretches: tuple[Role, str]) -> NDArray[np.float32]:
    """The tags of a reader that is sure of the stretches."""
    plain = normal(text)
    tokens = tokens_of(plain)
    tags = np.zeros((len(tokens), len(TAGS)), np.float32)
    tags[:, 0] = 1
    for role, stretch in stretches:
        start = plain.index(normal(stretch))
        first = True
        for place, token in enumerate(tokens):
            if start <= token.start < start + len(normal(stretch)):
                tags[place] = 0
                tags[place, TAGS.index((role, first))] = 1
                first = False
    return tags


def test_a_name_is_what_hangs_together() -> None:
    found = names("Fe-Cr alloy, then the cracks", (Role.SPECIMEN, "Fe-Cr alloy"),
                  (Role.OBJECT, "cracks"))  # fmt: skip
    assert [(name.role, name.text) for name in found] == [
        (Role.SPECIMEN, "fe-cr alloy"),
        (Role.OBJECT, "cracks"),
    ]
    assert names("nothing to see here") == []


@pytest.mark.parametrize(
    ("text", "stretch", "specimen"),
    [
        ("小鼠胫骨，重建一下", "小鼠胫骨", "mouse tibia"),
        ("CT of the mouse tibia please", "mouse tibia", "mouse tibia"),
        ("Quibbleworm, 900 views, volume please", "Quibbleworm", "quibbleworm"),
        ("a rock salt cylinder, please", "a rock salt cylinder", "rock salt"),
        ("the core", "core", "core"),  # nothing would be left
        ("紫云英茎的数据", "紫云英茎", "chinese milk vetch stem"),
        ("蘅芜，重建", "蘅芜", "蘅芜"),  # nobody knows it: kept as it was said
    ],
)
def test_specimens(text: str, stretch: str, specimen: str | None) -> None:
    assert specimen_in(names(text, (Role.SPECIMEN, stretch))) == specimen


def test_an_ending_tells_the_head() -> None:
    assert said_by_suffix("野生玉米主根") == "root"
    assert said_by_suffix("蘅芜") is None


@pytest.mark.parametrize(
    ("text", "stretches", "goal", "feature"),
    [
        ("把页岩里的裂缝分割出来", [(Role.OBJECT, "裂缝")], Goal.SEGMENT, "cracks"),
        ("segment the nerve cells", [(Role.OBJECT, "nerve cells")], Goal.SEGMENT, "nerve cells"),
        ("涂层厚度是多少", [(Role.MEASURE, "涂层厚度")], Goal.QUANTIFY, "coating thickness"),
        ("涂层的厚度", [(Role.OBJECT, "涂层"), (Role.MEASURE, "厚度")], Goal.QUANTIFY,
         "coating thickness"),
        ("the wall thickness of the foam", [(Role.MEASURE, "the wall thickness")], Goal.QUANTIFY,
         "wall thickness"),
        ("how thick are the shells", [(Role.OBJECT, "shells")], Goal.QUANTIFY, "shell thickness"),
        ("length of the fibres", [(Role.MEASURE, "length"), (Role.OBJECT, "fibres")], Goal.QUANTIFY,
         "fibre length"),
        ("cracks and pores, not scratches", [(Role.OBJECT, "cracks"), (Role.OBJECT, "pores"),
         (Role.OBJECT, "scratches")], Goal.SEGMENT, "cracks and pores"),
        ("count the cells", [(Role.OBJECT, "cells")], Goal.QUANTIFY, "cells"),
        ("位移场算一下", [(Role.MEASURE, "位移场")], Goal.DEFORM, "displacement field"),
        ("孔隙标签", [(Role.OBJECT, "孔隙标签")], Goal.SEGMENT, "pores"),  # made of it, behind it
        ("pore labels", [(Role.OBJECT, "pore labels")], Goal.SEGMENT, "pore"),
        ("reconstruct the cracks", [(Role.OBJECT, "cracks")], Goal.RECONSTRUCT, None),
    ],
)  # fmt: skip
def test_features(
    text: str, stretches: list[tuple[Role, str]], goal: Goal, feature: str | None
) -> None:
    assert feature_in(normal(text), names(text, *stretches), Intent.PLAN, [goal]) == feature


def test_what_is_watched() -> None:
    text = "盯着束流强度"
    found = names(text, (Role.OBJECT, "束流强度"))
    assert feature_in(text, found, Intent.WATCH, []) == "beam current"
    assert feature_in(text, found, Intent.REFUSE, []) is None


def test_what_a_list_knows_as_longer_is_made_as_long() -> None:
    text = "lack-of-fusion pores and the neck size of the particles"
    found = completed(text, names(text, (Role.OBJECT, "fusion"), (Role.MEASURE, "neck")))
    assert [name.text for name in found] == ["lack-of-fusion pores", "neck size"]


def test_what_is_inside_another_thing_is_the_specimen() -> None:
    text = "冰里面的花粉，重建"
    found = names(text, (Role.SPECIMEN, "冰"), (Role.SPECIMEN, "花粉"))
    assert specimen_in(found, normal(text)) == "pollen in ice"
    assert specimen_in(found) == "ice"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("cavities in the crumb", "hole", True),
        ("carbon fibers", "carbon fibre", True),
        ("pore fraction", "share of the pores", True),
        ("pore fraction", "pores", False),
        ("pores", "voids", False),
        ("porosity", "pores", False),
        ("grain", "particle", False),
        (None, None, True),
        (None, "tooth", False),
        ("copper and zinc", "zinc and copper", True),
    ],
)
def test_two_words_for_one_thing_are_one_name(
    one: str | None, other: str | None, same: bool
) -> None:
    assert same_thing(one, other) is same is same_thing(other, one)


def test_no_word_is_a_synonym_of_two() -> None:
    words = [word for line in vocabulary("synonyms")["heads"] for word in line.split()]
    assert len(words) == len(set(words)) > 80


@pytest.mark.parametrize(
    ("text", "stretch", "specimen"),
    [
        ("银币，重建", "银", "silver coin"),  # lists know silver
        ("马蜂窝的体数据", "马蜂", "wasp nest"),
        ("砂岩岩体线扫描", "砂岩", "sandstone"),  # 线 goes on to another word
    ],
)
def test_a_chinese_name_ends_with_the_sign_of_its_kind(
    text: str, stretch: str, specimen: str
) -> None:
    plain = normal(text)
    found = completed(plain, names(text, (Role.SPECIMEN, stretch)))
    assert specimen_in(found, plain) == specimen


def test_where_nothing_is_marked_the_one_listed_thing_is_the_specimen() -> None:
    text = "Nano-holotomography, shale. Recover phase"
    assert listed_specimen(normal(text), []) == "shale"
    assert listed_specimen("a lead seal and a clamp", []) is None  # what holds it
    assert listed_specimen("shale beside a walnut", []) is None  # one of two, which?


def test_what_a_watched_thing_does_is_no_part_of_its_name() -> None:
    text = "raise an alarm once beam position departs from normal"
    found = names(text, (Role.OBJECT, "beam position departs"))
    assert feature_in(text, found, Intent.WATCH, ()) == "beam position"


@pytest.mark.parametrize(
    ("text", "stretch", "specimen"),
    [
        ("the zircon shard within two hours", "zircon", "zircon shard"),
        ("the walnut slips at view 40", "walnut", "walnut"),  # what it does
        ("the walnut rings are strong", "walnut", "walnut"),  # what is wrong with the data
        ("balsa, 900 views", "balsa", "balsa wood"),  # one listed thing alone begins so
        ("oak, 900 views", "oak", "oak"),  # a name itself
        ("大麦粒的断层图", "大麦粒的断层", "barley grain"),  # made of it
        ("the monochromator is fine", "monochromator", None),  # part of the instrument
    ],
)
def test_a_specimen_is_said_as_a_whole_and_without_what_is_made_of_it(
    text: str, stretch: str, specimen: str | None
) -> None:
    plain = normal(text)
    found = completed(plain, names(text, (Role.SPECIMEN, stretch)))
    assert specimen_in(found, plain) == specimen


def test_a_noun_marked_as_a_thing_to_find_is_not_added_to_the_specimen() -> None:
    text = "walnut cracks, please"
    marks = names(text, (Role.SPECIMEN, "walnut"), (Role.OBJECT, "cracks"))
    assert specimen_in(completed(text, marks), text) == "walnut"


@pytest.mark.parametrize(
    ("text", "stretches", "goal", "feature"),
    [
        ("the mean and the fibre diameter", [(Role.MEASURE, "mean"),
         (Role.MEASURE, "fibre diameter")], Goal.QUANTIFY, "fibre diameter"),
        ("what thickness has the glaze", [(Role.OBJECT, "glaze")], Goal.QUANTIFY,
         "glaze thickness"),
        ("fit the peaks and the lattice strain", [(Role.MEASURE, "peaks"),
         (Role.MEASURE, "lattice strain")], Goal.DIFFRACTION, "lattice strain"),
        ("the peaks", [(Role.MEASURE, "peaks")], Goal.DIFFRACTION, "peaks"),
        ("mask the beamstop, then the pores", [(Role.OBJECT, "beamstop"), (Role.OBJECT, "pores")],
         Goal.SEGMENT, "pores"),
        ("数一数气泡的数量", [(Role.OBJECT, "气泡"), (Role.MEASURE, "数量")], Goal.QUANTIFY,
         "bubbles"),
        ("标出鳄鱼鳞片", [(Role.OBJECT, "鳄鱼鳞片")], Goal.SEGMENT, "crocodile scales"),
    ],
)  # fmt: skip
def test_features_that_matter(
    text: str, stretches: list[tuple[Role, str]], goal: Goal, feature: str | None
) -> None:
    assert feature_in(normal(text), names(text, *stretches), Intent.PLAN, [goal]) == feature


def test_of_names_the_first_counts_unless_another_is_much_surer() -> None:
    def sure(of_the_first: float) -> list[Marked]:
        return [
            Marked(Role.OBJECT, "table", 0, of_the_first),
            Marked(Role.OBJECT, "vibration", 20, 1.0),
        ]

    text = "table, then look at vibration"
    assert feature_in(text, sure(0.95), Intent.WATCH, ()) == "table"
    assert feature_in(text, sure(0.6), Intent.WATCH, ()) == "vibration"


def test_of_a_part_of_the_instrument_its_one_reading_is_watched() -> None:
    text = "does the rotation axis wander"
    found = names(text, (Role.OBJECT, "rotation axis"))
    assert feature_in(text, found, Intent.WATCH, ()) == "rotation axis position"
    text = "转台z方向的温度稳吗"
    found = names(text, (Role.OBJECT, "转台"), (Role.OBJECT, "温度"))
    assert feature_in(text, found, Intent.WATCH, ()) == "rotation stage temperature"


@pytest.mark.parametrize(
    ("text", "feature"),
    [
        ("segment the pores, I don't need the cracks yet", "pores"),
        ("segment the cracks; pores are not needed", "cracks"),
        ("segment the cracks and the pores", "cracks and pores"),
    ],
)
def test_what_is_named_as_not_wanted_is_no_feature(text: str, feature: str) -> None:
    reading = Reading(
        intent={intent: 0.96 if intent is Intent.PLAN else 0.01 for intent in Intent},
        goals={goal: 0.99 if goal is Goal.SEGMENT else 0.01 for goal in Goal},
        conditions=dict.fromkeys(Condition, 0.01),
        priority={Priority.QUALITY: 0.01, Priority.SPEED: 0.01, Priority.BALANCED: 0.98},
        device={Device.CPU: 0.01, Device.GPU: 0.01, Device.ANY: 0.98},
        tags=tagged(text, (Role.OBJECT, "pores"), (Role.OBJECT, "cracks")),
    )
    assert task_of(inputs_of(normal(text), embed=False), reading, text).feature == feature
