"""The trained policy with NumPy alone: neither torch, stable-baselines3 nor pickle is loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metadata.errors import WorkError
from planner.policy.actions import LEVELS, Actions
from planner.policy.observation import Floats

WEIGHTS = Path(__file__).parent / "weights" / "policy.safetensors"
FURTHEST = 5.0  # standard deviations of a number that count
NAMES = (
    "mean", "spread", "feature_spread", "first.weight", "first.bias", "second.weight",
    "second.bias", "action.weight", "setting.weight", "about.weight", "about.bias", "gate.weight",
    "gate.bias", "features.weight", "last.weight", "straight.weight",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Offers:
    """``states`` (state, number), the ``pending`` tool of each (−1: none); for each action that is
    offered in one of them: the ``state``, its number ``action``, its ``features``."""

    states: Floats
    pending: NDArray[np.int64]
    state: NDArray[np.int64]
    action: NDArray[np.int64]
    features: Floats


class Policy:
    """Scores of actions.

    A state goes through two layers; each action has an embedding (a level one for each tool) and
    what is known of it beforehand; both are added, gated by the state, and weighed. ``tensors``:
    as trained; ``actions``: with the tools that it learned of.
    """

    def __init__(self, tensors: Mapping[str, Floats], actions: Actions) -> None:
        missing = set(NAMES) - set(tensors)
        if missing:
            raise WorkError(
                f"The weights of the policy lack {sorted(missing)}. Train it again: "
                "`tomoplan train policy`."
            )
        self.actions = actions
        self._w = {name: np.asarray(tensors[name], np.float32) for name in NAMES}

    def scores(
        self, states: Floats, pending: NDArray[np.int64], state: NDArray[np.int64],
        action: NDArray[np.int64], features: Floats,
    ) -> Floats:  # fmt: skip
        """A score for each action that is offered somewhere; arguments as in
        :class:`Offers`."""
        w = self._w
        x = np.clip((states - w["mean"]) / w["spread"], -FURTHEST, FURTHEST)
        hidden = _relu(_relu(x @ w["first.weight"].T + w["first.bias"]) @ w["second.weight"].T
                       + w["second.bias"])  # fmt: skip
        about = hidden @ w["about.weight"].T + w["about.bias"]
        gate = hidden @ w["gate.weight"].T + w["gate.bias"]
        embedded = w["action.weight"][action]
        level = action - len(self.actions.tools)
        sets = (level >= 0) & (level < LEVELS) & (pending[state] >= 0)
        place = np.where(sets, pending[state] * LEVELS + level, 0)
        embedded = embedded + w["setting.weight"][place] * sets[:, None]
        known = features / w["feature_spread"]
        inner = _relu(about[state] + embedded + known @ w["features.weight"].T)
        inner = inner / (1 + np.exp(-(gate[state] + embedded)))
        found = inner @ w["last.weight"].T + known @ w["straight.weight"].T
        return np.asarray(found[:, 0], np.float32)

    def of(self, offers: Offers) -> Floats:
        """Scores of all actions that are offered."""
        return self.scores(offers.states, offers.pending, offers.state, offers.action,
                           offers.features)  # fmt: skip


class Committee:
    """Several policies that were trained alike from different beginnings: the mean of what each
    makes of an action beside the others (log of its chance). ``looks``: whether they were shown
    what was tried on a scan, and ``sees``: its image embedding."""

    def __init__(
        self, members: Sequence[Policy], looks: bool = False, sees: bool = False
    ) -> None:  # fmt: skip
        self.members, self.looks, self.sees = tuple(members), looks, sees
        self.actions = members[0].actions

    def of(self, offers: Offers) -> Floats:
        """Scores of all actions that are offered."""
        found = [_log_chance(m.of(offers), offers.state) for m in self.members]
        return np.asarray(np.mean(found, axis=0), np.float32)

    def choose(
        self, state: Floats, pending: int, action: Sequence[int], features: Floats
    ) -> int:  # fmt: skip
        """The place of the best of some actions in one state."""
        numbers = np.asarray(action, np.int64)
        one = np.zeros(len(numbers), np.int64)
        offers = Offers(state[None], np.array([pending], np.int64), one, numbers, features)
        return int(np.argmax(self.of(offers)))


@cache
def trained(path: Path = WEIGHTS) -> Committee:
    """The policy as shipped; WorkError where there is none."""
    from safetensors.numpy import load_file

    card = path.with_suffix(".json")
    if not (path.exists() and card.exists()):
        raise WorkError(
            f"There are no weights of the policy at {path}. Train it: `tomoplan train policy`."
        )
    told = json.loads(card.read_text(encoding="utf-8"))
    tools = tuple(told["tools"])
    held = load_file(path)
    members = {name.split("/")[0] for name in held}
    made = [
        Policy({n.split("/")[1]: v for n, v in held.items() if n.startswith(f"{m}/")},
               Actions(tools))
        for m in sorted(members)
    ]  # fmt: skip
    return Committee(made, told["config"]["looks"], told["sees"])


def _relu(x: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.maximum(x, 0)


def _log_chance(scores: Floats, state: NDArray[np.int64]) -> Floats:
    count = int(state.max()) + 1
    top = np.full(count, -np.inf, np.float32)
    np.maximum.at(top, state, scores)
    apart = scores - top[state]
    total = np.zeros(count, np.float32)
    np.add.at(total, state, np.exp(apart))
    return np.asarray(apart - np.log(total)[state], np.float32)
