"""The typed grammar: which steps may come next, for a task, on what has been done so far."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from metadata.scan_info import Content
from planner.joint_steps import decomposition, diffraction, registration
from planner.measures import measuring
from planner.situation import TOGETHER, Situation, rules
from planner.task import Condition, Goal
from toolbox.card import parameters_of
from toolbox.kinds import DataKind, GreyState, Stage
from toolbox.recipe import FRAMES, Recipe, Step
from toolbox.registry import known_tools
from toolbox.tool import Tool
from toolbox.tools.segment.adapter import AdapterTool

NO_RECONSTRUCTION = re.compile(
    r"(no|without|skip|don'?t need|do not need|don'?t|do not)\s+(any\s+|the\s+|to\s+)?reconstruct"
    r"|(不用|不需要|无需|别|不要|不必)(做|再)?(三维)?重建",
    re.IGNORECASE,
)
# The last stage that each goal asks for; goals without a tool are not here.
REACHES = {
    Goal.STITCH: Stage.RECONSTRUCT,
    Goal.ALIGN: Stage.RECONSTRUCT,
    Goal.CENTER: Stage.CENTER,
    Goal.DESTRIPE: Stage.RECONSTRUCT,
    Goal.PHASE_RETRIEVE: Stage.RECONSTRUCT,
    Goal.RECONSTRUCT: Stage.RECONSTRUCT,
    Goal.DENOISE: Stage.DENOISE,
    Goal.SEGMENT: Stage.SEGMENT,
    Goal.QUANTIFY: Stage.QUANTIFY,
    Goal.SUPER_RESOLVE: Stage.SUPER_RESOLVE,
    Goal.REGISTER: Stage.REGISTER,
    Goal.DECOMPOSE: Stage.DECOMPOSE,
    Goal.DEFORM: Stage.DEFORM,
    Goal.DIFFRACTION: Stage.DIFFRACTION,
}


@dataclass(frozen=True)
class Slot:
    """A place in a recipe that takes one of some steps, or none where ``optional``."""

    name: str
    steps: tuple[Recipe, ...]  # most are one step; alignment is two: estimate, then move
    optional: bool


def reachable(goal: Goal) -> bool:
    """Whether a tool delivers a goal."""
    return goal in REACHES


def without_reconstruction(situation: Situation) -> bool:
    """Whether the request says that nobody needs the volume."""
    goals = set(situation.task.goals)
    volume_goals = {Goal.RECONSTRUCT, Goal.DENOISE, Goal.SUPER_RESOLVE, Goal.SEGMENT,
                    Goal.QUANTIFY, *TOGETHER}  # fmt: skip
    return not goals & volume_goals and bool(NO_RECONSTRUCTION.search(situation.task.text))


def last_stage(situation: Situation) -> Stage:
    """How far a recipe has to go."""
    order = list(Stage)
    goals = [g for g in situation.task.goals if g in REACHES] or [Goal.RECONSTRUCT]
    if without_reconstruction(situation):
        names = {Goal.STITCH: Stage.STITCH, Goal.ALIGN: Stage.ALIGN, Goal.CENTER: Stage.CENTER,
                 Goal.DESTRIPE: Stage.DESTRIPE, Goal.PHASE_RETRIEVE: Stage.PHASE}  # fmt: skip
        return max((names[g] for g in goals), key=SLOT_ORDER.index)
    return max((REACHES[g] for g in goals), key=order.index)


BESIDE = 0.25  # of the width: so far beside the frames an axis that is given may lie
SLOT_ORDER = [Stage.CORRECT, Stage.STITCH, Stage.PHASE, Stage.DESTRIPE, Stage.ALIGN, Stage.CENTER,
              Stage.RECONSTRUCT, Stage.DENOISE, Stage.SEGMENT, Stage.QUANTIFY]  # fmt: skip


def slots(situation: Situation) -> list[Slot]:
    """The slots of a recipe for this situation, in order, as the request wishes them: without what
    it rules out, and with the tools that it names where they can stand."""
    found = []
    for slot in possible_slots(situation):
        allowed = tuple(s for s in slot.steps if _allowed(s, situation))
        named = tuple(s for s in allowed if any(x.tool in situation.wishes.tools for x in s))
        named = named or _named(slot, allowed, situation)
        if named:
            repeated = tuple(_repeated(s, situation) for s in named)
            found.append(Slot(slot.name, tuple(_distinct(repeated)), optional=False))
        elif allowed or not slot.optional:
            found.append(Slot(slot.name, allowed, slot.optional))
    return found


def unplaced(situation: Situation) -> list[str]:
    """Tools that the request names and that no recipe for it can hold."""
    placed = {step.tool for slot in slots(situation) for steps in slot.steps for step in steps}
    stated = situation.wishes.axis_px is not None and not axis_outside(situation)
    given = ("known_center",) if stated else ()
    return [tool for tool in (*situation.wishes.tools, *given) if tool not in placed]


def _repeated(steps: Recipe, situation: Situation) -> Recipe:
    """Steps with the number of iterations that the request asks for, where they are named tools."""
    return tuple(
        Step(s.tool, {**s.parameters, "iterations": situation.wishes.iterations})
        if s.tool in repeating(situation)
        else s
        for s in steps
    )


def settling(steps: Recipe, coverage_deg: float) -> Recipe:
    """Steps with as many iterations as they need to settle where directions are missing: where
    the angles cover only ``coverage_deg`` of the half turn."""
    how = rules()["missing_directions"]
    if coverage_deg >= how["below_degrees"]:
        return steps
    return tuple(
        Step(s.tool, {"iterations": how["iterations"][s.tool], **s.parameters})
        if s.tool in how["iterations"]
        else s
        for s in steps
    )


def repeating(situation: Situation) -> dict[str, int]:
    """Named tools that can repeat as often as the request asks for, with their usual number."""
    count = situation.wishes.iterations
    if count is None:
        return {}
    return {
        tool: parameter.default
        for tool in situation.wishes.tools
        for parameter in parameters_of(known_tools()[tool])
        if parameter.name == "iterations" and parameter.problem(count) is None
    }


def _distinct(found: tuple[Recipe, ...]) -> list[Recipe]:
    return [steps for place, steps in enumerate(found) if steps not in found[:place]]


def _allowed(steps: Recipe, situation: Situation) -> bool:
    wishes = situation.wishes
    return all(wishes.allows(s.tool, known_tools()[s.tool].card.stage.value) for s in steps)


def _named(slot: Slot, steps: tuple[Recipe, ...], situation: Situation) -> tuple[Recipe, ...]:
    """Named tools that are not offered by themselves, where another of their ports stands."""
    found = []
    for name in situation.wishes.tools:
        tool = known_tools()[name]
        for (other,) in (s for s in steps if len(s) == 1):
            card = known_tools()[other.tool].card
            same = tool.card.stage is card.stage and tool.card.inputs == card.inputs
            if same and not needs_values(tool) and (Step(name),) not in found:
                found.append((Step(name),))
    return tuple(found)


def possible_slots(situation: Situation) -> list[Slot]:
    """The slots of a recipe for this situation, in order, each with the steps whose ports fit.

    Only tools that are on by default take part (alignment: where something is misaligned), and
    only where what they need is at hand: a monitor, energy and distance, a second scan, labels.
    """
    info, goals = situation.info, set(situation.task.goals)
    if situation.content is Content.IMAGES:
        return diffraction_slots(situation)
    if situation.volumes:
        return volume_slots(situation, info.state)
    end = last_stage(situation)
    found: list[Slot] = []

    def add(name: str, steps: list[Recipe], optional: bool = True) -> None:
        steps = [s for s in steps if s and suited(s, situation)]
        if steps or not optional:
            found.append(Slot(name, tuple(steps), optional))

    state = info.state
    if state is GreyState.COUNTS:
        has_flats = info.flats > 0
        flat = [t for t in fitting(Stage.CORRECT, state) if makes(t, GreyState.TRANSMISSION)]
        if info.flats_before is None or not 0 < info.flats_before < info.flats:
            flat = [t for t in flat if t.card.name != "interpolated_flat_field"]
        if not any(one.flats_vary for one in situation.inspections):  # it would be flat_field
            flat = [t for t in flat if t.card.name != "dynamic_flat_field"]
        named_air = [t for t in flat if "air" in t.card.name]
        add("flat", one_step([t for t in flat if (t in named_air) != has_flats]), optional=False)
        state = GreyState.TRANSMISSION
    same = fitting(Stage.CORRECT, state)
    same = [t for t in same if not t.card.output.states or makes(t, state)]
    for tool in same:
        if tool.card.name in rules()["corrections"] and applies(tool.card.name, situation):
            must = rules()["corrections"][tool.card.name].get("must", False)
            add(tool.card.name, one_step([tool]), optional=not must)

    if len(situation.infos) > 1 and not situation.together:
        joins = [t for t in fitting(Stage.STITCH, state) if inputs_of(t) > 1]
        add("stitch", one_step(joins), optional=False)
    elif situation.has(Condition.HALF_ACQUISITION) and not axis_given(situation):
        singles = [t for t in fitting(Stage.STITCH, state) if inputs_of(t) == 1]
        add("stitch", one_step(singles), optional=Goal.STITCH not in goals)
    if end is Stage.STITCH:
        return found

    if state is GreyState.TRANSMISSION:
        logs = [t for t in fitting(Stage.CORRECT, state) if makes(t, GreyState.ATTENUATION)]
        phases = fitting(Stage.PHASE, state)
        known = info.energy_kev and info.distance_m and info.pixel_size_m
        steps = one_step(phases if known else [])
        if Goal.PHASE_RETRIEVE not in goals:
            steps = one_step(logs) + (steps if situation.has(Condition.PHASE_CONTRAST) else [])
        add("logarithm", steps, optional=False)
        state = GreyState.ATTENUATION
    if end is Stage.PHASE:
        return found
    marked: list[type[Tool]] = [
        t for t in fitting(Stage.CORRECT, state) if issubclass(t, AdapterTool)
    ]
    add("marked", one_step(marked))
    add("destripe", one_step(fitting(Stage.DESTRIPE, state)), optional=Goal.DESTRIPE not in goals)
    if end is Stage.DESTRIPE:
        return found

    named = any(known_tools()[t].card.stage is Stage.ALIGN for t in situation.wishes.tools)
    if (
        named
        or Goal.ALIGN in goals
        or situation.has(Condition.JITTER)
        or situation.has(Condition.DRIFT)
    ):
        barred = rules()["needs_whole_specimen"] if situation.has(Condition.TRUNCATED) else ()
        aligners = [t for t in known_tools().values()
                    if t.card.stage is Stage.ALIGN and t.card.name not in barred
                    and offered(t, situation)]  # fmt: skip
        pairs = [(*needs_center(f), Step(f.card.name), Step(m.card.name))
                 for f in aligners if f.card.output.kind is DataKind.SHIFTS
                 for m in aligners if m.card.output.kind in FRAMES]  # fmt: skip
        drifts = situation.drifting_axis is not None and any(_allowed(p, situation) for p in pairs)
        add("align", pairs, optional=Goal.ALIGN not in goals and not drifts)
    if end is Stage.ALIGN:
        return found

    centers = [t for t in known_tools().values()
               if t.card.stage is Stage.CENTER and t.card.default_on
               and t.card.name in rules()["centers"]]  # fmt: skip
    axes = one_step(centers)
    if axis_given(situation):
        add("center", [(Step("known_center", {"column": situation.wishes.axis_px}),)], False)
        axes = []
    settled = situation.drifting_axis is None  # else what the file says may be of yesterday
    if axes and info.rotation_axis_px is not None and len(situation.infos) == 1 and settled:
        axes.append((Step("known_center", {"column": info.rotation_axis_px}),))
    if axes:
        add("center", axes, optional=False)
    if end is Stage.CENTER:
        return found

    covered = situation.traits.angular_coverage
    degrees = 180.0 if covered is None else covered.value
    makers = [settling(r, degrees) for r in one_step(fitting(Stage.RECONSTRUCT, state))]
    add("reconstruct", makers, optional=False)
    return [*found, *volume_slots(situation, state)]


def offered(tool: type[Tool], situation: Situation) -> bool:
    """Whether a tool that aligns may take part: learned ones that are off by default only by
    name."""
    card = tool.card
    return card.default_on or not card.weights or card.name in situation.wishes.tools


def axis_given(situation: Situation) -> bool:
    """Whether the request gives a column that can be the axis of the frames as they were taken."""
    alone = len(situation.infos) == 1 and Goal.STITCH not in situation.task.goals
    return situation.wishes.axis_px is not None and alone and not axis_outside(situation)


def axis_outside(situation: Situation) -> bool:
    """Whether the request gives a column that no frame has or has nearly: a quarter of the width
    and more beside them."""
    column, columns = situation.wishes.axis_px, situation.info.columns
    beside = BESIDE * columns
    return column is not None and not -beside < column < columns + beside


def volume_slots(situation: Situation, state: GreyState) -> list[Slot]:
    """What may come after the slices are there."""
    goals = set(situation.task.goals)
    found: list[Slot] = []

    def add(name: str, steps: list[Recipe], optional: bool) -> None:
        steps = [s for s in steps if suited(s, situation)]
        if steps or not optional:
            found.append(Slot(name, tuple(steps), optional))

    def volume_tools(stage: Stage) -> list[Recipe]:
        return one_step(fitting(stage, state, DataKind.VOLUME))

    # What compares volumes, or models their noise, is better served with them as they are.
    if Goal.DENOISE in goals or not (situation.together or Goal.SUPER_RESOLVE in goals):
        add("denoise", volume_tools(Stage.DENOISE), Goal.DENOISE not in goals)
    if Goal.SUPER_RESOLVE in goals:
        add("super_resolve", volume_tools(Stage.SUPER_RESOLVE), False)
    if goals & {Goal.REGISTER, Goal.DEFORM} and len(situation.infos) == 2:
        add("register", registration(situation), Goal.REGISTER not in goals)
    if Goal.DECOMPOSE in goals:
        add("decompose", decomposition(situation), False)
    if Goal.DEFORM in goals:
        add("deform", [(*d, Step("strain")) for d in volume_tools(Stage.DEFORM)], False)
    segmentations = volume_tools(Stage.SEGMENT)
    if Goal.QUANTIFY in goals:
        task, names = situation.task, [step.tool for (step,) in segmentations]
        add("quantify", measuring(task.text, task.feature, names), False)
    elif Goal.SEGMENT in goals:
        add("segment", segmentations, False)
    return found


def diffraction_slots(situation: Situation) -> list[Slot]:
    """Pictures of rings: integrated, then their peaks fitted."""
    steps = tuple(diffraction(situation)) if Goal.DIFFRACTION in situation.task.goals else ()
    return [Slot("diffraction", steps, optional=False)]


def recipes(situation: Situation) -> Iterator[Recipe]:
    """Every recipe of the grammar, one at a time (there are thousands)."""

    def extend(done: Recipe, rest: list[Slot]) -> Iterator[Recipe]:
        if not rest:
            yield done
            return
        if rest[0].optional:
            yield from extend(done, rest[1:])
        for steps in rest[0].steps:
            yield from extend(done + steps, rest[1:])

    yield from extend((), slots(situation))


# ---- which tools fit -----------------------------------------------------------------------------


def fitting(
    stage: Stage, state: GreyState, kind: DataKind = DataKind.PROJECTIONS
) -> list[type[Tool]]:
    """Tools of a stage that are on by default, need to be told nothing, and of which the first
    stack port takes this kind and state."""
    found = []
    for tool in known_tools().values():
        if tool.card.stage is not stage or not tool.card.default_on or needs_values(tool):
            continue
        port = next((p for p in tool.card.inputs.values() if p.kind.is_stack), None)
        if port and port.accepts(kind) and (not port.states or state in port.states):
            found.append(tool)
    return found


def suited(steps: Recipe, situation: Situation) -> bool:
    """Whether the scan's traits lie where the cards of some steps say that they were measured to
    help; a trait that could not be measured does not speak for a tool that asks for it."""
    for step in steps:
        for name, (low, high) in known_tools()[step.tool].card.suits.items():
            trait = getattr(situation.traits, name)
            if trait is None or not low <= trait.value <= high:
                return False
    return True


def makes(tool: type[Tool], state: GreyState) -> bool:
    """Whether a tool's output is always in this state."""
    return tool.card.output.states == frozenset({state})


