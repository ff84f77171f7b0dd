"""All contenders that can be had here; those that lack weights or a library are named with why."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from metadata.errors import WorkError
from planner.benchmarks.planner.both import Both
from planner.benchmarks.planner.contender import Contender
from planner.benchmarks.planner.fixed import Oracle, RandomValid, SingleBest
from planner.benchmarks.planner.learned import CarefulNetwork, GraphNetwork, NetworkAndRules, Trees
from planner.benchmarks.planner.rules import Rules
from planner.benchmarks.planner.tpe import Tpe
from planner.graph_network.inference import trained
from planner.graph_network.tried import tried


def contenders() -> tuple[list[Contender], dict[str, str]]:
    """The contenders in the order of the report, and which are passed over and why."""
    found: list[Contender] = [Oracle(), SingleBest(), RandomValid(), Rules()]
    absent: dict[str, str] = {}

    def offer(name: str, make: Callable[[], list[Contender]]) -> None:
        try:
            found.extend(make())
        except WorkError as error:
            absent[name] = str(error)

    trees = Trees()
    offer("graph network", _networks)
    found.append(trees)
    offer("network and trees", lambda: [Both(GraphNetwork(predictor=trained()), trees)])
    if find_spec("optuna"):
        found.append(Tpe())
    else:
        absent["TPE"] = "optuna is not installed (the extra `dev` has it)"
    offer("audition", _audition)
    offer("policy", _policy)
    return found, absent


def _networks() -> list[Contender]:
    trained()
    known = tried()
    network = GraphNetwork()
    untried = GraphNetwork(untried=True)
    together = NetworkAndRules(untried, Rules())  # as the planner has it: without the tries
    made: list[Contender] = [network, CarefulNetwork(network), together]
    if known.seen:
        made.append(GraphNetwork(blind=True))
    if known.rehearsals:
        made.append(untried)
    return made


def _audition() -> list[Contender]:
    from planner.benchmarks.planner.audition import WithAudition

    return [WithAudition(GraphNetwork(untried=True), Rules())]


def _policy() -> list[Contender]:
    from planner.benchmarks.planner.policy import LearnedPolicy
    from planner.policy.learned import trained as trained_policy

    trained_policy()
    return [LearnedPolicy()]
