"""The seven things a conversation can do, and the rules that hold whoever calls them.

A person's words and a language model come through here alike. Files are those that the person
named; nothing is overwritten; a run is laid before the person (:class:`Proposal`), whose yes alone
starts it (:meth:`Conversation.say`): no action does.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from metadata.errors import InputError, TomoplanError
from planner import service
from planner.answers import catalogue
from planner.conversation.named import RESULTS
from planner.conversation.proposal import Proposal
from planner.conversation.reasons import tools_in, why
from planner.conversation.seen import Seen
from planner.conversation.state import State
from planner.conversation.told import Told
from planner.conversation.wording import (
    answer_words,
    inspection_data,
    inspection_words,
    plain,
    plan_data,
    plan_words,
)
from planner.language.normal import language_of
from planner.language.phrases import say
from planner.language.translation import translate
from planner.language.understanding import LONGEST
from planner.language.wishes import as_bare_wish, without_ruled_out
from planner.plan import Answer, CostModel, Scorer
from planner.task import Intent, Task
from toolbox.catalogue import card_text

MOST = 16  # actions in one turn, whoever asks for them
KEPT = 20  # choices to which one can go back


class Actions:
    """The actions of one conversation on its state; ``done`` holds those of the present turn.

    Each returns what it did and raises nothing that a person or a model can bring about: what
    cannot be done comes back as refused, with the reason.
    """

    def __init__(
        self,
        state: State,
        scorer: Scorer | None = None,
        costs: CostModel | None = None,
        seen: Seen | None = None,
    ) -> None:
        self.state = state
        self._seen = seen or Seen()
        self.done: list[Told] = []
        self._scorer, self._costs = scorer, costs
        # A model may ask for several at once, and what runs them does so in threads.
        self._one = threading.RLock()
        self._before = state.chosen

    def inspect(self, file: str | None = None) -> Told:
        """What a scan's file says and its data shows; by default the scan now spoken of."""
        return self._does("inspect", self._inspect, file)

    def plan(self, request: str | Task, files: Sequence[str] = ()) -> Told:
        """Ranked plans for a request on scans, by default those now spoken of."""
        return self._does("plan", self._plan, request, files)

    def choose(self, rank: int) -> Told:
        """Take one of the plans; a negative rank counts from the last."""
        return self._does("choose", self._choose, rank)

    def show(self, rank: int) -> Told:
        """One of the plans with its reasons; a negative rank counts from the last."""
        return self._does("show", self._show, rank)

    def back(self) -> Told:
        """Speak again of what was chosen before the last change."""
        return self._does("back", self._back)

    def alternatives(self) -> Told:
        """The plans at hand once more."""
        return self._does("alternatives", self._alternatives)

    def explain(self, question: str) -> Told:
        """Why the plan is as it is, or what a term means."""
        return self._does("explain", self._explain, question)

    def run(self, rank: int | None = None, output: str | None = None) -> Told:
        """Lay a run of the plan that was taken before the person. Nothing starts by this."""
        return self._does("run", self._run, rank, output)

    def resume(self) -> Told:
        """Lay the rest of a run that was broken off before the person."""
        return self._does("resume", self._resume)

    def watch(self, source: str | None = None) -> Told:
        """How the metrics of a source that the person named stand."""
        return self._does("watch", self._watch, source)

    def tools(self, name: str | None = None, asked: str = "") -> Told:
        """The catalogue (of the steps that a question ``asked`` names), or the card of one tool."""
        return self._does("tools", self._tools, name, asked)

    # ---- what they do ----------------------------------------------------------------------------

    def _does(self, action: str, work: Any, *arguments: Any) -> Told:
        with self._one:
            if len(self.done) >= MOST:
                return Told(action, say("chat.too_many", self._lang, most=MOST), refused=True)
            try:
                told = work(*arguments)
            except TomoplanError as error:
                text = plain(translate(str(error), self._lang), 600)
                told = Told(action, text, {"error": text}, refused=True)
            self.done.append(told)
            return told

    @property
    def _lang(self) -> str:
        return self.state.language

    def _inspect(self, file: str | None) -> Told:
        path = self._files([file] if file else [])[0]
        found = service.inspect(path, reading=self.state.reading, look=self._seen)
        return Told("inspect", inspection_words(found, self._lang), inspection_data(found))

    def _plan(self, request: str | Task, files: Sequence[str]) -> Told:
        task = request if isinstance(request, Task) else read_request(request)
        task = replace(task, language=self._lang)  # the person's; a model may write another
        wanted = as_bare_wish(task) or task
        scans = self._files(files) if wanted.intent is Intent.PLAN else []
        found = self._plans(task, scans)
        if not found.plans:
            text = found.refusal or found.answer or ""
            return Told("plan", plain(text, 900), {"refusal": plain(text, 900)},
                        refused=found.refusal is not None)  # fmt: skip
        self.take_up(found, scans)
        return Told("plan", answer_words(found), plan_data(found, 1))

    def _plans(self, task: Task, scans: Sequence[Path]) -> Answer:
        return service.plan(task, scans, scorer=self._scorer, costs=self._costs,
                            reading=self.state.reading, look=self._seen)  # fmt: skip

    def take_up(self, answer: Answer, scans: Sequence[Path]) -> None:
        """Speak of these plans from now on."""
        state = self.state
        self._remember()
        state.answer, state.planned, state.rank = answer, tuple(scans), 1
        state.proposal, state.current = None, tuple(scans)

    def _choose(self, rank: int) -> Told:
        answer = self._planned()
        place = _place(rank, answer)
        if place != self.state.rank:
            self._remember()
        self.state.rank, self.state.proposal = place, None
        lines = [say("chat.taken", self._lang, rank=place), *self._lines(answer, place)]
        return Told("choose", "\n".join(lines), plan_data(answer, place))

    def _lines(self, answer: Answer, place: int) -> list[str]:
        plan = answer.plans[place - 1]
        return [plan_words(plan, self._lang), *(f"    · {plain(r)}" for r in plan.reasons)]

    def _show(self, rank: int) -> Told:
        answer = self._planned()
        place = _place(rank, answer)
        return Told("show", "\n".join(self._lines(answer, place)), plan_data(answer, place))

    def _remember(self) -> None:
        """Keep what was chosen before this turn."""
        if self._before is not None:
            self.state.earlier = (*self.state.earlier[1 - KEPT :], self._before)
            self._before = None

    def _back(self) -> Told:
        if not self.state.earlier:
            raise InputError(say("chat.no_earlier", self._lang))
        *rest, before = self.state.earlier
        state = self.state
        state.earlier, state.proposal = tuple(rest), None
        state.answer, state.planned, state.rank = before.answer, before.scans, before.rank
        state.current = before.scans
        answer = self._planned()
        lines = [say("chat.back", self._lang), *self._lines(answer, state.rank)]
        return Told("back", "\n".join(lines), plan_data(answer, state.rank))

    def _alternatives(self) -> Told:
        answer, rank = self._planned(), self.state.rank
        return Told("alternatives", answer_words(answer, rank), plan_data(answer, rank))

    def _explain(self, question: str) -> Told:
        self.retold()
        lines = why(question, self.state, self._lang)
        lines += self._instead(question)
        text = "\n".join(lines)
        return Told("explain", text, {"explanation": plain(text, 1500)})

    def _instead(self, question: str) -> list[str]:
        """What a tool that a question names, and the plan has not, would bring: by planning."""
        answer, plan = self.state.answer, self.state.plan
        if answer is None or plan is None:
            return []
        used = {n.tool for n in plan.pipeline.nodes}
        lines = []
        for tool in [t for t in tools_in(question) if t not in used][:2]:
            wish = ("use {} instead" if self._lang == "en" else "用 {}").format(tool)
            text = f"{answer.task.text}. {wish}"
            found = self._plans(replace(answer.task, text=text), self.state.planned)
            best = next(
                (p for p in found.plans if tool in {n.tool for n in p.pipeline.nodes}), None
            )
            if best is None:
                lines.append(say("chat.instead_none", self._lang, tool=tool))
                continue
            new, old = best.prediction, plan.prediction
            lines.append(
                say("chat.instead", self._lang, tool=tool, rank=plan.rank,
                    quality=new.quality.value, before=old.quality.value,
                    seconds=new.seconds.value, seconds_before=old.seconds.value)
            )  # fmt: skip
        return lines

    def _run(self, rank: int | None, output: str | None) -> Told:
        state, answer = self.state, self._planned()
        if rank is not None and rank != state.rank:
            self._choose(rank)
        if output is not None:
            state.output = self._output(output)
        if state.output is None:
            state.asks_output = True
            text = say("chat.output", self._lang)
            return Told("run", text, {"needs": "the person to name a new file for the result"})
        from toolbox.execution.part import check_output

        target = state.output
        if target.suffix.lower() not in RESULTS:
            state.output, state.asks_output = None, True
            raise InputError(say("chat.not_h5", self._lang, output=plain(str(target))))
        try:
            check_output(target, overwrite=False)
        except TomoplanError:
            state.output, state.asks_output = None, True
            raise
        assert state.plan is not None  # there are plans
        return self._lay_before(Proposal(state.plan, answer, state.planned, target))

    def _resume(self) -> Told:
        if self.state.stopped is None:
            raise InputError(say("chat.nothing_stopped", self._lang))
        return self._lay_before(self.state.stopped)

    def _lay_before(self, proposal: Proposal) -> Told:
        lang = self._lang
        self.state.proposal, self.state.asks_output = proposal, False
        lines = [say("chat.propose", lang, plan=plan_words(proposal.plan, lang),
                     scans=", ".join(plain(str(s)) for s in proposal.scans),
                     output=plain(str(proposal.output)))]  # fmt: skip
        if service.breaks_budget(proposal.answer.task, proposal.plan):
            lines.append(say("chat.over_budget", lang))
        lines.append(say("chat.ask", lang))
        data = {"waits": "for the person's yes; nothing has been started",
                "plan": proposal.plan.rank}  # fmt: skip
        return Told("run", "\n".join(lines), data)

    def _watch(self, source: str | None) -> Told:
        from planner.conversation.standing import standing

        return standing(self._source(source), self._lang)

    def _tools(self, name: str | None, asked: str) -> Told:
        if name:
            text = card_text(name)
            return Told("tools", text, {"card": plain(text, 1500)})
        text = catalogue(Task(Intent.CATALOGUE, text=asked, language=self._lang))
        return Told("tools", text, {"catalogue": plain(text, 2500)})

    # ---- what they may touch ---------------------------------------------------------------------

    def _planned(self) -> Answer:
        answer = self.retold()
        if answer is None:
            raise InputError(say("chat.no_plan_yet", self._lang))
        return answer

    def retold(self) -> Answer | None:
        """The plans at hand in the language of the latest message: planned once more where they
        were told in the other, if the same plans come of it."""
        answer = self.state.answer
        if answer is None or (answer.task.language == "en") is (self._lang == "en"):
            return answer
        try:
            found = self._plans(replace(answer.task, language=self._lang), self.state.planned)
        except TomoplanError:
            return answer  # the scans are gone; the plans are as they were
        if [p.pipeline.to_json() for p in found.plans] == [
            p.pipeline.to_json() for p in answer.plans
        ]:
            self.state.answer = found
        return self.state.answer

    def _files(self, names: Sequence[str]) -> list[Path]:
        """The named files that are meant; only what the person named, by label or path."""
        state = self.state
        if names:
            return [self._known(name) for name in names]
        if not state.current:
            raise InputError(say("chat.no_scan", self._lang))
        return list(state.current)

    def _known(self, name: str) -> Path:
        name = name.strip()
        if name in self.state.files:
            return self.state.files[name]
        for path in self.state.files.values():
            if name in (str(path), path.name):
                return path
        raise InputError(say("chat.not_named", self._lang, name=plain(name)))

    def _output(self, name: str) -> Path:
        """The output file that the person named; a model can only repeat it."""
        named = self.state.output
        if named is not None and name.strip() in (str(named), named.name):
            return named
        raise InputError(say("chat.output_not_named", self._lang, name=plain(name)))

    def _source(self, name: str | None) -> str | None:
        """A source that the person named; by default the one pointed at in this message."""
        if name is None:
            return self.state.pointed
        return name if name in self.state.addresses else str(self._known(name))


def _place(rank: int, answer: Answer) -> int:
    """The place of a plan in an answer, from 1. Raises InputError where there is none."""
    count = len(answer.plans)
    place = rank if rank > 0 else count + 1 + rank
    if not 1 <= place <= count:
        raise InputError(f"There is no plan {rank}; expected 1 to {count}.")
    return place


def read_request(text: str) -> Task:
    """The task in a text, by the built-in way: a model that writes the text is not asked again."""
    from planner.language.nonsense import intelligible
    from planner.language.offline import read_offline

    if not intelligible(text):
        raise InputError(say("refusal.unintelligible", language_of(text), text=plain(text, 40)))
    return without_ruled_out(read_offline(text[:LONGEST]))