def inputs_of(tool: type[Tool]) -> int:
    """How many stacks of frames a tool must be given."""
    return sum(p.kind in FRAMES and not p.optional for p in tool.card.inputs.values())


def needs_center(tool: type[Tool]) -> Recipe:
    """The axis before an estimator of shifts that asks for it."""
    port = tool.card.inputs.get("center")
    return (Step(rules()["centers"][0]),) if port is not None and not port.optional else ()


def one_step(tools: list[type[Tool]]) -> list[Recipe]:
    """Recipes of one step: each tool with its default parameters and its listed variants."""
    found: list[Recipe] = []
    for tool in tools:
        variants = rules()["variants"].get(tool.card.name, [{}])
        found += [(Step(tool.card.name, dict(v)),) for v in variants]
    return found


@cache
def needs_values(tool: type[Tool]) -> bool:
    """Whether a tool cannot be made without being told something."""
    import inspect

    return any(p.default is inspect.Parameter.empty for p in tool.describe_parameters())


def applies(name: str, situation: Situation) -> bool:
    """Whether a correction has something to correct, by its rule."""
    rule = rules()["corrections"][name]
    if "condition" in rule and situation.has(Condition(rule["condition"])):
        return True
    if "trait" in rule and situation.traits.value(rule["trait"]) >= rule["above"]:
        return rule.get("needs") != "monitor" or situation.inspections[0].has_monitor
    return False
