"""A run laid before a person, who alone can start it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planner.plan import Answer, Plan


@dataclass(frozen=True, eq=False)
class Proposal:
    """What would run on a yes: exactly this plan on these scans, to this new file.

    Nothing in it can be changed: what is shown is what runs.
    """

    plan: Plan
    answer: Answer
    scans: tuple[Path, ...]
    output: Path
    resume: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "plan": self.plan.to_json(),
            "scans": [str(path) for path in self.scans],
            "output": str(self.output),
            "resume": self.resume,
        }
