"""The contenders on the tasks that training never saw: rewards, the remaining gap, orders and
budgets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.benchmarks.planner.contender import Contender, rows_per_detector, settings
from planner.benchmarks.planner.contenders import contenders
from planner.benchmarks.planner.fixed import of_priority
from planner.benchmarks.planner.learned import NetworkAndRules
from planner.outcomes.report import goal_set, recipe_key
from planner.outcomes.reward import reward, task_of
from planner.outcomes.settings import REAL, SIMULATED
from planner.task import Priority, Task
from simulators.outcomes import Outcomes, ScanOutcomes

ORDER = (Priority.SPEED, Priority.BALANCED, Priority.QUALITY)
OFTEN = 0.05
RULED = "weight of the rules"
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """What a choice gave: ``reward`` with planning counted, ``bare`` without."""

    pipeline: int
    quality: float
    seconds: float
    planning: float
    reward: float
    bare: float


def run(output: Path, table_path: Path = SIMULATED, real_path: Path = REAL,
        given: Sequence[Contender] | None = None) -> dict[str, Any]:  # fmt: skip
    """Measure every contender; numbers as a dict, a plot in ``output``."""
    outcomes, how = Outcomes.load(table_path), settings()
    train = outcomes.split("train")
    known = {goal_set(s) for s in train}  # without which there is no single best
    test = tuple(s for s in outcomes.split("test") if goal_set(s) in known)
    counts = {"train": len(train), "test": len(test)}
    found: dict[str, Any] = {"scans": counts, "seeds": how["seeds"]}
    made, absent = (list(given), {}) if given is not None else contenders()
    chosen: dict[str, list[list[Outcome]]] = {}
    others: dict[str, dict[str, Any]] = {}
    real = Outcomes.load(real_path) if how["real"] and real_path.exists() else None
    far: dict[str, list[Outcome]] = {}
    for contender in made:
        chosen[contender.name] = []
        for seed in how["seeds"] if contender.seeded else how["seeds"][:1]:
            contender.learn(train, seed)
            chosen[contender.name].append([judged(contender, s, task_of(s), seed) for s in test])
            if seed == how["seeds"][0] and contender.name not in how["too_slow_for_variants"]:
                others[contender.name] = {"order": ordered(contender, test, seed),
                                          "budgets": kept(contender, test, seed)}  # fmt: skip
                if real is not None:
                    far[contender.name] = [judged(contender, s, task_of(s), seed) for s in real]
    found["contenders"] = compared(chosen)
    for name, more in others.items():
        found["contenders"][name] |= more
    if real is not None:
        found["real"] = {
            "scans": len(real),
            "contenders": compared({n: [v] for n, v in far.items()}),
        }
    found["by goals"] = by_goals(chosen, test)
    found["winners"] = winners(chosen["oracle"][0], test)
    found["passed over"] = absent
    found[RULED] = [c.weight for c in made if isinstance(c, NetworkAndRules)]
    from planner.benchmarks.planner.plot import plot

    plot(found, output / "planner.png")
    return found


def judged(contender: Contender, scan: ScanOutcomes, task: Task, seed: int) -> Outcome:
    """What a contender's choice for a scan was worth."""
    choice = contender.choose(scan, task, seed)
    node = scan.complete[choice.pipeline]
    seconds = scan.total_seconds[scan.complete]
    quality, own = float(scan.main_quality[node]), float(scan.total_seconds[node])
    peak = float(np.nan_to_num(scan.total_peak_bytes[node]))
    planning = choice.seconds / rows_per_detector(scan)
    bare = reward(quality, own, float(seconds.min()), task, peak)
    # Planning makes a choice dearer; it breaks no limit of a run
    free = replace(task, max_seconds=None, max_memory_gib=None)
    slower = [reward(quality, s, float(seconds.min()), free, peak) for s in (own, own + planning)]
    return Outcome(
        choice.pipeline, quality, own, choice.seconds, bare - slower[0] + slower[1], bare
    )


def compared(chosen: dict[str, list[list[Outcome]]]) -> dict[str, Any]:
    """Rewards, the remaining gap and how often a choice is worse than the single best, each with
    a 95 % interval: percentile bootstrap over scans, and over seeds where there are several."""
    how, rng = settings(), np.random.default_rng(0)
    rewards = {n: np.array([[o.reward for o in one] for one in v]) for n, v in chosen.items()}
    bare = {n: np.array([[o.bare for o in one] for one in v]) for n, v in chosen.items()}
    oracle, single = rewards["oracle"][0], rewards["single best"][0]
    scans = len(oracle)
    picks = rng.integers(scans, size=(how["bootstrap"], scans))
    found = {}
    for name, own in rewards.items():
        seeds = rng.integers(len(own), size=(how["bootstrap"], len(own)))
        drawn = np.stack([own[s][:, p].mean() for s, p in zip(seeds, picks, strict=True)])
        gaps = (oracle[picks].mean(1) - drawn) / np.maximum(
            oracle[picks].mean(1) - single[picks].mean(1), 1e-6
        )
        gap = (oracle.mean() - own.mean()) / max(oracle.mean() - single.mean(), 1e-6)
        outcomes = [o for one in chosen[name] for o in one]
        found[name] = {
            "reward": _interval(float(own.mean()), drawn),
            "reward without planning": float(bare[name].mean()),
            "quality": float(np.mean([o.quality for o in outcomes])),
            "seconds": float(np.mean([o.seconds for o in outcomes])),
            "planning seconds": float(np.median([o.planning for o in outcomes])),
            "remaining gap": _interval(float(gap), gaps),
            "worse than single best": float((own < single[None] - how["worse"]).mean()),
        }
    return found


