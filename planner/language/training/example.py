"""A request written for training, with what it means and where it says so."""

from __future__ import annotations

import re
from dataclasses import dataclass

from planner.language.roles import Role, Span
from planner.task import Condition, Device, Goal, Intent, Priority

# Signs of the private use area stand around the stretches: every later step leaves them be.
_OPEN = {role: chr(0xE001 + place) for place, role in enumerate(Role)}
_CLOSE = "\ue000"
_ROLE = {sign: role for role, sign in _OPEN.items()}
_SIGN = re.compile(f"[{_CLOSE}{''.join(_ROLE)}]")


@dataclass(frozen=True)
class Example:
    """One request and its labels; `marked` is its text with signs around the stretches."""

    marked: str
    intent: Intent
    goals: tuple[Goal, ...] = ()
    conditions: tuple[Condition, ...] = ()
    priority: Priority = Priority.BALANCED
    device: Device = Device.ANY

    @property
    def text(self) -> str:
        """The request as somebody would type it."""
        return _SIGN.sub("", self.marked)


def mark(role: Role, text: str) -> str:
    """`text` with the signs of `role` around it."""
    return f"{_OPEN[role]}{text}{_CLOSE}"


def unmarked(marked: str) -> tuple[str, tuple[Span, ...]]:
    """A marked text without its signs, and the stretches that they stood around.

    >>> unmarked("a " + mark(Role.SPECIMEN, "tooth") + ", please")
    ('a tooth, please', (Span(role=<Role.SPECIMEN: 'specimen'>, start=2, stop=7),))
    """
    text, spans, opened = "", [], None
    for sign in marked:
        if sign in _ROLE:
            opened = (_ROLE[sign], len(text))
        elif sign == _CLOSE:
            if opened is not None and len(text) > opened[1]:
                spans.append(Span(opened[0], opened[1], len(text)))
            opened = None
        else:
            text += sign
    return text, tuple(spans)
