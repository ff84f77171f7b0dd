"""Orders plans that are about as good by what the beamline likes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from planner.feedback.aspects import ASPECTS, MORE_IS_BETTER, SEEN, Numbers
from planner.feedback.head import Head, trained
from planner.feedback.memory import Memory, Taste, beamline_name
from planner.feedback.plan_aspects import PlanAspects, plan_aspects
from planner.search import Candidate, reward
from planner.situation import Message, Situation, message

ENOUGH = 10  # choices before a beamline is believed to have a taste
WITHIN = 0.02  # of reward: plans that are nearly as good as the first for the request


@dataclass(frozen=True, eq=False)
class Reranked:
    """Plans in their new order; ``reason``: why the first is first, None where it was before."""

    candidates: tuple[Candidate, ...]
    reason: Message | None = None


def reranked(chosen: Sequence[Candidate], cheapest: float, situation: Situation) -> Reranked:
    """The proposals with the one first that the beamline would like best among those within
    :data:`WITHIN` of the first. As they are where it has not said enough yet, or there is no
    store. ``cheapest``: seconds of the cheapest plan known."""
    from metadata.store import default_store_path

    unchanged = Reranked(tuple(chosen))
    if len(chosen) < 2 or not default_store_path().exists():
        return unchanged
    with Memory() as memory:
        taste = memory.taste(beamline_name())
    if taste is None or taste.choices < ENOUGH:
        return unchanged
    return by_taste(chosen, cheapest, situation, taste, trained(), plan_aspects())


def by_taste(
    chosen: Sequence[Candidate], cheapest: float, situation: Situation, taste: Taste,
    head: Head, plans: PlanAspects,
) -> Reranked:  # fmt: skip
    """The same for a taste."""
    worth = np.array([reward(c, situation, cheapest) for c in chosen])
    near = np.flatnonzero(worth >= worth[0] - WITHIN)
    aspects = plans.of([c.recipe for c in chosen])
    aspects[:, ASPECTS.index("seconds")] = [np.log10(max(c.seconds, 1e-3)) for c in chosen]
    liked = head.worth(aspects, taste.prompt)
    best = int(near[int(np.argmax(liked[near]))])
    if best == 0:
        return Reranked(tuple(chosen))
    rest = [c for at, c in enumerate(chosen) if at != best]
    return Reranked((chosen[best], *rest), _reason(head, taste, aspects[best], aspects[0]))


def _reason(head: Head, taste: Taste, new: Numbers, old: Numbers) -> Message:
    """The aspect that weighed most for the new first plan, of those in which most choices went
    the same way."""
    gains: dict[str, float] = {}
    for at, name in enumerate((*SEEN, "seconds")):
        at = ASPECTS.index(name)
        mixed = old.copy()
        mixed[at] = new[at]
        gain = float(head.worth(mixed, taste.prompt) - head.worth(old, taste.prompt))
        better = (new[at] > old[at]) == MORE_IS_BETTER[name]
        if gain > 0 and better and 2 * taste.better[name] > taste.choices:
            gains[name] = gain
    if not gains:
        return message("reason.preferred", total=taste.choices)
    name = max(gains, key=gains.__getitem__)
    return message(f"reason.preferred_{name}", count=taste.better[name], total=taste.choices)
