"""What a conversation remembers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planner.conversation.proposal import Proposal
from planner.plan import Answer, Plan
from planner.task import Task

if TYPE_CHECKING:
    from toolbox.execution import RunRecord


@dataclass(frozen=True)
class Chosen:
    """Plans, the scans that they are for, and the rank of the one taken."""

    answer: Answer
    scans: tuple[Path, ...]
    rank: int


@dataclass
class State:
    """Files that the person named (by label), those now spoken of, the last plans and the one
    taken, and the run that waits for a yes.

    ``reading``: what :func:`metadata.open_scan` is to be told of the files.
    """

    files: dict[str, Path] = field(default_factory=dict)
    current: tuple[Path, ...] = ()
    addresses: tuple[str, ...] = ()
    pointed: str | None = None  # the last file or address named in the present message
    output: Path | None = None
    answer: Answer | None = None
    planned: tuple[Path, ...] = ()  # the scans of the answer
    rank: int = 1
    earlier: tuple[Chosen, ...] = ()  # what was chosen before, the latest last
    proposal: Proposal | None = None
    stopped: Proposal | None = None  # a run that was broken off and can go on
    record: RunRecord | None = None
    asks_output: bool = False
    language: str = "en"
    reading: Mapping[str, Any] = field(default_factory=dict)

    def name(self, path: Path) -> str:
        """The label of a file that the person named, given to it where it is new."""
        for label, known in self.files.items():
            if known == path:
                return label
        label = f"file{len(self.files) + 1}"
        self.files[label] = path
        return label

    @property
    def chosen(self) -> Chosen | None:
        """The plans at hand and the one taken."""
        return Chosen(self.answer, self.planned, self.rank) if self.answer else None

    def begin_anew(self) -> None:
        """Forget plans, runs and where a result was to go; the scans stay as the person named
        them."""
        self.answer, self.planned, self.rank, self.earlier = None, (), 1, ()
        self.proposal = self.stopped = self.record = self.output = None
        self.asks_output = False

    @property
    def task(self) -> Task | None:
        """The task of the last plans."""
        return self.answer.task if self.answer else None

    @property
    def plan(self) -> Plan | None:
        """The plan that was taken, at first the best."""
        plans = self.answer.plans if self.answer else ()
        return plans[self.rank - 1] if plans else None
