"""Runs a pipeline on scans: pass by pass, slab by slab, under a memory budget."""

from __future__ import annotations

import dataclasses
import datetime
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from metadata.errors import InputError, WorkError
from metadata.scan import Scan
from toolbox.execution.evaluation import Bench, Clock
from toolbox.execution.keeping import Keeper, write_rows
from toolbox.execution.memory import Sizes, operations, slab_rows
from toolbox.execution.part import Part
from toolbox.execution.passes import Direction, Pass, plan_passes, published, rows_needed
from toolbox.execution.progress import Progress, Steps
from toolbox.execution.provenance import Provenance, places
from toolbox.execution.record import RunRecord, hardware, versions
from toolbox.execution.resident import ResidentMemory, resident_bytes
from toolbox.execution.sampling import Sampler
from toolbox.execution.slab import Slab, SlabJob, SlabReport, value_range
from toolbox.execution.sources import ScanSource, Source
from toolbox.execution.sweep import prime, swept
from toolbox.execution.threads import cpu_count, gpu_count, threads_restored
from toolbox.execution.workers import run_on_threads
from toolbox.pipeline import SCAN, Node, Pipeline
from toolbox.registry import make_tool
from toolbox.values import Block, Center, Shape

if TYPE_CHECKING:
    from distributed import Client

Measure = Callable[[Path], Mapping[str, float]]
MEMORY_SHARE = 0.6  # of what is available, where no budget is given
RESERVE = 0.1  # of the budget, for what allocators keep


def run(
    pipeline: Pipeline,
    scans: Sequence[Scan],
    output: str | Path,
    *,
    memory_bytes: float | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    rows: slice | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
    store: str | Path | None = None,
    task: dict[str, Any] | None = None,
    measure: Measure | None = None,
) -> RunRecord:
    """Run a pipeline and write its results as NXtomoproc HDF5.

    ``memory_bytes``: resident memory that this process may reach (default: 60 % of what is
    available). ``workers``: threads (default: processors). ``scheduler``: address of a Dask
    cluster that does the slabs instead; it must see the same files. ``rows``: only these rows of
    the output. ``resume``: go on where a killed run of the same output stopped. ``store``: SQLite
    file that keeps the record. ``measure``: gives the measured quality of a finished file.

    The output has its name only when it is complete; until then the work is in ``OUTPUT.part``.
    Raises InputError for what cannot be run as asked, WorkError for what failed on the way.
    """
    check(pipeline, scans)
    output = Path(output)
    selected = _selected(scans, rows)
    identity = {
        "plan": pipeline.fingerprint(),
        "scan": [fingerprint(s) for s in scans],
        "range of rows": [selected.start, selected.stop],
    }
    with ResidentMemory() as resident, threads_restored():
        part = Part.open(output, identity, resume=resume, overwrite=overwrite)
        try:
            job = _Run(
                pipeline,
                scans,
                part,
                selected,
                progress or (lambda *_: None),
                memory_bytes or _available(),
                workers or cpu_count(),
                scheduler,
            )
            record = job.run(task, rows is not None, resident, measure)
        except BaseException:
            part.abandon()
            raise
    if store is not None:
        from metadata.store import Store

        with Store(store) as runs:
            runs.add_run(record.to_json())
    return record


def check(pipeline: Pipeline, scans: Sequence[Scan]) -> None:
    """Raise one InputError where a pipeline cannot run on some scans."""
    if (
        pipeline.nodes
        and pipeline.scans > len(scans)
        and any(n.tool == SCAN for n in pipeline.nodes)
    ):
        given = f"{len(scans)} {'was' if len(scans) == 1 else 'were'} given"
        raise InputError(
            f"The pipeline takes {pipeline.scans} scans and {given}. Give them all, "
            f"in the order of the indices of its scan nodes."
        )
    pipeline.require_valid([s.info.state for s in scans])


