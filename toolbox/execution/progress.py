"""Tells how far a run is and how long it will still take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

Progress = Callable[[float, float, float | None, str], None]
"""Called with what is done, the total, the seconds left (None: not known yet) and a message."""


class Steps:
    """Turns slabs done in passes of different weight into one progress."""

    def __init__(self, progress: Progress, weights: Sequence[float]) -> None:
        self.progress = progress
        total = sum(weights)
        self.weights = [w / total if total else 1 / max(len(weights), 1) for w in weights]
        self.before = self.done = self.skipped = 0.0
        self.weight, self.text = 0.0, ""
        self.started = time.monotonic()

    def begin(self, index: int, text: str) -> None:
        self.before = sum(self.weights[:index])
        self.weight, self.text = self.weights[index], text
        self._tell(self.before)

    def message(self, text: str) -> None:
        self.text = text
        self._tell(self.done)

    def advance(self, part: float, first: bool = False) -> None:
        """A part of this pass is done; ``first``: by an earlier run."""
        if first:
            self.skipped += part * self.weight
        self._tell(self.before + part * self.weight)

    def end(self) -> None:
        self.text = "done"
        self._tell(1.0)

    def _tell(self, done: float) -> None:
        self.done = done
        now = done - self.skipped
        left = None
        if now > 0.02:
            left = (time.monotonic() - self.started) / now * (1 - done)
        self.progress(done, 1.0, left, self.text)


@contextmanager
def progress_bar(tell: Callable[[str], str] = str) -> Iterator[Progress]:
    """A progress bar with the time left, on standard error; ``tell`` puts its words into the
    language of the one who waits."""
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[left]}"),
    )
    bar = Bar(*columns, console=Console(stderr=True))
    task = bar.add_task(tell("starting"), total=1.0, left="")

    def hear(done: float, total: float, left: float | None, text: str) -> None:
        bar.start()  # only now: what cannot start shows no bar
        told = "" if left is None else tell(f"{duration(left)} left")
        bar.update(task, completed=done, total=total, description=tell(text)[:60], left=told)

    try:
        yield hear
    except BaseException:
        bar.live.transient = not bar.console.is_terminal  # in a log, the error stands alone
        raise
    finally:
        bar.stop()


def duration(seconds: float) -> str:
    """A time as people say it.

    >>> duration(75), duration(3.2), duration(7300)
    ('1 min 15 s', '3 s', '2 h 1 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
