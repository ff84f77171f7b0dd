"""Everything the front ends do, in plain calls: they only translate to these."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metadata import InputError, Scan, TomoplanError, WorkError
from metadata.whole_file import require_apart
from planner.answers import catalogue, explanation
from planner.default_scorer import default_scorer
from planner.grammar import axis_given, axis_outside, repeating, unplaced
from planner.inspection import Inspection, inspect_scan
from planner.language import say, told_in, translate, understand
from planner.language.nonsense import intelligible
from planner.language.vague import out_of_place
from planner.language.wishes import as_bare_wish, wishes_in
from planner.measures import measures_here, measures_in
from planner.opening import ScanPath, opened
from planner.plan import Answer, CostModel, Plan, Prediction, Scorer
from planner.preview import NoBeamError
from planner.refusals import missing_part, refusal
from planner.situation import Situation, assess, marks_of_alarms
from planner.task import Condition, Device, Goal, Intent, Priority, Task
from toolbox.pipeline import Pipeline

if TYPE_CHECKING:
    from metadata.watch.instrument import Remark
    from planner.conversation import Conversation
    from planner.feedback.memory import Taste
    from planner.perception.similar import SimilarRun
    from planner.search import Candidate
    from toolbox.execution import RunRecord

GIB = 2.0**30
FAR_PX = 5.0  # from where a first look finds the axis: a column given is worth a word


def inspect(
    path: ScanPath,
    seconds: float = 0.8,
    *,
    reading: Mapping[str, Any] = {},
    look: Callable[[Scan], Inspection] | None = None,
) -> Inspection:
    """What a scan's file says and its data shows; ``reading`` and ``look`` as for :func:`plan`."""
    with opened(path, reading) as (scan,):
        return inspect_scan(scan, seconds) if look is None else look(scan)


def plan(
    text: str | Task,
    scans: Sequence[ScanPath] | ScanPath,
    *,
    scorer: Scorer | None = None,
    costs: CostModel | None = None,
    reading: Mapping[str, Any] = {},
    look: Callable[[Scan], Inspection] | None = None,
    audition: float = 0.0,
) -> Answer:
    """Ranked plans for a request on one or more scans, or a refusal, or an answer in words, all in
    the language of the request.

    ``reading``: what :func:`metadata.open_scan` is to be told of the files, such as ``angles``.
    ``look``: how a scan is inspected, where what was seen before is kept. ``audition``: seconds
    that the most promising plans may be tried on one slice (:mod:`planner.audition`); 0: none.
    Raises InputError for unusable files and texts.
    """
    began = time.perf_counter()
    task, said = _task(text)
    task = as_bare_wish(task) or task
    if task.intent is not Intent.PLAN:
        return _in_words(task, said)
    with told_in(task.language), opened(scans, reading) as given:
        found = _planned(task, said, given, scorer, costs, look, audition)
    return replace(found, planning_seconds=time.perf_counter() - began)


def _in_words(task: Task, said: Sequence[str]) -> Answer:
    if task.intent is Intent.REFUSE:
        key = _why_refused(task.text)
        refused = say(key, task.language, text=task.text[:40])
        said = [warning for warning in said if warning != refused]
        return Answer(task, refusal=refused, warnings=tuple(said))
    return Answer(task, answer=answer(task), warnings=tuple(said))


def _why_refused(text: str) -> str:
    """The sentence that refuses a request: none of ours, or not understood."""
    if text and not intelligible(text):
        return "refusal.unintelligible"
    return "refusal.outside" if not text or out_of_place(text) else "refusal.unclear"