class _Run:
    def __init__(
        self,
        pipeline: Pipeline,
        scans: Sequence[Scan],
        part: Part,
        selected: range,
        progress: Progress,
        memory: float,
        workers: int,
        scheduler: str | None,
    ) -> None:
        self.pipeline, self.scans, self.part, self.selected = pipeline, scans, part, selected
        self.memory, self.workers, self.scheduler = memory, workers, scheduler
        tools = {n.id: pipeline.tool(n.id) for n in pipeline.nodes if n.tool != SCAN}
        sources: dict[str, Source] = {
            n.id: ScanSource(scans[int(n.parameters.get("index", 0))])
            for n in pipeline.nodes
            if n.tool == SCAN
        }
        self.bench = Bench(pipeline, tools, sources, {})
        self.places = places(pipeline, published(pipeline))
        self.clock, self.notes = Clock(), dict[str, list[str]]()
        self.begin = time.perf_counter()
        self.passes = plan_passes(pipeline)
        weights = operations(pipeline, self._scan_shapes())
        self.steps = Steps(progress, [sum(weights[n] for n in p.nodes) for p in self.passes])

    def run(
        self,
        task: dict[str, Any] | None,
        partly: bool,
        resident: ResidentMemory,
        measure: Measure | None,
    ) -> RunRecord:
        started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        for index, step in enumerate(self.passes):
            self._pass(index, step)
        self.steps.message("writing the output")
        record = self._record(started, task, partly, resident)
        quality = dict(measure(self.part.result.path)) if measure and self.places else {}
        record = dataclasses.replace(record, quality=quality)
        provenance = Provenance(
            self.pipeline, self._tuned(), self.part.stacks, self.places, self.bench.values,
            tuple(s.info for s in self.scans), record,
        )  # fmt: skip
        self.part.finish(provenance.write)
        self.steps.end()
        return record

    # ---- one pass ------------------------------------------------------------------------

    def _pass(self, index: int, step: Pass) -> None:
        self.steps.begin(index, ", ".join(step.nodes))
        self._prepare(step)
        if step.direction is Direction.WHOLE:
            self._whole(index, step.nodes[0])
        elif step.keeps:
            self._slabs(index, step)
        for name in step.keeps:
            self.bench.sources[name] = self.part.stacks[name]

    def _prepare(self, step: Pass) -> None:
        """Find values and parameters from samples, or take those of the run that was killed."""
        known = {line["node"]: line for line in self.part.journal.find("value")}
        tuned = {line["node"]: line for line in self.part.journal.find("tuned")}
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
            if tool.needs_tuning() and name not in tuned:
                self.steps.message(f"finding parameters of {tool.card.title}")
                self._tune(name, sampler)
            if self.pipeline.kind_of(name).is_stack or step.direction is Direction.WHOLE:
                continue
            if name in known:
                self.bench.values[name] = self.part.decode(known[name]["value"])
            else:
                self.steps.message(f"measuring: {tool.card.title}")
                self._note_value(name, sampler.measure(name))

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
        found = sampler.tune(name)
        parameters = _plain(found.tool.parameters())
        document = self.part.encode(parameters, f"tuned-{name}")
        self.part.journal.add("tuned", node=name, parameters=document, notes=list(found.notes))
        self.notes[name] = list(found.notes)
        self.bench.tools[name] = make_tool(
            self.pipeline.node(name).tool, self.part.decode(document)
        )

    def _note_value(self, name: str, value: Any) -> None:
        self.part.journal.add("value", node=name, value=self.part.encode(value, f"value-{name}"))
        self.bench.values[name] = value

    def _slabs(self, index: int, step: Pass) -> None:
        if self.scheduler is None:
            self._cut(index, step, None)
            return
        from toolbox.execution.cluster import connected

        with connected(self.scheduler) as client:
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
            inside = max(1, self.workers // max(1, min(workers, -(-len(span) // height))))
            self.part.journal.add(
                "pass", index=index, height=height, workers=workers, inside=inside
            )
        else:  # other slabs could round differently in the last bit
            height, inside = before["height"], before["inside"]
            workers = min(before["workers"], self.workers)
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
                elapsed=time.perf_counter() - self.begin,
            )  # fmt: skip
            self.part.journal.settle(self.part.written)
            self.steps.advance(count / len(slabs))

        job = SlabJob(self.bench, step.direction, step.keeps, ends)
        place = Keeper(self.part, step.direction, self.places, ends, len(span))
        if client is not None:
            from toolbox.execution.cluster import run_on_cluster

            run_on_cluster(client, str(self.scheduler), job, todo, place, report)
        elif todo:
            if step.direction is Direction.ROWS:
                job = swept(job, todo)
            run_on_threads(job, todo, place, report, workers, inside)

    def _height(self, step: Pass, length: int, client: Client | None) -> tuple[int, int]:
        if any(self.bench.tools[n].card.gpu for n in step.nodes):
            gpu_count()  # loads torch: its memory is no room for slabs, and threads load it badly
        budget, workers = self.memory * (1 - RESERVE) - resident_bytes(), self.workers
        if client is not None:
            from toolbox.execution.cluster import crew_of

            crew = crew_of(client, str(self.scheduler))
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
        sizes = self._sizes()
        need = sizes.call_bytes(name, set(self.bench.sources))
        budget = self.memory * (1 - RESERVE) - resident_bytes()
        tool = self.bench.tools[name]
        if need > budget:
            raise WorkError(
                f"Step {name} ({tool.card.name}) needs its whole input at once, "
                f"{need / 2**30:.2f} GiB, and {max(budget, 0) / 2**30:.2f} GiB are left for it. "
                f"Raise --memory, take fewer rows with --slices, or take a step that works slab "
                f"by slab."
            )
        wanted = self._wanted()
        rows = {
            s: np.asarray(_within(wanted[s], self.bench.available(s)), np.intp)
            for s in self.bench.stack_inputs(name).values()
        }
        blocks = self.bench.rows(rows, self.bench.read_rows(rows), self.clock)
        inputs = {p: blocks[s] for p, s in self.bench.stack_inputs(name).items()}
        del blocks
        result = self.bench.call(name, inputs, self.clock)
        del inputs
        if not isinstance(result, Block):
            self._note_value(name, result)
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
            elapsed=time.perf_counter() - self.begin,
        )
        self.part.journal.add("whole", node=name)

    # ---- sizes ---------------------------------------------------------------------------

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

    # ---- the record ----------------------------------------------------------------------

    def _tuned(self) -> Pipeline:
        nodes = [
            n if n.tool == SCAN else Node(n.id, n.tool, _plain(self.bench.tools[n.id].parameters()))
            for n in self.pipeline.nodes
        ]
        return Pipeline(tuple(nodes), self.pipeline.edges)

    def _record(
        self, started: str, task: dict[str, Any] | None, partly: bool, resident: ResidentMemory
    ) -> RunRecord:
        clock = self.clock
        slabs = self.part.journal.find("slab")
        for line in slabs:
            clock.merge(Clock(line["seconds"], line["operations"]))
        earlier = [s["elapsed"] for s in slabs][: self.part.slabs_before]
        center = next((v for v in self.bench.values.values() if isinstance(v, Center)), None)
        overlap = next(
            (
                self.bench.tools[n].parameters()["overlap_px"]
                for n in self.bench.tools
                if "overlap_px" in self.bench.tools[n].parameters()
            ),
            None,
        )
        cards = [t.card for t in self.bench.tools.values()]
        return RunRecord(
            id=uuid.uuid4().hex[:12],
            time=started,
            pipeline=self.pipeline.to_json(),
            tuned=self._tuned().to_json(),
            scans=[{"path": str(s.info.path), "fingerprint": fingerprint(s),
                    "info": s.info.to_json()} for s in self.scans],
            output=str(self.part.output),
            seconds=time.perf_counter() - self.begin + max(earlier, default=0.0),
            node_seconds=clock.seconds,
            node_operations=clock.operations,
            peak_bytes=max(resident.peak, resident_bytes()),
            base_bytes=resident.base,
            workers=self.workers,
            rows=[self.selected.start, self.selected.stop] if partly else None,
            task=task,
            notes=self.notes,
            versions=versions({c.library for c in cards}),
            seeds={n: t.parameters()["seed"] for n, t in self.bench.tools.items()
                   if "seed" in t.parameters()},
            hardware=hardware(),
            center_px=None if center is None else {
                "value": center.column, "low": center.low, "high": center.high},
            overlap_px=overlap,
            warnings=self._warnings(),
        )  # fmt: skip

    def _warnings(self) -> list[str]:
        found = [w for s in self.scans for w in s.info.warnings]
        for value in self.bench.values.values():
            found += list(getattr(value, "warnings", ()))
        for name in self.part.stacks:
            ranges = [
                (s["start"], s["stop"], *s["ranges"][name])
                for s in self.part.journal.find("slab")
                if name in s["ranges"]
            ]
            broken = [(a, b) for a, b, low, _ in sorted(ranges) if low != low]
            if broken:
                where = ", ".join(f"{a}:{b}" for a, b in broken[:5])
                found.append(
                    f"The result of {name} has values that are not finite in the slabs "
                    f"{where}{' …' if len(broken) > 5 else ''}."
                )
            elif ranges and min(r[2] for r in ranges) == max(r[3] for r in ranges):
                found.append(
                    f"The result of {name} is {ranges[0][2]:g} everywhere: look at the "
                    f"scan and at the steps before."
                )
        return list(dict.fromkeys(found))


