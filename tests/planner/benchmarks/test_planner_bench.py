"""``tomoplan bench planner`` on a few scans of the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from planner.benchmarks.planner.contender import Choice, Contender, worth
from planner.benchmarks.planner.fixed import Oracle, RandomValid, SingleBest
from planner.benchmarks.planner.report import compared, judged, run, table
from planner.benchmarks.planner.rules import Rules
from planner.benchmarks.planner.tpe import Tpe
from planner.outcomes.reward import rewards, task_of
from planner.outcomes.settings import SIMULATED
from planner.task import Intent, Priority, Task
from simulators.outcomes import Outcomes, ScanOutcomes

pytestmark = pytest.mark.skipif(not SIMULATED.exists(), reason="no outcome table here")


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    whole = Outcomes.load(SIMULATED)
    scans = [*whole.split("train")[:8], *whole.split("test")[:3]]
    path = tmp_path_factory.mktemp("outcomes") / "few.h5"
    Outcomes(tuple(scans), whole.steps, whole.versions, whole.about).save(path)
    return path


@pytest.fixture(scope="module")
def scan(few: Path) -> ScanOutcomes:
    return Outcomes.load(few).split("test")[0]


class Slow:
    """The oracle, but it thinks for long."""

    name, seeded = "slow oracle", False

    def learn(self, train: Sequence[ScanOutcomes], seed: int) -> None:
        """Nothing."""

    def choose(self, scan: ScanOutcomes, task: Task, seed: int) -> Choice:
        return replace(Oracle().choose(scan, task, seed), seconds=1e3)


def test_planning_counts_as_cost(scan: ScanOutcomes) -> None:
    task = replace(task_of(scan), priority=Priority.SPEED)
    quick, slow = (judged(c, scan, task, 0) for c in (Oracle(), Slow()))
    assert quick.reward == pytest.approx(float(rewards(scan, task).max()))
    assert slow.bare == pytest.approx(quick.bare)
    assert slow.reward < quick.reward - 0.1


def test_a_worth_is_the_reward_where_predictions_are_true(scan: ScanOutcomes) -> None:
    seconds, quality = scan.total_seconds[scan.complete], scan.main_quality[scan.complete]
    for priority in Priority:
        task = Task(Intent.PLAN, priority=priority, max_seconds=float(np.median(seconds)))
        np.testing.assert_allclose(worth(quality, seconds, task), rewards(scan, task), atol=1e-9)


def test_the_gap_is_none_for_the_oracle_and_whole_for_the_single_best(few: Path) -> None:
    outcomes = Outcomes.load(few)
    test = outcomes.split("test")
    chosen = {}
    for contender in (Oracle(), SingleBest(), RandomValid()):
        contender.learn(outcomes.split("train"), 0)
        chosen[contender.name] = [[judged(contender, s, task_of(s), seed) for s in test]
                                  for seed in (0, 1)]  # fmt: skip
    found = compared(chosen)
    assert found["oracle"]["remaining gap"]["value"] == 0
    assert found["single best"]["remaining gap"]["value"] == pytest.approx(1)
    assert found["single best"]["worse than single best"] == 0
    value = found["random valid"]["reward"]
    assert value["low"] <= value["value"] <= value["high"]


def test_tpe_finds_better_than_chance_with_its_executions(scan: ScanOutcomes) -> None:
    pytest.importorskip("optuna")
    task = task_of(scan)
    measured = rewards(scan, task)
    found = [Tpe().choose(scan, task, seed) for seed in (0, 1)]
    assert np.mean([measured[c.pipeline] for c in found]) > measured.mean()
    assert all(c.seconds > 10 * scan.total_seconds[scan.complete].min() for c in found)
    assert found[0].pipeline == Tpe().choose(scan, task, 0).pipeline


def test_all_is_measured_told_and_drawn(few: Path, tmp_path: Path) -> None:
    contenders: list[Contender] = [Oracle(), SingleBest(), RandomValid(), Rules()]
    found = run(tmp_path, few, tmp_path / "no real table", given=contenders)
    told = table(found)
    for contender in contenders:
        assert contender.name in told
    assert (tmp_path / "planner.png").stat().st_size > 5000
    rules = found["contenders"]["transparent scorer"]
    assert 0 <= rules["order"]["both"] <= rules["order"]["seconds"] <= 1
    oracle = found["contenders"]["oracle"]
    assert oracle["order"]["both"] == 1
    assert oracle["budgets"]["kept"] == 1
    assert oracle["budgets"]["quality lost"] >= 0
