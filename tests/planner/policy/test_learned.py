"""That the exported policy is the one that was trained, and runs without what trained it."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from metadata.errors import InputError, WorkError
from planner.grammar import recipes
from planner.policy.actions import Actions, Resource
from planner.policy.building import Grammar, build
from planner.policy.learned import WEIGHTS, Committee, Policy, trained
from planner.policy.lessons import lesson
from planner.policy.observation import ACTION, width
from planner.policy.resources import Resources
from planner.task import Goal, Intent, Task
from planner.training import train, trainable
from tests.planner.policy.trees import ACTIONS, branches
from tests.planner.situations import situation
from toolbox.recipe import wire
from toolbox.registry import known_tools


def config() -> dict[str, Any]:
    shipped = files("configs").joinpath("training", "policy.yaml").read_text(encoding="utf-8")
    small = {"members": 1, "hidden": 16, "epochs": 30, "scans": 2, "steps": 0, "rate": 0.02}
    return yaml.safe_load(shipped) | small


def network(actions: Actions = ACTIONS, seed: int = 0) -> Any:
    import torch

    from planner.policy.network import scorer

    torch.manual_seed(seed)
    numbers = width(actions)
    made = scorer(actions, 16, np.zeros(numbers), np.ones(numbers), np.ones(ACTION)).eval()
    with torch.no_grad():
        made.setting.weight.normal_()
        made.straight.weight.normal_(std=0.1)
    return made


def test_numpy_scores_as_torch_does(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from planner.policy.network import exported

    found = lesson(branches(monkeypatch), Resources(2, 8, 1.0))
    made = network()
    names = ("states", "pending", "state", "action", "features")
    with torch.no_grad():
        expected = made(*(torch.from_numpy(getattr(found, n)) for n in names)).numpy()
    scores = Policy(exported(made), ACTIONS).of(found)
    assert scores == pytest.approx(expected, rel=0.02, abs=0.02)  # weights are stored as float16


def test_what_ppo_trains_scores_as_the_run_time_does(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sb3_contrib")
    import torch

    from planner.policy.environment import BranchEnvironment
    from planner.policy.network import exported

    made = network()
    committee = Committee([Policy(exported(made), ACTIONS)])
    world = BranchEnvironment([branches(monkeypatch)], 0)
    seen, _ = world.reset(seed=1)
    over = False
    while not over:
        assert world.observation_space.contains(seen)
        mask = world.action_masks()
        with torch.no_grad():
            scores = made.forward_actor(torch.from_numpy(seen)[None])[0].numpy()
        offered = np.flatnonzero(mask)
        here, state = world.here, world.state
        waits = None if state.pending is None else ACTIONS.tool(state.pending)
        each = np.array([here.features(state, int(a), world.resources) for a in offered])
        numbers = seen[: width(ACTIONS)]
        place = committee.choose(numbers, -1 if waits is None else waits, offered.tolist(), each)
        ordered = np.sort(scores[offered])
        if len(offered) == 1 or ordered[-1] - ordered[-2] > 0.05:
            assert offered[place] == offered[int(np.argmax(scores[offered]))]
        seen, reward, over, cut, told = world.step(int(offered[place]))
        assert not cut
    assert reward + world.mean == pytest.approx(told["reward"])
    assert told["reward"] == pytest.approx(world.worth.rewards[told["resource"]][told["node"]])


def test_cloning_finds_the_best_pipeline_of_a_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    from planner.policy.network import exported
    from planner.policy.training import School, _begun

    here = branches(monkeypatch)
    plain = lesson(here, Resources())
    school = School(ACTIONS, (here,), (plain, plain), (plain,))
    policy = Policy(exported(_begun(school, config(), 0)), ACTIONS)
    assert school.worth(policy) == pytest.approx(plain.best)


@pytest.mark.slow
def test_ppo_goes_on_from_what_was_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sb3_contrib")
    from planner.policy.training import School, _go_on

    here = branches(monkeypatch)
    school = School(ACTIONS, (here,), (), (lesson(here, Resources()),))
    made = network()
    seen: list[int] = []
    how = config() | {"environments": 1, "rollout": 64, "batch": 32, "steps": 128,
                      "validate_every": 64}  # fmt: skip
    before = made.first.weight.detach().numpy().copy()
    _go_on(school, how, 0, made, seen.append)
    assert seen[-1] == 128
    assert (made.first.weight.detach().numpy() != before).any()


def test_the_run_time_loads_neither_what_trained_it_nor_pickle() -> None:
    if not WEIGHTS.exists():
        pytest.skip("no policy has been trained")
    code = (
        "import sys\n"
        "from planner.policy.building import build\n"
        "from planner.policy.learned import trained\n"
        "before = set(sys.modules)\n"
        "trained()\n"
        "print(*[m for m in ('torch', 'stable_baselines3', 'sb3_contrib', 'gymnasium') "
        "if m in sys.modules], *[m for m in set(sys.modules) - before if 'pickle' in m])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
    assert WEIGHTS.suffix == ".safetensors"


def test_the_grammar_offers_what_its_recipes_hold() -> None:
    here = situation(jitter=2.0)
    grammar = Grammar(here)
    for number, recipe in zip(range(300), recipes(here), strict=False):
        for at, step in enumerate(recipe):
            offered, _ = grammar.after(recipe[:at])
            assert step in offered, (number, recipe)
        assert grammar.after(recipe)[1]


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_built_is_valid(seed: int) -> None:
    from planner.policy.network import exported

    actions = Actions(tuple(sorted(known_tools())))
    committee = Committee([Policy(exported(network(actions, seed)), actions)])
    for goal in (Goal.RECONSTRUCT, Goal.SEGMENT, Goal.DENOISE):
        here = situation(Task(Intent.PLAN, (goal,)))
        found = build(here, Resources(2, 8, 1.0), committee)
        assert found is not None
        assert wire(found.recipe, 1).validate([here.info.state]) == []
        assert found.resource in (Resource.FREE_CORES, Resource.ALL_CORES)


def test_weights_of_another_kind_are_refused() -> None:
    with pytest.raises(WorkError, match="Train it again"):
        Policy({"first.weight": np.zeros((1, 1), np.float32)}, ACTIONS)


def test_training_is_one_command_and_says_what_it_takes(tmp_path: Path) -> None:
    assert "policy" in trainable()
    unusable = tmp_path / "c.yaml"
    unusable.write_text("seed: 1\n")
    with pytest.raises(InputError, match="should set exactly batch, clip"):
        train("policy", config=unusable)


def test_the_shipped_policy_knows_its_tools() -> None:
    if not WEIGHTS.exists():
        pytest.skip("no policy has been trained")
    policy = trained()
    assert {"fbp", "flat_field"} <= set(policy.actions.tools) <= set(known_tools())
