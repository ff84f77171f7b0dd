"""Optuna's TPE with some real executions: search without a model of other scans."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from planner.benchmarks.planner.contender import Choice, leads_to_end, settings
from planner.outcomes.reward import rewards
from planner.task import Task
from simulators.outcomes import ScanOutcomes

END = "end"


class Tpe:
    """The tree-structured Parzen estimator (Bergstra et al. 2011) over the steps of a scan's tree:
    each trial is a pipeline that was run, and it is told its measured reward, which nobody knows
    of a real scan. The executions count as planning, at the size of the table."""

    name, seeded = "TPE, 20 executions", True

    def learn(self, train: Sequence[ScanOutcomes], seed: int) -> None:
        """Nothing to learn: it knows this scan alone."""

    def choose(self, scan: ScanOutcomes, task: Task, seed: int) -> Choice:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        began = time.process_time()
        place = {int(n): at for at, n in enumerate(scan.complete)}
        measured, seconds = rewards(scan, task), scan.total_seconds[scan.complete]
        below = leads_to_end(scan)
        study = optuna.create_study(
            direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=6)
        )
        tried: dict[int, float] = {}
        while len(tried) < settings()["tpe_executions"]:
            trial = study.ask()
            at = place[_walked(scan, trial, below)]
            before = len(tried)
            tried[at] = float(measured[at])
            study.tell(trial, tried[at])
            if len(tried) == before and len(study.trials) > 10 * settings()["tpe_executions"]:
                break  # it proposes what it knows
        best = max(tried, key=tried.__getitem__)
        spent = float(seconds[list(tried)].sum())
        return Choice(best, time.process_time() - began + spent)


def _walked(scan: ScanOutcomes, trial: object, below: np.ndarray) -> int:
    """The complete pipeline that a trial's suggestions lead to."""
    node, way = -1, ""
    ends = set(map(int, scan.complete))
    while True:
        options = {_name(scan, int(c)): int(c) for c in scan.children(node) if below[c]}
        names = [*options, END] if node in ends else list(options)
        if not names:
            return node
        # Of a step's options only those that were run after the same beginning
        name = names[0] if len(names) == 1 else trial.suggest_categorical(way, names)  # type: ignore[attr-defined]
        if name == END:
            return node
        node, way = options[name], f"{way}/{name}"


def _name(scan: ScanOutcomes, node: int) -> str:
    return str(scan.step[node])
