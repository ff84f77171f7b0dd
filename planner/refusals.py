"""What cannot be served, and the way out."""

from __future__ import annotations

from metadata.scan_info import Content
from planner.grammar import reachable, slots
from planner.materials import named_materials
from planner.situation import Message, Situation, message, named, rules
from planner.task import Goal

NEED_PROJECTIONS = (Goal.STITCH, Goal.ALIGN, Goal.CENTER, Goal.DESTRIPE, Goal.PHASE_RETRIEVE,
                    Goal.RECONSTRUCT)  # fmt: skip


def refusal(situation: Situation) -> Message | None:
    """The first reason why a request cannot be served on this scan, or None."""
    task, info, traits = situation.task, situation.info, situation.traits
    limits = rules()["refuse"]
    together = _together(situation)
    if together is not None:
        return together
    if situation.content is not Content.PROJECTIONS:
        return _of_stack(situation)
    if not situation.together and len({(i.projections, i.rows) for i in situation.infos}) > 1:
        sizes = ", ".join(f"{i.path.name} {i.projections} × {i.rows}" for i in situation.infos)
        return message("refusal.no_tiles", sizes=sizes)
    missing = [g for g in task.goals if not reachable(g)]
    if missing:
        return message("refusal.goal", goals=tuple(map(named, missing)))
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
    if any(one.sees_no_beam for one in situation.inspections):
        return message("refusal.no_flats")
    return None


def _together(situation: Situation) -> Message | None:
    """Why goals that need several scans, or pictures, cannot be served on these files."""
    task, infos = situation.task, situation.infos
    goals = tuple(map(named, situation.together))
    if len({i.content for i in infos}) > 1:
        kinds = ", ".join(f"{i.path.name} ({i.content.value})" for i in infos)
        return message("refusal.mixed", files=kinds)
    if Goal.DIFFRACTION in task.goals and situation.content is not Content.IMAGES:
        return message("refusal.no_pictures", file=infos[0].path.name)
    if not goals:
        return None
    if situation.content is Content.IMAGES:
        return message("refusal.images", goals=goals)
    if Goal.STITCH in task.goals:
        return message("refusal.tiles_and_pair", goals=goals)
    if len(infos) == 1:
        return message("refusal.two_scans", goals=goals)
    if len(infos) > 2 and Goal.DECOMPOSE not in task.goals:
        return message("refusal.only_two", goals=goals, count=len(infos))
    if Goal.DECOMPOSE not in task.goals:
        return None
    unknown = [i.path.name for i in infos if i.energy_kev is None]
    if unknown:
        return message("refusal.energies", files=", ".join(unknown))
    energies = sorted({round(i.energy_kev, 4) for i in infos if i.energy_kev is not None})
    if len(energies) < 2:
        return message("refusal.one_energy", energy=energies[0])
    materials = named_materials(task.text)
    if not materials or len(materials) > len(energies):
        names = ", ".join(materials) or "–"
        return message("refusal.materials", materials=names, energies=len(energies))
    return None


def _of_stack(situation: Situation) -> Message | None:
    """Why volumes or pictures cannot serve the goals."""
    goals = set(situation.task.goals)
    if situation.content is Content.IMAGES:
        if goals - {Goal.DIFFRACTION}:
            others = [g for g in situation.task.goals if g is not Goal.DIFFRACTION]
            return message("refusal.images", goals=tuple(map(named, others)))
        poni = situation.info.path.with_suffix(".poni")
        return None if poni.is_file() else message("refusal.poni", file=poni.name)
    before = [g for g in situation.task.goals if g in NEED_PROJECTIONS]
    if before and (len(before) == len(goals) or Goal.STITCH in goals):
        return message("refusal.volume", goals=tuple(map(named, before)))
    if len(situation.infos) > 1 and not situation.together:
        return message("refusal.one_volume", count=len(situation.infos))
    return None


def missing_part(situation: Situation) -> Message:
    """Why the grammar has no recipe: the first place that no tool can fill."""
    info = situation.info
    empty = next((s for s in slots(situation) if not s.optional and not s.steps), None)
    if empty is not None and empty.name == "logarithm":
        known = {"energy": info.energy_kev, "distance": info.distance_m, "pixel": info.pixel_size_m}
        lost = ", ".join(name for name, value in known.items() if not value)
        return message("missing.phase", lost=lost)
    return message("missing.step", step=empty.name.replace("_", " ") if empty else "-",
                   state=info.state.value)  # fmt: skip


def _full_turn(situation: Situation) -> bool:
    return situation.info.angular_range_rad > 1.7 * 3.141592653589793
