"""Seconds of a plan for a large scan: after its inspection, and from the start of a process."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from planner.benchmarks.inspection import make_large_scan

TEXT = "Reconstruct and segment the pores of this noisy scan, remove the rings, balanced."
REPEATS = 3


def latency() -> dict[str, Any]:
    """For 2048 × 2048 × 1800: median seconds of ``propose_plans`` on an inspected scan by the rules
    and by the graph network, in a process that has planned before; of loading the network's
    weights; of ``tomoplan plan`` from the start of the process to its end (wall clock, second
    run)."""
    from metadata import open_scan
    from planner.cost import machine_costs
    from planner.graph_network.inference import WEIGHTS, trained
    from planner.graph_network.scorer import GraphScorer
    from planner.inspection import inspect_scan
    from planner.language import understand
    from planner.scoring import RuleScorer
    from planner.service import propose_plans
    from planner.situation import assess

    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="tomoplan-") as folder:
        path = Path(folder) / "large.h5"
        make_large_scan(path)
        task = understand(TEXT).task
        costs = machine_costs()
        with open_scan(path) as scan:
            inspection = inspect_scan(scan)
        makers = {"rules": RuleScorer}
        if WEIGHTS.exists():
            began = time.perf_counter()
            trained()
            found["load"] = time.perf_counter() - began
            makers["graph network"] = GraphScorer  # type: ignore[assignment]
        for name, make in makers.items():
            spent = []
            for _ in range(REPEATS + 1):
                situation = assess(task, [inspection])
                began = time.perf_counter()
                propose_plans(situation, make(), costs)
                spent.append(time.perf_counter() - began)
            found[f"plan, {name}"] = statistics.median(spent[1:])
        command = [sys.executable, "-m", "planner.app.command_line", "plan", TEXT, str(path)]
        for _ in range(2):
            began = time.perf_counter()
            done = subprocess.run(command, capture_output=True, text=True)
            found["process"] = time.perf_counter() - began
            if done.returncode:
                found["process"] = f"failed: {done.stderr.strip()[-200:]}"
    return found


if __name__ == "__main__":
    print(latency())
