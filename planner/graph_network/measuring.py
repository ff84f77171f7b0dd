"""How well predictions rank pipelines and how well their intervals hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.graph_network.examples import picked
from planner.graph_network.flat_trees import FlatTrees
from simulators.outcomes import ScanOutcomes
from simulators.training.part import Arrays, Measured

DIFFER = 0.01  # pairs of qualities no further apart are no pairs
COVER = 0.90
Floats = NDArray[np.floating[Any]]
Predict = Callable[[Any, Arrays], np.ndarray]


@dataclass(frozen=True)
class Ranked:
    """Kendall's τ over pairs that differ, and the quality that the first choice lacks."""

    tau: float
    regret: float


def kendall(score: Floats, quality: Floats) -> float:
    """Pairs in order less pairs out of order, over all pairs that differ by more than
    :data:`DIFFER` in quality; NaN where there is none.

    >>> kendall(np.array([1.0, 2.0, 3.0]), np.array([0.1, 0.3, 0.2]))
    0.3333333333333333
    """
    more = quality[:, None] - quality[None]
    said = np.sign(score[:, None] - score[None])
    pairs = more > DIFFER
    return float(said[pairs].mean()) if pairs.any() else float("nan")


def ranked(found: Floats, one: Arrays) -> Ranked:
    """Of predictions for one scan's pipelines."""
    quality = one["quality"].astype(np.float64)
    return Ranked(kendall(found[:, 0], quality),
                  float(quality.max() - quality[int(np.argmax(found[:, 0]))]))  # fmt: skip


def interval(found: Floats, stretch: Sequence[float] = (1.0, 1.0)) -> tuple[Floats, Floats]:
    """The 90 % interval of the quality."""
    low = found[:, 0] - stretch[0] * found[:, 1]
    high = found[:, 0] + stretch[1] * found[:, 2]
    return _sigmoid(low), _sigmoid(high)


def calibrate(network: Any, known: Sequence[tuple[Floats, Arrays]]) -> None:
    """Stretch the two sides so that they hold on known outcomes."""
    import torch

    network.stretch.copy_(torch.tensor([max(side, 0.05) for side in stretches(known)]))


def stretches(known: Sequence[tuple[Floats, Arrays]]) -> tuple[float, float]:
    """By how much the two sides of predictions must be stretched to hold on a further scan
    (conformalised quantiles, the score of each side divided by its own length). The pipelines of
    a scan stand and fall together: scans count alike, and one more is thought beyond them all
    (Lee, Barber & Willett 2023, arXiv:2306.06342)."""
    below, above, weights = [], [], []
    for found, one in known:
        quality = np.clip(one["quality"].astype(np.float64), 0.01, 0.99)
        error = np.log(quality / (1 - quality)) - found[:, 0]
        below.append(-error / found[:, 1])
        above.append(error / found[:, 2])
        weights.append(np.full(len(error), 1 / (len(error) * (len(known) + 1))))
    share, weight = (1 + COVER) / 2, np.concatenate(weights)
    low, high = (_reached(np.concatenate(side), weight, share) for side in (below, above))
    return low, high


def _reached(values: Floats, weights: Floats, share: float) -> float:
    """The least value up to which there is a share of the weight; the greatest where there is
    less in all."""
    order = np.argsort(values)
    at = int(np.searchsorted(np.cumsum(weights[order]), share))
    return float(values[order[min(at, len(values) - 1)]])


def winkler(low: Floats, high: Floats, value: Floats, share: float = 1 - COVER) -> float:
    """Mean interval score (Gneiting & Raftery 2007): width, and 2/share for each unit outside."""
    out = np.maximum(low - value, 0) + np.maximum(value - high, 0)
    return float((high - low + 2 / share * out).mean())


