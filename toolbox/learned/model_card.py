"""The model card that a training wrote beside the weights."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any


def weights_folder() -> Path:
    """Where weights and model cards lie: ``toolbox/weights``."""
    return Path(str(files("toolbox").joinpath("weights")))


@dataclass(frozen=True)
class ModelCard:
    """What a tool's card takes over from its model card.

    ``weights``: file → sha256; ``wins``: whether it beat the conventional tool on worlds kept
    for the test (a tool that does not is off by default); ``suits``: scan traits between which
    the planner may offer it; ``summary``: on which worlds it wins and loses, and by how much.
    """

    weights: dict[str, str] = field(default_factory=dict)
    version: str = "0"
    training_data: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    wins: bool = False
    suits: dict[str, tuple[float, float]] = field(default_factory=dict)
    summary: str = "Not trained yet."

    @classmethod
    def of(cls, name: str) -> ModelCard:
        """The card of a model; of one that was never trained, an empty one that keeps the tool
        off."""
        return _read(weights_folder() / f"{name}.json")


def model_card(name: str) -> dict[str, Any]:
    """All that the card of a model says; of one that was never trained, nothing."""
    path = weights_folder() / f"{name}.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


@cache
def _read(path: Path) -> ModelCard:
    if not path.exists():
        return ModelCard()
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return ModelCard(
        weights={path.with_suffix(".safetensors").name: found["sha256"]},
        version=found["version"],
        training_data=found["data_source"],
        metrics={name: float(value) for name, value in found["metrics"].items()},
        wins=found["wins"],
        suits={trait: (span[0], span[1]) for trait, span in found["suits"].items()},
        summary=summary(found),
    )


def summary(card: dict[str, Any]) -> str:
    """Where a model wins and where it loses, in one paragraph."""
    unit = card["unit"]

    def said(rows: list[dict[str, Any]]) -> str:
        return ", ".join(f"{row['world']} ({row['gain']:+.2g})" for row in rows)

    rows = card["worlds"]
    better = said([row for row in rows if row["gain"] > 0]) or "none"
    worse = said([row for row in rows if row["gain"] <= 0]) or "none"
    return (
        f"Measured on simulated worlds kept for the test, in {unit}: better on {better}; not "
        f"better on {worse}."
    )
