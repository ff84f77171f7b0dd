"""How the metrics of an instrument stand, for one who asks in a conversation."""

from __future__ import annotations

from planner.conversation.told import Told
from planner.language.phrases import say


def standing(source: str, lang: str) -> Told:
    """The state of each metric of a source that the person named."""
    return Told("watch", say("answer.watch", lang), {"answer": say("answer.watch", "en")})
