"""Random histories, as the early warning is judged on them."""

from __future__ import annotations

from typing import Any

import numpy as np

from simulators.histories.metrics import METRICS, causes_of, moved_by
from simulators.histories.random_access import stream
from simulators.histories.settings import History

SHAPES = ("linear", "wear", "settling", "jumps", "step_creep")
LONGEST_DAYS, SHORTEST_DAYS = 32.0, 3.0
EARLIEST_ONSET = 15.0
#: Readings of one sensor that a limit is set on; what only jumps has no ramp to be told from.
TARGETS = tuple(n for n, m in METRICS.items() if m.limited and not m.activity)


def draw_history(seed: int, *, decoys: int = 0, healthy: bool = False, **fixed: Any) -> History:
    """Settings of a random history of 60 days with a value each 15 minutes.

    Wander of 0.3 to 1 noise deviations with 1 to 5 days' memory; harmless steps of 10 to 25 % of
    the way; limits 7 to 14 deviations beyond the regular swing; a drift of any shape but
    ageing, whose life is log-uniform from 3 to 32 days and ends within the record. ``healthy``:
    nothing drifts. With ``decoys`` the drift has a cause among other metrics, and so many more are
    recorded that share the refills or the daily swing with the one that drifts and have no
    part in it. ``fixed`` settings are taken as given.

    >>> draw_history(5) == draw_history(5)
    True
    >>> drawn = draw_history(5, decoys=3)
    >>> len(drawn.metrics), drawn.cause in drawn.metrics
    (5, True)
    """
    rng = stream(seed, "draw")
    days = float(fixed.get("days", 60.0))
    longest = min(LONGEST_DAYS, max(0.9 * (days - EARLIEST_ONSET), 0.3 * days))
    life = float(np.exp(rng.uniform(np.log(min(SHORTEST_DAYS, longest)), np.log(longest))))
    # Room for a shutdown between the end of the life and that of the record.
    latest = max(0.93 * days - life, 0.1)
    onset = float(rng.uniform(min(EARLIEST_ONSET, 0.9 * latest), latest))
    metric, cause = str(rng.choice(TARGETS)), ""
    metrics: tuple[str, ...] = (metric,)
    if decoys:
        metric, cause, metrics = _with_decoys(rng, decoys)
    drawn: dict[str, Any] = {
        "metrics": metrics,
        "metric": metric,
        "cause": cause,
        "shape": "none" if healthy else str(rng.choice(SHAPES)),
        "power": float(rng.uniform(1.2, 1.5)),
        "direction": int(rng.choice([-1, 1])),
        "onset_day": onset,
        "life_days": life,
        "limit_sigma": float(rng.uniform(7, 14)),
        "wander_sigma": float(rng.uniform(0.3, 1.0)),
        "wander_days": float(rng.uniform(1, 5)),
        "step_share": float(rng.uniform(0.15, 0.25)),
        "maintenance_every_days": float(rng.uniform(7, 21)),
        "shutdowns_per_year": float(rng.choice([0.0, 4.0])),
        "shutdown_days": float(rng.uniform(1, 2.5)),
        "seed": seed,
    }
    return History(**(drawn | fixed))


def _with_decoys(rng: np.random.Generator, decoys: int) -> tuple[str, str, tuple[str, ...]]:
    """A metric, its cause, and all that is recorded: decoys neither cause nor follow it."""
    pairs = [(m, c) for m in METRICS if METRICS[m].limited and not METRICS[m].activity
             for c in causes_of(m) if METRICS[c].limited]  # fmt: skip
    metric, cause = pairs[int(rng.integers(len(pairs)))]
    kin = {metric, cause, *causes_of(cause), *moved_by(cause), *causes_of(metric)}
    shared = [n for n in METRICS if n not in kin and _shares(n)]
    chosen = rng.choice(shared, min(decoys, len(shared)), replace=False)
    names = {metric, cause, *map(str, chosen)}
    return metric, cause, tuple(n for n in METRICS if n in names)


def _shares(name: str) -> bool:
    """Whether a metric follows the refills or the day, itself or through what moves it."""
    own = METRICS[name]
    swings = own.swing or own.refill or own.light or name == "ring_current"
    return bool(swings) or any(METRICS[c].swing for c in causes_of(name))
