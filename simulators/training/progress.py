"""What a training shows while it runs."""

from __future__ import annotations

import sys
from typing import Any, Self


class Progress:
    """A bar on a terminal; one line a validation anywhere else. ``quiet``: nothing."""

    def __init__(self, steps: int, quiet: bool = False) -> None:
        self._steps, self._quiet = steps, quiet
        self._bar: Any = None

    def __enter__(self) -> Self:
        if not self._quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import Progress as Bar
            from rich.progress import TextColumn, TimeRemainingColumn

            self._bar = Bar(*Bar.get_default_columns()[:-1], TimeRemainingColumn(),
                            TextColumn("{task.fields[note]}"),
                            console=Console(stderr=True))  # fmt: skip
            self._bar.start()
            self._task = self._bar.add_task("training", total=self._steps, note="")
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, step: int, loss: float) -> None:
        if self._bar is not None:
            self._bar.update(self._task, completed=step, note=f"loss {loss:.4g}")

    def say(self, text: str) -> None:
        """A word while no step is made yet."""
        if self._bar is not None:
            self._bar.update(self._task, note=text)
        elif not self._quiet:
            print(text, file=sys.stderr, flush=True)

    def validated(self, row: dict[str, Any]) -> None:
        words = ", ".join(f"{k} {v:.4g}" for k, v in row.items())
        if self._bar is not None:
            self._bar.console.print(words)
        elif not self._quiet:
            print(words, file=sys.stderr, flush=True)
