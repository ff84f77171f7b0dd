"""One drift gives one notice, with updates; what is acknowledged never hides what is new."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metadata.drift.regimes import OPERATION, SHUTDOWN
from metadata.drift.verdict import State
from metadata.drift.verdicts import ALARM, GAP, MOVING, QUIET, WARNING, Verdicts
from metadata.watch.acknowledgement import Acknowledgement
from metadata.watch.notice import Attention, Notice, NoticeKind
from metadata.watch.problem import Problem

HOUR = 3600.0
NEW, WORSE, STANDING, OVER = NoticeKind


def block(
    codes: list[int], *, step: float = HOUR, days: list[float] | float = 10.0,
    values: list[float] | None = None, limits: list[float] | float = 3.5, start: float = 0.0,
    regimes: list[int] | None = None,
) -> Verdicts:  # fmt: skip
    """Verdicts of the axis, an hour apart; ``days`` that are left."""
    n = len(codes)
    states = np.array(codes, np.int8)
    warned = np.isin(states, (WARNING, ALARM))
    left = np.where(warned, np.broadcast_to(np.array(days) * 24 * HOUR, n), np.nan)
    near = np.where(warned, np.broadcast_to(np.array(limits, float), n), np.nan)
    return Verdicts(
        "axis", start + step * np.arange(n), states, np.zeros(n),
        np.array(values if values is not None else [3.0] * n), near, left, left / 2, left * 2,
        np.zeros(n), np.array(regimes or [OPERATION] * n, np.int8), np.full(n, -1, np.int16),
        np.diff(states, prepend=-1) != 0, (), "px",
    )  # fmt: skip


def kinds(notices: list[Notice]) -> list[tuple[NoticeKind, float]]:
    return [(n.kind, n.verdict.time / HOUR) for n in notices]


def test_a_standing_warning_is_said_once_a_day() -> None:
    said = Attention().notices(block([QUIET] * 3 + [MOVING] * 5 + [WARNING] * 60 + [QUIET]))
    assert kinds(list(said)) == [(NEW, 8), (STANDING, 32), (STANDING, 56), (OVER, 68)]


def test_moves_gaps_and_times_without_beam_end_no_problem() -> None:
    attention = Attention()
    codes = [WARNING, WARNING, GAP, MOVING, WARNING, QUIET, QUIET, WARNING]
    regimes = [OPERATION] * 5 + [SHUTDOWN] * 2 + [OPERATION]
    assert kinds(list(attention.notices(block(codes, regimes=regimes)))) == [(NEW, 0)]
    assert kinds(list(attention.notices(block([QUIET], start=8 * HOUR)))) == [(OVER, 8)]
    assert attention.problems == {}


@pytest.mark.parametrize(
    ("codes", "changes", "expected"),
    [
        ([WARNING, WARNING, ALARM, ALARM], {}, [(NEW, 0), (WORSE, 2)]),
        ([WARNING] * 4, {"days": [10, 8, 4.5, 4.4]}, [(NEW, 0), (WORSE, 2)]),
        ([WARNING] * 4, {"limits": [3.5, 3.5, -1, 3.5]}, [(NEW, 0), (WORSE, 2)]),
        ([ALARM] * 4, {"values": [3.6, 3.65, 3.7, 4.0]}, [(NEW, 0), (WORSE, 3)]),
        ([WARNING] * 4, {"days": [10, 8, 12, 6]}, [(NEW, 0)]),
        ([WARNING, ALARM, WARNING, ALARM], {}, [(NEW, 0), (WORSE, 1)]),
    ],
)
def test_what_is_worse_is_said_and_the_rest_is_not(
    codes: list[int], changes: dict[str, list[float]], expected: list[tuple[NoticeKind, float]]
) -> None:
    assert kinds(list(Attention().notices(block(codes, **changes)))) == expected  # type: ignore[arg-type]


@given(
    st.lists(st.tuples(st.sampled_from([QUIET, MOVING, WARNING, ALARM, GAP]),
                       st.floats(0.01, 40), st.floats(2, 5)), min_size=1, max_size=60),
    st.integers(1, 7),
)  # fmt: skip
def test_notices_do_not_depend_on_the_blocking(
    rows: list[tuple[int, float, float]], size: int
) -> None:
    codes, days, values = (list(column) for column in zip(*rows, strict=True))
    whole = block(codes, days=days, values=values, step=5 * HOUR)
    once, cut = Attention(), Attention()
    expected = list(once.notices(whole))
    found = []
    for start in range(0, len(whole), size):
        cut = Attention.from_json(cut.to_json())  # killed in between
        found += list(cut.notices(whole[start : start + size]))
    assert [n.to_json() for n in found] == [n.to_json() for n in expected]
    assert cut == once


def test_acknowledgements_cover_one_problem_as_it_was() -> None:
    attention = Attention()
    (new,) = attention.notices(block([WARNING]))
    known = Acknowledgement.of(new.problem, at=10.0, by="me")
    snoozed = Acknowledgement.of(new.problem, at=10.0, seconds=7200)
    assert known.covers(new.problem, 1e9)
    assert snoozed.covers(new.problem, 7209.0)
    assert not snoozed.covers(new.problem, 7210.0)
    worse = next(attention.notices(block([ALARM], start=HOUR))).problem
    assert worse.state is State.ALARM
    assert not known.covers(worse, 20.0)
    list(attention.notices(block([QUIET], start=2 * HOUR)))
    (again,) = attention.notices(block([WARNING], start=3 * HOUR))
    assert again.kind is NEW
    assert not known.covers(again.problem, 20.0)
    assert Acknowledgement.from_json(known.to_json()) == known
    assert Problem.from_json(worse.to_json()) == worse


def test_many_standing_samples_cost_no_python_each() -> None:
    calls = 0

    class Counting(Verdicts):
        def one(self, row: int):  # type: ignore[no-untyped-def]
            nonlocal calls
            calls += 1
            return super().one(row)

    week = block([WARNING] * 604800, step=1.0)
    list(Attention().notices(Counting(**vars(week))))
    assert calls == 7
