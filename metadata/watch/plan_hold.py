"""Whether a plan is to wait, because a limit is reached or soon will be."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from metadata.drift.verdict import State
from metadata.errors import TomoplanError
from metadata.watch.acknowledgement import Acknowledgement
from metadata.watch.ledger import Ledger, Standing
from metadata.watch.phrases import clock
from metadata.watch.problem import TROUBLE
from metadata.watch.standing import covering

log = logging.getLogger("tomoplan.watch")
AHEAD = 600.0  # s before the earliest time at which the limit may be reached
TRUSTED = 3600.0  # s after which a watch that judges nothing is not believed any more
POLL_SECONDS = 1.0


def reasons_to_hold(
    standing: Sequence[Standing], given: Sequence[Acknowledgement], now: float,
    ahead: float = AHEAD, metrics: Collection[str] | None = None, trusted: float = TRUSTED,
) -> list[str]:  # fmt: skip
    """One sentence for each problem because of which a plan is to wait at ``now`` (unix s): its
    limit is reached, or the lower end of its 90 % interval is less than ``ahead`` seconds away.

    Problems that a person has acknowledged or snoozed do not hold, nor do those of a watch that has
    judged nothing for ``trusted`` seconds; ``metrics``: only these.
    """
    found = []
    for one in standing:
        problem = one.problem
        if metrics is not None and problem.metric not in metrics:
            continue
        stale = one.seen is None or now - one.seen > trusted
        if stale or covering(problem, given, now) is not None:
            continue
        latest = one.latest or {}
        state = State(latest.get("state", problem.state))
        if state is State.GAP:  # as it was before
            state = problem.state
        left = latest.get("seconds_to_limit")
        soon = left is not None and left["low"] - max(now - latest["time"], 0.0) <= ahead
        if state is State.ALARM or (state in TROUBLE and soon):
            said = latest.get("message") or f"{state.value} since {clock(problem.since)}"
            found.append(f"{problem.metric}: {said}")
    return found


class PlanHold:
    """A signal, true while a plan is to wait, as the suspenders of Bluesky take one: ``subscribe``,
    ``clear_sub``, ``get`` and ``name``. It asks the store, so the watch may run in this process or
    in another one.

    ``why`` holds the reasons; ``close`` ends its thread.
    """

    name = "tomoplan_watch"

    def __init__(
        self, store: Path | None = None, *, ahead: float = AHEAD,
        metrics: Collection[str] | None = None, trusted: float = TRUSTED,
        every: float = POLL_SECONDS,
    ) -> None:  # fmt: skip
        self.why: list[str] = []
        self._asked: dict[str, Any] = {"ahead": ahead, "metrics": metrics, "trusted": trusted}
        self._callbacks: list[Callable[..., None]] = []
        self._stopped = threading.Event()
        with Ledger(store) as ledger:  # an unusable store is told now, not by the thread
            self._store = ledger.path
            self._look(ledger)
        self._thread = threading.Thread(target=self._run, args=(every,), daemon=True,
                                        name="plan hold")  # fmt: skip
        self._thread.start()

    def get(self) -> bool:
        """Whether a plan is to wait."""
        return bool(self.why)

    def subscribe(
        self, callback: Callable[..., None], event_type: Any = None, run: bool = True
    ) -> None:
        """Call ``callback(value=…)`` at each change (``run``: and now)."""
        self._callbacks.append(callback)
        if run:
            callback(value=self.get())

    def clear_sub(self, callback: Callable[..., None], event_type: Any = None) -> None:
        """Call it no more."""
        self._callbacks = [one for one in self._callbacks if one is not callback]

    def close(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self, every: float) -> None:
        with Ledger(self._store) as ledger:
            while not self._stopped.wait(every):
                try:
                    self._look(ledger)
                except TomoplanError as error:
                    log.warning("The state of the instrument cannot be read: %s", error)

    def _look(self, ledger: Ledger) -> None:
        before = self.get()
        self.why = reasons_to_hold(ledger.standing(), ledger.acknowledgements(), time.time(),
                                   **self._asked)  # fmt: skip
        if self.get() != before:
            for callback in self._callbacks:
                callback(value=self.get())
