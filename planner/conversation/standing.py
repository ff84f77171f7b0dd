"""How the metrics of an instrument stand, for one who asks in a conversation."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

from metadata.store import UNKEPT
from planner.conversation.told import Told
from planner.conversation.wording import plain
from planner.language.phrases import say
from planner.language.translation import translate

if TYPE_CHECKING:
    from metadata.drift.verdict import Verdict
    from metadata.watch.judged import Judged

PATIENCE_S = 20.0  # what is not judged by then is left to `tomoplan watch`
SHOWN = 12  # metrics, the worst first


def standing(source: str | None, lang: str) -> Told:
    """What the history of a source that the person named comes to, metric by metric; without one,
    what the watches of this machine last said.

    Nothing is kept and nothing is followed: `tomoplan watch` does that.
    """
    if source is None:
        return _known(lang)
    from metadata.sources import open_source
    from metadata.watch.ledger import Ledger
    from metadata.watch.watch import Watch

    last, stop = _Last(), threading.Event()
    clock = threading.Timer(PATIENCE_S, stop.set)
    with closing(open_source(source)) as opened, Ledger(UNKEPT) as ledger:
        clock.start()
        try:
            Watch([opened], ledger, "conversation", listeners={"last": last}).run(stop=stop)
        finally:
            clock.cancel()
        name = plain(opened.name)
    if not last.verdicts:
        return Told("watch", say("chat.watch_nothing", lang, name=name), {"metrics": []})
    lines = [say("chat.watched", lang, name=name, count=len(last.verdicts))]
    if stop.is_set():
        lines.append(say("chat.watch_cut", lang, seconds=PATIENCE_S))
    return _told(lines, list(last.verdicts.values()), lang)


class _Last:
    """The last verdict of each metric."""

    def __init__(self) -> None:
        self.verdicts: dict[str, Verdict] = {}

    def take(self, judged: Judged) -> None:
        for block in judged.blocks:
            if len(block):
                self.verdicts[block.metric] = block.one(len(block) - 1)

    def to_state(self) -> dict[str, Any]:
        return {}

    def resume(self, state: dict[str, Any]) -> None:
        """Nothing is kept between conversations."""


def _told(lines: list[str], verdicts: list[Verdict], lang: str) -> Told:
    from metadata.watch.instrument import SEVERITY
    from metadata.watch.phrases import number, state_word

    verdicts.sort(key=lambda v: (-SEVERITY.index(v.state) if v.state in SEVERITY else 1, v.metric))
    for verdict in verdicts[:SHOWN]:
        said = plain(translate(verdict.message, lang)) if verdict.message else ""
        lines.append(
            f"  {plain(verdict.metric, 80)}: {state_word(verdict.state, lang)}, "
            f"{number(verdict.value)}{'. ' if said else ''}{said}"
        )
    if len(verdicts) > SHOWN:
        lines.append(say("chat.watch_more", lang, count=len(verdicts) - SHOWN))
    data = [
        {"metric": plain(v.metric, 80), "state": v.state.value, "value": v.value,
         "message": plain(v.message, 160)}
        for v in verdicts[:SHOWN]
    ]  # fmt: skip
    return Told("watch", "\n".join(lines), {"metrics": data})


def _known(lang: str) -> Told:
    """What stands by the watches that ran on this machine."""
    from metadata.watch.instrument import remarks_during
    from metadata.watch.phrases import clock, number, state_word

    now = time.time()
    remarks = remarks_during(now, now)
    if not remarks:
        return Told("watch", say("chat.watch_none", lang), {"metrics": []})
    lines = [say("chat.standing", lang)]
    lines += [
        f"  {plain(r.metric, 80)}: {state_word(r.state, lang)}, {number(r.value)}, {clock(r.since)}"
        for r in remarks[:SHOWN]
    ]
    data = [{"metric": plain(r.metric, 80), "state": r.state.value, "value": r.value}
            for r in remarks[:SHOWN]]  # fmt: skip
    return Told("watch", "\n".join(lines), {"metrics": data})
