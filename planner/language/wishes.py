"""What a request rules out, which tools it names, and wishes that name no deliverable."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from planner.language.clauses import clauses_of
from planner.language.mentions import Stance, stance_of
from planner.language.normal import normal
from planner.language.quantities import limits_in
from planner.language.rules import evidence_of
from planner.language.vocabulary import vocabulary
from planner.task import Condition, Goal, Intent, Priority, Task

# What a step that is ruled out would have been for.
MENDS = {Goal.DESTRIPE: Condition.RINGS, Goal.PHASE_RETRIEVE: Condition.PHASE_CONTRAST}


@dataclass(frozen=True)
class Wishes:
    """Stages and tools that a request rules out, tools that it names, the column of the rotation
    axis where it gives one, methods it names that are not here, with what is taken for each
    (nothing: None), how often an iterative method is to repeat, and the first and last slice that
    it wants, where not all."""

    barred_stages: frozenset[str] = frozenset()
    barred_tools: frozenset[str] = frozenset()
    tools: tuple[str, ...] = ()
    axis_px: float | None = None
    strangers: tuple[tuple[str, str | None], ...] = ()
    iterations: int | None = None
    slices: tuple[int, int] | None = None

    @property
    def rows(self) -> slice | None:
        """The rows that make the slices wanted, the last one left out."""
        return None if self.slices is None else slice(self.slices[0], self.slices[1] + 1)

    def allows(self, tool: str, stage: str) -> bool:
        return tool not in self.barred_tools and stage not in self.barred_stages


@lru_cache(maxsize=64)
def wishes_in(text: str) -> Wishes:
    """The wishes in a request.

    >>> sorted(wishes_in("reconstruct with SIRT, no denoising").barred_stages)
    ['denoise']
    >>> wishes_in("用 SIRT 重建").tools
    ('sirt',)
    >>> wishes_in("reconstruct with the axis at 296.5").axis_px
    296.5
    >>> wishes_in("slices 100 to 200 with SIRT, 30 iterations").iterations
    30
    """
    plain = normal(text)
    ruled_out, _ = _ruled_out(plain)
    steps = vocabulary("wishes")["steps"]
    named, unwanted = _named_tools(plain)
    stages = {steps[name]["stage"] for name in ruled_out if "stage" in steps[name]}
    tools = {tool for name in ruled_out for tool in steps[name].get("tools", ())}
    strangers = _strangers(plain)
    named += tuple(tool for _, tool in strangers if tool is not None and tool not in named)
    barred = frozenset(tools | unwanted)
    return Wishes(
        frozenset(stages), barred, named, _axis(plain), strangers,
        _iterations(plain), _slices(plain),
    )  # fmt: skip


def without_ruled_out(task: Task) -> Task:
    """The task less the goals of steps that its text rules out, and less the conditions that only
    the ruling out mentions; a plan that has no goal left is for the volume."""
    if task.intent is not Intent.PLAN or not task.text:
        return task
    names, rest = _ruled_out(normal(task.text))
    goals = _goals_of(names)
    if not goals:
        return task
    said = evidence_of(rest).conditions
    dropped = {MENDS[goal] for goal in goals if goal in MENDS} - said
    return replace(
        task,
        goals=tuple(g for g in task.goals if g not in goals) or (Goal.RECONSTRUCT,),
        conditions=tuple(c for c in task.conditions if c not in dropped),
    )


def goals_ruled_out(text: str) -> set[Goal]:
    """The goals of the steps that a text rules out.

    >>> goals_ruled_out("跳过相位恢复")
    {<Goal.PHASE_RETRIEVE: 'phase_retrieve'>}
    """
    return _goals_of(_ruled_out(normal(text))[0])


def _goals_of(names: frozenset[str]) -> set[Goal]:
    steps = vocabulary("wishes")["steps"]
    return {Goal(steps[name]["goal"]) for name in names if "goal" in steps[name]}


def as_bare_wish(task: Task) -> Task | None:
    """A text that holds nothing but priority, limits and where the axis is, or asks how long a
    work takes, read as a wish for the scan at hand; None where it says something else."""
    words = vocabulary("wishes")
    plain = normal(task.text)
    if re.search(words["how_long"], plain) and re.search(words["how_long_of"], plain):
        from planner.language.offline import read_offline

        asked = read_offline(
            re.sub(words["how_long"], " ", plain).strip(" ?？吗呢") or "reconstruct"
        )
        goals = asked.goals if asked.intent is Intent.PLAN else (Goal.RECONSTRUCT,)
        return replace(task, intent=Intent.PLAN, goals=goals)
    quality, speed = (re.search(words[name], plain) is not None for name in ("quality", "speed"))
    limits = limits_in(clauses_of(plain))
    axis = _axis(plain) is not None
    if not (quality or speed or limits.seconds or limits.memory or axis):
        return None
    rest = re.sub(words["axis"], " ", plain) if axis else plain
    for name in ("quality", "speed", "filler"):
        rest = re.sub(words[name], " ", rest)
    rest = re.sub(r"\d+(?:\.\d+)?\s*(?:[a-z]+|小时|分钟|分|秒)?", " ", rest)
    if re.search(r"[a-z\u3400-\u9fff]", rest):
        return None
    priority = task.priority
    if quality != speed:
        priority = Priority.QUALITY if quality else Priority.SPEED
    return replace(
        task, intent=Intent.PLAN, goals=(Goal.RECONSTRUCT,), conditions=(), priority=priority,
        specimen=None, feature=None, max_seconds=limits.seconds, max_memory_gib=limits.memory,
    )  # fmt: skip


def as_asked(task: Task) -> Task:
    """The task that was read, once what its text rules out is left out and a bare wish is taken
    for one about the scan at hand.

    >>> as_asked(Task(Intent.REFUSE, text="fast")).priority.value
    'speed'
    """
    task = without_ruled_out(task)
    return as_bare_wish(task) or task


def _ruled_out(plain: str) -> tuple[frozenset[str], str]:
    """The steps that normal text rules out, and the text without. Where it also asks for a step,
    the later of both counts, and a ruling out only if it is of the whole step: "remove the rings.
    No, without ring removal", not "segment the pores, do not segment the grains"."""
    words = vocabulary("wishes")
    names: dict[str, int] = {}  # … and up to where in the text that revokes what was asked
    rest, whole = plain, re.compile(words["no_whole"])
    before, following = re.compile(words["no_before"]), re.compile(words["or"])
    called = {
        name: re.compile(rf"\s*(?:{step['called']})") for name, step in words["steps"].items()
    }

    def blank(start: int, stop: int) -> None:
        nonlocal rest
        rest = rest[:start] + " " * (stop - start) + rest[stop:]

    for negation in before.finditer(plain):
        at = negation.end()
        while hit := _first(called, plain, at):
            name, end = hit
            names[name] = max(names.get(name, 0), end if whole.match(plain, end) else 0)
            blank(negation.start(), end)
            joined = following.match(plain[end:])
            if joined is None:
                break
            at = end + joined.end()
    for name, pattern in called.items():
        for found in pattern.finditer(plain):
            after = re.match(words["no_after"], plain[found.end() :])
            if after:
                end = found.end() + after.end()
                names[name] = max(names.get(name, 0), end if whole.match(plain, end) else 0)
                blank(found.start(), end)
    ruled_out = frozenset(n for n, end in names.items() if not called[n].search(rest, end))
    return ruled_out, rest


