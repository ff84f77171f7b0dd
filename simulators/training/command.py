"""``tomoplan train WHAT`` for the parts of this folder."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from metadata.errors import InputError
from simulators.training import loop, parts, publish
from simulators.training.part import Training
from simulators.training.settings import Settings

Make = Callable[[dict[str, Any]], Training]


def known_parts() -> list[str]:
    """What can be trained here: the files of ``simulators/training/parts``.

    >>> "fbpconvnet" in known_parts()
    True
    """
    return sorted(module.name for module in pkgutil.iter_modules(parts.__path__))


def shipped_settings(what: str) -> Path:
    """The YAML of a part in ``configs/training``."""
    return Path(str(files("configs").joinpath("training", f"{what}.yaml")))


def shipped_weights() -> Path:
    """Where the tools look for their weights: ``toolbox/weights``."""
    return Path(str(files("toolbox").joinpath("weights")))


def train(
    what: str,
    config: Path | None = None,
    resume: bool = False,
    folder: Path | None = None,
    output: Path | None = None,
    measure_only: bool = False,
    make: Make | None = None,
    quiet: bool = False,
) -> dict[str, Any]:
    """Train a part and write its weights, reference and card; returns the card.

    ``folder`` holds checkpoint, log and picture (``training-WHAT`` here where not given);
    ``output`` takes the results, by default the folder that the tools read. ``measure_only``
    measures the weights in ``output`` again. ``make``: the part, where it is not one of this
    folder (the planner hands its own).
    """
    if make is None:
        if what not in known_parts():
            raise InputError(
                f"There is nothing to train called {what!r}. Expected one of "
                f"{', '.join(known_parts())}."
            )
        make = importlib.import_module(f"{parts.__name__}.{what}").Part
    settings = Settings.read(config or shipped_settings(what))
    if config is not None and shipped_settings(what).exists():
        _check_options(config, settings.options, Settings.read(shipped_settings(what)).options)
    part = make(settings.options)
    output = output or shipped_weights()
    weights, card = output / f"{what}.safetensors", output / f"{what}.json"
    network = part.network()
    if measure_only:
        if not (weights.exists() and card.exists()):
            raise InputError(f"There is nothing to measure: {weights} or its card is missing.")
        known = json.loads(card.read_text(encoding="utf-8"))
        facts = {key: known[key] for key in ("training", "parameters", "sha256", "bytes")}
    else:
        folder = folder or Path(f"training-{what}")
        begin = weights if settings.begin == "published" else None
        if begin is not None and not begin.exists():
            raise InputError(f"There are no weights to begin with: {begin} is missing.")
        fitted = loop.fit(part, settings, folder, resume, quiet, begin)
        facts = publish.training_facts(what, fitted, fitted.network)
        # A training is not lost where the measuring after it fails
        facts["sha256"] = publish.write_weights(fitted.network, weights)
        facts["bytes"] = weights.stat().st_size
    publish.read_weights(network, weights)
    measured = part.measure(network)
    publish.write_card(what, part, settings, measured, facts, card)
    publish.write_reference(measured.reference, output / f"{what}.reference.safetensors")
    return dict(json.loads(card.read_text(encoding="utf-8")))


def _check_options(config: Path, given: dict[str, Any], shipped: dict[str, Any]) -> None:
    """A part takes the options of its shipped YAML, all of them: an hour later is too late to
    miss one that the measuring asks for, and a misspelt one would have no effect."""
    problems = [f"lack {name}" for name in shipped if name not in given]
    problems += [f"hold {name}, which is not known" for name in given if name not in shipped]
    if problems:
        raise InputError(
            f"The options in {config} {'; '.join(problems)}. Expected {', '.join(shipped)}, as in "
            f"the shipped YAML in configs/training."
        )
