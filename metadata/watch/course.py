"""The course of all metrics with what was said of them: what a report is drawn from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from metadata.watch.judged import Judged
from metadata.watch.trace import Trace

MOST = 5000  # notices and changes that are kept for a report


@dataclass
class Course:
    """Collects a :class:`Trace` for each metric, the ``notices`` and ``changes`` as documents (the
    last :data:`MOST` of each; ``dropped`` counts those before), and the log book."""

    traces: dict[str, Trace] = field(default_factory=dict)
    notices: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    events: list[tuple[float, str, str]] = field(default_factory=list)
    dropped: int = 0

    def take(self, judged: Judged) -> None:
        for block, keys in zip(judged.blocks, judged.keys, strict=True):
            trace = self.traces.setdefault(block.metric, Trace(block.unit))
            trace.add(block, keys)
            if block.changed.any():
                self.changes += [v.to_json() for v in block.changes()]
        self.notices += [n.to_json() for n in judged.notices]
        self.events += [(e.time, e.kind, e.text) for e in judged.events]
        self.dropped += max(len(self.notices) - MOST, 0)
        for entries in (self.notices, self.changes, self.events):
            del entries[:-MOST]  # type: ignore[attr-defined]

    def to_state(self) -> dict[str, Any]:
        return {"traces": {n: t.to_state() for n, t in self.traces.items()},
                "notices": self.notices, "changes": self.changes,
                "events": [list(e) for e in self.events], "dropped": self.dropped}  # fmt: skip

    def resume(self, state: dict[str, Any]) -> None:
        self.traces = {n: Trace.from_state(t) for n, t in state["traces"].items()}
        self.notices, self.changes = state["notices"], state["changes"]
        self.events = [(e[0], e[1], e[2]) for e in state["events"]]
        self.dropped = state["dropped"]
