"""How much there is to gain: the oracle, the single best fixed pipeline, the rules, chance."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.outcomes.candidates import Growing
from planner.outcomes.remembered import remembered
from planner.outcomes.reward import rewards, task_of
from planner.scoring import RuleScorer
from planner.search import price
from simulators.outcomes import Outcomes, ScanOutcomes
from simulators.outcomes.tree import step_key
from toolbox.recipe import Recipe
from toolbox.registry import known_tools

SHARED = 0.9  # of the scans must have run a fixed pipeline for it to be chosen
OFTEN = 0.05  # a pipeline that wins more than this share of the tasks is a winner
RESAMPLES = 1000


@dataclass(frozen=True)
class Mean:
    """A mean over scans with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float], seed: int = 0) -> Mean:
        """Percentile bootstrap (Efron 1979, Ann. Stat. 7, 1) over the scans."""
        data = np.asarray(values, np.float64)
        drawn = np.random.default_rng(seed).integers(len(data), size=(RESAMPLES, len(data)))
        low, high = np.quantile(data[drawn].mean(axis=1), (0.025, 0.975))
        return cls(float(data.mean()), float(low), float(high))

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def goal_set(scan: ScanOutcomes) -> str:
    """The goals of a scan's request as one name."""
    return "+".join(g.value for g in task_of(scan).goals)


def recipe_key(recipe: Recipe) -> str:
    """A recipe with its settings as text."""
    return " → ".join(step_key(s) for s in recipe)


def tools_key(recipe: Recipe) -> str:
    """The tools of a recipe, whatever their settings."""
    return " → ".join(s.tool for s in recipe)


@dataclass(frozen=True, eq=False)
class Judged:
    """A scan with the reward of each complete pipeline, by its text."""

    scan: ScanOutcomes
    rewards: NDArray[np.float64]
    keys: tuple[str, ...]

    @classmethod
    def of(cls, scan: ScanOutcomes) -> Judged:
        keys = tuple(recipe_key(scan.recipe(n)) for n in scan.complete)
        return cls(scan, rewards(scan), keys)

    @property
    def by_key(self) -> dict[str, float]:
        return dict(zip(self.keys, map(float, self.rewards), strict=True))

    @property
    def best(self) -> int:
        """The node of the best pipeline."""
        return int(self.scan.complete[int(np.argmax(self.rewards))])


def single_bests(judged: Sequence[Judged]) -> dict[str, str]:
    """Goal set → the fixed pipeline with the highest mean reward over these scans, of those that
    (nearly) all of them have run; a scan in which it failed counts as its worst."""
    found = {}
    groups: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        groups[goal_set(one.scan)].append(one)
    for goals, members in groups.items():
        ran = Counter(k for m in members for k in m.keys)
        shared = [k for k, n in ran.items() if n >= SHARED * len(members)]
        scores = {
            k: float(np.mean([m.by_key.get(k, float(m.rewards.min())) for m in members]))
            for k in shared
        }
        if scores:
            found[goals] = max(scores, key=scores.__getitem__)
    return found


def by_rules(one: Judged) -> float:
    """The measured reward of the pipeline that the transparent scorer would choose of those run,
    by its own quality and costs."""
    situation, scorer = remembered(one.scan), RuleScorer()
    weight, sums = price(situation.task.priority), Growing(situation)

    def worth(recipe: Recipe) -> float:
        seconds = max(sum(map(sums.seconds_of, recipe)), 1e-3)
        return scorer.quality(recipe, situation).value - weight * float(np.log10(seconds))

    worths = [worth(one.scan.recipe(node)) for node in one.scan.complete]
    return float(one.rewards[int(np.argmax(worths))])


