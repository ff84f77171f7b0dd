"""What runs next, and where: schedulers for the queue of a cluster.

from planner.scheduling import SCHEDULERS
from simulators.clusters import simulate
simulate(jobs, truths, machines, SCHEDULERS["shortest"]())
"""

from __future__ import annotations

from collections.abc import Callable

from planner.scheduling.first_come import FirstCome
from planner.scheduling.heft import Heft
from planner.scheduling.learned import Learned
from planner.scheduling.shortest import Shortest
from simulators.clusters.scheduler import Scheduler

SCHEDULERS: dict[str, Callable[[], Scheduler]] = {
    "first-come": FirstCome,
    "first-come, filling gaps": lambda: FirstCome(fills_gaps=True),
    "shortest": Shortest,
    "shortest, looking ahead": lambda: Shortest(looks_ahead=True),
    "heft": Heft,
    "learned": Learned,
}
DEFAULT = "shortest, looking ahead"  # the best of them by `tomoplan bench scheduling`

__all__ = ["DEFAULT", "SCHEDULERS", "FirstCome", "Heft", "Learned", "Shortest"]
