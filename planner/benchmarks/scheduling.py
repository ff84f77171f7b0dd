"""The schedulers beside each other on simulated queues: ``tomoplan bench scheduling``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.scheduling import SCHEDULERS
from planner.scheduling.jobs import cluster, queue, settings
from planner.scheduling.learned import untrained
from simulators.clusters import Outcome, simulate

BASELINE = "shortest"
AHEAD = "shortest, looking ahead"
CONTENDERS = {**SCHEDULERS, "learned, before training": untrained}


def run(
    clusters: Sequence[str] | None = None,
    loads: Sequence[float] | None = None,
    seeds: Sequence[int] | None = None,
) -> dict[str, Any]:
    """Mean completion time and broken deadlines of each scheduler, by cluster and load.

    All schedulers get the same queues (``configs/scheduling.yaml``: ``bench``). Each number has the
    95 % interval of its mean over the seeds (bootstrap); ``ratio`` is the mean completion time over
    that of shortest-predicted-first and ``fewer_broken`` its share of broken deadlines less the
    own, both paired by seed.
    """
    about = settings()["bench"]
    seeds = list(seeds or about["seeds"])
    rng = np.random.default_rng(0)
    rows: list[dict[str, Any]] = []
    for name in clusters or settings()["clusters"]:
        for load in loads or about["loads"]:
            queues = [queue(name, load, seed, about["pool"]) for seed in seeds]
            found = {
                label: [simulate(*one, cluster(name), make()) for one in queues]
                for label, make in CONTENDERS.items()
            }
            rows += [_row(name, load, label, found, rng, about["bootstrap"]) for label in found]
    return {"seeds": seeds, "pool": about["pool"], "rows": rows, "overall": _overall(rows)}


def _row(
    name: str,
    load: float,
    label: str,
    found: dict[str, list[Outcome]],
    rng: np.random.Generator,
    draws: int,
) -> dict[str, Any]:
    own, base = found[label], found[BASELINE]
    mean = np.array([o.mean_completion for o in own])
    broken = np.array([o.broken_share for o in own])
    before = np.array([o.mean_completion for o in base])
    fewer = np.array([o.broken_share for o in base]) - broken
    ahead = np.array([o.mean_completion for o in found[AHEAD]])
    return {
        "cluster": name,
        "load": load,
        "scheduler": label,
        "completion_s": _interval(mean, rng, draws),
        "broken": _interval(broken, rng, draws),
        "ratio": _interval(np.stack([mean, before]), rng, draws, _ratio),
        "fewer_broken": _interval(fewer, rng, draws),
        "ratio_to_looking_ahead": _interval(np.stack([mean, ahead]), rng, draws, _ratio),
        "busy": round(float(np.mean([o.busy for o in own])), 3),
    }


def _interval(
    values: NDArray[np.float64],
    rng: np.random.Generator,
    draws: int,
    measure: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None,
) -> dict[str, float]:
    """A mean over the last axis (or what ``measure`` makes of it) with its 95 % interval."""
    measure = measure or (lambda v: v.mean(-1))
    picks = rng.integers(values.shape[-1], size=(draws, values.shape[-1]))
    low, high = np.quantile(measure(values[..., picks]), [0.025, 0.975])
    return {"value": float(measure(values)), "low": float(low), "high": float(high)}


def _ratio(pair: NDArray[np.float64]) -> NDArray[np.float64]:
    return pair[0].mean(-1) / pair[1].mean(-1)


def _overall(rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Over all clusters and loads: the geometric mean of the ratios, and the mean of broken
    deadlines."""
    found = {}
    for label in CONTENDERS:
        own = [r for r in rows if r["scheduler"] == label]
        ratios = np.array([r["ratio"]["value"] for r in own])
        found[label] = {
            "ratio": float(np.exp(np.log(ratios).mean())),
            "broken": float(np.mean([r["broken"]["value"] for r in own])),
        }
    return found


def table(result: dict[str, Any]) -> str:
    """The result as lines of text."""
    lines = [f"{len(result['seeds'])} queues each; 95 % intervals; ratio to {BASELINE}"]
    last = None
    for row in result["rows"]:
        if (row["cluster"], row["load"]) != last:
            last = (row["cluster"], row["load"])
            lines.append(f"{row['cluster']}, load {row['load']}")
        time, ratio, broken = row["completion_s"], row["ratio"], row["broken"]
        lines.append(
            f"  {row['scheduler']:26s} mean completion {time['value']:7.0f} s "
            f"({time['low']:.0f} to {time['high']:.0f}), ratio {ratio['value']:.2f} "
            f"({ratio['low']:.2f} to {ratio['high']:.2f}), broken deadlines "
            f"{100 * broken['value']:4.1f} % ({100 * broken['low']:.1f} to "
            f"{100 * broken['high']:.1f}), slots busy {100 * row['busy']:.0f} %"
        )
    lines.append("overall")
    for label, found in result["overall"].items():
        lines.append(f"  {label:26s} ratio {found['ratio']:.3f}, broken deadlines "
                     f"{100 * found['broken']:.1f} %")  # fmt: skip
    return "\n".join(lines)
