"""What a scan looks like: its place among scans and sentences, and the conditions it shows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from planner.perception.pictures import Pictures
from planner.perception.shown import SHOWN
from planner.perception.tower import Tower
from planner.task import Condition

if TYPE_CHECKING:
    from planner.inspection import Inspection

HEADS = 8  # of planner.perception.network
IMAGE = ("tower.", "gauge.", "seen.")  # names of the image side begin so
GOOD = 0.95  # area under the curve on specimens never seen, for a condition to be told of
SURE = 0.8  # and how likely it must be
Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Recognition:
    """``embedding``: a unit vector of 128 numbers, near those of scans that look alike;
    ``confidence`` (0 to 1) that the picture shows each condition."""

    embedding: Array
    confidence: dict[Condition, float]


@dataclass(frozen=True, eq=False)
class Model:
    """The image side with its weights; ``version`` tells embeddings of one training from
    another's, ``areas`` is what its card says of each condition, ``tells`` whether people are told
    of conditions: where it does better than the traits on real scans, too."""

    tower: Tower
    directions: Array
    slope: Array
    offset: Array
    areas: dict[Condition, float]
    version: str
    tells: bool = True

    @classmethod
    def load(cls, folder: Path) -> Model:
        """From ``perception.safetensors`` and ``perception.json``."""
        from safetensors.numpy import load_file

        weights = load_file(folder / "perception.safetensors")
        card = json.loads((folder / "perception.json").read_text(encoding="utf-8"))
        kept = [weights[name].astype(np.float32) for name in ("directions", "slope", "offset")]
        areas = {Condition(row["world"]): row["own_auroc"] for row in card["worlds"]
                 if row["visible"]}  # fmt: skip
        image = {name: w for name, w in weights.items() if name.startswith(IMAGE)}
        return cls(Tower(image, HEADS), kept[0], kept[1], kept[2], areas, card["sha256"][:12],
                   card["tells"])  # fmt: skip

    def recognise(self, pictures: Pictures) -> Recognition:
        """Of the pictures of one scan."""
        embedding = self.tower.look(pictures.stacked()[None])[0].astype(np.float32)
        odds = self.odds(embedding)
        likely = 1 / (1 + np.exp(-np.clip(odds, -30, 30)))
        return Recognition(embedding, dict(zip(SHOWN, likely.tolist(), strict=True)))

    def odds(self, embedding: Array) -> Array:
        """Log odds of each condition of :data:`SHOWN`."""
        return np.asarray(self.slope * (self.directions @ embedding) + self.offset, np.float32)


@cache
def shipped() -> Model | None:
    """The model with the weights of the package; None where there are none."""
    folder = Path(str(files("planner"))) / "perception" / "weights"
    return Model.load(folder) if (folder / "perception.safetensors").exists() else None


def recognise(inspection: Inspection) -> Recognition | None:
    """What an inspected scan looks like; None of volumes and pictures, and without weights."""
    model = shipped()
    pictures = None if model is None else Pictures.seen(inspection)
    return None if model is None or pictures is None else model.recognise(pictures)


def embedding(inspection: Inspection) -> Array | None:
    """The embedding alone (128 numbers), for the planner."""
    found = recognise(inspection)
    return None if found is None else found.embedding


def told(inspection: Inspection, found: Recognition) -> dict[Condition, float]:
    """Conditions to tell a person of, the surest first: those that are likely, and that the model
    tells well on specimens it never saw (its card). Too few views were looked at to say that a scan
    has few."""
    model = shipped()
    if model is None or not model.tells or inspection.preview is None:
        return {}
    good = {c for c, area in model.areas.items() if area >= GOOD}
    if inspection.preview.views_read < inspection.info.projections:
        good.discard(Condition.SPARSE_VIEW)
    likely = {c: p for c, p in found.confidence.items() if c in good and p >= SURE}
    return dict(sorted(likely.items(), key=lambda item: -item[1]))
