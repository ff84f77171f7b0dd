"""A learned policy: a small network weighs each placement; at run time NumPy alone."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metadata.errors import WorkError
from planner.scheduling.candidates import FEATURES, MOST, Candidates, Numbers, candidates
from simulators.clusters.placement import Placement
from simulators.clusters.situation import Situation

WEIGHTS = Path(__file__).parent / "weights" / "scheduling.safetensors"
NAMES = ("steepness", "patience", "first.weight", "first.bias", "second.weight", "second.bias")


class Learned:
    """Takes the placement with the highest score.

    A score is −steepness · log(predicted seconds left) − patience · log(what is lost by not waiting
    for a better device) plus a correction that a network of one hidden layer makes of
    :data:`planner.scheduling.candidates.FEATURES`: before training it is much like
    shortest-predicted-first looking ahead. To wait is no choice where nothing runs.
    """

    name = "learned"

    def __init__(self, tensors: Mapping[str, Numbers] | None = None) -> None:
        self._tensors = dict(tensors) if tensors is not None else dict(trained())
        if set(self._tensors) != set(NAMES):
            raise WorkError(
                f"The weights of the scheduling policy hold {sorted(self._tensors)}, expected "
                f"{sorted(NAMES)}. Train it again: `tomoplan train scheduling`."
            )

    def choose(self, situation: Situation) -> Placement | None:
        seen = candidates(situation)
        best = int(np.argmax(np.where(seen.allowed, self.scores(seen), -np.inf)))
        return None if best == MOST else seen.placements[best]

    def scores(self, seen: Candidates) -> NDArray[np.float32]:
        """A score for each choice, the last to wait."""
        t = self._tensors
        hidden = np.tanh(seen.features @ t["first.weight"].T + t["first.bias"])
        correction = (hidden @ t["second.weight"].T + t["second.bias"])[:, 0]
        left = seen.features[:, FEATURES.index("log_remaining")]
        waits = seen.features[:, FEATURES.index("waits")]
        hurry = seen.features[:, FEATURES.index("log_hurry")]
        return correction - t["steepness"] * left - t["patience"] * hurry - RELUCTANCE * waits


RELUCTANCE = 3.0  # how far to wait lies below the worst placement before training


STEEP = 9.0  # before training: twice the seconds left are chosen an eighth as often
PATIENT = 15.0  # before training: what would end a fifth sooner elsewhere mostly waits for that


def untrained() -> Learned:
    """The policy before training, without a correction: what the training is to be measured by."""
    return Learned({
        "steepness": np.array([STEEP], np.float32),
        "patience": np.array([PATIENT], np.float32),
        "first.weight": np.zeros((1, len(FEATURES)), np.float32),
        "first.bias": np.zeros(1, np.float32),
        "second.weight": np.zeros((1, 1), np.float32),
        "second.bias": np.zeros(1, np.float32),
    })  # fmt: skip


@lru_cache(maxsize=1)
def trained() -> dict[str, Numbers]:
    """The weights that were trained; WorkError where there are none."""
    from safetensors.numpy import load_file

    if not WEIGHTS.exists():
        raise WorkError(
            f"There are no weights of the scheduling policy at {WEIGHTS}. Train it: "
            "`tomoplan train scheduling`."
        )
    return {k: v.astype(np.float32) for k, v in load_file(WEIGHTS).items()}
