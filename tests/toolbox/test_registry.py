"""Tools come from files and from entry points; what is no tool is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from metadata import InputError
from toolbox import known_tools, make_tool, registry
from toolbox.tools.correct.minus_log import MinusLog


@dataclass(frozen=True)
class Outside(MinusLog):
    """A tool of another package."""

    card = replace(MinusLog.card, name="outside")


class Entry:
    """An entry point."""

    name = value = "elsewhere:Outside"

    def __init__(self, found: Any) -> None:
        self.found = found

    def load(self) -> Any:
        return self.found


@pytest.fixture
def fresh() -> Iterator[None]:
    known_tools.cache_clear()
    yield
    known_tools.cache_clear()


@pytest.mark.usefixtures("fresh")
def test_an_outside_tool_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "entry_points", lambda group: [Entry(Outside)])
    assert known_tools()["outside"] is Outside


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(
    ("found", "words"), [(dict, "subclass of toolbox.Tool"), (MinusLog, "Two tools are called")]
)
def test_what_is_no_tool_is_refused(
    monkeypatch: pytest.MonkeyPatch, found: Any, words: str
) -> None:
    monkeypatch.setattr(registry, "entry_points", lambda group: [Entry(found)])
    with pytest.raises(InputError, match=words):
        known_tools()


def test_problems_of_parameters_come_all_at_once() -> None:
    with pytest.raises(InputError, match=r"floor is 3.*no parameter 'flor'"):
        make_tool("minus_log", {"floor": 3, "flor": 1})
    with pytest.raises(InputError, match="Did you mean minus_log"):
        make_tool("minuslog", {})
