"""The early warning's sequence model: the last six weeks of a level → quantiles of the days to
the limit.

It learns on windows drawn directly, and is tested on whole histories that the monitor follows,
where it, the bank of hypotheses and their mean are held to the same truth.
"""

from __future__ import annotations

from collections.abc import Sequence as Listed
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from metadata.drift import sequence
from metadata.drift.sequence import HALF, MIDDLE, QUANTILES, READ, TOGETHER
from metadata.drift.window import ROWS, bin_ages, pooling
from simulators.histories.level_windows import Windows, draw_windows
from simulators.training.half_way import by_shape, half_way, interval_score
from simulators.training.part import Arrays, Measured, Tensors

if TYPE_CHECKING:
    import torch

VALIDATION = 101  # seed of the windows of validation
MONTH_DAYS = 30.0
# By so much the way to the limit, the level and its rows are off in training: what a judge knows
# of them is no better.
WAY_OFF, LEVEL_OFF, ROW_OFF = 0.07, 0.03, 0.02


class Part:
    """``options``: ``windows`` an example, ``channels``, ``layers`` and ``hidden`` of the network;
    ``validation`` windows; ``test``: ``first_seed`` and ``count`` of whole histories."""

    families, held_out = ("level_windows",), ("histories",)

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options

    def example(self, rng: np.random.Generator) -> Arrays:
        """Features of some windows and the logarithm of the days that are left."""
        found = draw_windows(rng, int(self.options["windows"]))
        return {"read": seen(found), "left": np.log(found.left).astype(np.float32)}

    def batch(self, examples: Listed[Arrays], rng: np.random.Generator) -> Arrays:
        read = np.concatenate([one["read"] for one in examples])
        n = len(read)
        part = read[..., 0] * rng.normal(1, WAY_OFF, (n, 1)) + rng.normal(0, LEVEL_OFF, (n, 1))
        part = (part + rng.normal(0, ROW_OFF, part.shape)) * read[..., 2]
        return {"read": np.concatenate([part[..., None], read[..., 1:]], -1).astype(np.float32),
                "left": np.concatenate([one["left"] for one in examples])}  # fmt: skip

    def network(self) -> torch.nn.Module:
        return network(*(int(self.options[name]) for name in ("channels", "layers", "hidden")))

    def loss(self, network: torch.nn.Module, batch: Tensors) -> torch.Tensor:
        """The pinball loss of the three quantiles [Koenker and Bassett, 1978]."""
        import torch

        level = torch.tensor(QUANTILES)
        off = batch["left"][:, None] - network(batch["read"]).float()
        return torch.maximum(level * off, (level - 1) * off).sum(1).mean()

    def validate(self, network: torch.nn.Module) -> dict[str, float]:
        """The interval score (lower is better; ``score`` is its negative), the median error and
        how often the interval holds."""
        import torch

        read, left = self._validation
        with torch.no_grad():
            said = network(torch.from_numpy(read)).float().numpy().astype(np.float64)
        costs = interval_score(said, left)
        error = np.abs(np.expm1(said[:, 1] - left))
        return {"score": -float(costs.mean()), "error": float(np.median(error)),
                "holds": float(np.mean((said[:, 0] <= left) & (left <= said[:, 2])))}  # fmt: skip

    @cached_property
    def _validation(self) -> tuple[Any, Any]:
        found = draw_windows(np.random.default_rng(VALIDATION), int(self.options["validation"]))
        return seen(found), np.log(found.left)

    def measure(self, network: torch.nn.Module) -> Measured:
        """Beside the bank's time to the limit at half of the lives of whole histories, and the
        geometric mean of the two."""
        weights = {name: value.detach().numpy() for name, value in network.state_dict().items()}
        model = sequence.Sequence(weights)
        test = self.options["test"]
        shapes, left, told = [], [], []
        for seed in range(test["first_seed"], test["first_seed"] + test["count"]):
            found = half_way(seed)
            if found is not None and (read := found.read()) is not None:
                bank = np.log(found.bank.days)
                own = np.log(model.days(read)[0])
                shapes.append(found.shape)
                left.append(found.left)
                told.append((bank, own, (bank + own) / 2))
        costs = [interval_score(np.array(one), np.array(left)) for one in zip(*told, strict=True)]
        names = ("bank", "network", "mean")
        metrics = {f"interval_score_{name}": round(float(c.mean()), 3)
                   for name, c in zip(names, costs, strict=True)}  # fmt: skip
        example = np.random.default_rng(5).normal(size=(3, ROWS, READ)).astype(np.float32)
        return Measured(
            metrics | {"histories": float(len(shapes))}, by_shape(shapes, costs[0], costs[2]),
            "interval score of the time to the limit at half of the life, less is better",
            wins=bool(costs[2].mean() < costs[0].mean()),
            reference={"input": example, "output": model.days(example)},
        )  # fmt: skip

    def card(self) -> dict[str, Any]:
        return {
            "version": "0.2.0",
            "changelog": {
                "0.1.0": "first weights, trained small on one busy CPU core",
                "0.2.0": "windows with the noise and the swing that whole histories have, any part "
                "of a life, limits farther away",
            },
            "task": "quantiles of the time to a limit from the last six weeks of a level",
            "intended_use": "with the bank of hypotheses of metadata.drift, once a drift is seen; "
            "what is told is made of both (weighing)",
            "data_source": "windows of simulated levels (simulators.histories.level_windows); "
            "tested on whole simulated histories that it never saw",
            "data_type": "means of six hours and more, without the mean swing of the day",
            "inputs": {"read": {"axes": "n, row (newest first), what", "dtype": "float32",
                                "unit": "part of the way to the limit; part with readings; there "
                                "are any; new baselines before, over 3"}},
            "outputs": {"days": {"axes": "n, quantile (5, 50, 95 %)", "dtype": "float64",
                                 "unit": "log of days in training, days in metadata.drift"}},
            "references": ["Koenker and Bassett, Regression quantiles, Econometrica 46, 1978"],
            "differences": "one small residual convolution network; nothing pre-trained",
            "licence": "Apache-2.0",
        }  # fmt: skip