def _interval(value: float, drawn: Floats) -> dict[str, float]:
    low, high = np.quantile(drawn, (0.025, 0.975))
    return {"value": value, "low": float(low), "high": float(high)}


def ordered(contender: Contender, test: Sequence[ScanOutcomes], seed: int) -> dict[str, float]:
    """The share of scans on which requests for speed, balance and quality lie in this order (not
    strictly) in measured seconds, in measured quality, and in both."""
    rows = []
    for scan in test:
        nodes = [scan.complete[contender.choose(scan, of_priority(scan, p), seed).pipeline]
                 for p in ORDER]  # fmt: skip
        rows.append([bool(np.all(np.diff(v[nodes]) >= 0))
                     for v in (scan.total_seconds, scan.main_quality)])  # fmt: skip
    both = np.array(rows)
    return {"seconds": float(both[:, 0].mean()), "quality": float(both[:, 1].mean()),
            "both": float(both.all(axis=1).mean())}  # fmt: skip


def kept(contender: Contender, test: Sequence[ScanOutcomes], seed: int) -> dict[str, float]:
    """With limits set between a scan's own seconds: how often they are kept, by how much the
    quality misses the best that keeps them (where they are kept), and how often by no more than
    ``near_budget``."""
    how = settings()
    held, lost = [], []
    for scan in test:
        seconds, quality = scan.total_seconds[scan.complete], scan.main_quality[scan.complete]
        for share in how["budgets"]:
            limit = float(np.quantile(seconds, share))
            task = replace(of_priority(scan, Priority.QUALITY), max_seconds=limit)
            at = contender.choose(scan, task, seed).pipeline
            held.append(bool(seconds[at] <= limit))
            if held[-1]:
                lost.append(float(quality[seconds <= limit].max() - quality[at]))
    misses = np.array(lost)
    return {
        "kept": float(np.mean(held)),
        "quality lost": float(misses.mean()) if lost else float("nan"),
        "near the best": float((misses <= how["near_budget"]).mean()) if lost else 0.0,
    }


def by_goals(
    chosen: dict[str, list[list[Outcome]]], test: Sequence[ScanOutcomes]
) -> dict[str, Any]:
    """Mean rewards by goal set."""
    names = np.array([goal_set(s) for s in test])
    return {
        goals: {"scans": int((names == goals).sum())}
        | {n: float(np.mean([[o.reward for o in one] for one in v], axis=0)[names == goals].mean())
           for n, v in chosen.items()}
        for goals in sorted(set(names.tolist()))
    }  # fmt: skip


def winners(best: Sequence[Outcome], test: Sequence[ScanOutcomes]) -> dict[str, int]:
    """How many tools' sequences win, and how many of them more than 5 % of the tasks each."""
    tools = Counter(
        " → ".join(s.tool for s in scan.recipe(int(scan.complete[o.pipeline])))
        for scan, o in zip(test, best, strict=True)
    )
    exact = Counter(recipe_key(scan.recipe(int(scan.complete[o.pipeline])))
                    for scan, o in zip(test, best, strict=True))  # fmt: skip
    often = sum(c > OFTEN * len(test) for c in tools.values())
    return {"pipelines": len(exact), "sequences of tools": len(tools),
            "sequences that win more than 5 %": often}  # fmt: skip


def table(found: dict[str, Any]) -> str:
    """The result as lines of text."""
    lines = [f"{found['scans']['test']} tasks never seen, {found['scans']['train']} of training; "
             f"seeds {found['seeds']}; 95 % intervals"]  # fmt: skip
    lines += _rows(found["contenders"])
    lines.append(f"{'':38s} {'order kept: both':>17s} {'seconds':>8s} {'quality':>8s}"
                 f"  {'limit kept':>10s} {'lost':>6s} {'near the best':>13s}")  # fmt: skip
    for name, c in found["contenders"].items():
        if "order" not in c:
            continue
        order, budget = c["order"], c["budgets"]
        lines.append(f"  {name:36s} {order['both']:17.3f} {order['seconds']:8.3f} "
                     f"{order['quality']:8.3f}  {budget['kept']:10.3f} "
                     f"{budget['quality lost']:6.3f} {budget['near the best']:13.3f}")  # fmt: skip
    if "real" in found:
        lines.append(f"real scans ({found['real']['scans']} subsets), as they are")
        lines += _rows(found["real"]["contenders"])
    lines.append("reward by goals")
    for goals, row in found["by goals"].items():
        shown = ", ".join(f"{n} {v:.3f}" for n, v in row.items() if n != "scans")
        lines.append(f"  {goals} ({row['scans']}): {shown}")
    lines.append(f"what wins: {found['winners']}")
    lines.append(f"weight of the rules beside the network, by validation: {found[RULED]}")
    lines += [f"passed over: {n} ({why})" for n, why in found["passed over"].items()]
    return "\n".join(lines)


def _rows(rows: dict[str, Any]) -> list[str]:
    lines = [f"{'':38s} {'reward':>23s} {'no planning':>11s} {'quality':>7s} {'seconds':>7s} "
             f"{'planning s':>10s} {'remaining gap':>24s} {'worse':>6s}"]  # fmt: skip
    for name, c in rows.items():
        r, g = c["reward"], c["remaining gap"]
        lines.append(
            f"  {name:36s} {r['value']:7.3f} [{r['low']:6.3f}, {r['high']:6.3f}] "
            f"{c['reward without planning']:11.3f} {c['quality']:7.3f} {c['seconds']:7.3f} "
            f"{c['planning seconds']:10.3f} {g['value']:7.2f} [{g['low']:6.2f}, {g['high']:6.2f}] "
            f"{c['worse than single best']:6.2f}"
        )
    return lines