def _planned(
    task: Task,
    said: Sequence[str],
    scans: Sequence[Scan],
    scorer: Scorer | None = None,
    costs: CostModel | None = None,
    look: Callable[[Scan], Inspection] | None = None,
    audition: float = 0.0,
) -> Answer:
    lang = task.language
    try:
        inspections = [(look or inspect_scan)(scan) for scan in scans]
    except NoBeamError as error:
        return Answer(task, refusal=translate(str(error), lang), warnings=tuple(said))
    situation = assess(task, inspections, _remarks(scans))
    warnings = [*said, *_same_scans(situation), *(m.text(lang) for m in situation.messages)]
    warnings += _of_files(inspections, lang)
    if task.device is Device.GPU and not _has_gpu():
        warnings.append(say("warn.no_gpu", lang))
    refused = refusal(situation)
    if refused is not None:
        return Answer(task, situation, (), tuple(warnings), refusal=refused.text(lang))
    if scorer is None:
        scorer, remark = default_scorer(situation)
        warnings += [remark.text(lang)] if remark else []
    plans = propose_plans(situation, scorer, costs, scans[0] if audition else None, audition)
    short = _too_little_memory(task, plans)
    if short is not None:
        return Answer(task, situation, (), tuple(warnings), refusal=short)
    if not plans:
        why = say("refusal.no_plan", lang, why=missing_part(situation).text(lang))
        return Answer(task, situation, (), tuple(warnings), refusal=why)
    why = say("cannot_fix.slot", lang)
    warnings += [say("warn.cannot_fix", lang, tool=t, why=why) for t in unplaced(situation)]
    warnings += [say("warn.stranger" if tool else "warn.stranger_none", lang, name=name, tool=tool)
                 for name, tool in situation.wishes.strangers]  # fmt: skip
    warnings += _told_numbers(situation, lang)
    if Goal.QUANTIFY in task.goals and not measures_in(task.text):
        warnings.append(say("warn.measure", lang, measures=measures_here(lang)))
    warnings += _budget_warnings(task, plans)
    return Answer(task, situation, tuple(plans), tuple(dict.fromkeys(warnings)))


def _of_files(inspections: Sequence[Inspection], lang: str) -> list[str]:
    """What the files and their data gave cause to say; of several, what not all share with the
    name of its file, and nothing of the axis, which is sought in what tiles are joined to."""
    if len(inspections) == 1:
        return [translate(warning, lang) for warning in inspections[0].warnings]
    times = Counter(warning for one in inspections for warning in set(one.warnings))
    found = []
    for one in inspections:
        axis = set(one.center.warnings) if one.center else set()
        for warning in (w for w in one.warnings if w not in axis):
            told = translate(warning, lang)
            name = one.info.path.name + (": " if lang == "en" else "：")
            found.append(told if times[warning] == len(inspections) else f"{name}{told}")
    return found


def _same_scans(situation: Situation) -> list[str]:
    """Which files were given more than once."""
    times = Counter(info.path.resolve() for info in situation.infos)
    return [say("warn.same_scan", situation.task.language, file=path.name, count=count)
            for path, count in times.items() if count > 1]  # fmt: skip


def _told_numbers(situation: Situation, lang: str) -> list[str]:
    """What is made of a number of iterations and of a range of slices that the request states."""
    wishes, found = situation.wishes, []
    if wishes.iterations is not None:
        taken = repeating(situation)
        found += [say("warn.iterations", lang, count=wishes.iterations, tool=tool, usual=usual)
                  for tool, usual in taken.items()]  # fmt: skip
        if not taken:
            found.append(say("warn.iterations_none", lang, count=wishes.iterations))
    if wishes.slices is not None:
        first, last = wishes.slices
        found.append(say("warn.slices", lang, first=first, last=last))
    return found + _told_axis(situation, lang)


def _told_axis(situation: Situation, lang: str) -> list[str]:
    """What is made of an axis that the request states, where the first look finds another one or
    the frames end before it."""
    column, columns = situation.wishes.axis_px, situation.info.columns
    if column is None:
        return []
    if axis_outside(situation):
        return [say("warn.axis_outside", lang, column=f"{column:g}", last=columns - 1)]
    if not axis_given(situation):
        return []
    found = situation.inspections[0].center
    if found is None or found.low - FAR_PX <= column <= found.high + FAR_PX:
        return []
    return [say("warn.axis_elsewhere", lang, column=f"{column:g}", found=f"{found.column:.1f}",
                low=f"{found.low:.1f}", high=f"{found.high:.1f}")]  # fmt: skip


def _remarks(scans: Sequence[Scan]) -> tuple[Remark, ...]:
    """What the watches of the instrument said while the first scan was taken."""
    from metadata.watch.instrument import remarks_on

    return remarks_on(scans[0].info)


