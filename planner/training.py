"""``tomoplan train WHAT``: every learned part from one command."""

from __future__ import annotations

from pathlib import Path

from metadata.errors import InputError


def train(what: str, config: Path | None = None) -> None:
    """Train a learned part; its YAML is in ``configs/training``."""
    if what != "language":
        raise InputError(f"There is nothing to train called {what!r}. Expected: language.")
    from importlib.resources import files

    from planner.language.training import train as train_language

    shipped = files("configs").joinpath("training", "language.yaml")
    train_language(config or Path(str(shipped)))
