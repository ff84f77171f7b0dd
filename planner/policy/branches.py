"""The executed tree of one scan as the states and actions of an episode."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from planner.graph_network.rehearsal import NOTHING
from planner.graph_network.tried import tried
from planner.outcomes.remembered import remembered
from planner.outcomes.reward import GIB, reward, task_of
from planner.policy.actions import Actions, Resource, level_of
from planner.policy.learned import Committee
from planner.policy.observation import ACTION, Floats, Viewer
from planner.policy.resources import Resources, gpu_gain, shares
from planner.task import Task
from simulators.outcomes import ScanOutcomes
from toolbox.recipe import Recipe

ROOT = -1


@dataclass(frozen=True)
class State:
    """A place in the tree: ``node`` (−1: nothing yet), a ``pending`` tool whose level is to be
    set, or ``stopped``: only the resource is open, until one is chosen, which ends it."""

    node: int = ROOT
    pending: str | None = None
    stopped: bool = False
    resource: Resource | None = None


@dataclass(eq=False)
class Branches:
    """What was executed on a scan: from each state only those actions are offered after which a
    complete pipeline was measured. ``request``: another than the scan's own;
    ``looks``: whether what was tried on the scan and its image embedding are shown."""

    scan: ScanOutcomes
    actions: Actions
    request: Task | None = None
    looks: bool = False
    _children: dict[int, dict[str, dict[int, int]]] = field(init=False)
    _features: dict[tuple[State, int], Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        scan = self.scan
        known = np.zeros(len(scan.parent), bool)  # all steps so far were learned from
        for node, parent in enumerate(scan.parent.tolist()):
            tool = scan.steps[scan.step[node]].tool
            known[node] = self.actions.tool(tool) is not None and (parent < 0 or known[parent])
        self._ends = known.copy()
        self._ends[np.setdiff1d(np.arange(len(known)), scan.complete)] = False
        leads = self._ends.copy()
        for node in range(len(leads) - 1, -1, -1):
            if leads[node] and scan.parent[node] >= 0:
                leads[scan.parent[node]] = True
        self._children = {}
        for node in np.flatnonzero(leads).tolist():
            step = scan.steps[scan.step[node]]
            here = self._children.setdefault(int(scan.parent[node]), {})
            here.setdefault(step.tool, {}).setdefault(level_of(step), int(node))
        self.task = self.request or task_of(scan)

    @cached_property
    def viewer(self) -> Viewer:
        """The numbers of its states."""
        situation = replace(remembered(self.scan), task=self.task)
        if not self.looks:
            return Viewer(situation, self.actions)
        known, name = tried(), self.scan.name
        rehearsal = known.rehearsals.get(name, NOTHING)
        return Viewer(situation, self.actions, known.seen.get(name), rehearsal)

    @cached_property
    def cheapest(self) -> float:
        """Predicted seconds of the cheapest pipeline, on one core."""
        seconds = self.viewer.seconds
        return min(sum(map(seconds, self.scan.recipe(int(n)))) for n in self.scan.complete)

    def offered(self, state: State, resources: Resources) -> dict[int, State]:
        """Action number → where it leads."""
        acts = self.actions
        if state.stopped:
            return {acts.resource(r): State(state.node, None, True, r) for r in resources.offered}
        children = self._children.get(state.node, {})
        if state.pending is not None:
            levels = self.levels(state)
            return {acts.level(level): State(node) for level, node in levels.items()}
        found: dict[int, State] = {}
        for tool, levels in children.items():
            number = acts.tool(tool)
            assert number is not None
            # Where there is one setting there is nothing to set
            only = next(iter(levels.values())) if len(levels) == 1 else None
            found[number] = State(state.node, tool) if only is None else State(only)
        if state.node >= 0 and self._ends[state.node]:
            found[acts.stop] = State(state.node, stopped=True)
        return found

    def forward(self, state: State, resources: Resources) -> State:
        """The next state in which there is something to choose, or the end."""
        while state.resource is None:
            offered = self.offered(state, resources)
            if len(offered) > 1:
                break
            (state,) = offered.values()
        return state

    def chosen(self, policy: Committee, resources: Resources) -> tuple[int, Resource]:
        """The node and the resource that a policy ends at, taking the best of what is offered."""
        state = self.forward(State(), resources)
        while state.resource is None:
            offered = self.offered(state, resources)
            recipe = self.recipe(state.node)
            seen = self.viewer.state(recipe, resources, self.cheapest, state.pending,
                                     state.stopped)  # fmt: skip
            waits = None if state.pending is None else self.actions.tool(state.pending)
            numbers = list(offered)
            each = np.array([self.features(state, a, resources) for a in numbers])
            place = policy.choose(seen, -1 if waits is None else waits, numbers, each)
            state = self.forward(offered[numbers[place]], resources)
        return state.node, state.resource

    def levels(self, state: State) -> dict[int, int]:
        """Level → node, for the pending tool of a state."""
        assert state.pending is not None
        return self._children[state.node][state.pending]

    def recipe(self, node: int) -> Recipe:
        """What is built at a node."""
        return self.scan.recipe(node) if node >= 0 else ()

    def features(self, state: State, action: int, resources: Resources) -> Floats:
        """What is known of an action beforehand (zeros of stopping)."""
        if state.stopped:
            resource = Resource(action - self.actions.resource(Resource.FREE_CORES))
            return self.viewer.on(self.recipe(state.node), resources, resource)
        if (state, action) not in self._features:
            found = np.zeros(ACTION, np.float32)
            if action != self.actions.stop:
                step = self.scan.steps[self.scan.step[self._leads_to(state, action)]]
                found = self.viewer.action(self.recipe(state.node), step)
            self._features[state, action] = found
        return self._features[state, action]

    def _leads_to(self, state: State, action: int) -> int:
        """The node whose step an action adds (of a tool with several levels: the first)."""
        if state.pending is not None:
            return self.levels(state)[action - len(self.actions.tools)]
        return next(iter(self._children[state.node][self.actions.tools[action]].values()))

    def worth(self, resources: Resources) -> Worth:
        """What every pipeline that was run is worth on each resource that there is: measured
        quality; measured processor seconds of each step, shared by the cores as its cut allows,
        after the wait. What is free of the memory is a limit as a stated one is."""
        scan, task = self.scan, self.task
        slabs, on_gpu = self._cuts
        seconds = {}
        for resource in resources.offered:
            speed = np.where(slabs, float(resources.cores_of(resource)), 1.0)
            if resource is Resource.GPU:
                speed = np.where(on_gpu, gpu_gain(), speed)
            total = scan.seconds / speed
            for node, parent in enumerate(scan.parent.tolist()):
                if parent >= 0:
                    total[node] += total[parent]
            seconds[resource] = total + resources.delay(resource)
        cheapest = min(float(s[scan.complete].min()) for s in seconds.values())
        if resources.free_bytes is not None:
            free = resources.free_bytes / GIB
            task = replace(task, max_memory_gib=min(free, task.max_memory_gib or free))
        peaks = np.nan_to_num(scan.total_peak_bytes)
        rewards = {}
        for resource, spent in seconds.items():
            rewards[resource] = found = np.full(len(spent), -np.inf)
            for node in np.flatnonzero(self._ends).tolist():
                found[node] = reward(float(scan.main_quality[node]), float(spent[node]), cheapest,
                                     task, float(peaks[node]))  # fmt: skip
        return Worth(cheapest, seconds, rewards)

    @cached_property
    def _cuts(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        found = np.array([shares(s.tool) for s in self.scan.steps])[self.scan.step]
        return found[:, 0], found[:, 1]

    def best_below(self, worth: Worth) -> NDArray[np.float64]:
        """For each node the highest reward at or below it with its best resource."""
        best = worth.top.copy()
        for node in range(len(best) - 1, -1, -1):
            parent = self.scan.parent[node]
            if parent >= 0:
                best[parent] = max(best[parent], best[node])
        return best


@dataclass(frozen=True, eq=False)
class Worth:
    """By resource, for each node: seconds until it is done and the reward of ending there (−inf
    where nothing complete ends); ``cheapest``: least seconds of any pipeline."""

    cheapest: float
    seconds: dict[Resource, NDArray[np.float64]]
    rewards: dict[Resource, NDArray[np.float64]]

    @property
    def top(self) -> NDArray[np.float64]:
        """The reward of ending at each node with its best resource."""
        return np.max(list(self.rewards.values()), axis=0)
