"""Tables and sentences for people, on standard output."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from metadata.scan_info import Content, ScanInfo
from planner.app.options import as_options
from planner.language.phrases import say
from planner.language.times import time_words
from planner.measures import measured_words
from planner.plan import Answer
from planner.task import Condition, Task

if TYPE_CHECKING:
    from planner.inspection import Inspection
    from planner.perception.similar import SimilarRun
    from toolbox.execution import RunRecord

GIB = 2.0**30
console = Console(highlight=False)


def show_task(task: Task) -> None:
    """The fields of a task."""
    table = Table(box=None, show_header=False)
    for name, value in task.to_json().items():
        if name != "text":
            shown = ", ".join(value) if isinstance(value, list) else value
            table.add_row(name, "–" if shown in (None, "") else str(shown))
    console.print(table)


def _size(info: ScanInfo) -> str:
    first, second = (info.rows, info.projections) if info.content is Content.VOLUME else (
        info.projections, info.rows)  # fmt: skip
    names = "z, y, x" if info.content is Content.VOLUME else "frame, row, col"
    return f"{first} × {second} × {info.columns} ({names})"


def show_inspection(found: Inspection, recognised: Mapping[Condition, float] = {}) -> None:
    """Geometry, traits and warnings of a scan, and the conditions that its pictures show."""
    info = found.info
    console.print(
        f"[bold]{escape(str(info.path))}[/bold]  {info.format}: {info.projections} projections of "
        f"{info.rows} × {info.columns}, {info.flats} flats, {info.darks} darks, {info.dtype}, "
        f"{info.state.value}"
    )
    if info.content is not Content.PROJECTIONS:
        console.print(f"{info.content.value}: {_size(info)}")
    start, stop = math.degrees(info.angle_start_rad), math.degrees(info.angle_stop_rad)
    console.print(f"angles {start:.3f}° to {stop:.3f}°" + (" (assumed)" if info.angles_assumed
                                                            else ""))  # fmt: skip
    known = [
        ("pixel", info.pixel_size_m, 1e6, "µm"),
        ("energy", info.energy_kev, 1, "keV"),
        ("distance", info.distance_m, 1e3, "mm"),
        ("exposure", info.exposure_s, 1e3, "ms"),
    ]
    for name, value, factor, unit in known:
        if value is not None:
            console.print(f"{name} {value * factor:.4g} {unit}")
    table = Table("trait", "value", "from", "to", "unit", box=None)
    for name, trait in found.traits.to_json().items():
        if trait is None:
            table.add_row(name, "not measurable", "", "", "")
        else:
            numbers = [f"{trait[k]:.4g}" for k in ("value", "low", "high")]
            table.add_row(name, *numbers, trait["unit"])
    console.print(table)
    if recognised:
        said = ", ".join(f"{c.value.replace('_', ' ')} ({p:.0%})" for c, p in recognised.items())
        console.print(f"the pictures look like {said}")
    _warnings(found.warnings)
    if found.preview is None:
        return
    console.print(f"[dim]looked at {found.preview.views_read} views of "
                  f"{len(found.preview.raw.rows)} rows in {found.seconds:.2f} s[/dim]")  # fmt: skip


def show_similar(runs: Sequence[SimilarRun]) -> None:
    """Past runs, the one on the most similar scan first."""
    if not runs:
        console.print("No run is kept yet whose scan was looked at.")
        return
    table = Table("likeness", "run", "scan", "steps", "seconds", "quality", box=None)
    for run in runs:
        quality = ", ".join(f"{name} {value:.3g}" for name, value in run.quality.items())
        table.add_row(f"{run.likeness:.3f}", run.id[:8], escape(run.scan), " → ".join(run.steps),
                      f"{run.seconds:.3g}", quality)  # fmt: skip
    console.print(table)


def show_answer(answer: Answer) -> None:
    """Plans with their reasons, or the refusal, or the words, in the request's language."""
    lang = answer.task.language
    if answer.answer is not None:
        console.print(escape(answer.answer))
        return
    _warnings(answer.warnings)
    if answer.refusal is not None:
        console.print(f"[bold]{say('show.no_plan', lang)}[/bold] {escape(answer.refusal)}")
        return
    for plan in answer.plans:
        predicted = plan.prediction
        console.print(
            f"\n[bold]{plan.rank}.[/bold] "
            + " → ".join(n.tool for n in plan.pipeline.nodes if n.tool != "scan")
        )
        quality, seconds = predicted.quality, predicted.seconds
        numbers = say(
            "show.numbers", lang, quality=quality.value, low=quality.low, high=quality.high,
            time=time_words(seconds.value, lang), fast=time_words(seconds.low, lang),
            slow=time_words(seconds.high, lang), gib=predicted.peak_bytes.value / GIB,
        )  # fmt: skip
        console.print("   " + numbers)
        for reason in plan.reasons:
            console.print(f"   · {escape(reason)}")
    planned = say("show.planned", lang, seconds=answer.planning_seconds)
    console.print(f"\n[dim]{planned}[/dim]")


def show_record(record: RunRecord) -> None:
    """What a run took, found and chose, in the language of the request that it was for."""
    lang = str((record.task or {}).get("language", "en"))
    output = f"[bold]{escape(str(record.output))}[/bold]"
    gib = record.peak_bytes / GIB
    console.print(
        say("show.done", lang, time=time_words(record.seconds, lang), gib=gib, output=output)
    )
    if record.center_px is not None:
        axis = record.center_px
        tilt = say("show.tilt", lang, degrees=record.tilt_deg) if record.tilt_deg else ""
        console.print(
            say(
                "show.axis",
                lang,
                value=axis["value"],
                low=axis["low"],
                high=axis["high"],
                tilt=tilt,
            )
        )
    if record.overlap_px is not None:
        console.print(say("show.overlap", lang, pixels=record.overlap_px))
    for notes in record.notes.values():
        for note in notes:
            console.print(f"· {escape(note)}")
    for line in measured_words(record, lang):
        console.print(escape(line))
    _warnings(record.warnings)
    console.print(say("show.run", lang, id=record.id[:8]))


def show_catalogue() -> None:
    """All tools, by stage."""
    from toolbox.kinds import Stage
    from toolbox.registry import known_tools

    table = Table("stage", Column("tool", no_wrap=True), "what", "名称", box=None)
    order = list(Stage)
    for tool in sorted(known_tools().values(), key=lambda t: order.index(t.card.stage)):
        card = tool.card
        table.add_row(card.stage.value, card.name, card.title, card.title_zh)
    console.print(table)


def _warnings(warnings: Sequence[str]) -> None:
    for warning in warnings:
        console.print(f"[yellow]! {escape(as_options(warning))}[/yellow]")
