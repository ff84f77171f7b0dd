"""``tomoplan feedback``: what a person thinks of runs, learned from."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from planner.app.languages import chosen_language


def feedback(
    run: Annotated[str, typer.Argument(help="A run: its id, how it begins, or its output file.")],
    better_than: Annotated[
        str | None, typer.Option("--better-than", help="A run of the same scan that is worse.")
    ] = None,
    rating: Annotated[int | None, typer.Option(help="From 1 (bad) to 5 (good).")] = None,
    beamline: Annotated[
        str | None, typer.Option(help="Whose taste it is (default: $TOMOPLAN_BEAMLINE).")
    ] = None,
    language: Annotated[
        str | None, typer.Option(help="en or zh (default: that of the run's request).")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on standard output.")
    ] = False,
) -> None:
    """A person's judgement of runs; plans that are about as good follow it."""
    from planner import service
    from planner.feedback.reranking import ENOUGH
    from planner.language import say, told_in

    lang = chosen_language(language)
    with told_in(lang):
        taste = service.feedback(run, better_than=better_than, rating=rating, beamline=beamline)
        lang = (None if language else service.run_language(run)) or lang
    if as_json:
        print(json.dumps({"beamline": taste.beamline, "choices": taste.choices,
                          "better": taste.better, "prompt": taste.prompt.tolist()}))  # fmt: skip
        return
    liked = (", " if lang == "en" else "、").join(
        f"{say(f'aspect.{aspect}', lang)} {count}" for aspect, count in taste.better.items()
    )
    print(say("show.taste", lang, beamline=taste.beamline, choices=taste.choices, liked=liked))
    if taste.choices < ENOUGH:
        print(say("show.taste_enough", lang, enough=ENOUGH))
