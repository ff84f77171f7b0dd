"""What a learned part tells the harness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

Arrays = dict[str, NDArray[Any]]
Tensors = dict[str, "torch.Tensor"]


@dataclass(frozen=True)
class Measured:
    """What a trained network is worth, for its card.

    ``metrics``: numbers over all worlds of the test; ``worlds``: one row for each kind of world
    with the conventional tool's and the own figure and the ``gain`` (above zero: the network
    wins), all in the unit that ``unit`` names; ``wins``: whether the planner may offer the tool;
    ``suits``: scan traits between which it may, as the planner names them; ``reference``: an
    input and the output that weights and code must give again.
    """

    metrics: dict[str, float]
    worlds: list[dict[str, Any]]
    unit: str
    wins: bool
    suits: dict[str, tuple[float, float]] = field(default_factory=dict)
    reference: Arrays = field(default_factory=dict)


class Training(Protocol):
    """A learned part as the harness sees it; made anew in each producer process from the
    ``options`` of its YAML, so that only options travel.

    ``helpers``, where a part has them: modules and optimisers that learn beside the network (an
    adversary), by name; checkpoints keep them.

    Every source of chance is the generator that is handed in: the same seed and number give the
    same example in whatever process.
    """

    options: dict[str, Any]

    def example(self, rng: np.random.Generator) -> Arrays:
        """One simulated world as arrays (slow; runs in the background)."""

    def batch(self, examples: Sequence[Arrays], rng: np.random.Generator) -> Arrays:
        """Crops, turns and noise of some examples, put together (quick; before every step)."""

    def network(self) -> torch.nn.Module:
        """The network, freshly initialised from torch's seed."""

    def loss(self, network: torch.nn.Module, batch: Tensors) -> torch.Tensor:
        """The loss of a batch, a scalar."""

    def validate(self, network: torch.nn.Module) -> dict[str, float]:
        """Numbers on a fixed world of validation; ``score`` (higher is better) decides which
        weights are kept and when to stop."""

    def measure(self, network: torch.nn.Module) -> Measured:
        """The network, with the weights as they are stored, on worlds kept for the test."""

    def card(self) -> dict[str, Any]:
        """The fields of the model card that are known before training."""