def propose_plans(
    situation: Situation,
    scorer: Scorer | None = None,
    costs: CostModel | None = None,
    scan: Scan | None = None,
    seconds: float = 0.0,
) -> list[Plan]:
    """Three to five plans, the best for the request first; of a ``scan`` that is given the most
    promising are tried on one slice for at most ``seconds``."""
    from planner.audition.choosing import audition
    from planner.comparison import beside_first, why_first
    from planner.cost import machine_costs
    from planner.feedback.reranking import reranked
    from planner.policy.proposing import built, default_on
    from planner.search import propose, search
    from toolbox.recipe import wire

    scorer = scorer or default_scorer(situation)[0]
    costs = costs or machine_costs()
    candidates = built(situation, scorer, costs) if default_on() else []
    candidates = candidates or search(situation, scorer, costs)
    if not candidates:
        return []
    heard = audition(candidates, situation, scan, seconds) if scan is not None else None
    candidates = list(heard.candidates) if heard else candidates
    cheapest = min(c.seconds for c in candidates)
    liked = reranked(propose(candidates, situation), cheapest, situation)
    chosen = _told(liked.candidates, situation, scorer)
    plans = []
    for rank, candidate in enumerate(chosen, start=1):
        pipeline = wire(candidate.recipe, len(situation.infos), volumes=situation.volumes)
        pipeline.require_valid([i.state for i in situation.infos])
        reasons = [beside_first(candidate, chosen[0], situation)]
        if rank == 1:
            reasons += filter(None, [why_first(chosen, situation)])
        if heard and rank == 1:
            reasons.append(heard.reason(situation.task.language))
        if liked.reason is not None and rank == 1:
            reasons.append(liked.reason.text(situation.task.language))
        reasons += scorer.reasons(candidate.recipe, situation, situation.task.language)
        peak = costs.peak_bytes(pipeline, situation)
        prediction = Prediction(candidate.expected, candidate.time, peak)
        plans.append(Plan(rank, pipeline, prediction, tuple(reasons)))
    return plans


def _told(
    chosen: Sequence[Candidate], situation: Situation, scorer: Scorer
) -> tuple[Candidate, ...]:
    """The candidates with the quality that is told of them: that of the pipeline on the scan.

    The network saw priority, limits and device of requests too, and foretells less where speed is
    asked for: that orders the plans, and is no property of a result.
    """
    from planner.graph_network.scorer import moved

    task = replace(situation.task, priority=Priority.BALANCED, max_seconds=None,
                   max_memory_gib=None, device=Device.ANY)  # fmt: skip
    own = [scorer.quality(c.recipe, situation).value for c in chosen]
    asked = replace(situation, task=task)
    told = [scorer.quality(c.recipe, asked).value for c in chosen]
    return tuple(replace(c, expected=moved(c.expected, after - before))
                 for c, before, after in zip(chosen, own, told, strict=True))  # fmt: skip


def answer(task: Task) -> str:
    """The answer in words to a request that is not for a plan."""
    if task.intent is Intent.CATALOGUE:
        return catalogue(task)
    if task.intent is Intent.EXPLAIN:
        return explanation(task)
    return say("answer.watch", task.language, now=_now(task.language))


def _now(lang: str) -> str:
    """How the instrument stands, as far as it is watched."""
    from metadata.watch.instrument import remarks_during
    from metadata.watch.phrases import state_word

    now = time.time()
    said = [f"{r.metric} {state_word(r.state, lang)}" for r in remarks_during(now, now)]
    return say("watch.now", lang, said=", ".join(said)) if said else say("watch.nothing", lang)


