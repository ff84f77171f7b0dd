"""Quantities and limits: what is a limit, what is not, in both languages."""

from __future__ import annotations

import pytest

from planner.language.clauses import clauses_of
from planner.language.geometry import conditions_from_numbers
from planner.language.normal import language_of, normal
from planner.language.quantities import Limits, limits_in, without_empty_limits
from planner.language.understanding import understand


def limits(text: str) -> Limits:
    return limits_in(clauses_of(normal(text)))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("by 9:30, it is 9:00 now", 1800),
        ("before 17:00 - it's 16:15 now", 2700),
        ("the meeting starts at 3 pm and it's 2:20 pm", 2400),
        ("现在两点一刻，三点前要", 2700),
        ("最迟 11 点半，现在 10 点 50 分", 2400),
        ("within two and a half hours", 9000),
        ("I need it in 2 h 30 min", 9000),
        ("half an hour max", 1800),
        ("reconstruct it, 15 min.", 900),
        ("ninety seconds at most", 90),
        ("半个钟头内", 1800),
        ("不超过两个半小时", 9000),
        ("一刻钟之内", 900),
        ("给你四十分钟", 2400),
        ("离停光只剩二十分钟", 1200),
        ("一百二十秒以内", 120),
    ],
)
def test_a_time_limit_is_in_seconds(text: str, seconds: float) -> None:
    assert limits(text).seconds == seconds


@pytest.mark.parametrize(
    "text",
    [
        "exposure 0.5 s, 1800 views, the scan took 20 min",
        "each frame 100 ms, 80 volumes at 30 s intervals",
        "annealed for 2 hours, porosity please",
        "after 30 min of loading",
        "what came off the detector five minutes ago",
        "overnight is fine",
        "每张 0.2 秒，扫了二十分钟",
        "每 10 分钟扫一套，一共扫了 3 小时",
        "六个小时漂了四十多个像素",
    ],
)
def test_a_duration_that_is_no_limit_stays_out(text: str) -> None:
    assert limits(text).seconds is None


@pytest.mark.parametrize(
    ("text", "memory"),
    [
        ("keep it below 64 GB", 64),
        ("16 GB laptop", 16),
        ("显存就12G", 12),
        ("64G 内存", 64),
        ("1 TB of RAM", 1024),
        ("raw data is 300 GB, the laptop has 16 GB", 16),
        ("原始数据 200G", None),
        ("the data set is 300 GB", None),
    ],
)
def test_memory_is_what_the_machine_has_not_the_data(text: str, memory: float | None) -> None:
    assert limits(text).memory == memory


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ("±70 degrees in 2-degree steps", {"limited_angle", "sparse_view"}),
        ("1800 projections over 180 degrees", set()),
        ("only 90 angles", {"sparse_view"}),
        ("一圈 120 张", {"sparse_view"}),
        ("单套 1200 张", set()),
        ("20 flats, 900 projections", set()),
        ("正负五十五度之间转", {"limited_angle"}),
        ("tilts from -65 to +65", {"limited_angle"}),
        ("炉温 950 度", set()),
        ("30 nm pixel", {"nano"}),
        ("0.05 um voxels", {"nano"}),
        ("gold particles of 20 nm", set()),
        ("33.0 and 33.4 keV", {"multi_energy"}),
        ("20 keV", set()),
    ],
)
def test_numbers_state_conditions(text: str, conditions: set[str]) -> None:
    assert {c.value for c in conditions_from_numbers(normal(text))} == conditions


def test_the_language_is_that_of_the_words_not_of_names_and_units() -> None:
    assert language_of("用 U-Net 分割，10 keV") == "zh"
    assert language_of("先 denoise 再给 volume") == "mixed"
    assert language_of("segment it") == "en"


@pytest.mark.parametrize(
    "text",
    [
        "reconstruct it within 0 seconds",
        "reconstruct it in -5 minutes",
        "reconstruct it with 0 GB of memory",
        "重建这个样品，最多 0 GB 内存",
        "重建这个样品，限时 0 分钟",
    ],
)
def test_a_limit_of_nothing_is_none_and_said_to_be(text: str) -> None:
    found = understand(text)
    assert found.task.max_seconds is None
    assert found.task.max_memory_gib is None
    assert found.task.text == text
    assert len(found.warnings) == 1


@pytest.mark.parametrize(
    "text",
    [
        "reconstruct it within 3-5 minutes",
        "within 0.5 hours",
        "in 10 s",
        "the drift is 0 s",
        "在 10 分钟内重建",
        "with 0.5 GB of memory",
    ],
)
def test_a_limit_of_something_is_kept(text: str) -> None:
    assert without_empty_limits(text) == (text, ())
