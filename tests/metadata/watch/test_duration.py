"""Lengths of time as people write them."""

from __future__ import annotations

import pytest

from metadata import InputError
from metadata.watch.duration import duration_text, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30min", 1800), ("30m", 1800), ("1.5 days", 129600), ("1d12h", 129600),
     ("2 hours", 7200), ("2小时", 7200), ("1w", 604800)],
)  # fmt: skip
def test_what_people_write_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "2", "h", "0h", "-1h", "2 fortnights", "1.2.3h", "2h later"])
def test_anything_else_is_told(text: str) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        parse_duration(text)


def test_units_suit_the_size() -> None:
    shown = [duration_text(s) for s in (0.0, 30.0, 600.0, 7200.0, 3e5, float("inf"))]
    assert shown == ["0 s", "30 s", "10 min", "2 h", "3.5 days", "never"]
    assert duration_text(3e5, "zh") == "3.5 天"
