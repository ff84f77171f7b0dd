"""What is told of the time to the limit, out of what the bank and the sequence say.

It learns on levels that are drawn directly and judged as a monitor's judge does, and is tested on
whole histories that the monitor follows.
"""

from __future__ import annotations

from collections.abc import Sequence as Listed
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from metadata.drift import weighing
from metadata.drift.bins import SUBS, ClosedBin
from metadata.drift.judge import FIRST_BINS, OPEN, Judge
from metadata.drift.normal import learn
from metadata.drift.sequence import QUANTILES, shipped
from metadata.drift.settings import MonitorSettings
from metadata.drift.window import KEPT, PER_DAY
from metadata.series import Limits
from simulators.histories.level_windows import Levels, draw_levels
from simulators.histories.sampling import SHAPES
from simulators.training.half_way import HalfWay, by_shape, half_way, interval_score
from simulators.training.part import Arrays, Measured, Tensors

if TYPE_CHECKING:
    import torch

Floats32 = NDArray[np.float32]

VALIDATION = 101  # seed of the windows of validation
# What is read is off by so much in training.
OFF = 0.1
# How much a window counts: as a Gaussian of how much of the life is over about its half, and at
# any other moment a little. At the very beginning nothing is seen but by chance.
MIDST, WIDTH, ELSEWHERE, BEGUN = 0.5, 0.08, 0.05, 0.12
# A part of a bin has single readings, of which neighbours go together a little.
READING = 1.08
# The normal is learned each 32 bins until a drift is seen: a gradual one at such parts of its life.
LEARNED, SEEN = 32, (0.05, 0.3)
AT_ONCE = ("step_creep", "jumps")


