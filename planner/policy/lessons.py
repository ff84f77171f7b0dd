"""Every state of a scan's executed tree at once, with what each action leads to at best: what a
policy is begun with, and measured by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.policy.branches import Branches, State, Worth
from planner.policy.learned import Offers
from planner.policy.observation import ACTION, Floats
from planner.policy.resources import Resources

Whole = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Lesson(Offers):
    """All that is offered anywhere, and of each action the highest measured reward that it can
    lead to (``value``) and the state that it leads to (``after``; −1: the end). The first state is
    the beginning."""

    value: Floats
    after: Whole

    @property
    def best(self) -> float:
        """The highest reward."""
        return float(self.value[self.state == 0].max())

    def reached(self, scores: NDArray[np.floating]) -> float:
        """The measured reward of the pipeline that is built by taking the action with the highest
        of ``scores`` (one for each action offered) in each state."""
        state = 0
        while True:
            here = np.flatnonzero(self.state == state)
            taken = here[int(np.argmax(scores[here]))]
            if self.after[taken] < 0:
                return float(self.value[taken])
            state = int(self.after[taken])


def lesson(branches: Branches, resources: Resources) -> Lesson:
    """The lesson of a scan with some resources."""
    worth = branches.worth(resources)
    best = branches.best_below(worth)
    viewer, cheapest = branches.viewer, branches.cheapest
    first = branches.forward(State(), resources)
    order: dict[State, int] = {first: 0}
    waiting = [first]
    states: list[Floats] = []
    pending: list[int] = []
    rows: list[tuple[int, int, Floats, float, State | None]] = []
    while waiting:
        state = waiting.pop(0)
        number = order[state]
        recipe = branches.recipe(state.node)
        states.append(viewer.state(recipe, resources, cheapest, state.pending, state.stopped))
        at = None if state.pending is None else branches.actions.tool(state.pending)
        pending.append(-1 if at is None else at)
        for action, after in branches.offered(state, resources).items():
            features = branches.features(state, action, resources)
            after = branches.forward(after, resources)
            value = _value(branches, after, best, worth)
            ends = after.resource is not None
            rows.append((number, action, features, value, None if ends else after))
            if not ends and after not in order:
                order[after] = len(order)
                waiting.append(after)
    return Lesson(
        np.array(states, np.float32),
        np.array(pending, np.int64),
        np.array([r[0] for r in rows], np.int64),
        np.array([r[1] for r in rows], np.int64),
        np.array([r[2] for r in rows], np.float32).reshape(-1, ACTION),
        np.array([r[3] for r in rows], np.float32),
        np.array([-1 if r[4] is None else order[r[4]] for r in rows], np.int64),
    )


def together(lessons: Sequence[Lesson]) -> Lesson:
    """Several lessons in a row."""
    counts = [len(x.states) for x in lessons]
    starts = np.cumsum([0, *counts[:-1]])
    return Lesson(
        np.concatenate([x.states for x in lessons]),
        np.concatenate([x.pending for x in lessons]),
        np.concatenate([x.state + s for x, s in zip(lessons, starts, strict=True)]),
        np.concatenate([x.action for x in lessons]),
        np.concatenate([x.features for x in lessons]),
        np.concatenate([x.value for x in lessons]),
        np.concatenate([np.where(x.after < 0, -1, x.after + s)
                        for x, s in zip(lessons, starts, strict=True)]),
    )  # fmt: skip


def _value(branches: Branches, state: State, best: NDArray[np.float64], worth: Worth) -> float:
    if state.resource is not None:
        return float(worth.rewards[state.resource][state.node])
    if state.stopped:
        return float(worth.top[state.node])
    if state.pending is None:
        return float(best[state.node])
    return max(float(best[node]) for node in branches.levels(state).values())
