"""Trains the policy: ``tomoplan train policy``."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.exact_settings import exact_settings
from planner.graph_network.tried import tried
from planner.outcomes.settings import SIMULATED
from planner.policy.actions import Actions
from planner.policy.branches import Branches
from planner.policy.learned import WEIGHTS, Committee, Policy
from planner.policy.lessons import Lesson, lesson, together
from planner.policy.network import exported, ppo_policy, scorer
from planner.policy.observation import Floats
from planner.policy.resources import Resources, drawn
from planner.task import Priority
from simulators.outcomes import Outcomes

if TYPE_CHECKING:
    import torch

SETTINGS = frozenset(
    ("seed", "members", "hidden", "epochs", "scans", "rate", "decay", "temperature", "regret",
     "looks", "others", "steps", "environments", "rollout", "batch", "ppo_epochs", "ppo_rate",
     "entropy", "clip", "validate_every", "default_on")
)  # fmt: skip
LEAST_SPREAD = 0.05
LIMITED = 1 / 3


@dataclass(frozen=True, eq=False)
class School:
    """What is learned from and validated on: the executed trees and their lessons."""

    actions: Actions
    branches: tuple[Branches, ...]
    lessons: tuple[Lesson, ...]
    validation: tuple[Lesson, ...]

    def worth(self, policy: Policy | Committee) -> float:
        """The mean measured reward of what a policy builds on the validation scans."""
        return float(np.mean([x.reached(policy.of(x)) for x in self.validation]))


def train(
    config_path: str | Path, output: str | Path | None = None, table: Path = SIMULATED
) -> dict[str, Any]:
    """Train by a YAML such as configs/training/policy.yaml; returns the card that is written.

    Each member is begun by cloning, then goes on in the environment with MaskablePPO; of what it
    was in between, the best on the validation scans is kept, which may be the clone.
    """
    import torch

    config = exact_settings(config_path, SETTINGS, "policy.yaml")
    torch.set_num_threads(1)
    began = time.monotonic()
    outcomes = Outcomes.load(table)
    school = schooled(outcomes, config)
    _say(f"{len(school.lessons)} lessons of {len(school.branches)} scans", began)
    members: list[dict[str, Floats]] = []
    history = []
    for number in range(config["members"]):
        tensors, told = _member(school, config, config["seed"] + number, began)
        members.append(tensors)
        history.append(told)
    whole = Committee([Policy(m, school.actions) for m in members])
    together_worth = school.worth(whole)
    _say(f"together: validation reward {together_worth:.4f}", began)
    card = {
        "name": "policy",
        "task": "build a pipeline step by step: tool, level, stop, resource",
        "inputs": "planner/policy/observation.py",
        "outputs": "a score for each action offered",
        "method": "cloning of the best executed branches, then MaskablePPO (Schulman 2017, "
        "arXiv:1707.06347; Huang & Ontañón 2022, arXiv:2006.14171)",
        "training_data": f"{len(school.branches)} scans of configs/outcomes/simulated.h5",
        "command": "tomoplan train policy",
        "config": config,
        "tools": list(school.actions.tools),
        "sees": config["looks"] and bool(tried().seen),
        "minutes": round((time.monotonic() - began) / 60, 1),
        "validation_reward": {"members": history, "together": round(together_worth, 4)},
        "limits": "Simulated scans of 64² to 256²; only executed branches were learned from. What "
        "a GPU gains is assumed. `tomoplan bench policy` measures it beside the single best "
        "pipeline and the rules.",
        "default_on": config["default_on"],
        "licence": "Apache-2.0",
    }
    return _written(members, card, output)


def schooled(outcomes: Outcomes, config: dict[str, Any]) -> School:
    """The lessons of a table: each scan for its own request with one free core, and for requests
    and resources drawn."""
    scans = {n: outcomes.split(n) for n in ("train", "validation")}
    actions = Actions(tuple(sorted({s.tool for s in outcomes.steps})))
    branches = {
        n: tuple(Branches(s, actions, looks=config["looks"]) for s in of) for n, of in scans.items()
    }
    rng = np.random.default_rng(config["seed"])
    lessons = []
    for one in branches["train"]:
        lessons.append(lesson(one, Resources()))
        lessons += [another(one, rng) for _ in range(config["others"])]
    validation = tuple(lesson(one, Resources()) for one in branches["validation"])
    return School(actions, branches["train"], tuple(lessons), validation)


def another(branches: Branches, rng: np.random.Generator) -> Lesson:
    """A scan's lesson for the same goals with a priority, a limit (in a third) and, in half,
    resources drawn: what was measured is worth something else then."""
    scan = branches.scan
    seconds = scan.total_seconds[scan.complete]
    limit = float(np.quantile(seconds, rng.random())) if rng.random() < LIMITED else None
    priority = tuple(Priority)[int(rng.integers(len(Priority)))]
    request = replace(branches.task, priority=priority, max_seconds=limit)
    resources = drawn(rng, float(seconds.min()), scan.total_peak_bytes[scan.complete])
    other = Branches(scan, branches.actions, request, branches.looks)
    return lesson(other, resources)


def _member(
    school: School, config: dict[str, Any], seed: int, began: float
) -> tuple[dict[str, Floats], dict[str, float]]:
    """One policy's weights, and its validation rewards."""
    network = _begun(school, config, seed)
    cloned = exported(network)
    kept = [(school.worth(Policy(cloned, school.actions)), 0, cloned)]
    _say(f"cloned: validation reward {kept[0][0]:.4f}", began)

    def look(step: int) -> None:
        tensors = exported(network)
        kept.append((school.worth(Policy(tensors, school.actions)), step, tensors))
        _say(f"{step} steps of PPO: validation reward {kept[-1][0]:.4f}", began)

    if config["steps"]:
        _go_on(school, config, seed, network, look)
    worth, step, tensors = max(kept, key=lambda k: k[0])
    return tensors, {"cloned": round(kept[0][0], 4), "kept": round(worth, 4), "kept_step": step}


