"""``tomoplan train WHAT``: every learned part from one command."""

from __future__ import annotations

import importlib
from importlib.resources import files
from pathlib import Path

from metadata.errors import InputError

#: Trained in one go, by their own means, and the room where those are
WHERE = {"scheduling": "scheduling", "preference": "feedback", "policy": "policy",
         "audition": "audition"}  # fmt: skip
AT_ONCE = ("understanding", *WHERE)
OWN = ("graph_network", "perception")  # the planner's own parts that the harness trains
# The room of metadata that runs the weights
FOR_METADATA = {"time_to_limit": "drift", "weighing": "drift"}


def trainable() -> list[str]:
    """What can be trained: the planner's own parts and those of ``simulators.training``.

    >>> "understanding" in trainable() and "fbpconvnet" in trainable()
    True
    """
    from simulators.training import known_parts

    return sorted([*AT_ONCE, *OWN, *known_parts()])


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
    weights there again. Understanding and scheduling are learned in one go of some minutes, with
    nothing to resume; what understanding's encoder makes of the requests is kept between runs.
    ``measure_only`` puts on its card what it reaches on translated pairs and annotated requests.
    """
    if what not in trainable():
        raise InputError(
            f"There is nothing to train called {what!r}. Expected one of {', '.join(trainable())}, "
            f"or adapter."
        )
    if what not in AT_ONCE:
        from simulators.training import train as train_part

        make = None
        if what in OWN:
            output = output or Path(str(files("planner"))) / what / "weights"
            make = importlib.import_module(f"planner.{what}.training").Part
        if what in FOR_METADATA:
            output = output or Path(str(files("metadata"))) / FOR_METADATA[what]
        train_part(what, config, resume, folder, output, measure_only, make)
        return
    if what == "understanding" and measure_only and not (resume or folder or config or output):
        from planner.language.training import measure

        measure()
        return
    if resume or measure_only or folder:
        raise InputError(
            f"The {what} part is trained in one go and measured at the end: it takes --config "
            "and --output only."
        )
    shipped = config or Path(str(files("configs").joinpath("training", f"{what}.yaml")))
    if what in WHERE:
        importlib.import_module(f"planner.{WHERE[what]}.training").train(shipped, output)
        return
    from planner.language.training import train as train_language

    train_language(shipped, output)