def gap(outcomes: Outcomes, splits: Sequence[str] = ("train", "validation", "test")
        ) -> dict[str, Any]:  # fmt: skip
    """Mean rewards by split of the oracle, the single best of the training scans by goal set, the
    rules and a random choice, and which pipelines win."""
    bests = single_bests([Judged.of(s) for s in outcomes.split("train")])
    found: dict[str, Any] = {"single_best": bests}
    for split in splits:
        scans = [Judged.of(s) for s in outcomes.split(split) if goal_set(s) in bests]
        if not scans:
            continue
        single = [s.by_key.get(bests[goal_set(s.scan)], float(s.rewards.min())) for s in scans]
        oracle = [float(s.rewards.max()) for s in scans]
        plain = [float(s.rewards[conventional(s)].max()) for s in scans]
        chosen = {
            "oracle": oracle,
            "oracle, no networks": plain,
            "single best": single,
            "rules": [by_rules(s) for s in scans],
            "random": [float(s.rewards.mean()) for s in scans],
        }
        more = [o - s for o, s in zip(oracle, single, strict=True)]
        by_goals: dict[str, list[float]] = defaultdict(list)
        for one, value in zip(scans, more, strict=True):
            by_goals[goal_set(one.scan)].append(value)
        found[split] = {
            "scans": len(scans),
            "pipelines": float(np.mean([len(s.keys) for s in scans])),
            "reward": {name: Mean.of(values) for name, values in chosen.items()},
            "oracle − single best": Mean.of(more),
            "networks gain": float((np.array(oracle) - plain).sum() / (1 - np.array(plain)).sum()),
            "by goals": {g: (len(v), float(np.mean(v))) for g, v in sorted(by_goals.items())},
            "winners": _winners(scans, lambda s: tools_key(s.scan.recipe(s.best))),
            "winners of the fixed": _winners(scans, _best_fixed(scans)),
        }
    return found


def conventional(one: Judged) -> NDArray[np.bool_]:
    """Which of a scan's pipelines hold no tool that learned its weights."""
    tools = known_tools()
    return np.array([not any(tools[s.tool].card.weights for s in one.scan.recipe(n))
                     for n in one.scan.complete])  # fmt: skip


def _winners(scans: Sequence[Judged], name: Callable[[Judged], str]) -> list[tuple[str, float]]:
    """What wins more than a twentieth of the tasks, with its share."""
    counts = Counter(name(s) for s in scans)
    return [(n, c / len(scans)) for n, c in counts.most_common() if c > OFTEN * len(scans)]


def _best_fixed(scans: Sequence[Judged]) -> Callable[[Judged], str]:
    """Of the pipelines that most scans with the same goals have run, the one that is best."""
    ran: dict[str, Counter[str]] = defaultdict(Counter)
    sizes = Counter(goal_set(s.scan) for s in scans)
    for s in scans:
        ran[goal_set(s.scan)].update(s.keys)

    def best(one: Judged) -> str:
        goals = goal_set(one.scan)
        fixed = {k: r for k, r in one.by_key.items() if ran[goals][k] >= SHARED * sizes[goals]}
        return max(fixed, key=fixed.__getitem__) if fixed else ""

    return best


def table(found: dict[str, Any]) -> str:
    """The gap as text."""
    lines = []
    for split, numbers in found.items():
        if split == "single_best":
            continue
        about = f"{numbers['scans']} scans, {numbers['pipelines']:.0f} pipelines each"
        lines.append(f"{split}: {about}")
        lines += [f"  {name:<19} reward {mean}" for name, mean in numbers["reward"].items()]
        lines.append(f"  oracle − single best: {numbers['oracle − single best']}")
        gain = numbers["networks gain"]
        lines.append(f"  networks bring the oracle {100 * gain:.0f} % of the way to perfect")
        lines += [f"    {goals}: {count} scans, {value:.3f}"
                  for goals, (count, value) in numbers["by goals"].items()]  # fmt: skip
        for kind in ("winners", "winners of the fixed"):
            lines.append(f"  {kind} (more than 5 % of the tasks): {len(numbers[kind])}")
            lines += [f"    {100 * share:4.0f} %  {_short(name)}" for name, share in numbers[kind]]
    return "\n".join(lines)


def _short(name: str) -> str:
    return name.replace('{"parameters": {}, "tool": ', "").replace('"}', '"')
