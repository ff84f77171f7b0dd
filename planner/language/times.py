"""Lengths of time in the language of the one who asked."""

from __future__ import annotations

from planner.language.phrases import say


def time_words(seconds: float, lang: str) -> str:
    """A time with a unit that suits.

    >>> time_words(4.21, "en"), time_words(75, "zh"), time_words(600, "zh")
    ('4.2 s', '75 秒', '10 分钟')
    """
    if seconds < 120:
        value = f"{seconds:.1f}" if seconds < 10 else f"{seconds:.0f}"
        return say("show.seconds", lang, value=value)
    if seconds < 7200:
        return say("show.minutes", lang, value=f"{seconds / 60:.0f}")
    return say("show.hours", lang, value=f"{seconds / 3600:.1f}")
