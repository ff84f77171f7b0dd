"""What an action did, for the person and for a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Told:
    """``action``: its name; ``text``: for the person; ``data``: for a model and for ``--json``;
    ``refused``: that it was not done, and ``text`` says why."""

    action: str
    text: str
    data: Mapping[str, Any] = field(default_factory=dict, compare=False)
    refused: bool = False

    def to_json(self) -> dict[str, Any]:
        return {"action": self.action, "text": self.text, "refused": self.refused,
                "data": dict(self.data)}  # fmt: skip


@dataclass(frozen=True)
class Turn:
    """One answer of the conversation: what was done, what a model said beside, what waits for the
    person's yes, and who understood the message."""

    done: tuple[Told, ...] = ()
    words: str = ""
    awaiting: Mapping[str, Any] | None = None
    warnings: tuple[str, ...] = ()
    source: str = "offline"
    ends: bool = False

    @property
    def text(self) -> str:
        """All of it, to be read; what a model says stands after a », apart from what was done."""
        words = f"» {self.words}" if self.words and self.source == "llm" else self.words
        parts = [*(f"! {w}" for w in self.warnings), *(t.text for t in self.done), words]
        return "\n\n".join(p for p in parts if p)

    def to_json(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "done": [told.to_json() for told in self.done],
            "words": self.words,
            "awaiting": dict(self.awaiting) if self.awaiting else None,
            "warnings": list(self.warnings),
            "source": self.source,
        }
