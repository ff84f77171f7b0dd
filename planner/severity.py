"""How bad the defects of a scan are, from its traits and from what the request says of it."""

from __future__ import annotations

import math
from functools import lru_cache

from metadata.scan_info import Content
from planner.situation import Situation, rules
from planner.task import Condition


@lru_cache(maxsize=8)  # situations are compared by identity
def severities_of(situation: Situation) -> dict[str, float]:
    """How bad each defect is, in the unit of its rule's scale."""
    traits, info = situation.traits, situation.info
    views = max(info.projections, 1)
    width = info.columns
    signal = max(traits.value("signal", 1.0), 1e-3)
    # Noise of a ramp-filtered slice against its mean grey level: Kak & Slaney 1988, ch. 5.
    slice_noise = traits.value("noise") * math.pi / math.sqrt(12 * views) * width / signal
    sufficiency = traits.view_sufficiency
    missing_views = max(0.0, 1 / max(sufficiency.high, 1e-3) - 1) if sufficiency else 0.0
    center, stack = traits.center_px, situation.content is not Content.PROJECTIONS
    found = {
        "noise": slice_noise,
        "rings": traits.value("rings"),
        "sparse": missing_views,
        "limited": max(0.0, 180.0 - traits.value("angular_coverage", 180.0)) / 180.0,
        "zingers": traits.value("zingers") * 1e4,
        "jitter": traits.jitter.low if traits.jitter else 0.0,
        "beam_drift": traits.value("beam_drift") * 100,
        "fringes": max(0.0, traits.value("fringes")),
        "axis": (center.high - center.low) / 2 if center else float(not stack),
    }
    for name, rule in rules()["defects"].items():
        condition = rule.get("condition")
        if condition and situation.conditions.get(Condition(condition)) == "text":
            # Said but not seen in the preview: believed half.
            found[name] = max(found[name], rule["scale"] / 2)
    return found
