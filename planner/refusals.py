"""What cannot be served, and the way out."""

from __future__ import annotations

from metadata.scan_info import GreyState
from planner.grammar import reachable, slots
from planner.situation import Message, Situation, message, rules
from planner.task import Goal


def refusal(situation: Situation) -> Message | None:
    """The first reason why a request cannot be served on this scan, or None."""
    task, info, traits = situation.task, situation.info, situation.traits
    limits = rules()["refuse"]
    missing = [g for g in task.goals if not reachable(g)]
    if missing:
        return message("refusal.goal", goals=", ".join(g.value for g in missing))
    if Goal.STITCH in task.goals and len(situation.infos) == 1 and not _full_turn(situation):
        return message("refusal.one_tile")
    if info.projections < limits["least_views"]:
        return message("refusal.views", views=info.projections, least=limits["least_views"])
    coverage = traits.value("angular_coverage", 180.0)
    if coverage < limits["least_coverage_deg"]:
        return message("refusal.coverage", coverage=coverage, least=limits["least_coverage_deg"])
    axis = traits.center_px
    if axis is not None and not _full_turn(situation) and len(situation.infos) == 1:
        reach = min(axis.value, info.columns - 1 - axis.value) / ((info.columns - 1) / 2)
        if reach < limits["least_reach"]:
            return message("refusal.crop", axis=axis.value, columns=info.columns)
    if info.state is GreyState.COUNTS and not info.flats:
        truncated = traits.truncation
        if truncated is not None and truncated.value > 0.5:
            return message("refusal.no_flats")
    return None


def missing_part(situation: Situation) -> Message:
    """Why the grammar has no recipe: the first place that no tool can fill."""
    info = situation.info
    empty = next((s for s in slots(situation) if not s.optional and not s.steps), None)
    if empty is not None and empty.name == "logarithm":
        known = {"energy": info.energy_kev, "distance": info.distance_m, "pixel": info.pixel_size_m}
        lost = ", ".join(name for name, value in known.items() if not value)
        return message("missing.phase", lost=lost)
    return message("missing.step", step=empty.name if empty else "-", state=info.state.value)


def _full_turn(situation: Situation) -> bool:
    return situation.info.angular_range_rad > 1.7 * 3.141592653589793