def _strangers(plain: str) -> tuple[tuple[str, str | None], ...]:
    """Methods asked for that no tool is called after."""
    found = []
    for name, stranger in vocabulary("wishes")["strangers"].items():
        for clause in clauses_of(plain):
            match = re.search(stranger["called"], clause.text)
            asked = match and stance_of(clause, match.start(), match.end()) is Stance.ASKED
            if asked and not clause.question:
                found.append((name, stranger["tool"]))
                break
    return tuple(found)


def _axis(plain: str) -> float | None:
    """The one column that normal text gives for the axis."""
    columns = set()
    for found in re.finditer(vocabulary("wishes")["axis"], plain):
        clause = next(c for c in reversed(clauses_of(plain)) if c.start <= found.start())
        at = found.start() - clause.start
        if not clause.question and stance_of(clause, at, found.end()) is not Stance.DECLINED:
            columns.add(float(found["column"]))
    return columns.pop() if len(columns) == 1 else None


def _iterations(plain: str) -> int | None:
    """The one number of iterations that normal text asks for."""
    counts = {int(found["before"] or found["after"]) for found in _asked("iterations", plain)}
    counts.discard(0)
    return counts.pop() if len(counts) == 1 else None


def _slices(plain: str) -> tuple[int, int] | None:
    """The one range of slices that normal text asks for."""
    ranges = {(int(f["first"] or f["one"]), int(f["last"] or f["other"]))
              for f in _asked("slices", plain)}  # fmt: skip
    ranges = {(first, last) for first, last in ranges if first <= last}
    return ranges.pop() if len(ranges) == 1 else None


def _asked(name: str, plain: str) -> Iterator[re.Match[str]]:
    """Where normal text asks for what a pattern of the vocabulary finds."""
    for clause in clauses_of(plain):
        for found in re.finditer(vocabulary("wishes")[name], clause.text):
            declined = stance_of(clause, found.start(), found.end()) is not Stance.ASKED
            if not (declined or clause.question):
                yield found


def _first(called: dict[str, re.Pattern[str]], text: str, at: int) -> tuple[str, int] | None:
    for name, pattern in called.items():
        found = pattern.match(text, at)
        if found:
            return name, found.end()
    return None


def _named_tools(plain: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """Tools that normal text asks for, and those that it declines."""
    wanted: dict[str, None] = {}
    unwanted = set()
    for clause in clauses_of(plain):
        free = clause.text
        for tool, pattern in _names():
            for found in list(pattern.finditer(free)):
                stance = stance_of(clause, found.start(), found.end())
                if stance is Stance.DECLINED:
                    unwanted.add(tool)
                elif stance is Stance.ASKED and not clause.question:
                    wanted[tool] = None
                gap = " " * len(found.group())
                free = free[: found.start()] + gap + free[found.end() :]
    return tuple(wanted), frozenset(unwanted - set(wanted))


@lru_cache(maxsize=1)
def _names() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Each tool and how a text may name it, the longest names first."""
    from toolbox.registry import known_tools

    words = vocabulary("wishes")
    found = []
    for name, tool in known_tools().items():
        card = tool.card
        if card.stage.value not in words["fixed"] and name not in words["tools"]:
            continue
        # Names as they are, and as `normal` spells them
        spelled = [n.replace("_", "[_ -]") for n in {name, normal(name)} if "_" in n]
        titles = [re.escape(normal(t).strip()) for t in (card.title, card.title_zh)]
        also = [words["tools"][name]] if name in words["tools"] else []
        pattern = "|".join([*spelled, *titles, *also])
        found.append((name, re.compile(pattern, re.ASCII), len(card.title)))
    return tuple((n, p) for n, p, _ in sorted(found, key=lambda f: -f[2]))
