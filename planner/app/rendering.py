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
from planner.language.translation import translate
from planner.measures import measured_words
from planner.plan import Answer
from planner.situation import named
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


def _size(info: ScanInfo, lang: str) -> str:
    if info.content is Content.VOLUME:
        return say(
            "show.slices", lang, count=info.rows, rows=info.projections, columns=info.columns
        )
    return say("show.images", lang, count=info.projections, rows=info.rows, columns=info.columns)


def show_inspection(
    found: Inspection, recognised: Mapping[Condition, float] = {}, lang: str = "en"
) -> None:
    """Geometry, traits and warnings of a scan, and the conditions that its pictures show."""
    info = found.info
    views = info.content is Content.PROJECTIONS
    told = say(
        "show.scan" if views else "show.stack", lang, format=info.format, views=info.projections,
        rows=info.rows, columns=info.columns, flats=info.flats, darks=info.darks, dtype=info.dtype,
        state=info.state.value,
    )  # fmt: skip
    console.print(f"[bold]{escape(str(info.path))}[/bold]  {told}")
    if views:
        start, stop = math.degrees(info.angle_start_rad), math.degrees(info.angle_stop_rad)
        assumed = say("show.assumed", lang) if info.angles_assumed else ""
        console.print(say("show.angles", lang, start=start, stop=stop, assumed=assumed))
    else:
        console.print(_size(info, lang))
    known = [
        ("pixel", info.pixel_size_m, 1e6, "µm"),
        ("energy", info.energy_kev, 1, "keV"),
        ("distance", info.distance_m, 1e3, "mm"),
        ("exposure", info.exposure_s, 1e3, "ms"),
    ]
    for name, value, factor, unit in known:
        if value is not None:
            console.print(f"{translate(name, lang)} {value * factor:.4g} {unit}")
    if views:
        console.print(_traits(found, lang))
    if recognised:
        joined = ", " if lang == "en" else "、"
        seen = joined.join(f"{named(c).text(lang)} ({p:.0%})" for c, p in recognised.items())
        console.print(say("show.looks_like", lang, conditions=seen))
    _warnings([translate(warning, lang) for warning in found.warnings])
    if found.preview is None:
        return
    looked = say("show.looked", lang, views=found.preview.views_read,
                 rows=len(found.preview.raw.rows), seconds=found.seconds)  # fmt: skip
    console.print(f"[dim]{looked}[/dim]")


def _traits(found: Inspection, lang: str) -> Table:
    table = Table(*say("show.trait_heads", lang).split("|"), box=None)
    for name, trait in found.traits.to_json().items():
        called = say(f"trait.{name}", lang)
        if trait is None:
            table.add_row(called, say("show.not_measurable", lang), "", "", "")
        else:
            numbers = [f"{trait[k]:.4g}" for k in ("value", "low", "high")]
            table.add_row(called, *numbers, translate(trait["unit"], lang).lstrip("，"))
    return table


def show_similar(runs: Sequence[SimilarRun], lang: str = "en") -> None:
    """Past runs, the one on the most similar scan first."""
    if not runs:
        console.print(say("show.no_similar", lang))
        return
    table = Table(*say("show.similar_heads", lang).split("|"), box=None)
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


def show_record(record: RunRecord, lang: str = "en") -> None:
    """What a run took, found and chose, in the language of the request that it was for; of one
    that was for none, in ``lang``."""
    lang = str((record.task or {}).get("language", lang))
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
