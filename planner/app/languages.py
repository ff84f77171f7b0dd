"""The language that the command line speaks where no request tells it."""

from __future__ import annotations

import locale
import os
from collections.abc import Callable
from functools import cache
from typing import Annotated

import typer

from planner.language.normal import CJK, language_of
from planner.language.translation import translate

Tell = Callable[[str], str]
Language = Annotated[
    str | None, typer.Option("--language", help="en or zh (default: that of the machine).")
]


def chosen_language(option: str | None) -> str:
    """What ``--language`` says, else the language of the machine (LC_ALL, LC_MESSAGES, LANG).
    Raises InputError for one that is not spoken here.

    >>> chosen_language("zh")
    'zh'
    """
    if option is not None:
        from metadata.watch.session import require_language

        require_language(option)
        return option
    named = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    told = next((name for name in named if name), None) or locale.getlocale()[0] or ""
    return "zh" if told.startswith(("zh", "Chinese")) or CJK.search(told) else "en"


def language_for(what: str) -> str:
    """The language of a request; with a plan file, that of the machine."""
    from planner.service import names_plan

    return chosen_language(None) if names_plan(what) else language_of(what)


def progress_words(lang: str) -> Tell:
    """Puts what a progress bar says into the language ``lang``.

    >>> progress_words("zh")("training, 30%: filtered back-projection")
    '训练中，30%：滤波反投影'
    """

    def tell(text: str) -> str:
        told = translate(text, lang)
        return next((told.removesuffix(t) + zh for t, zh in _titles() if told.endswith(t)), told)

    return str if lang == "en" else tell


@cache
def _titles() -> tuple[tuple[str, str], ...]:
    """English and Chinese titles of the tools, the longest first."""
    from toolbox.registry import known_tools

    cards = (tool.card for tool in known_tools().values())
    return tuple(sorted(((c.title, c.title_zh) for c in cards), key=lambda t: -len(t[0])))
