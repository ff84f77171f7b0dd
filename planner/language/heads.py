"""The trained heads: probabilities of intents, goals and conditions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from planner.language.features import embedded, hashed
from planner.task import Condition, Goal, Intent

WEIGHTS = "language.safetensors"
OUTPUTS = (*Intent, *Goal, *Condition)
_CUTS = np.cumsum([len(Intent), len(Goal)])


@dataclass(frozen=True)
class Opinion:
    """Probabilities by name; intents add up to one, the others stand alone."""

    intent: dict[Intent, float]
    goals: dict[Goal, float]
    conditions: dict[Condition, float]


class Heads:
    """A two-layer network on hashed words and a sentence embedding, in numpy.

    ``hidden = relu(hashed @ words + standardised(embedding) @ meaning + bias)``;
    ``logits = hidden @ out + out_bias``, in the order of OUTPUTS.
    """

    def __init__(self, tensors: dict[str, NDArray[np.generic]]) -> None:
        self.tensors = {name: np.asarray(t, np.float32) for name, t in tensors.items()}

    def logits(
        self, words: NDArray[np.float32], meaning: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Logits (..., len(OUTPUTS)) from hashed (..., BUCKETS) and embedded (..., EMBEDDING)."""
        t = self.tensors
        standard = (meaning - t["mean"]) / t["deviation"]
        table = t["words"]
        if words.ndim == 1:  # few of the buckets are filled
            filled = words.nonzero()[0]
            words, table = words[filled], table[filled]
        hidden = words @ table + standard @ t["meaning"] + t["bias"]
        return np.maximum(hidden, 0) @ t["out"] + t["out_bias"]

    def opinion(self, text: str) -> Opinion:
        """What the heads make of normal text."""
        intent, goals, conditions = np.split(self.logits(hashed(text), embedded(text)), _CUTS)
        return Opinion(
            intent=dict(zip(Intent, _softmax(intent), strict=True)),
            goals=dict(zip(Goal, _sigmoid(goals), strict=True)),
            conditions=dict(zip(Condition, _sigmoid(conditions), strict=True)),
        )


def _softmax(logits: NDArray[np.float32]) -> list[float]:
    grown = np.exp(logits - logits.max())
    return (grown / grown.sum()).tolist()


def _sigmoid(logits: NDArray[np.float32]) -> list[float]:
    return (1 / (1 + np.exp(-np.clip(logits, -30, 30)))).tolist()


@lru_cache(maxsize=1)
def trained_heads() -> Heads:
    """The heads that are shipped (planner/language/weights, with a card beside)."""
    from safetensors.numpy import load

    return Heads(load(files("planner.language").joinpath("weights", WEIGHTS).read_bytes()))