def measured(
    network: Any, train: Sequence[Arrays], validation: Sequence[Arrays],
    test: Sequence[tuple[ScanOutcomes, Arrays]], predict: Predict,
) -> Measured:  # fmt: skip
    """The network beside gradient-boosted trees and the rules, on the test split."""
    found = [predict(network, one) for _, one in test]
    trees = FlatTrees().fit(train)
    own = [ranked(f, one) for f, (_, one) in zip(found, test, strict=True)]
    grown = [trees.predict(one) for _, one in test]
    rival = [ranked(g[0][:, None], one) for g, (_, one) in zip(grown, test, strict=True)]
    ruled = [ranked(one["rules"][:, -1:], one) for _, one in test]
    stretch = [float(s) for s in network.stretch]
    sides = [interval(f, stretch) for f in found]
    low, high = (np.concatenate([s[i] for s in sides]) for i in (0, 1))
    value = np.concatenate([one["quality"] for _, one in test])
    middle = np.concatenate([_sigmoid(f[:, 0]) for f in found])
    before = [predict(network, one) for one in validation]
    errors = np.concatenate([np.abs(one["quality"] - _sigmoid(f[:, 0]))
                             for f, one in zip(before, validation, strict=True)])  # fmt: skip
    width = float(np.quantile(errors, COVER))
    costs = np.concatenate([f[:, 3:] - one["costs"] for f, (_, one) in zip(found, test,
                                                                         strict=True)])  # fmt: skip
    known = np.concatenate([one["costed"] for _, one in test]) > 0
    off = [float(np.median(np.abs(10 ** costs[known[:, i], i] - 1))) for i in (0, 1)]
    true = np.concatenate([one["costs"][:, 0] for _, one in test])
    wooden = np.log10(np.concatenate([g[1] for g in grown])) - true
    metrics = {
        "kendall_tau": _mean([r.tau for r in own]),
        "kendall_tau_boosted_trees": _mean([r.tau for r in rival]),
        "kendall_tau_rules": _mean([r.tau for r in ruled]),
        "regret": _mean([r.regret for r in own]),
        "regret_boosted_trees": _mean([r.regret for r in rival]),
        "regret_rules": _mean([r.regret for r in ruled]),
        "interval_90_holds": float(((value >= low) & (value <= high)).mean()),
        "interval_score": winkler(low, high, value),
        "interval_score_constant_width": winkler(middle - width, middle + width, value),
        "seconds_median_relative_error": off[0],
        "seconds_median_relative_error_boosted_trees": float(np.median(np.abs(10**wooden - 1))),
        "repeat_median_relative_difference": repeats([scan for scan, _ in test]),
        "memory_median_relative_error": off[1],
        "scans": float(len(test)),
    }
    rows = _by_goal(test, own, rival)
    return Measured(
        {name: round(number, 4) for name, number in metrics.items()},
        rows,
        "Kendall's τ over gradient-boosted trees",
        wins=metrics["kendall_tau"] > metrics["kendall_tau_boosted_trees"],
        reference=_reference(network, test[0][1], predict),
    )


def _reference(network: Any, one: Arrays, predict: Predict) -> Arrays:
    """A few graphs and what the network says of them, for the contract test."""
    few = picked(one, np.arange(min(len(one["rules"]), 6)))
    names = ("tools", "nodes", "edges", "kinds", "graph", "rules", "context", "scan")
    return {**{n: np.ascontiguousarray(few[n]) for n in names}, "output": predict(network, few)}


def repeats(scans: Sequence[ScanOutcomes]) -> float:
    """By how much a second run of a step differs in seconds, the median as a share."""
    ratios = np.concatenate([s.again / s.seconds for s in scans])
    known = np.isfinite(ratios)
    return float(np.median(np.abs(ratios[known] - 1))) if known.any() else float("nan")


def _by_goal(test: Sequence[tuple[ScanOutcomes, Arrays]], own: Sequence[Ranked],
             rival: Sequence[Ranked]) -> list[dict[str, Any]]:  # fmt: skip
    goals = ["+".join(scan.document["request"]["goals"]) for scan, _ in test]
    rows = []
    for goal in sorted(set(goals)):
        here = [i for i, g in enumerate(goals) if g == goal]
        mine, trees = (_mean([side[i].tau for i in here]) for side in (own, rival))
        rows.append({"world": goal, "scans": len(here), "conventional": "boosted trees",
                     "conventional_tau": round(trees, 3), "own_tau": round(mine, 3),
                     "gain": round(mine - trees, 3)})  # fmt: skip
    return rows


def _mean(values: Sequence[float]) -> float:
    known = [v for v in values if np.isfinite(v)]
    return float(np.mean(known)) if known else float("nan")


def _sigmoid(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-x))
