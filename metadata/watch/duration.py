"""Lengths of time as people write and read them."""

from __future__ import annotations

import math
import re

from metadata.errors import InputError

SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
WORDS = {
    "s": "s", "sec": "s", "second": "s", "seconds": "s", "秒": "s",
    "m": "min", "min": "min", "minute": "min", "minutes": "min", "分": "min", "分钟": "min",
    "h": "h", "hour": "h", "hours": "h", "时": "h", "小时": "h",
    "d": "d", "day": "d", "days": "d", "天": "d", "日": "d",
    "w": "w", "week": "w", "weeks": "w", "周": "w",
}  # fmt: skip
SHOWN = (("d", "days", "天"), ("h", "h", "小时"), ("min", "min", "分钟"), ("s", "s", "秒"))
LEAST = 2.0  # of a unit, below which the next smaller one is shown


def parse_duration(text: str) -> float:
    """Seconds of ``90s``, ``30min``, ``2h``, ``1.5 days``, ``1d12h``, ``2小时``.

    Raises InputError for anything else, and for what is not longer than nothing.

    >>> parse_duration("2h"), parse_duration("1d12h"), parse_duration("1.5 小时")
    (7200.0, 129600.0, 5400.0)
    """
    pieces = re.findall(r"([\d.]+)\s*([^\d\s.]+)\s*", text)
    whole = re.fullmatch(r"\s*(?:[\d.]+\s*[^\d\s.]+\s*)+", text)
    try:
        seconds = sum(float(n) * SECONDS[WORDS[unit.lower()]] for n, unit in pieces)
    except (KeyError, ValueError):
        seconds = 0.0
    if whole is None or not seconds > 0:
        raise InputError(
            f"The duration {text!r} cannot be read; expected a number with s, min, h, d or w, for "
            f"instance 2h or 1d12h."
        )
    return seconds


def duration_text(seconds: float, language: str = "en") -> str:
    """Two digits and a unit that suits; an infinite time is ``never``.

    >>> duration_text(363000.0), duration_text(5400.0), duration_text(5400.0, "zh")
    ('4.2 days', '90 min', '90 分钟')
    """
    if not math.isfinite(seconds):
        return "never" if language == "en" else "不会"
    size = abs(seconds)
    for unit, english, chinese in SHOWN:
        if size >= LEAST * SECONDS[unit] or unit == "s":
            number = seconds / SECONDS[unit]
            shown = f"{number:.2g}" if abs(number) < 10 else f"{number:.0f}"
            return f"{shown} {english if language == 'en' else chinese}"
    raise AssertionError  # the last unit always suits