class Part:
    """``options``: ``windows`` an example, ``hidden`` units, ``validation`` windows; ``test``:
    ``first_seed`` and ``count`` of whole histories."""

    families, held_out = ("level_windows",), ("histories",)

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options

    def example(self, rng: np.random.Generator) -> Arrays:
        """Features of some windows, the logarithm of the days that are left, and how much each
        counts."""
        return judged(rng, int(self.options["windows"]))

    def batch(self, examples: Listed[Arrays], rng: np.random.Generator) -> Arrays:
        made = {name: np.concatenate([one[name] for one in examples]) for name in examples[0]}
        exact = 3  # the bank's own days, from which what is told is measured
        made["off"] = rng.normal(0, OFF, made["read"].shape).astype(np.float32)
        made["off"][:, :exact] = 0
        return made

    def network(self) -> torch.nn.Module:
        return network(int(self.options["hidden"]))

    def loss(self, network: torch.nn.Module, batch: Tensors) -> torch.Tensor:
        """The pinball loss of the three quantiles [Koenker and Bassett, 1978]; that of the two
        limits is the interval score."""
        import torch

        level = torch.tensor(QUANTILES)
        off = batch["left"][:, None] - network(batch["read"], batch["off"]).float()
        each = torch.maximum(level * off, (level - 1) * off) * torch.tensor([1.0, 0.5, 1.0])
        return (batch["counts"] * each.sum(1)).sum() / batch["counts"].sum()

    def validate(self, network: torch.nn.Module) -> dict[str, float]:
        """The interval score as the windows count (lower is better; ``score`` is its negative), at
        about half of the lives and late in them, and that of the mean of bank and sequence."""
        import torch

        made = self._validation
        with torch.no_grad():
            said = network(torch.from_numpy(made["read"])).float().numpy().astype(np.float64)
        costs = interval_score(said, made["left"])
        mean = interval_score(np.mean(weighing.between(made["read"]), axis=0), made["left"])
        half, late = abs(made["over"] - MIDST) < 0.05, made["over"] > 0.67
        return {"score": -float(np.average(costs, weights=made["counts"])),
                "of_the_mean": float(np.average(mean, weights=made["counts"])),
                "half": float(costs[half].mean()), "late": float(costs[late].mean())}  # fmt: skip

    @cached_property
    def _validation(self) -> Arrays:
        rng = np.random.default_rng(VALIDATION)
        found: list[Arrays] = []
        while sum(len(one["left"]) for one in found) < int(self.options["validation"]):
            found.append(judged(rng, 200))
        return {name: np.concatenate([one[name] for one in found]) for name in found[0]}

    def measure(self, network: torch.nn.Module) -> Measured:
        """The monitor's time to the limit at half of the lives of whole histories, and what the
        bank and the sequence say by themselves."""
        weights = {name: value.detach().numpy() for name, value in network.state_dict().items()}
        model = weighing.Weighing(weights)
        test = self.options["test"]
        found = [one for seed in range(test["first_seed"], test["first_seed"] + test["count"])
                 if (one := half_way(seed)) is not None and one.read() is not None]  # fmt: skip
        read = np.stack([_read(one) for one in found])
        left, shapes = np.array([one.left for one in found]), [one.shape for one in found]
        bank, sequence = weighing.between(read)
        told = np.log(model.days(read))
        costs = {"bank": interval_score(bank, left), "network": interval_score(sequence, left),
                 "mean": interval_score((bank + sequence) / 2, left),
                 "told": interval_score(told, left)}  # fmt: skip
        metrics = {f"interval_score_{name}": round(float(c.mean()), 3) for name, c in costs.items()}
        holds = (told[:, 0] <= left) & (left <= told[:, 2])
        metrics |= {"holds": round(float(holds.mean()), 3), "histories": float(len(found))}
        return Measured(
            metrics, by_shape(shapes, costs["bank"], costs["told"]),
            "interval score of the time to the limit at half of the life, less is better",
            wins=bool(costs["told"].mean() < costs["mean"].mean()),
            reference={"input": read[:5], "output": model.days(read[:5])},
        )  # fmt: skip

    def card(self) -> dict[str, Any]:
        return {
            "version": "0.1.0",
            "changelog": {"0.1.0": "in place of a formula with eight constants"},
            "task": "quantiles of the time to a limit, told of what bank and sequence say",
            "intended_use": "in metadata.drift, once a drift is seen",
            "data_source": "levels drawn directly and judged (simulators.histories.level_windows); "
            "tested on whole simulated histories that it never saw",
            "data_type": "what metadata.drift.forecast, .normal and .sequence say of a window",
            "inputs": {"read": {"axes": "n, what", "dtype": "float32", "unit": "logarithms and "
                                "parts of the way to the limit, of the order of one"}},
            "outputs": {"days": {"axes": "n, quantile (5, 50, 95 %)", "dtype": "float64",
                                 "unit": "log of days in training, days in metadata.drift"}},
            "references": [
                "Koenker and Bassett, Regression quantiles, Econometrica 46, 1978",
                "Jacobs et al., Adaptive mixtures of local experts, Neural Computation 3, 1991",
            ],
            "differences": "what the experts say is an input; it learns what to add to their mean",
            "licence": "Apache-2.0",
        }  # fmt: skip


def network(hidden: int) -> torch.nn.Module:
    """As :class:`metadata.drift.weighing.Weighing` runs it; the result is of logarithms of days.
    What is read is ``off`` by something in training."""
    import torch
    from torch import nn
    from torch.nn.functional import gelu

    first = weighing.between_at()

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(weighing.READ, hidden)
            self.second = nn.Linear(hidden, hidden)
            self.last = nn.Linear(hidden, len(QUANTILES))
            nn.init.zeros_(self.last.weight)
            nn.init.zeros_(self.last.bias)

        def forward(self, read: torch.Tensor, off: torch.Tensor | None = None) -> torch.Tensor:
            h = gelu(self.first(read if off is None else read + off), approximate="tanh")
            out = self.last(gelu(self.second(h), approximate="tanh")).float()
            bank = read[:, :3] + float(np.log(weighing.USUAL_DAYS))
            low, middle, high = (bank + read[:, first : first + 3] / 6).unbind(1)
            said = middle + out[:, 1]
            below, above = torch.exp(out[:, [0, 2]].clip(-3, 3)).unbind(1)
            return torch.stack([said - below * (middle - low).clip(0.05), said,
                                said + above * (high - middle).clip(0.05)], 1)  # fmt: skip

    return Network()


