"""``tomoplan watch``: options to a watch, and what to do with its words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from planner.app.languages import Language, chosen_language


def watch(
    sources: Annotated[
        list[str] | None,
        typer.Argument(help="Files, folders, archiver:URL?pv=…, ca://PV, pva://PV, …"),
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(help="What must not be reached: 12.5, NAME=LOW:HIGH, or a YAML file."),
    ] = None,
    limits: Annotated[Path | None, typer.Option(help="Limits of many metrics (YAML).")] = None,
    events: Annotated[bool, typer.Option("--events", help="Only changes of state.")] = False,
    follow: Annotated[bool, typer.Option("--follow", help="Go on with what comes.")] = False,
    stop_after: Annotated[
        str | None, typer.Option("--for", help="Stop after this time, as 8h (with --follow).")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Picture (.png) or page (.html).")] = None,
    false_alarm_days: Annotated[
        float | None, typer.Option(help="Days between false alarms of one metric.")
    ] = None,
    log: Annotated[Path | None, typer.Option(help="Add warnings to this file.")] = None,
    webhook: Annotated[str | None, typer.Option(help="POST warnings here as JSON.")] = None,
    acknowledge: Annotated[
        list[str] | None, typer.Option(help="METRIC: its problem is known.")
    ] = None,
    snooze: Annotated[
        list[str] | None, typer.Option(help="METRIC=2h: not now; worse or new is said.")
    ] = None,
    by: Annotated[str, typer.Option(help="Who acknowledges or snoozes.")] = "",
    frames: Annotated[
        bool, typer.Option("--frames", help="Of scans, measure axis, flats, noise and shifts too.")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep histories in the store too.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget an unfinished watch.")] = False,
    language: Language = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Warns before a limit is reached: when, and probably why; live or over a history."""
    from functools import partial

    from metadata.watch.session import Wishes, watch_all
    from metadata.watch.standing import acknowledge_problems, show_standing
    from planner.language.translation import told_in, translate

    measures = None
    if frames:
        from toolbox.scan_measures import FrameMeasures

        measures = FrameMeasures()
    lang = chosen_language(language)
    wishes = Wishes(
        sources=tuple(sources or ()), limit=tuple(limit or ()), limits=limits, events=events,
        follow=follow, stop_after=stop_after, report=report, false_alarm_days=false_alarm_days,
        log=log, webhook=webhook, keep=keep, fresh=fresh, language=lang, as_json=as_json,
        measures=measures,
    )  # fmt: skip
    tell = partial(translate, lang=lang)
    with told_in(lang):
        if acknowledge or snooze:
            acknowledge_problems(acknowledge or (), snooze or (), by, lang)
        if sources:
            watch_all(wishes, tell)
        elif not (acknowledge or snooze):
            show_standing(lang, as_json)