def _begun(school: School, config: dict[str, Any], seed: int) -> Any:
    """A network that clones: each action of each state is chosen as often as what it leads to
    stands out (cross-entropy), and the expected loss of each choice is small."""
    import torch

    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    states = np.concatenate([x.states for x in school.lessons])
    each = np.concatenate([x.features for x in school.lessons])
    spread = np.maximum(states.std(axis=0), LEAST_SPREAD)
    network = scorer(school.actions, config["hidden"], states.mean(axis=0), spread,
                     np.maximum(each.std(axis=0), LEAST_SPREAD))  # fmt: skip
    rounds = max(len(school.lessons) // config["scans"], 1)
    optimiser = torch.optim.AdamW(network.parameters(), config["rate"],
                                  weight_decay=config["decay"])  # fmt: skip
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, config["rate"], total_steps=config["epochs"] * rounds + 1
    )
    network.train()
    for _ in range(config["epochs"]):
        order = rng.permutation(len(school.lessons))
        for group in range(rounds):
            here = order[group * config["scans"] : (group + 1) * config["scans"]]
            loss = _loss(network, together([school.lessons[i] for i in here]), config)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
    return network.eval()


def _loss(network: Any, one: Lesson, config: dict[str, Any]) -> torch.Tensor:
    import torch

    names = ("states", "pending", "state", "action", "features")
    given = [torch.from_numpy(getattr(one, n)) for n in names]
    state, value = given[2], torch.from_numpy(one.value)
    count = len(one.states)
    said = _log_chances(network(*given), state, count)
    wanted = _log_chances(value / config["temperature"], state, count).exp()
    best = torch.full((count,), -torch.inf).scatter_reduce(0, state, value, "amax")
    lost = (said.exp() * (best[state] - value)).sum()
    return (config["regret"] * lost - (wanted * said).sum()) / count


def _log_chances(scores: torch.Tensor, state: torch.Tensor, count: int) -> torch.Tensor:
    """Logarithms of a softmax within each state."""
    import torch

    top = torch.full((count,), -torch.inf).scatter_reduce(0, state, scores.detach(), "amax")
    apart = scores - top[state]
    total = torch.zeros(count).index_add(0, state, apart.exp())
    return apart - total.log()[state]


def _go_on(
    school: School, config: dict[str, Any], seed: int, network: Any, look: Callable[[int], None]
) -> None:
    """MaskablePPO from a network on, in the environment of executed branches."""
    from sb3_contrib import MaskablePPO
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.vec_env import DummyVecEnv

    from planner.policy.environment import BranchEnvironment

    def make(number: int) -> Callable[[], Any]:
        return lambda: BranchEnvironment(school.branches, 1000 * seed + number)

    class Looking(BaseCallback):
        after = config["validate_every"]

        def _on_step(self) -> bool:
            return True

        def _on_rollout_start(self) -> None:
            if self.num_timesteps >= self.after:
                look(self.num_timesteps)
                self.after += config["validate_every"]

    model = MaskablePPO(
        ppo_policy(network), DummyVecEnv([make(n) for n in range(config["environments"])]),
        seed=seed, n_steps=config["rollout"], batch_size=config["batch"],
        n_epochs=config["ppo_epochs"], gamma=1.0, ent_coef=config["entropy"],
        clip_range=config["clip"], learning_rate=lambda left: config["ppo_rate"] * left,
        device="cpu", verbose=0,
    )  # fmt: skip
    model.learn(config["steps"], callback=Looking())
    look(model.num_timesteps)


def _written(
    members: Sequence[dict[str, Floats]], card: dict[str, Any], output: str | Path | None
) -> dict[str, Any]:
    from safetensors.numpy import save_file

    folder = Path(output) if output else WEIGHTS.parent
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / WEIGHTS.name
    save_file(
        {f"{at}/{n}": t.astype(np.float16) for at, m in enumerate(members) for n, t in m.items()},
        path,
    )
    path.chmod(0o644)
    card["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
    path.with_suffix(".json").write_text(text, encoding="utf-8")
    return card


def _say(what: str, began: float) -> None:
    print(f"{what} ({(time.monotonic() - began) / 60:.1f} min)", flush=True)