def network(channels: int, layers: int, hidden: int) -> torch.nn.Module:
    """As :class:`metadata.drift.sequence.Sequence` runs it; the result is of logarithms of days."""
    import torch
    from torch import nn
    from torch.nn.functional import gelu, softplus

    tokens = ROWS // TOGETHER

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inp = nn.Linear(TOGETHER * READ, channels)
            self.pos = nn.Parameter(0.02 * torch.randn(tokens, channels))
            self.norm = nn.ModuleList([nn.LayerNorm(channels) for _ in range(layers)])
            self.conv = nn.ModuleList(
                [nn.Conv1d(channels, channels, 3, padding=1) for _ in range(layers)]
            )
            self.out = nn.Sequential(
                nn.Linear(tokens * channels, 2 * hidden), nn.GELU("tanh"),
                nn.Linear(2 * hidden, hidden), nn.GELU("tanh"), nn.Linear(hidden, len(QUANTILES)),
            )  # fmt: skip

        def forward(self, read: torch.Tensor) -> torch.Tensor:
            h = self.inp(read.reshape(len(read), tokens, -1)) + self.pos
            for norm, conv in zip(self.norm, self.conv, strict=True):
                h = h + gelu(conv(norm(h).transpose(1, 2)).transpose(1, 2), approximate="tanh")
            o = self.out(h.flatten(1)).float()
            middle = MIDDLE + o[:, 1]
            return torch.stack([middle - softplus(o[:, 0] + HALF), middle,
                                middle + softplus(o[:, 2] + HALF)], 1)  # fmt: skip

    return Network()


def seen(windows: Windows) -> Any:
    """Features of windows, with last month's median for the usual level, as the judge's."""
    month = pooling() @ bin_ages() < MONTH_DAYS
    y = np.ma.masked_array(windows.y, ~((windows.present > 0) & month))
    usual = np.ma.median(y, axis=1).filled(0.0)
    return sequence.features(windows.y, windows.present, windows.eras, usual, windows.limit)