def run(
    what: str | Task | Plan | Pipeline | Path,
    scans: Sequence[ScanPath] | ScanPath,
    output: str | Path,
    *,
    confirm: Callable[[Plan], bool] | None = None,
    reading: Mapping[str, Any] = {},
    of: Answer | None = None,
    audition: float = 0.0,
    language: str = "en",
    **options: Any,
) -> RunRecord:
    """Run a plan, a pipeline file, or the first plan for a text; see ``toolbox.execution.run``.

    ``confirm`` is asked before a plan that breaks a stated budget starts; without it, it starts.
    ``of``: the answer that a plan was taken from, whose task, limits and warnings the run keeps.
    ``reading`` and ``audition`` as for :func:`plan`. ``language``: in which a run of no request is
    told ("en", "zh"). Raises RefusedError where a text cannot be
    served.
    """
    from metadata.store import default_store_path
    from toolbox.execution import run as execute

    options.setdefault("store", default_store_path())
    if options.get("scheduler") is not None:
        from toolbox.execution.cluster import require_scheduler

        require_scheduler(options["scheduler"])
    pipeline, task, said = _given(what)
    lang = task.language if task else of.task.language if of else language
    with told_in(lang), opened(scans, reading) as inputs:
        require_apart(Path(output), _given_files(reading))
        found = of
        if task is not None:
            task = as_bare_wish(task) or task
            plans = task.intent is Intent.PLAN
            found = (_planned(task, said, inputs, audition=audition) if plans
                     else _in_words(task, said))  # fmt: skip
            if not found.plans:
                raise RefusedError(found)
            if confirm is not None and breaks_budget(task, found.best) and not confirm(found.best):
                raise WorkError(
                    "Not started: the prediction breaks the stated budget. Use --yes to start "
                    "anyway."
                )
            pipeline = found.best.pipeline
        if found is not None:
            task = found.task
            options.setdefault("notes", _lasting(found))
            if task.max_memory_gib:
                options["memory_bytes"] = options.get("memory_bytes") or task.max_memory_gib * GIB
            options.setdefault("device", _usable(task.device).value)
            if wishes_in(task.text).rows is not None:
                options.setdefault("rows", wishes_in(task.text).rows)
        else:
            marks = marks_of_alarms(_remarks(inputs))
            options.setdefault("notes", [m.text(lang) for m in marks])
        assert pipeline is not None  # given, or planned from the task
        if of is None and task is None and pipeline.scans < len(inputs):
            raise InputError(
                f"The plan takes {pipeline.scans} of the {len(inputs)} scans that were given. "
                f"Give as many as it takes, or say what you want of all in words."
            )
        document = task.to_json() if task else None
        record = execute(pipeline, inputs, Path(output), task=document, **options)
        seen = found.situation.inspections if found and found.situation else ()
        record = _remembered(record, seen[0] if seen else None, inputs[0], options["store"])
    return replace(
        record,
        notes={step: [translate(n, lang) for n in notes] for step, notes in record.notes.items()},
        warnings=list(dict.fromkeys(translate(w, lang) for w in record.warnings)),
    )


def _given_files(reading: Mapping[str, Any]) -> list[Path]:
    """The files, other than the scan, that ``reading`` names."""
    named = (reading.get(name) for name in ("flats", "darks", "angles"))
    return [Path(str(one).split("::")[0]) for one in named if isinstance(one, str | Path)]


def _remembered(
    record: RunRecord, seen: Inspection | None, scan: Scan, store: str | Path | None
) -> RunRecord:
    """The record, once what its scan looks like is kept beside it for :func:`similar`."""
    from metadata.store import Store
    from planner.perception.recognition import shipped
    from planner.perception.similar import keep

    if store is None or shipped() is None:
        return record
    try:
        with Store(store) as runs:
            keep(runs, record.id, seen or inspect_scan(scan))
    except TomoplanError as error:
        told = f"The run is complete, but what its scan looks like was not kept. {error}"
        return replace(record, warnings=[*record.warnings, told])
    return record


def recognised(inspection: Inspection) -> dict[Condition, float]:
    """Conditions that the pictures of an inspected scan show, with how sure it is (0 to 1), the
    surest first: only those that the image-text model tells well. Empty without its weights."""
    from planner.perception.recognition import recognise
    from planner.perception.recognition import told as to_tell

    found = recognise(inspection)
    return {} if found is None else to_tell(inspection, found)


def similar(path: ScanPath, limit: int = 5, *, reading: Mapping[str, Any] = {}) -> list[SimilarRun]:
    """Past runs on the scans that look most like this one. Raises InputError where a scan has no
    pictures to compare (volumes, images) or the image-text model has no weights."""
    from metadata.store import Store
    from planner.perception.recognition import recognise
    from planner.perception.similar import nearest

    inspection = inspect(path, reading=reading)
    found = recognise(inspection)
    if found is None:
        raise InputError(
            f"{inspection.info.path} cannot be compared with other scans: expected projections, "
            "and the weights of the image-text model (`tomoplan train perception`)."
        )
    with Store() as runs:
        return nearest(runs, found, limit)


def _given(
    what: str | Task | Plan | Pipeline | Path,
) -> tuple[Pipeline | None, Task | None, list[str]]:
    """The pipeline that was handed over or stands in a file; else the task, and what reading it
    gave cause to say."""
    if isinstance(what, Plan):
        return what.pipeline, None, []
    if isinstance(what, Pipeline):
        return what, None, []
    if isinstance(what, Path) or names_plan(what):
        return Pipeline.load(str(what)), None, []
    return None, *_task(what)


