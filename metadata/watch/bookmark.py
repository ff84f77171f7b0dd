"""How far a source was read, so that after a kill it goes on there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from metadata.series import LoggedEvent, Samples
from metadata.sources.source import Source

Entry = Samples | LoggedEvent


@dataclass
class Bookmark:
    """Of one source: ``times`` is the last time of each metric that was judged (unix s),
    ``counts`` how many samples of it, ``events`` how many entries of the log book.

    A file is read from its start again and as many samples are passed over as were judged: exact,
    whatever its clock did. Anything else is asked for what is later than ``times``.
    """

    times: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    events: int = 0
    last_event: float = float("-inf")

    def took(self, entry: Entry) -> None:
        """An entry was judged."""
        if isinstance(entry, LoggedEvent):
            self.events += 1
            self.last_event = max(self.last_event, entry.time)
        elif len(entry):
            self.counts[entry.metric] = self.counts.get(entry.metric, 0) + len(entry)
            last = float(entry.times.max())
            self.times[entry.metric] = max(self.times.get(entry.metric, last), last)

    def rest_of(self, source: Source) -> Iterator[Entry]:
        """The history of a source that was not judged yet."""
        if not self.counts and not self.events:
            yield from source.history(None)
        elif is_file(source):
            yield from self._uncounted(source.history(None))
        else:
            for entry in source.history(self.times):
                if isinstance(entry, Samples) or entry.time > self.last_event:
                    yield entry

    def _uncounted(self, entries: Iterator[Entry]) -> Iterator[Entry]:
        left, events = dict(self.counts), self.events
        for entry in entries:
            if isinstance(entry, LoggedEvent):
                if events:
                    events -= 1
                else:
                    yield entry
                continue
            skip = min(left.get(entry.metric, 0), len(entry))
            if skip:
                left[entry.metric] -= skip
                entry = entry[skip:]
            if len(entry):
                yield entry

    def to_json(self) -> dict[str, Any]:
        return vars(self) | {"last_event": str(self.last_event)}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Bookmark:
        return cls(**(document | {"last_event": float(document["last_event"])}))


def is_file(source: Source) -> bool:
    """Whether a source is one file that only grows at its end."""
    return not source.live and Path(source.name).is_file()
