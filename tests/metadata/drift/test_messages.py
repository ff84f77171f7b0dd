"""The sentences that go with verdicts."""

from __future__ import annotations

import pytest

from metadata.drift.messages import CLEAR, message
from metadata.drift.verdict import Cause, State, TimeToLimit
from planner.language.translation import translate

LEFT = TimeToLimit(5.8 * 86400, 3 * 86400, 9 * 86400)


def said(*causes: Cause) -> str:
    return message(State.WARNING, "operation", 12.5, "px", LEFT, causes)


def test_a_cause_is_named_where_it_is_clear() -> None:
    assert "because of water" in said(Cause("water", "moved before", CLEAR + 0.05))
    assert "because" not in said(Cause("noise", "moved with", CLEAR - 0.3))
    assert "because" not in said()


@pytest.mark.parametrize("state", [State.WARNING, State.MOVING])
def test_times_are_told_in_chinese(state: State) -> None:
    text = message(state, "operation", 12.5, "px", LEFT, ())
    told = translate(text, "zh")
    assert "5.8 天" in told
    assert " d" not in told
