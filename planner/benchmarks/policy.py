"""The policy on scans that it never saw: ``tomoplan bench policy``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.outcomes.remembered import remembered
from planner.outcomes.report import Judged, Mean, by_rules, goal_set, single_bests
from planner.outcomes.settings import SIMULATED
from planner.policy.branches import Branches
from planner.policy.learned import Committee, trained
from planner.policy.resources import Resources, drawn
from planner.scoring import RuleScorer
from planner.situation import Situation
from simulators.outcomes import Outcomes, ScanOutcomes
from toolbox.recipe import Recipe, Step

WORSE = 0.01
LISTED = 10
DRAWS = 4  # of resources for each scan
RESAMPLES = 2000
Predict = Callable[[Recipe, Situation], float]


@dataclass(frozen=True)
class Case:
    """A scan with the rewards of what each way chose, and the policy's pipeline: its quality as
    predicted and as measured."""

    scan: str
    goals: str
    oracle: float
    single: float
    rules: float
    policy: float
    random: float
    recipe: str
    predicted: float
    measured: float


def run() -> dict[str, Any]:
    """Rewards by split of the policy, the single best pipeline of the training scans for the same
    goals, the transparent scorer, the oracle and chance, all among the executed pipelines, with
    one core; then with resources drawn; then where predictions were most wrong."""
    outcomes, policy = Outcomes.load(SIMULATED), trained()
    bests = single_bests([Judged.of(s) for s in outcomes.split("train")])
    found: dict[str, Any] = {}
    cases: list[Case] = []
    for split in ("validation", "test"):
        scans = [s for s in outcomes.split(split) if goal_set(s) in bests]
        here = [_case(s, policy, bests[goal_set(s)]) for s in scans]
        found[split] = _summary(here)
        cases += here if split == "test" else []
    found["test, resources drawn"] = _with_resources(outcomes.split("test"), policy)
    apart = sorted(cases, key=lambda c: -abs(c.predicted - c.measured))
    found["disagreements"] = [vars(c) for c in apart[:LISTED]]
    return found


def _case(scan: ScanOutcomes, policy: Committee, best: str) -> Case:
    judged = Judged.of(scan)
    node, _ = Branches(scan, policy.actions, looks=policy.looks).chosen(policy, Resources())
    place = {int(n): at for at, n in enumerate(scan.complete)}
    recipe = scan.recipe(node)
    return Case(
        scan.name,
        goal_set(scan),
        float(judged.rewards.max()),
        judged.by_key.get(best, float(judged.rewards.min())),
        by_rules(judged),
        float(judged.rewards[place[node]]),
        float(judged.rewards.mean()),
        " → ".join(map(_told_step, recipe)),
        RuleScorer().quality(recipe, remembered(scan)).value,
        float(scan.main_quality[node]),
    )


def _summary(cases: Sequence[Case]) -> dict[str, Any]:
    ways = ("oracle", "policy", "rules", "single", "random")
    rewards = {w: np.array([getattr(c, w) for c in cases]) for w in ways}
    return {
        "scans": len(cases),
        "reward": {w: vars(Mean.of(list(v))) for w, v in rewards.items()},
        "gap left": {w: _gap(rewards["oracle"], rewards[w], rewards["single"])
                     for w in ("policy", "rules")},
        "worse than the single best by more than 0.01": {
            w: float((rewards[w] < rewards["single"] - WORSE).mean()) for w in ("policy", "rules")
        },
    }  # fmt: skip


def _gap(
    oracle: NDArray[np.float64], chosen: NDArray[np.float64], single: NDArray[np.float64]
) -> dict[str, float]:
    """(oracle − chosen) / (oracle − single best), a ratio of means, with its 95 % bootstrap
    interval over the scans."""

    def ratio(at: NDArray[np.intp]) -> NDArray[np.float64]:
        more = (oracle - single)[at].mean(axis=-1)
        return (oracle - chosen)[at].mean(axis=-1) / np.maximum(more, 1e-9)

    picks = np.random.default_rng(0).integers(len(oracle), size=(RESAMPLES, len(oracle)))
    low, high = np.quantile(ratio(picks), (0.025, 0.975))
    return {"value": float(ratio(np.arange(len(oracle)))), "low": float(low), "high": float(high)}


def _with_resources(scans: Sequence[ScanOutcomes], policy: Committee) -> dict[str, Any]:
    """The same with resources drawn: what the policy's choice of where to run gains over always
    taking what is free now, for the pipelines that it chose."""
    rng = np.random.default_rng(0)
    rows = []
    for scan in scans:
        branches = Branches(scan, policy.actions, looks=policy.looks)
        peaks = scan.total_peak_bytes[scan.complete]
        cheapest = float(scan.total_seconds[scan.complete].min())
        for _ in range(DRAWS):
            resources = drawn(rng, cheapest, peaks)
            worth = branches.worth(resources)
            node, where = branches.chosen(policy, resources)
            of_node = {r: float(v[node]) for r, v in worth.rewards.items()}
            if len(of_node) > 1:
                rows.append((float(worth.top[scan.complete].max()), of_node[where],
                             of_node[resources.offered[0]], max(of_node.values())))  # fmt: skip
    names = ("oracle", "policy", "its pipelines on what is free", "its pipelines, best resource")
    rewards = {n: vars(Mean.of(v)) for n, v in zip(names, np.array(rows).T.tolist(), strict=True)}
    return {"episodes": len(rows), "reward": rewards}


def table(result: dict[str, Any]) -> str:
    """The result as lines of text."""
    lines = []
    for split, numbers in result.items():
        if split == "disagreements":
            continue
        lines.append(f"{split}: {numbers.get('scans', numbers.get('episodes'))}")
        lines += [f"  {n:32s} reward {_told(v)}" for n, v in numbers["reward"].items()]
        for way, gap in numbers.get("gap left", {}).items():
            worse = numbers["worse than the single best by more than 0.01"][way]
            lines.append(f"  {way}: gap left {_told(gap)}; worse than the single best on "
                         f"{100 * worse:.0f} %")  # fmt: skip
    lines.append("quality predicted by the rules and measured, where they disagree most:")
    for case in result["disagreements"]:
        lines.append(f"  {case['scan']} ({case['goals']}): predicted {case['predicted']:.2f}, "
                     f"measured {case['measured']:.2f}: {case['recipe']}")  # fmt: skip
    return "\n".join(lines)


def _told_step(step: Step) -> str:
    settings = ", ".join(f"{name}={value}" for name, value in step.parameters.items())
    return f"{step.tool}({settings})" if settings else step.tool


def _told(value: dict[str, float]) -> str:
    return f"{value['value']:.3f} [{value['low']:.3f}, {value['high']:.3f}]"
