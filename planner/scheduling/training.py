"""Trains the scheduling policy: `tomoplan train scheduling`."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from planner.exact_settings import exact_settings
from planner.scheduling.candidates import FEATURES, MOST, Numbers
from planner.scheduling.jobs import cluster, queue
from planner.scheduling.learned import NAMES, PATIENT, RELUCTANCE, STEEP, WEIGHTS, Learned
from planner.scheduling.shortest import Shortest
from simulators.clusters import Scheduler, simulate

SETTINGS = frozenset(
    ("seed", "pool", "clusters", "loads", "jobs", "scale", "deadline", "hidden", "environments",
     "steps", "minutes", "rollout", "batch", "epochs", "rate", "discount", "entropy",
     "validate_every", "validation_seeds")
)  # fmt: skip


def train(config_path: str | Path, output: str | Path | None = None) -> dict[str, Any]:
    """Train by a YAML such as configs/training/scheduling.yaml; returns the card that is written.

    Weights and card go to ``output``, by default the folder that the planner reads. The weights
    kept are those of the best validation, which may be those before training. How long it
    trains depends on the clock where ``minutes`` end it, so that two trainings may differ.
    """
    import torch

    config = exact_settings(config_path, SETTINGS, "scheduling.yaml")
    torch.set_num_threads(1)
    began = time.monotonic()
    base = _worth(Shortest, config)
    model = _model(config)
    watch = _Watch(config, began)
    watch.look(model)
    model.learn(config["steps"], callback=watch.callback())
    watch.look(model)
    tensors, score, at = watch.best
    card = {
        "name": "scheduling",
        "task": "what runs next and where, in the queue of a cluster with CPU slots and GPUs",
        "inputs": list(FEATURES),
        "outputs": f"a score for each of at most {MOST} placements and for waiting",
        "method": "MaskablePPO (Schulman 2017, arXiv:1707.06347; Huang & Ontañón 2022, "
        "arXiv:2006.14171) from shortest-predicted-first",
        "training_data": "queues of planner/scheduling/jobs.py, sizes by the cost model",
        "command": "tomoplan train scheduling",
        "config": config,
        "steps": int(model.num_timesteps),
        "kept_from_step": at,
        "minutes": round((time.monotonic() - began) / 60, 1),
        "validation_cost": {"learned": round(score, 4), "shortest": round(base, 4)},
        "limits": "Simulated queues only; what a GPU gains is assumed. `tomoplan bench scheduling` "
        "measures it beside the other schedulers; until it wins there it is off by default.",
        "default_on": False,
        "licence": "Apache-2.0",
    }
    return _written(tensors, card, output)


def _worth(make: Callable[[], Scheduler], config: dict[str, Any]) -> float:
    """The cost of a scheduler on the queues of validation, as the environment counts it."""
    costs = []
    for name in config["clusters"]:
        for load in config["loads"]:
            for seed in config["validation_seeds"]:
                jobs, truths = queue(name, load, seed, config["pool"], config["jobs"])
                found = simulate(jobs, truths, cluster(name), make())
                costs.append(
                    found.mean_completion / config["scale"]
                    + config["deadline"] * float(found.broken.mean())
                )
    return float(np.mean(costs))


class _Watch:
    """Keeps the best weights and ends the training by the clock."""

    def __init__(self, config: dict[str, Any], began: float) -> None:
        self.config, self.began = config, began
        self.best: tuple[dict[str, Numbers], float, int] = ({}, np.inf, 0)
        self.next = config["validate_every"]

    def look(self, model: Any) -> None:
        tensors = _exported(model)
        score = _worth(lambda: Learned(tensors), self.config)
        minutes = (time.monotonic() - self.began) / 60
        print(f"step {model.num_timesteps}: cost {score:.4f} after {minutes:.1f} min", flush=True)
        if score < self.best[1]:
            self.best = (tensors, score, int(model.num_timesteps))

    def callback(self) -> Any:
        from stable_baselines3.common.callbacks import BaseCallback

        watch = self

        class Callback(BaseCallback):
            def _on_step(self) -> bool:
                return (time.monotonic() - watch.began) / 60 < watch.config["minutes"]

            def _on_rollout_start(self) -> None:
                if self.num_timesteps >= watch.next:
                    watch.look(self.model)
                    watch.next += watch.config["validate_every"]

        return Callback()


def _model(config: dict[str, Any]) -> Any:
    from sb3_contrib import MaskablePPO
    from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

    from planner.scheduling.environment import QueueEnvironment

    def make(number: int) -> Callable[[], Any]:
        return lambda: QueueEnvironment(
            config["clusters"], tuple(config["loads"]), config["pool"], config["jobs"],
            config["scale"], config["deadline"], 1000 * config["seed"] + number,
        )  # fmt: skip

    worlds = VecNormalize(
        DummyVecEnv([make(n) for n in range(config["environments"])]),
        norm_obs=False, gamma=config["discount"],
    )  # fmt: skip
    return MaskablePPO(
        _policy(config["hidden"]), worlds, seed=config["seed"], n_steps=config["rollout"],
        batch_size=config["batch"], n_epochs=config["epochs"], gamma=config["discount"],
        ent_coef=config["entropy"], learning_rate=lambda left: config["rate"] * left,
        device="cpu", verbose=0,
    )  # fmt: skip


def _policy(hidden: int) -> Any:
    """The policy class: one small network weighs each choice, another the whole situation."""
    import torch
    from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
    from torch import nn

    count, width = MOST + 1, len(FEATURES)

    class Choices(nn.Module):
        latent_dim_pi, latent_dim_vf = count, hidden

        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(width, hidden)
            self.second = nn.Linear(hidden, 1)
            self.steepness = nn.Parameter(torch.tensor(STEEP))
            self.patience = nn.Parameter(torch.tensor(PATIENT))
            self.each = nn.Sequential(nn.Linear(width, hidden), nn.Tanh())
            self.whole = nn.Sequential(nn.Linear(hidden, hidden), nn.Tanh())

        def forward_actor(self, seen: torch.Tensor) -> torch.Tensor:
            rows = seen.view(-1, count, width)
            correction = self.second(torch.tanh(self.first(rows)))[..., 0]
            left = rows[..., FEATURES.index("log_remaining")]
            waits = rows[..., FEATURES.index("waits")]
            hurry = rows[..., FEATURES.index("log_hurry")]
            score = correction - self.steepness * left - self.patience * hurry
            return score - RELUCTANCE * waits

        def forward_critic(self, seen: torch.Tensor) -> torch.Tensor:
            return self.whole(self.each(seen.view(-1, count, width)).sum(1) / 4)

        def forward(self, seen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return self.forward_actor(seen), self.forward_critic(seen)

    class Policy(MaskableActorCriticPolicy):
        def _build_mlp_extractor(self) -> None:
            self.mlp_extractor = Choices()  # type: ignore[assignment]

        def _build(self, lr_schedule: Any) -> None:
            super()._build(lr_schedule)
            self.action_net = nn.Identity()  # type: ignore[assignment]
            # Begin as shortest-predicted-first, whatever sb3 made of the layers
            nn.init.zeros_(self.mlp_extractor.second.weight)  # type: ignore[union-attr,arg-type]
            nn.init.zeros_(self.mlp_extractor.second.bias)  # type: ignore[union-attr,arg-type]
            make: Any = self.optimizer_class
            self.optimizer = make(self.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs)

    return Policy


def _exported(model: Any) -> dict[str, Numbers]:
    """The part of the policy that is used at run time, rounded as it is stored."""
    state = model.policy.mlp_extractor.state_dict()
    return {
        name: np.atleast_1d(state[name].detach().numpy()).astype(np.float16).astype(np.float32)
        for name in NAMES
    }


def _written(
    tensors: dict[str, Numbers], card: dict[str, Any], output: str | Path | None
) -> dict[str, Any]:
    from safetensors.numpy import save_file

    folder = Path(output) if output else WEIGHTS.parent
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / WEIGHTS.name
    save_file({name: tensor.astype(np.float16) for name, tensor in tensors.items()}, path)
    path.chmod(0o644)
    card["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
    path.with_suffix(".json").write_text(text, encoding="utf-8")
    return card
