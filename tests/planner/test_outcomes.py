"""The planner's side of the outcome tables: what is drawn, run, paid and reported."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pytest

from planner.inspection import inspect_scan
from planner.outcomes.candidates import candidates
from planner.outcomes.core import core
from planner.outcomes.draw import Drawn, drawn
from planner.outcomes.jobs import document, job
from planner.outcomes.remembered import remembered
from planner.outcomes.report import Mean, gap, table
from planner.outcomes.reward import reward, rewards
from planner.outcomes.rows import TRAITS, best_below, rows, tasks
from planner.outcomes.settings import settings, wordings
from planner.outcomes.wide_slots import wide_slots
from planner.search import price
from planner.situation import Situation, assess
from planner.task import Goal, Intent, Priority, Task
from simulators import World, simulate
from simulators.outcomes import Outcomes, ScanOutcomes
from toolbox.kinds import Stage
from toolbox.recipe import Step, wire
from toolbox.registry import known_tools

DRAWN = [drawn(n) for n in range(240)]
WORLD = World("foam", columns=64, rows=1, projections=60, photons=3e3, rings=0.6, jitter_px=1.0)


@functools.cache
def situation(*goals: Goal) -> Situation:
    scan = simulate(WORLD)
    task = Task(Intent.PLAN, goals, text="slices please", max_seconds=2.0)
    return assess(task, [inspect_scan(scan, 60)])


def test_what_is_drawn_depends_on_the_number_alone() -> None:
    assert drawn(17) == drawn(17)
    assert drawn(17).world != drawn(18).world


def test_families_of_the_test_are_in_no_training() -> None:
    def families(part: list[Drawn]) -> set[str]:
        return {d.world.specimen for d in part}

    held_out = [d for d in DRAWN if d.split == "test"]
    others = [d for d in DRAWN if d.split != "test"]
    assert families(held_out) <= set(settings()["families"]["test"])
    assert families(others) == set(settings()["families"]["train"])
    assert len(held_out) == 60


def test_some_faults_meet_in_the_test_only() -> None:
    pairs = [set(p) for p in settings()["held_out_faults"]]

    def share(part: list[Drawn]) -> float:
        return float(np.mean([any(p <= set(d.faults) for p in pairs) for d in part]))

    assert share([d for d in DRAWN if d.split != "test"]) == 0
    assert share([d for d in DRAWN if d.split == "test"]) > 0.3


def test_no_wording_of_the_test_is_trained_on() -> None:
    how = wordings()
    for lang in ("en", "zh"):
        assert not set(how["train"][lang]) & set(how["test"][lang])
        trained = {v[lang] for v in how["conditions"]["train"].values()}
        assert not trained & {v[lang] for v in how["conditions"]["test"].values()}
    assert len({d.task.text for d in DRAWN}) > 230


def test_requests_say_what_they_hold() -> None:
    for d in DRAWN:
        assert d.task.text
        assert "{" not in d.task.text
        if d.task.max_seconds:
            assert f"{d.task.max_seconds:g}" in d.task.text


def test_slots_hold_the_levels_and_tools_of_the_settings() -> None:
    found = {s.name: s.steps for s in wide_slots(situation(Goal.ALIGN, Goal.RECONSTRUCT))}
    assert (Step("fbp", {"filter": "hann"}),) in found["reconstruct"]
    assert (Step("center_registration"),) in found["center"]
    assert (Step("align_reprojection", {"rounds": 5}), Step("apply_shifts")) in found["align"]


def test_every_level_of_the_settings_is_a_valid_setting() -> None:
    from toolbox.registry import make_tool

    for name, levels in settings()["levels"].items():
        for level in levels:
            if not any(p.default is p.empty for p in _parameters(name)):
                make_tool(name, level)


def _parameters(name: str) -> list:
    import inspect

    return list(inspect.signature(known_tools()[name]).parameters.values())


@pytest.mark.parametrize("goals", [(Goal.RECONSTRUCT,), (Goal.SEGMENT, Goal.QUANTIFY)])
def test_trees_hold_many_valid_pipelines_of_many_tools(goals: tuple[Goal, ...]) -> None:
    seen = situation(*goals)
    found = candidates(seen, np.random.default_rng(0), 200, 8.0)
    assert len(found) == len(set(found)) >= 200
    assert set(core(seen)) <= set(found)
    assert all(not wire(r).validate() for r in found[::20])
    tools = {s.tool for r in found for s in r}
    for stage, least in ((Stage.DESTRIPE, 8), (Stage.RECONSTRUCT, 5), (Stage.DENOISE, 5)):
        assert sum(known_tools()[t].card.stage is stage for t in tools) >= least


def test_a_reward_weighs_time_by_priority_and_punishes_a_broken_budget() -> None:
    tasks = [Task(Intent.PLAN, priority=p) for p in Priority]
    values = [reward(0.8, 1.0, 0.1, t) for t in tasks]
    assert values == pytest.approx([0.8 - price(p) for p in Priority])
    limited = Task(Intent.PLAN, max_seconds=0.5, max_memory_gib=1.0)
    kept = reward(0.8, 0.4, 0.4, limited)
    assert reward(0.8, 0.6, 0.6, limited) == pytest.approx(kept - 0.3 * 1.2)
    assert reward(0.8, 0.4, 0.4, limited, 2.0**31) == pytest.approx(kept - 0.6)


@pytest.fixture(scope="module")
def outcomes() -> Outcomes:
    """A table of four scans with made-up numbers: the second pipeline is best in two of them."""
    seen = situation(Goal.RECONSTRUCT)
    recipes = core(seen)[:3]
    scans, steps = [], list(dict.fromkeys(s for r in recipes for s in r))
    draw = Drawn(0, "train", seen.task, WORLD, ())
    for number, split in enumerate(("train", "train", "train", "test")):
        parents, numbers, quality = [], [], []
        for at, recipe in enumerate(recipes):
            for depth, step in enumerate(recipe):
                parents.append(len(parents) - 1 if depth else -1)
                numbers.append(steps.index(step))
                last = depth == len(recipe) - 1
                quality.append(0.5 + 0.1 * (at == number % 3) + 0.2 * (at == 1) if last else np.nan)
        many = len(parents)
        kept = document(draw, seen) | {"split": split}
        scans.append(ScanOutcomes(
            f"{split}-{number}", kept, tuple(steps), np.array(parents, np.int32),
            np.array(numbers, np.int32), np.full(many, 0.1, np.float32),
            np.full(many, np.nan, np.float32), np.full(many, 1e6, np.float32),
            np.zeros(many, bool), {"reconstruct": np.array(quality, np.float32)},
        ))  # fmt: skip
    return Outcomes(tuple(scans), tuple(steps), {}, {})


def test_the_report_finds_the_single_best_and_the_gap(outcomes: Outcomes) -> None:
    found = gap(outcomes)
    assert found["train"]["scans"] == 3
    test = found["test"]["reward"]
    assert test["oracle"].value >= test["single best"].value >= test["random"].value
    expected = rewards(outcomes.split("test")[0]).max()
    assert test["oracle"].value == pytest.approx(expected)
    assert "oracle − single best" in table(found)


def test_a_situation_is_remembered_as_it_was(outcomes: Outcomes) -> None:
    was, now = situation(Goal.RECONSTRUCT), remembered(outcomes[0])
    assert now.task == was.task
    assert now.conditions == was.conditions
    assert now.traits.noise == was.traits.noise
    assert now.info.projections == was.info.projections
    assert [s.name for s in wide_slots(now)] == [s.name for s in wide_slots(was)]


def test_rows_hold_the_way_and_the_reward_of_each_pipeline(outcomes: Outcomes) -> None:
    found, known = rows(outcomes.scans), tasks(outcomes.scans)
    assert len(found.scan) == 12
    first = [outcomes.steps[i] for i in found.steps[0] if i >= 0]
    assert tuple(first) == outcomes[0].recipe(int(found.node[0]))
    assert found.seconds[0] == pytest.approx(0.1 * len(first))
    assert known.traits.shape == (4, len(TRAITS), 3)
    assert known.sizes[0].tolist() == [60, 1, 64]
    assert known.max_seconds[0] == 2
    scan = outcomes[0]
    reach = best_below(scan, rewards(scan))
    assert max(reach[scan.children(-1)]) == pytest.approx(rewards(scan).max())
    assert (reach[scan.complete] >= rewards(scan) - 1e-9).all()


def test_levels_number_the_settings_of_a_tool(tmp_path: Path) -> None:
    steps = (Step("fbp", {"filter": "hann"}), Step("fbp"), Step("cgls"))
    assert Outcomes((), steps, {}, {}).levels == (("fbp", 1), ("fbp", 0), ("cgls", 0))


def test_a_mean_has_an_interval_about_it() -> None:
    mean = Mean.of([0.0, 1.0] * 50)
    assert mean.low < 0.5 < mean.high
    assert mean.value == 0.5
    assert 0.1 < mean.high - mean.low < 0.3


@pytest.mark.slow
def test_jobs_of_several_scans_have_pipelines() -> None:
    wanted = {Goal.DECOMPOSE, Goal.REGISTER, Goal.DEFORM}
    for goal in wanted:
        number = next(n for n in range(900) if goal in drawn(n).task.goals)
        made = job(number, pipelines=3, seconds=0.1)
        assert len(made.scans) > 1
        assert len(made.recipes) >= 3