def fingerprint(scan: Scan) -> dict[str, Any]:
    """What tells a scan from another: its file's size and time, its shape and angles."""
    import hashlib

    info = scan.info
    found: dict[str, Any] = {
        "shape": [info.projections, info.rows, info.columns],
        "angles": hashlib.sha256(np.ascontiguousarray(info.angles_rad).tobytes()).hexdigest()[:16],
    }
    path = Path(info.path)
    if path.is_file():
        status = path.stat()
        found |= {
            "path": str(path.resolve()),
            "size": status.st_size,
            "modified_ns": status.st_mtime_ns,
        }
    return found


def _selected(scans: Sequence[Scan], rows: slice | None) -> range:
    count = max((s.info.rows for s in scans), default=0)
    if rows is None:
        return range(count)
    if rows.step not in (None, 1):
        raise InputError(
            f"The rows {rows.start}:{rows.stop}:{rows.step} have a step, expected "
            f"first:last without one."
        )
    start, stop, _ = rows.indices(count)
    if stop <= start:
        raise InputError(
            f"The rows {rows.start}:{rows.stop} hold none of the scan's {count} rows. "
            f"Choose from 0:{count}."
        )
    return range(start, stop)


def _available() -> float:
    import psutil

    return MEMORY_SHARE * float(psutil.virtual_memory().available) + resident_bytes()


def _within(rows: range, available: range) -> range:
    return range(max(rows.start, available.start), min(rows.stop, available.stop))


def _plain(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as a plan file holds them."""

    def plain(value: Any) -> Any:
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, np.ndarray):
            return value.tolist()
        if isinstance(value, tuple | list):
            return [plain(v) for v in value]
        return value

    return {name: plain(value) for name, value in parameters.items()}
