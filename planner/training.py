"""``tomoplan train WHAT``: every learned part from one command."""

from __future__ import annotations

from pathlib import Path

from metadata.errors import InputError


def trainable() -> list[str]:
    """What can be trained: the planner's own parts and those of ``simulators.training``.

    >>> "language" in trainable() and "fbpconvnet" in trainable()
    True
    """
    from simulators.training import known_parts

    return sorted(["language", *known_parts()])


def train(
    what: str,
    config: Path | None = None,
    resume: bool = False,
    folder: Path | None = None,
    output: Path | None = None,
    measure_only: bool = False,
) -> None:
    """Train a learned part; its YAML is in ``configs/training``, or ``config``.

    ``resume`` goes on from the checkpoint in ``folder``; ``output`` takes weights and card
    (by default the folder that the tools or the planner read); ``measure_only`` measures the
    weights there again. Language is learned in one go of a few minutes: its embeddings, which
    take the time, are kept between runs, and there is nothing to resume.
    """
    if what not in trainable():
        raise InputError(
            f"There is nothing to train called {what!r}. Expected one of {', '.join(trainable())}."
        )
    if what != "language":
        from simulators.training import train as train_part

        train_part(what, config, resume, folder, output, measure_only)
        return
    if resume or measure_only or folder:
        raise InputError(
            "The language part is trained in one go and measured at the end: it takes --config "
            "and --output only."
        )
    from importlib.resources import files

    from planner.language.training import train as train_language

    shipped = files("configs").joinpath("training", "language.yaml")
    train_language(config or Path(str(shipped)), output)
