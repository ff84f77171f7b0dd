"""``tomoplan feedback``: what a person thinks of runs, learned from."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def feedback(
    run: Annotated[str, typer.Argument(help="A run: its id, how it begins, or its output file.")],
    better_than: Annotated[
        str | None, typer.Option("--better-than", help="A run of the same scan that is worse.")
    ] = None,
    rating: Annotated[int | None, typer.Option(help="From 1 (bad) to 5 (good).")] = None,
    beamline: Annotated[
        str | None, typer.Option(help="Whose taste it is (default: $TOMOPLAN_BEAMLINE).")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on standard output.")
    ] = False,
) -> None:
    """A person's judgement of runs; plans that are about as good follow it."""
    from planner import service
    from planner.feedback.reranking import ENOUGH

    taste = service.feedback(run, better_than=better_than, rating=rating, beamline=beamline)
    name = taste.beamline
    if as_json:
        print(json.dumps({"beamline": name, "choices": taste.choices, "better": taste.better,
                          "prompt": taste.prompt.tolist()}))  # fmt: skip
        return
    liked = ", ".join(f"{aspect} {count}" for aspect, count in taste.better.items())
    print(f"{name}: {taste.choices} choices; the better of each aspect was taken in: {liked}.")
    if taste.choices < ENOUGH:
        print(f"From {ENOUGH} choices on, plans that are about as good are ordered by them.")