def _lasting(found: Answer) -> list[str]:
    """What planning warned of, but for the axis: the run measures it again on more data."""
    seen = found.situation.inspections if found.situation else ()
    lang = found.task.language
    axis = {translate(w, lang) for one in seen if one.center for w in one.center.warnings}
    return [w for w in found.warnings if w not in axis]


def conversation(
    scans: Sequence[str | Path] = (), output: str | Path | None = None, **options: Any
) -> Conversation:
    """A conversation over the same actions, in which nothing runs without the person's yes; see
    :class:`planner.conversation.Conversation`, which takes the ``options``."""
    from planner.conversation import Conversation

    return Conversation(scans, output, **options)


def feedback(
    run: str,
    *,
    better_than: str | None = None,
    rating: int | None = None,
    beamline: str | None = None,
) -> Taste:
    """Keep a person's judgement of a run of the store, and what the beamline likes after it.

    Either ``better_than`` (another run of the same scan) or ``rating`` (1 to 5); runs by their id,
    how it begins, or the file that they wrote. Raises InputError for anything else.
    """
    from planner.feedback.memory import Memory, beamline_name

    better, worse = _run_id(run), better_than and _run_id(better_than)
    with Memory() as memory:
        return memory.judge(better, worse, rating, beamline_name(beamline))


def run_language(run: str) -> str | None:
    """The language of the request that a run of the store was for; None where it was for none."""
    from metadata.store import Store

    with Store() as runs:
        task: dict[str, Any] = runs.run(_run_id(run)).get("task") or {}
    return task.get("language")


def _run_id(run: str) -> str:
    """The id of a run, which may be told by the file that it wrote."""
    from toolbox.execution.record import RunRecord

    return RunRecord.read(run).id if os.path.isfile(run) else run


class RefusedError(InputError):
    """A text that cannot be served; ``answer`` is what ``plan`` would say."""

    exit_status = 1

    def __init__(self, found: Answer) -> None:
        super().__init__(found.refusal or found.answer or "")
        self.answer = found


def breaks_budget(task: Task, proposal: Plan) -> bool:
    """Whether a prediction goes beyond what the request allows."""
    seconds, peak = proposal.prediction.seconds, proposal.prediction.peak_bytes
    over_time = task.max_seconds is not None and seconds.value > task.max_seconds
    over_memory = task.max_memory_gib is not None and peak.value > task.max_memory_gib * GIB
    return over_time or over_memory


def _budget_warnings(task: Task, plans: Sequence[Plan]) -> list[str]:
    found = []
    if task.max_seconds is not None:
        fastest = min(p.prediction.seconds.value for p in plans)
        if fastest > task.max_seconds:
            found.append(say("warn.budget", task.language, seconds=fastest, limit=task.max_seconds))
    if task.max_memory_gib is not None:
        peak = plans[0].prediction.peak_bytes.value / GIB
        if peak > task.max_memory_gib:
            found.append(say("warn.memory", task.language, gib=peak, limit=task.max_memory_gib))
    return found


def _too_little_memory(task: Task, plans: Sequence[Plan]) -> str | None:
    """Why no plan can keep to the memory asked for: the process alone holds more."""
    from toolbox.execution.resident import resident_bytes

    least = resident_bytes()
    if task.max_memory_gib is None or not plans or task.max_memory_gib * GIB >= least:
        return None
    peak = min(p.prediction.peak_bytes.value for p in plans)
    return say("refusal.memory", task.language, limit=task.max_memory_gib, least=least / GIB,
               gib=peak / GIB)  # fmt: skip


def _task(text: str | Task) -> tuple[Task, list[str]]:
    if isinstance(text, Task):
        return text, []
    if os.path.isfile(text):
        raise InputError(
            f"{text} is a file, expected a request in words. Say first what you want of the scans "
            f"(as 'reconstruct without rings'); only a plan whose name ends in .yaml, as `tomoplan "
            f"plan … --out plan.yaml` writes it, can be run in its place."
        )
    understood = understand(text)
    return replace(understood.task, text=text), list(understood.warnings)


def names_plan(text: str | Task) -> bool:
    """Whether what is to be run is the name of a plan file and no request."""
    named = isinstance(text, str) and text.lower().endswith((".yaml", ".yml"))
    return named and (" " not in str(text) or os.path.isfile(str(text)))


def _usable(device: Device) -> Device:
    """The device of a request; any where there is no GPU, as planning has said."""
    return device if device is not Device.GPU or _has_gpu() else Device.ANY


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()
