"""Turns what was judged into the words of one reader: JSON or plain lines, English or Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from metadata.drift.verdict import State, Verdict
from metadata.watch.json_lines import Tell, in_time_order, json_line, plain_line
from metadata.watch.judged import Judged
from metadata.watch.notice import Notice, NoticeKind
from metadata.watch.phrases import clock, phrase, state_word


@dataclass(frozen=True)
class Voice:
    """``lines``: ``json`` or ``plain``; ``changes``: only where a state changes (plain lines are
    always so); ``tell`` puts a sentence of the core into the ``language``."""

    lines: str = "json"
    changes: bool = False
    language: str = "en"
    tell: Tell = str

    def text(self, judged: Judged) -> str:
        """The lines of a slice, in order of time."""
        only = self.changes or self.lines == "plain"
        units = {block.metric: block.unit for block in judged.blocks}
        verdicts = in_time_order(judged.blocks, judged.keys, changes=only)
        return "".join(self._line(verdict, units) for verdict in verdicts)

    def _line(self, verdict: Verdict, units: Mapping[str, str]) -> str:
        if self.lines == "json":
            return json_line(verdict, self.tell)
        word = state_word(verdict.state, self.language)
        return plain_line(verdict, units[verdict.metric], clock(verdict.time), word, self.tell)

    def notice(self, notice: Notice) -> str:
        """A notice in one sentence or two."""
        verdict = notice.verdict
        said = self.tell(verdict.message) if verdict.message else ""
        if notice.kind is NoticeKind.OVER and verdict.state is State.QUIET:
            said = phrase("as.usual", self.language)
        return phrase(
            f"notice.{notice.kind.value}", self.language, metric=verdict.metric, said=said
        )

    def log_line(self, notice: Notice) -> str:
        """A notice as a line of a log file, with the time it speaks of."""
        stamp = datetime.fromtimestamp(notice.verdict.time, UTC) if _dated(notice) else None
        when = f"{stamp:%Y-%m-%dT%H:%M:%S}Z" if stamp else f"{notice.verdict.time:g}"
        level = "ERROR" if notice.verdict.state is State.ALARM else "WARNING"
        level = "INFO" if notice.kind is NoticeKind.OVER else level
        return f"{when} {level} {self.notice(notice)}\n"


def _dated(notice: Notice) -> bool:
    return 0 <= notice.verdict.time < 4e9
