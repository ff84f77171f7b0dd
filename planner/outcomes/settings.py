"""What the outcome tables hold: ``configs/outcomes.yaml`` and ``configs/outcome_requests.yaml``."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

CONFIGS = Path(__file__).parents[2] / "configs"
SIMULATED = CONFIGS / "outcomes" / "simulated.h5"
REAL = CONFIGS / "outcomes" / "real.h5"


@cache
def settings() -> dict[str, Any]:
    """Which worlds, goals, pipelines; what is held out."""
    return _read("outcomes.yaml")


@cache
def wordings() -> dict[str, Any]:
    """How requests are worded, those of training and those of the test."""
    return _read("outcome_requests.yaml")


def _read(name: str) -> dict[str, Any]:
    import yaml

    return dict(yaml.safe_load(files("configs").joinpath(name).read_text(encoding="utf-8")))
