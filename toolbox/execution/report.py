"""Makes the record of a run from its work and its journal."""

from __future__ import annotations

import dataclasses
import math
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolbox.execution.evaluation import Clock
from toolbox.execution.fingerprint import fingerprint
from toolbox.execution.preparation import plain_parameters
from toolbox.execution.record import RunRecord, hardware, versions
from toolbox.execution.resident import ResidentMemory, resident_bytes
from toolbox.execution.work import Work
from toolbox.kinds import Stage
from toolbox.pipeline import SCAN, Node, Pipeline
from toolbox.values import Center, Quantities, Shifts


@dataclass(frozen=True)
class Report:
    """What is known when the values are complete."""

    work: Work
    started: str
    resident: ResidentMemory
    task: dict[str, Any] | None
    rows: list[int] | None

    def tuned(self) -> Pipeline:
        """The pipeline with the parameters that ran."""
        bench, pipeline = self.work.bench, self.work.pipeline
        nodes = [
            n if n.tool == SCAN else Node(n.id, n.tool, plain_parameters(bench.tools[n.id]))
            for n in pipeline.nodes
        ]
        return Pipeline(tuple(nodes), pipeline.edges)

    def record(self) -> RunRecord:
        work = self.work
        clock = Clock(dict(work.clock.seconds), dict(work.clock.operations))
        for line in work.part.journal.find("slab"):
            clock.merge(Clock(line["seconds"], line["operations"]))
        tools = work.bench.tools
        parameters = {name: tool.parameters() for name, tool in tools.items()}
        center = next((v for v in work.bench.values.values() if isinstance(v, Center)), None)
        overlaps = [
            p["overlap"]
            for n, p in parameters.items()
            if tools[n].card.stage is Stage.STITCH and p.get("overlap") is not None
        ]
        return RunRecord(
            id=uuid.uuid4().hex[:12],
            time=self.started,
            pipeline=work.pipeline.to_json(),
            tuned=brief(self.tuned().to_json()),
            scans=[
                {
                    "path": str(s.info.path),
                    "fingerprint": fingerprint(s),
                    "info": s.info.to_json(),
                }
                for s in work.scans
            ],
            output=str(work.part.output),
            seconds=work.elapsed,
            node_seconds=clock.seconds,
            node_operations=clock.operations,
            peak_bytes=max(self.resident.peak, resident_bytes()),
            base_bytes=self.resident.base,
            workers=work.means.workers,
            rows=self.rows,
            task=self.task,
            notes={n: notes for n, notes in work.preparation.notes.items() if notes},
            versions=versions({t.card.library for t in tools.values()}),
            seeds={n: p["seed"] for n, p in parameters.items() if p.get("seed") is not None},
            hardware=hardware(),
            center_px=_interval(center),
            tilt_deg=None if center is None else math.degrees(center.tilt_rad),
            overlap_px=float(overlaps[0]) if overlaps else None,
            shifts_px=_moved(work.bench.values.values()),
            quantities={
                name: dataclasses.asdict(quantity)
                for value in work.bench.values.values()
                if isinstance(value, Quantities)
                for name, quantity in value.values.items()
            },
            warnings=self.warnings(),
        )

    def warnings(self) -> list[str]:
        """What the scans, the measurements and the values themselves give cause to say."""
        work = self.work
        found = [w for s in work.scans for w in s.info.warnings]
        for value in work.bench.values.values():
            found += list(getattr(value, "warnings", ()))
        slabs = work.part.journal.find("slab")
        for name in work.part.stacks:
            ranges = [(s["start"], s["stop"], *s["ranges"][name]) for s in slabs
                      if name in s["ranges"]]  # fmt: skip
            broken = [f"{a}:{b}" for a, b, low, _ in sorted(ranges) if low != low]
            if broken:
                found.append(
                    f"The result of {name} has values that are not finite in the slabs "
                    f"{', '.join(broken[:5])}{' …' if len(broken) > 5 else ''}."
                )
            elif ranges and min(r[2] for r in ranges) == max(r[3] for r in ranges):
                found.append(
                    f"The result of {name} is {ranges[0][2]:g} everywhere: look at the scan and "
                    f"at the steps before."
                )
        return list(dict.fromkeys(found))


def _moved(values: Iterable[Any]) -> dict[str, float] | None:
    """How far the views were moved sideways, of the last step that found it."""
    found = [v for v in values if isinstance(v, Shifts) and v.pixels.size]
    if not found:
        return None
    along = found[-1].pixels.reshape(len(found[-1].pixels), -1)[:, -1]
    return {"rms": float(np.sqrt(np.mean(along**2))), "largest": float(np.abs(along).max())}


def _interval(center: Center | None) -> dict[str, float] | None:
    if center is None:
        return None
    return {"value": center.column, "low": center.low, "high": center.high}


LONGEST = 4096  # characters of a parameter that a record keeps


def brief(document: Any) -> Any:
    """A document with long texts (trained networks) left to the output, which holds them whole.

    >>> brief({"network": "x" * 9999, "steps": 3})
    {'network': '9999 characters, whole in the plan of the output', 'steps': 3}
    """
    if isinstance(document, dict):
        return {key: brief(value) for key, value in document.items()}
    if isinstance(document, list):
        return [brief(value) for value in document]
    if isinstance(document, str) and len(document) > LONGEST:
        return f"{len(document)} characters, whole in the plan of the output"
    return document
