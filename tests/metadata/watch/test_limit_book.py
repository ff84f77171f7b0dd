"""Limits from the command line, from files, and from the source itself."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from metadata import InputError
from metadata.series import Limits, MetricInfo
from metadata.watch.limit_book import LimitBook, read_limits

INFOS = {n: MetricInfo(n) for n in ("axis", "beam_y", "S:TEMP[1]")}


def written(folder: Path, text: str) -> Path:
    path = folder / "limits.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_way_to_write_a_limit(tmp_path: Path) -> None:
    path = written(tmp_path, "a: 3.5\nb: 2:30\nc: {low: -2, high: 3}\nd: [~, 4]\ne: {high: .inf, "
                             "low: 1e-3}\n'S:T*': -1:3.5\n")  # fmt: skip
    assert dict(read_limits(path)) == {
        "a": Limits(high=3.5), "b": Limits(2, 30), "c": Limits(-2, 3), "d": Limits(high=4),
        "e": Limits(low=1e-3), "S:T*": Limits(-1, 3.5),
    }  # fmt: skip
    assert dict(read_limits(written(tmp_path, "limits:\n  a: 1\n"))) == {"a": Limits(high=1)}


def test_all_that_is_wrong_with_a_file_is_said_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, "a: 3.5x\nb: 3:2\nc: {lo: 3}\nd: 1\nd: 2\ne: [1]\n")
    with pytest.raises(InputError, match="cannot be used") as told:
        read_limits(path)
    assert all(part in str(told.value) for part in ("'3.5x'", "b:", "lo instead", "d stands", "e:"))


@pytest.mark.parametrize("text", ["", "- 1\n", "a: [\n", "limits:\n"])
def test_a_file_without_limits_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"xpected"):
        read_limits(written(tmp_path, text))
    with pytest.raises(InputError, match="cannot be read"):
        read_limits(tmp_path / "none.yaml")


def test_what_is_said_goes_before_a_file_and_that_before_the_source(tmp_path: Path) -> None:
    own = INFOS | {"axis": MetricInfo("axis", limits=Limits(high=9))}
    path = written(tmp_path, "axis: 5\n'*': 7\n")
    found = LimitBook.given(["beam_y=:1"], path).applied(own)
    assert [found[n].limits for n in own] == [Limits(high=5), Limits(high=1), Limits(high=7)]
    assert LimitBook().applied(own)["axis"].limits == Limits(high=9)
    assert LimitBook.given([str(path)]).applied(own)["axis"].limits == Limits(high=5)


def test_a_limit_alone_is_of_the_one_metric() -> None:
    one = {"value": MetricInfo("value")}
    assert LimitBook.given(["-1:12.5"]).applied(one)["value"].limits == Limits(-1, 12.5)
    with pytest.raises(InputError, match=r"names no metric and there are 3: S:TEMP\[1\], axis"):
        LimitBook.given(["12.5"]).applied(INFOS)
    with pytest.raises(InputError, match="2 limits name no metric"):
        LimitBook.given(["1", "2"])


def test_a_name_that_nothing_has_is_told_unless_it_may_come() -> None:
    book = LimitBook.given(["other=3"])
    with pytest.raises(InputError, match="given for other"):
        book.applied(INFOS)
    assert book.applied(INFOS, more_to_come=True)["axis"].limits is None
    assert book.limits_of("other") == Limits(high=3)


def test_epics_names_match_themselves() -> None:
    found = LimitBook.given(["S:TEMP[1]=3"]).applied(INFOS)["S:TEMP[1]"].limits
    assert found is not None
    assert (found.low, found.high) == (-math.inf, 3)
