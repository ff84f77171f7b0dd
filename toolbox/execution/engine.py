"""Runs a pipeline on scans: the one call behind `tomoplan run`."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from metadata.errors import InputError, WorkError
from metadata.scan import Scan
from metadata.scan_info import Content
from metadata.whole_file import require_apart
from toolbox.devices import devices_allowed
from toolbox.execution.fingerprint import fingerprint
from toolbox.execution.measured import Measure, measure_run
from toolbox.execution.part import Part, told_of_the_disk
from toolbox.execution.progress import Progress
from toolbox.execution.provenance import Provenance
from toolbox.execution.record import RunRecord
from toolbox.execution.report import Report
from toolbox.execution.resident import ResidentMemory, resident_bytes, spare_bytes
from toolbox.execution.threads import cpu_count, threads_restored
from toolbox.execution.work import Means, Work
from toolbox.kinds import DataKind
from toolbox.pipeline import SCAN, Pipeline, source_kind

NOTHING_TO_RESUME = "There was no unfinished run of this output to resume: it was begun anew."


def run(
    pipeline: Pipeline,
    scans: Sequence[Scan],
    output: str | Path,
    *,
    memory_bytes: float | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    device: str = "any",
    rows: slice | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
    store: str | Path | None = None,
    task: dict[str, Any] | None = None,
    notes: Sequence[str] = (),
    quality: bool = True,
    measure: Measure | None = None,
) -> RunRecord:
    """Run a pipeline and write its results as NXtomoproc HDF5.

    ``memory_bytes``: resident memory that this process may reach (default: 60 % of what is
    available). ``workers``: threads (default: processors). ``scheduler``: address of a Dask
    cluster that does the slabs instead; it must see the same files. ``device``: ``cpu`` keeps all
    steps off CUDA devices, ``any`` lets those that can use them where they are, ``gpu`` asks for
    one. ``rows``: only these rows of the output. ``resume``: go on where a killed run of the same
    output stopped. ``store``: SQLite file that keeps the record. ``task`` and ``notes`` (warnings
    from planning) go into the record. ``quality``: measure it on a few slices, by ``measure``
    where given.

    The output has its name only when it is complete; until then the work is in ``OUTPUT.part``.
    Raises InputError for what cannot be run as asked, WorkError for what failed on the way.
    """
    check(pipeline, scans)
    if scheduler is not None:
        from toolbox.execution.cluster import require_scheduler

        require_scheduler(scheduler)
    output = Path(output)
    require_apart(output, [scan.info.path for scan in scans])
    selected = _selected(scans, rows)
    identity = {
        "plan": pipeline.fingerprint(),
        "scan": [fingerprint(s) for s in scans],
        "range of rows": [selected.start, selected.stop],
    }
    budget = memory_bytes or spare_bytes() + resident_bytes()
    means = Means(budget, workers or cpu_count(), scheduler, device)
    started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    # With a cluster it is the workers that have the GPUs.
    here = "any" if scheduler and device == "gpu" else device
    with (told_of_the_disk(output), devices_allowed(here), ResidentMemory() as resident,
          threads_restored()):  # fmt: skip
        part = Part.open(output, identity, resume=resume, overwrite=overwrite)
        try:
            work = Work(pipeline, scans, part, selected, means, progress or _silent)
            work.run()
            work.steps.message("writing the output")
            limits = None if rows is None else [selected.start, selected.stop]
            found, troubles = measure_run(work, measure) if quality else ({}, [])
            report = Report(work, started, resident, task, limits)
            record = report.record()
            anew = [NOTHING_TO_RESUME] if resume and not part.resumed else []
            warnings = list(dict.fromkeys([*anew, *notes, *record.warnings, *troubles]))
            record = dataclasses.replace(record, quality=found, warnings=warnings)
            infos = tuple(s.info for s in scans)
            written = Provenance(pipeline, report.tuned(), part.stacks, work.places,
                                 work.bench.values, infos, record)  # fmt: skip
            part.finish(written.write)
        except BaseException:
            part.abandon()
            raise
    work.steps.end()
    return record if store is None else _kept(record, store)


def _kept(record: RunRecord, store: str | Path) -> RunRecord:
    """The record in the store; a store that fails does not take the finished output with it."""
    from metadata.store import Store

    try:
        with Store(store) as runs:
            runs.add_run(record.to_json())
    except WorkError as error:
        told = f"The run is complete, but its record was not kept. {error}"
        return dataclasses.replace(record, warnings=[*record.warnings, told])
    return record


def _silent(*_: object) -> None:
    """No progress is told."""


def check(pipeline: Pipeline, scans: Sequence[Scan]) -> None:
    """Raise one InputError where a pipeline cannot run on some scans."""
    pipeline.require_valid([s.info.state for s in scans])
    if pipeline.scans > len(scans):
        given = f"{len(scans)} {'was' if len(scans) == 1 else 'were'} given"
        raise InputError(
            f"The pipeline takes {pipeline.scans} scans and {given}. Give them all, in the order "
            f"of the indices of its scan nodes."
        )
    for node in (n for n in pipeline.nodes if n.tool == SCAN):
        info, wanted = scans[node.parameters.get("index", 0)].info, source_kind(node)
        if (info.content is Content.VOLUME) != (wanted is DataKind.VOLUME):
            raise InputError(
                f"The pipeline takes a {wanted} at {node.id}, and {info.path} was opened as "
                f"{info.content}. Give the other kind of file, or say what this one holds "
                f"(content='{'volume' if wanted is DataKind.VOLUME else 'projections'}', on the "
                f"command line --content)."
            )


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
