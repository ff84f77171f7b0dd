"""A conversation over scans: with a language model where one is configured, else without."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metadata.errors import InputError, TomoplanError
from planner import service
from planner.conversation.actions import Actions, read_request
from planner.conversation.followups import Kind, follow_up, is_no, is_yes
from planner.conversation.named import NAME, named_in
from planner.conversation.offline import answer_offline
from planner.conversation.proposal import Proposal
from planner.conversation.seen import Seen
from planner.conversation.state import State
from planner.conversation.told import Told, Turn
from planner.conversation.wording import plain, record_words
from planner.language.normal import CJK, language_of
from planner.language.phrases import say
from planner.language.translation import translate
from planner.language.understanding import LLM, LONGEST
from planner.plan import CostModel, Scorer
from planner.task import Intent

if TYPE_CHECKING:
    from planner.conversation.agent import Agent
    from toolbox.execution.progress import Progress


class Conversation:
    """Turns of one person with tomoplan.

    A run starts only where the person's next message after the proposal is a yes as a whole; it
    is read here, by grammar, and never by a model.

    >>> Conversation().say("which tools are there?").done[0].action
    'tools'
    """

    def __init__(
        self,
        scans: Sequence[str | Path] = (),
        output: str | Path | None = None,
        *,
        model: str | None = None,
        reading: Mapping[str, Any] = {},
        scorer: Scorer | None = None,
        costs: CostModel | None = None,
        agent: Agent | None = None,
        seen: Seen | None = None,
    ) -> None:
        """``scans`` and ``output`` are named by the person on the command line; ``model``: as
        TOMOPLAN_LLM, which counts where it is None ("" for none); ``reading``: what
        :func:`metadata.open_scan` is to be told; ``agent``: a model made ready by the caller;
        ``seen``: what another conversation with the same ``reading`` saw already."""
        self.state = State(reading=reading)
        paths = [Path(scan).expanduser().absolute() for scan in scans]
        for path in paths:
            if not path.exists():
                raise InputError(f"{path} does not exist. Expected the path of a scan; check its "
                                 f"spelling.")  # fmt: skip
            self.state.name(path)
        self.state.current = tuple(paths)
        self._output = None if output is None else Path(output).expanduser().absolute()
        self.state.output = self._output
        self._with = (scorer, costs, seen or Seen())
        self._agent = agent
        model = os.environ.get(LLM, "").strip() if model is None else model
        if model and agent is None:
            from planner.conversation.agent import Agent

            self._agent = Agent(model)

    def say(self, text: str, progress: Progress | None = None) -> Turn:
        """The answer to a message. Raises nothing that a message or a model can bring about.

        ``progress`` is told how far a run is that the message starts."""
        said = "".join(s if s.isprintable() or s in "\n\t" else " " for s in text).strip()[:LONGEST]
        if not said:
            return Turn(words=say("refusal.empty", self.state.language))
        waiting, self.state.proposal = self.state.proposal, None
        if waiting is not None and is_yes(said):
            self._heard(said)
            return self._approved(waiting, progress)
        if waiting is not None and is_no(said):
            return Turn(words=say("chat.dropped", self._heard(said)))
        if is_no(said) and self.state.asks_output:
            self.state.asks_output = False
            return Turn(words=say("chat.dropped", self._heard(said)))
        if is_no(said) and self._agent is None:
            return Turn(words=say("chat.nothing_waits", self._heard(said)))
        if is_yes(said) and self.state.asks_output:
            return Turn(words=say("chat.output", self._heard(said)))
        if is_yes(said) and not re.search(r"run|go|start|跑|运行|执行|开始", said.lower()):
            return Turn(words=say("chat.nothing_waits", self._heard(said)))
        if follow_up(said, self.state.answer is not None).kind is Kind.ANEW:
            return Turn(words=self._anew(said))
        named = named_in(said, self.state.asks_output)
        self._heard(named.rest.replace(NAME, " "))
        if named.missing:
            told = [self._lost(path) for path in named.missing]
            return Turn(done=tuple(told))
        for path in named.files:
            self.state.name(path)
        before = self.state.current
        watched = follow_up(named.rest, self.state.answer is not None).kind is Kind.WATCH
        if named.files and not watched:  # a history is no scan
            self.state.current = named.files
        self.state.addresses += named.addresses
        pointed = [*map(str, named.files), *named.addresses]
        self.state.pointed = pointed[-1] if pointed else None
        if named.outputs:
            self.state.output = named.outputs[-1]
        turn = self._answered(named.spelled(self._label), named.rest)
        if turn.done and all(told.refused for told in turn.done):
            self.state.current = before  # what is not for us says nothing of the scan
        if waiting is not None and self.state.proposal is None:
            note = say("chat.dropped", self.state.language)
            turn = replace(turn, words=f"{turn.words}\n{note}".strip())
        return self._with_proposal(turn)

    def _anew(self, said: str) -> str:
        """A new conversation over the scans that are spoken of."""
        self.state.begin_anew()
        self.state.output = self._output
        if self._agent is not None:
            self._agent.history = ()
        scans = ", ".join(plain(str(scan)) for scan in self.state.current) or "–"
        return say("chat.anew", self._heard(said), files=scans)

    def _answered(self, said: str, rest: str) -> Turn:
        """By the model; where it fails, nothing of what it did remains and the built-in way
        answers."""
        if self._agent is None:
            return answer_offline(rest, self.state, self._actions())
        from planner.conversation.agent import ModelFailure

        before, actions = copy(self.state), self._actions()
        remembered = self._agent.history
        try:
            turn = self._agent.answer(said, self.state, actions)
        except ModelFailure as failure:
            warning = say("chat.llm_failed", before.language, model=self._agent.name,
                          problem=plain(str(failure)))  # fmt: skip
            return self._instead(before, said, rest, warning)
        # A model that only talks where something was to be done leaves it to the built-in way.
        if not turn.done and self._commands(rest):
            self._agent.history = remembered
            return self._instead(before, said, rest, say("chat.llm_idle", before.language))
        return turn

    def _instead(self, before: State, said: str, rest: str, warning: str) -> Turn:
        vars(self.state).update(vars(before))
        turn = answer_offline(rest, self.state, self._actions())
        done = ", ".join(told.action for told in turn.done) or "words"
        self._tell_model(f"The person said: {said[:300]} tomoplan answered by itself: {done}.")
        return replace(turn, warnings=(warning, *turn.warnings))

    def _commands(self, rest: str) -> bool:
        """Whether a message plainly asks for something to be done, not told."""
        kind = follow_up(rest, self.state.answer is not None).kind
        if kind is not Kind.OTHER:
            return kind not in (Kind.WHY, Kind.WHICH, Kind.PREDICTED, Kind.HELP, Kind.STATUS,
                                Kind.SHOW, Kind.FORMAT, Kind.OTHER_SCAN, Kind.RESULT)  # fmt: skip
        try:
            task = read_request(rest.replace(NAME, " "))
        except InputError:
            return False
        return task.intent is Intent.PLAN and bool(self.state.current)

    def _approved(self, proposal: Proposal, progress: Progress | None) -> Turn:
        """Run what was proposed, and that alone."""
        state = self.state
        state.stopped = replace(proposal, resume=True)
        same = proposal.answer is state.answer
        retold = self._actions().retold() if same else None  # the yes may be in another language
        try:
            record = service.run(
                proposal.plan, proposal.scans, proposal.output, of=retold or proposal.answer,
                reading=state.reading, progress=progress, resume=proposal.resume,
            )  # fmt: skip
        except TomoplanError as error:
            text = plain(translate(str(error), state.language), 900)
            told = Told("run", text, {"error": text}, refused=True)
            self._tell_model("The person said yes; the run failed.")
            return Turn(done=(told,))
        state.stopped, state.output, state.record = None, None, record
        told = Told("run", record_words(record, state.language), record.to_json())
        self._tell_model(f"The person said yes; the run is done in {record.seconds:.0f} s.")
        return Turn(done=(told,))

    def _tell_model(self, text: str) -> None:
        if self._agent is not None:
            self._agent.note(text)

    def _with_proposal(self, turn: Turn) -> Turn:
        proposal = self.state.proposal
        return turn if proposal is None else replace(turn, awaiting=proposal.to_json())

    def _actions(self) -> Actions:
        return Actions(self.state, *self._with)

    def _label(self, path: Path) -> str:
        """What a model hears of a file: its label, or the bare name of one that is to be."""
        known = [label for label, file in self.state.files.items() if file == path]
        return known[0] if known else path.name

    def _heard(self, said: str) -> str:
        """Take up the language of a message, if it holds words enough to tell: "exit" does not."""
        if CJK.search(said) or (sum(sign.isalpha() for sign in said) > 3 and not _signal(said)):
            self.state.language = language_of(said)
        return self.state.language

    def _lost(self, path: Path) -> Told:
        sentence = f"{path} does not exist. Expected the path of a scan; check its spelling."
        return Told("none", plain(translate(sentence, self.state.language), 600), refused=True)


def _signal(said: str) -> bool:
    """Whether a message is one of the single words that people of any language type."""
    known = is_yes(said) or is_no(said) or follow_up(said, False).kind in (Kind.BYE, Kind.HELP)
    return known and len(said.split()) == 1
