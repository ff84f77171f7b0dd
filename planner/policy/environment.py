"""Building a pipeline as a gymnasium environment, for training alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np

from planner.policy.branches import Branches, State
from planner.policy.observation import ACTION, width
from planner.policy.resources import drawn


class BranchEnvironment(gymnasium.Env[Any, Any]):
    """One episode builds one pipeline for one scan: a tool, its level where it has several, the
    next tool, …, stop, and the resource; what leaves no choice is not asked.

    Only what was executed is offered, so that the reward at the end is measured: quality − priced
    seconds − penalties (:func:`planner.outcomes.reward.reward`), less the mean reward of the
    scan's pipelines, which moves no choice. Resources are drawn anew for each episode.
    """

    def __init__(self, branches: Sequence[Branches], seed: int) -> None:
        self._branches = list(branches)
        self._actions = self._branches[0].actions
        count = self._actions.count
        numbers = width(self._actions) + count * ACTION
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (numbers,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(count)
        self._rng = np.random.default_rng(seed)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        self.here = self._branches[int(self._rng.integers(len(self._branches)))]
        scan = self.here.scan
        peaks = scan.total_peak_bytes[scan.complete]
        cheapest = float(scan.total_seconds[scan.complete].min())
        self.resources = drawn(self._rng, cheapest, peaks)
        self.worth = self.here.worth(self.resources)
        self.mean = float(self.worth.top[scan.complete].mean())
        self.state = self.here.forward(State(), self.resources)
        return self._seen(), {}

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.state = self.here.forward(self._offered[int(action)], self.resources)
        node, resource = self.state.node, self.state.resource
        if resource is not None:
            measured = float(self.worth.rewards[resource][node])
            info = {"reward": measured, "node": node, "resource": resource}
            return self._last, measured - self.mean, True, False, info
        return self._seen(), 0.0, False, False, {}

    def action_masks(self) -> Any:
        mask = np.zeros(self._actions.count, np.bool_)
        mask[list(self._offered)] = True
        return mask

    def _seen(self) -> Any:
        here, state = self.here, self.state
        self._offered = here.offered(state, self.resources)
        numbers = here.viewer.state(here.recipe(state.node), self.resources, here.cheapest,
                                    state.pending, state.stopped)  # fmt: skip
        each = np.zeros((self._actions.count, ACTION), np.float32)
        for action in self._offered:
            each[action] = here.features(state, action, self.resources)
        self._last = np.concatenate([numbers, each.ravel()])
        return self._last
