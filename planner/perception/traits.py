"""What the hand-made traits of a scan say of each condition: what the network is compared with."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from planner.perception.shown import SHOWN
from planner.situation import rules
from planner.task import Condition
from planner.traits import Traits

FAR = 10.0  # scores end here


def scores(traits: Traits) -> NDArray[np.float32]:
    """For each condition of :data:`SHOWN` how far its trait lies beyond the planner's limit, as a
    logarithm; 0 where no trait tells it. (Views and coverage of the angles are of the header, which
    the network does not see.)

    >>> from planner.traits import Trait
    >>> some = scores(Traits(rings=Trait(12.0, 12.0, 12.0, "")))
    >>> round(float(some[SHOWN.index(Condition.RINGS)]), 2)
    0.69
    """
    found = [_beyond(traits, rules()["conditions"].get(c.value)) for c in SHOWN]
    return np.array(found, np.float32)


def _beyond(traits: Traits, rule: dict[str, float | str] | None) -> float:
    trait = None if rule is None else getattr(traits, str(rule["trait"]))
    if rule is None or trait is None or not math.isfinite(trait.value):
        return 0.0
    small = 1e-9
    if "below" in rule:
        ratio = float(rule["below"]) / max(trait.value, small)
    else:
        value = trait.low if "surely_above" in rule else trait.value
        ratio = max(value, small) / float(rule.get("surely_above", rule.get("above", 1.0)))
    return float(np.clip(math.log(ratio), -FAR, FAR))


def score_of(condition: Condition, traits: NDArray[np.float32]) -> NDArray[np.float32]:
    """One condition's of many scans, from ``scan, condition``."""
    return traits[:, SHOWN.index(condition)]