def judged(rng: np.random.Generator, count: int) -> Arrays:
    """What is read of up to ``count`` drawn windows in which a drift is seen, the logarithm of the
    days ``left``, how much of the life is ``over``, and how much each ``counts``."""
    levels = draw_levels(rng, count)
    read, kept = [], []
    for number in range(len(levels.left)):
        found = _judged(rng, levels, number)
        if found is not None:
            read.append(_read(found))
            kept.append(number)
    over = levels.over[kept]
    counts = np.exp(-0.5 * ((over - MIDST) / WIDTH) ** 2) + ELSEWHERE
    counts *= np.where(over < BEGUN, 0.3, 1.0)
    return {"read": np.array(read, np.float32).reshape(-1, weighing.READ),
            "left": np.log(levels.left[kept]).astype(np.float32),
            "over": over, "counts": counts.astype(np.float32)}  # fmt: skip


def _judged(rng: np.random.Generator, levels: Levels, number: int) -> HalfWay | None:
    """A judge that has seen the bins of one metric, its normal learned until about when the drift
    is seen; None where it sees none, or no limit ahead."""
    judge, first = Judge(), int(rng.integers(20_000, 21_000)) * 8
    there = np.flatnonzero(levels.there[number])
    places, recent = (first + there) % KEPT, judge.recent
    parts, part = max(round(levels.parts[number]), 1), float(levels.part[number])
    recent.index[places], recent.subs[places] = first + there, parts
    recent.mean[places] = levels.y[number][there]
    recent.era[places] = levels.eras[number][there]
    some = rng.chisquare(SUBS - 1, len(there)) / (SUBS - 1)
    recent.noise[places] = np.log(part**2 * some) if parts >= 3 else np.nan
    limits = Limits(-float(levels.limit[number]), float(levels.limit[number]))
    variance = recent.noise_variance()
    judge.reading = READING * part
    noise = float(np.sqrt(variance)) if np.isfinite(variance) else judge.reading

    seen = rng.uniform(*SEEN) * (SHAPES[levels.shape[number]] not in AT_ONCE)
    until = levels.onset[number] + seen * levels.life[number] * PER_DAY - rng.uniform(0, LEARNED)
    before = recent.window(first + int(np.clip(until, FIRST_BINS, KEPT - 1)))
    if before is None or len(before.rows) < 4:
        return None
    step, key = judge.sizes(before, limits.low, limits.high)
    judge.normal = learn(before, noise, max(judge.reading, noise), step, key)
    judge.daily, judge.parts = True, SUBS * KEPT
    judge.closed = judge.last_learned = KEPT  # nothing is learned with the last bin
    last = ClosedBin(
        first + KEPT - 1, parts, float(levels.y[number][-1]), part**2, parts - 1, parts
    )
    era = int(levels.eras[number][-1])
    if not judge.close(last, era, 0.0, READING * part, limits, MonitorSettings(network=False)):
        return None
    if judge.forecast is None or judge.forecast.moved <= OPEN:
        return None
    found = HalfWay(SHAPES[levels.shape[number]], float(np.log(levels.left[number])), judge, limits)
    return found if found.read() is not None else None


def _read(found: HalfWay) -> Floats32:
    """What the network reads."""
    view, window, normal = found.read(), found.window, found.judge.normal
    assert view is not None
    assert window is not None
    assert normal is not None
    swing = window.high - window.low
    network = shipped().days(view)[0]
    return weighing.features(found.bank, normal, swing, found.way, network, view[0])
