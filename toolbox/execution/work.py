"""The work of one run: its passes one after the other, each in slabs that fit into memory."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metadata.errors import WorkError
from metadata.scan import Scan
from toolbox.execution.evaluation import Bench, Clock
from toolbox.execution.keeping import Keeper, write_rows
from toolbox.execution.memory import Sizes, operations, size_text, slab_rows
from toolbox.execution.part import Part
from toolbox.execution.passes import Direction, Pass, plan_passes, published, rows_needed
from toolbox.execution.preparation import Preparation
from toolbox.execution.progress import Progress, Steps
from toolbox.execution.provenance import places
from toolbox.execution.resident import resident_bytes
from toolbox.execution.slab import Slab, SlabJob, SlabReport, value_range
from toolbox.execution.sources import ScanSource, Source
from toolbox.execution.sweep import swept
from toolbox.execution.workers import run_on_threads
from toolbox.pipeline import SCAN, Pipeline
from toolbox.values import Block, Shape

if TYPE_CHECKING:
    from distributed import Client

RESERVE = 0.1  # of the budget, for what allocators keep


@dataclass(frozen=True)
class Means:
    """What a run may use: bytes of resident memory, threads, the address of a Dask cluster, and
    which devices (:data:`toolbox.devices.DEVICES`)."""

    memory: float
    workers: int
    scheduler: str | None = None
    device: str = "any"

    @property
    def room(self) -> float:
        """Bytes left for data now."""
        return self.memory * (1 - RESERVE) - resident_bytes()


class Work:
    """Does the passes of a pipeline, keeping a journal; what is done already is passed over."""

    def __init__(
        self,
        pipeline: Pipeline,
        scans: Sequence[Scan],
        part: Part,
        selected: range,
        means: Means,
        progress: Progress,
    ) -> None:
        self.pipeline, self.scans, self.part = pipeline, scans, part
        self.selected, self.means = selected, means
        sources: dict[str, Source] = {
            n.id: ScanSource(scans[int(n.parameters.get("index", 0))])
            for n in pipeline.nodes
            if n.tool == SCAN
        }
        tools = {n.id: pipeline.tool(n.id) for n in pipeline.nodes if n.tool != SCAN}
        self.bench = Bench(pipeline, tools, sources, {})
        self.places = places(pipeline, published(pipeline))
        self.clock = Clock()
        self.passes = plan_passes(pipeline)
        weights = operations(pipeline, self._scan_shapes())
        self.steps = Steps(progress, [sum(weights[n] for n in p.nodes) for p in self.passes])
        self.preparation = Preparation(pipeline, self.bench, part, self.clock, self.steps)
        earlier = [line["elapsed"] for line in part.journal.find("slab")]
        self._begin = time.perf_counter() - max(earlier, default=0.0)

    @property
    def elapsed(self) -> float:
        """Seconds of work so far, those of killed runs up to their last slab included."""
        return time.perf_counter() - self._begin

    def run(self) -> None:
        """Do everything up to the values of the output."""
        for index, step in enumerate(self.passes):
            self.steps.begin(index, ", ".join(step.nodes))
            for name in step.nodes if step.direction is not Direction.WHOLE else ():
                if not self._stack(name) or self.bench.tools[name].needs_tuning():
                    self._require_room(name)
            self.preparation.prepare(step)
            if step.direction is Direction.WHOLE:
                self._whole(index, step.nodes[0])
            elif step.keeps:
                self._slabs(index, step)
            for name in step.keeps:
                self.bench.sources[name] = self.part.stacks[name]

    def _slabs(self, index: int, step: Pass) -> None:
        if self.means.scheduler is None:
            self._cut(index, step, None)
            return
        from toolbox.execution.cluster import connected

        with connected(self.means.scheduler) as client:
            self._cut(index, step, client)

    def _cut(self, index: int, step: Pass, client: Client | None) -> None:
        wanted = self._wanted()
        ends = {n: wanted[n] for n in step.keeps}
        if step.direction is Direction.ROWS:
            span = range(min(r.start for r in ends.values()), max(r.stop for r in ends.values()))
        else:
            needs = self.bench.frame_needs(step.keeps)
            span = range(
                min(self.bench.sources[n].frames for n in needs if n in self.bench.sources)
            )
        before = next((p for p in self.part.journal.find("pass") if p["index"] == index), None)
        if before is None:
            height, workers = self._height(step, len(span), client)
            inside = max(1, self.means.workers // max(1, min(workers, -(-len(span) // height))))
            self.part.journal.add(
                "pass", index=index, height=height, workers=workers, inside=inside
            )
        else:  # other slabs could round differently in the last bit
            height, inside = before["height"], before["inside"]
            workers = min(before["workers"], self.means.workers)
        done = {
            (s["start"], s["stop"]) for s in self.part.journal.find("slab") if s["index"] == index
        }
        slabs = [Slab(a, min(a + height, span.stop)) for a in range(span.start, span.stop, height)]
        todo = [s for s in slabs if (s.start, s.stop) not in done]
        count = len(slabs) - len(todo)
        self.steps.advance(count / max(len(slabs), 1), first=True)

        def report(slab: SlabReport) -> None:
            nonlocal count
            count += 1
            self.part.journal.add(
                "slab", index=index, start=slab.slab.start, stop=slab.slab.stop,
                seconds=slab.clock.seconds, operations=slab.clock.operations, ranges=slab.ranges,
                elapsed=self.elapsed,
            )  # fmt: skip
            self.part.journal.settle(self.part.written)
            self.steps.advance(count / len(slabs))

        job = SlabJob(self.bench, step.direction, step.keeps, ends, self.means.device)
        place = Keeper(self.part, step.direction, self.places, ends, len(span))
        if client is not None:
            from toolbox.execution.cluster import run_on_cluster

            run_on_cluster(client, str(self.means.scheduler), job, todo, place, report)
        elif todo:
            if step.direction is Direction.ROWS:
                job = swept(job, todo)
            run_on_threads(job, todo, place, report, workers, inside)

    def _height(self, step: Pass, length: int, client: Client | None) -> tuple[int, int]:
        budget, workers = self.means.room, self.means.workers
        if client is not None:
            from toolbox.execution.cluster import crew_of

            crew = crew_of(client, str(self.means.scheduler))
            budget, workers = crew.bytes, crew.threads
        stored = set(self.bench.sources)
        return slab_rows(self._sizes(), step.keeps, stored, step.direction, workers, budget, length)

    def _whole(self, index: int, name: str) -> None:
        if name in self.part.stacks and self.part.journal.find("whole"):
            done = {line["node"] for line in self.part.journal.find("whole")}
            if name in done:
                return
        known = {line["node"]: line for line in self.part.journal.find("value")}
        if name in known:
            self.bench.values[name] = self.part.decode(known[name]["value"])
            return
        wanted = self._wanted()
        rows = {
            s: np.asarray(_within(wanted[s], self.bench.available(s)), np.intp)
            for s in self.bench.stack_inputs(name).values()
        }
        self._require_room(name, max((len(r) for r in rows.values()), default=0))
        blocks = self.bench.rows(rows, self.bench.read_rows(rows), self.clock)
        inputs = {p: blocks[s] for p, s in self.bench.stack_inputs(name).items()}
        del blocks
        result = self.bench.call(name, inputs, self.clock)
        del inputs
        if not isinstance(result, Block):
            self.preparation.note_value(name, result)
            return
        place = Keeper(self.part, Direction.WHOLE, self.places, wanted, 0)
        write_rows(place(name, result), result)
        self.part.journal.add(
            "slab",
            index=index,
            start=0,
            stop=0,
            seconds={},
            operations={},
            ranges={name: value_range(result.values)},
            elapsed=self.elapsed,
        )
        self.part.journal.add("whole", node=name)

    def _require_room(self, name: str, height: int | None = None) -> None:
        """Raise where a step that looks at many rows at once would not fit into memory."""
        need = self._sizes().call_bytes(name, set(self.bench.sources), height)
        room, tool = self.means.room, self.bench.tools[name]
        if need > room:
            raise WorkError(
                f"Step {name} ({tool.card.name}) needs {size_text(need)} at once, for it does not "
                f"work slab by slab, and {size_text(room)} of {size_text(self.means.memory)} are "
                f"left for it beside the program itself. Raise --memory, take fewer rows with "
                f"--slices, or take another tool for this step."
            )

    def _stack(self, name: str) -> bool:
        return self.pipeline.kind_of(name).is_stack

    def _scan_shapes(self) -> list[Shape]:
        return [Shape(s.info.projections, s.info.rows, s.info.columns) for s in self.scans]

    def _sizes(self) -> Sizes:
        fields = max(s.info.flats + s.info.darks for s in self.scans)
        return Sizes.of(self.pipeline, self._scan_shapes(), self.bench.tools, fields)

    def _wanted(self) -> dict[str, range]:
        shapes = self._sizes().shapes
        return rows_needed(
            self.pipeline, self.bench.tools, self.selected, {n: s.rows for n, s in shapes.items()}
        )


def _within(rows: range, available: range) -> range:
    return range(max(rows.start, available.start), min(rows.stop, available.stop))
