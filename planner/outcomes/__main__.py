"""Outcome tables from the command line: ``python -m planner.outcomes --help``."""

from __future__ import annotations

import argparse
import functools
import os
from pathlib import Path

from planner.outcomes.settings import REAL, SIMULATED, settings


def main() -> None:
    """Run what the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m planner.outcomes", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    made = commands.add_parser("simulated", help="run pipelines on simulated scans")
    made.add_argument("--scans", type=int, required=True, help="how many scans")
    made.add_argument("--first", type=int, default=0, help="number of the first")
    made.add_argument("--pipelines", type=int, help="pipelines of a scan, at least")
    made.add_argument("--seconds", type=float, help="predicted seconds of a scan")
    made.add_argument("--workers", type=int, default=1, help="processes")
    made.add_argument("--scheduler", help="address of a Dask cluster instead")
    made.add_argument("--gather", action="store_true", help="only join the finished scans")
    made.add_argument("--output", type=Path, default=SIMULATED)
    real = commands.add_parser("real", help="run pipelines on real scans (TOMOPLAN_DATA)")
    real.add_argument("--subsets", type=int, help="the first so many only")
    real.add_argument("--workers", type=int, default=1, help="processes")
    real.add_argument("--output", type=Path, default=REAL)
    told = commands.add_parser("report", help="the oracle's gap of a table")
    told.add_argument("table", type=Path, nargs="?", default=SIMULATED)
    given = parser.parse_args()
    os.environ["TOMOPLAN_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
    if given.command == "simulated":
        _simulated(given)
    elif given.command == "real":
        from planner.outcomes.real import measure, page
        from simulators.outcomes import Outcomes

        measured = measure(given.output, given.subsets, given.workers)
        print(page(measured, Outcomes.load(SIMULATED) if SIMULATED.exists() else None))
    else:
        from planner.outcomes.report import gap, table
        from simulators.outcomes import Outcomes

        print(table(gap(Outcomes.load(given.table))))


def _simulated(given: argparse.Namespace) -> None:
    from planner.outcomes.jobs import job
    from simulators.outcomes import generate
    from simulators.outcomes.generation import gather
    from toolbox.execution.record import hardware

    make = functools.partial(job, pipelines=given.pipelines, seconds=given.seconds)
    about = {"settings": settings(), "hardware": hardware() | {"host": ""}}
    if given.gather:
        gather(given.output, about, range(given.first, given.scans))
        return
    generate(make, given.scans, given.output, workers=given.workers, scheduler=given.scheduler,
             about=about, first=given.first)  # fmt: skip


if __name__ == "__main__":
    main()
