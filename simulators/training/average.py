"""The moving average of a network's weights: what is validated and kept."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


class Average:
    """Exponential moving average: a ← d·a + (1 − d)·w after every step, with
    d = min(decay, (1 + n) / (10 + n)) so that the first steps are soon forgotten.

    Running statistics of normalisation are averaged alike, counters copied.
    Polyak & Juditsky 1992, SIAM J. Control Optim. 30, 838.
    """

    def __init__(self, network: torch.nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay
        self.count = 0

    def update(self, network: torch.nn.Module) -> None:
        """Take in the weights as they are after a step."""
        decay = min(self.decay, (1 + self.count) / (10 + self.count))
        self.count += 1
        mine = self.network.state_dict()
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                mine[name].lerp_(value.detach(), 1 - decay)
            else:
                mine[name].copy_(value)
