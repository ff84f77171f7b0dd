"""Finds what a pass needs to know before its slabs: automatic parameters and measured values."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from toolbox.execution.evaluation import Bench, Clock
from toolbox.execution.part import Part
from toolbox.execution.passes import Direction, Pass
from toolbox.execution.progress import Steps
from toolbox.execution.sampling import Sampler
from toolbox.execution.sources import ScanSource
from toolbox.execution.sweep import prime
from toolbox.learned.per_scan import training_told_to
from toolbox.pipeline import Pipeline
from toolbox.registry import make_tool
from toolbox.tool import Tool


@dataclass
class Preparation:
    """Puts tuned tools and measured values on a bench, and into the journal of the run.

    ``notes``: what each tuning said.
    """

    pipeline: Pipeline
    bench: Bench
    part: Part
    clock: Clock
    steps: Steps
    notes: dict[str, list[str]] = field(default_factory=dict)

    def prepare(self, step: Pass) -> None:
        """Find values and parameters from samples, or take those of the run that was killed."""
        known = {line["node"]: line for line in self.part.journal.find("value")}
        tuned = {line["node"]: line for line in self.part.journal.find("tuned")}
        if any(self.bench.tools[n].card.gpu for n in step.nodes):
            begin = time.perf_counter()
            with suppress(ImportError):  # here: threads load it badly, and it is no step's time
                import torch  # noqa: F401
            self.clock.add("load", time.perf_counter() - begin)
        sampler = Sampler(self.bench, self.clock)
        self._prime(step)
        for name in step.nodes + self._upstream(step):
            tool = self.bench.tools.get(name)
            if tool is None:
                continue
            if name in tuned:
                self.bench.tools[name] = make_tool(
                    self.pipeline.node(name).tool, self.part.decode(tuned[name]["parameters"])
                )
                self.notes[name] = tuned[name]["notes"]
        for name in self.pipeline.order:
            if name not in step.nodes and name not in self._upstream(step):
                continue
            tool = self.bench.tools[name]
            if (tool.needs_tuning() or tool.reports) and name not in tuned:
                self.steps.message(f"finding parameters of {tool.card.title}")
                self._tune(name, sampler)
            if self.pipeline.kind_of(name).is_stack or step.direction is Direction.WHOLE:
                continue
            if name in known:
                self.bench.values[name] = self.part.decode(known[name]["value"])
            else:
                self.steps.message(f"measuring: {tool.card.title}")
                self.note_value(name, sampler.measure(name))

    def _prime(self, step: Pass) -> None:
        looks = [
            n
            for n in (*step.nodes, *self._upstream(step))
            if self.bench.tools[n].needs_tuning() or not self.pipeline.kind_of(n).is_stack
        ]
        ends = {s for n in looks for s in self.bench.stack_inputs(n).values()}
        for name in self.bench.frame_needs(tuple(ends)):
            source = self.bench.sources.get(name)
            if isinstance(source, ScanSource):
                prime(source.scan)

    def _upstream(self, step: Pass) -> tuple[str, ...]:
        """Pixelwise steps that this pass does again, or for the first time for others."""
        ends = set(step.keeps)
        for name in step.nodes:
            ends |= set(self.bench.stack_inputs(name).values())
        needs = self.bench.frame_needs(tuple(ends))
        return tuple(
            n
            for n in self.pipeline.order
            if n in needs and n not in self.bench.sources and n not in step.nodes
        )

    def _tune(self, name: str, sampler: Sampler) -> None:
        title = self.bench.tools[name].card.title

        def hear(done: float) -> None:
            self.steps.message(f"training, {done:.0%}: {title}")

        with training_told_to(hear):
            found = sampler.tune(name)
        parameters = plain_parameters(found.tool)
        document = self.part.encode(parameters, f"tuned-{name}")
        self.part.journal.add("tuned", node=name, parameters=document, notes=list(found.notes))
        self.notes[name] = list(found.notes)
        self.bench.tools[name] = make_tool(
            self.pipeline.node(name).tool, self.part.decode(document)
        )

    def note_value(self, name: str, value: Any) -> None:
        self.part.journal.add("value", node=name, value=self.part.encode(value, f"value-{name}"))
        self.bench.values[name] = value


def plain_parameters(tool: Tool) -> dict[str, Any]:
    """A tool's parameters as a plan file holds them."""

    def plain(value: Any) -> Any:
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, np.ndarray):
            return value.tolist()
        if isinstance(value, tuple | list):
            return [plain(v) for v in value]
        return value

    return {name: plain(value) for name, value in tool.parameters().items()}
