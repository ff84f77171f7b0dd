"""The environment's rewards, and that the exported policy is the one that was trained."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from metadata.errors import InputError
from planner.scheduling.candidates import MOST
from planner.scheduling.jobs import cluster, queue
from planner.scheduling.learned import Learned
from planner.training import train, trainable
from simulators.clusters import simulate


def config() -> dict[str, Any]:
    shipped = files("configs").joinpath("training", "scheduling.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(shipped) | {"environments": 1, "rollout": 64, "batch": 64}


def test_rewards_add_up_to_the_cost_of_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gymnasium")
    from planner.scheduling import environment

    jobs, truths = queue("one-node", 0.6, 4, 1, 25)
    monkeypatch.setattr(environment, "queue", lambda *_: (jobs, truths))
    world = environment.QueueEnvironment(["one-node"], (0.6, 0.6), 1, 25, 300.0, 2.0, 0)
    seen, _ = world.reset(seed=1)
    total, over = 0.0, False
    while not over:
        allowed = world.action_masks()
        assert world.observation_space.contains(seen)
        action = int(np.flatnonzero(allowed)[0])  # the shortest on the CPU: whoever comes first
        seen, reward, over, cut, _ = world.step(action)
        assert not cut
        total += reward

    class First:
        name = "first"

        def choose(self, situation: Any) -> Any:
            from planner.scheduling.candidates import candidates

            found = candidates(situation)
            action = int(np.flatnonzero(found.allowed)[0])
            return None if action == MOST else found.placements[action]

    found = simulate(jobs, truths, cluster("one-node"), First())
    cost = found.mean_completion / 300.0 + 2.0 * float(found.broken.mean())
    assert total == pytest.approx(-cost, rel=1e-6)


def test_the_exported_policy_scores_as_the_trained_one() -> None:
    pytest.importorskip("sb3_contrib")
    import torch

    from planner.scheduling.training import _exported, _model

    model = _model(config())
    with torch.no_grad():  # before training there is no correction to compare
        for parameter in model.policy.mlp_extractor.second.parameters():
            parameter.normal_(generator=torch.Generator().manual_seed(1))
    learned = Learned(_exported(model))
    worlds = model.get_env()
    seen = worlds.reset()
    for _ in range(30):
        masks = np.stack(worlds.env_method("action_masks"))
        action, _ = model.predict(seen, action_masks=masks, deterministic=True)
        candidates = worlds.get_attr("_seen")[0]
        scores = np.where(candidates.allowed, learned.scores(candidates), -np.inf)
        best = np.sort(scores)[-2:]
        if best[1] - best[0] > 0.05:  # weights are stored as float16
            assert int(np.argmax(scores)) == int(action[0])
        seen, *_ = worlds.step(action)


def test_training_is_one_command_and_says_what_it_takes(tmp_path: Path) -> None:
    assert "scheduling" in trainable()
    with pytest.raises(InputError, match="scheduling part is trained in one go"):
        train("scheduling", resume=True)
    unusable = tmp_path / "c.yaml"
    unusable.write_text("seed: 1\n")
    with pytest.raises(InputError, match="should set exactly batch, clusters"):
        train("scheduling", config=unusable)


@pytest.mark.slow
def test_a_short_training_writes_weights_and_a_card(tmp_path: Path) -> None:
    pytest.importorskip("sb3_contrib")
    short = config() | {"steps": 256, "jobs": 20, "validation_seeds": [1], "loads": [0.4, 0.5]}
    path = tmp_path / "c.yaml"
    path.write_text(yaml.safe_dump(short))
    train("scheduling", config=path, output=tmp_path)
    assert (tmp_path / "scheduling.safetensors").exists()
    card = yaml.safe_load((tmp_path / "scheduling.json").read_text())
    assert card["validation_cost"]["learned"] > 0
