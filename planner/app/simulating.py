"""``tomoplan simulate``: scans (and instrument histories) with their truth beside them."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from simulators.world import World, settings

app = typer.Typer(help="Simulated scans with their truth beside them.", no_args_is_help=True)

# What a person who names nothing wants to see; World's own defaults are for tests.
SHOWN: dict[str, Any] = {"specimen": "foam", "rows": 16, "projections": 360, "photons": 20000.0,
                         "rings": 0.3}  # fmt: skip


def scan(output: Path, format: str, volume: bool, **chosen: Any) -> None:
    """Write a simulated scan, and its truth into OUTPUT.truth.h5."""
    from simulators.writing import write_scan

    if chosen.get("flux") is not None and chosen["photons"] == SHOWN["photons"]:
        chosen["photons"] = None  # the shown default stands back for what was asked
    for name in ("photons", "attenuation"):
        if chosen[name] == _NOTHING:
            chosen[name] = None
    world = World(**chosen)
    truth = write_scan(world, output, format, volume=volume)
    print(f"Wrote {output} and its truth {truth}.", file=sys.stderr)


_NOTHING = -1.0  # of --photons and --attenuation: no noise, real densities


def _parameters() -> list[inspect.Parameter]:
    fixed: list[tuple[str, Any, Any]] = [
        ("output", Annotated[Path, typer.Option("--output", "-o", help="File to write.")],
         inspect.Parameter.empty),
        ("format", Annotated[str, typer.Option(help="nxtomo or dx (Data Exchange).")], "nxtomo"),
        ("volume", Annotated[bool, typer.Option(help="Truth with volume and labels.")], True),
    ]  # fmt: skip
    for setting in settings():
        about = setting.about
        unit = f" [{about.unit}]" if about.unit else ""
        choices = f": {', '.join(about.choices)}" if about.choices else ""
        if (about.low, about.high) == (0, 1):
            unit = " [0 to 1]"
        none = " (-1: none)" if setting.name in ("photons", "attenuation") else ""
        option = typer.Option(help=f"{about.doc[:1].upper()}{about.doc[1:]}{choices}{none}{unit}")
        fixed.append((setting.name, Annotated[setting.type, option],
                      SHOWN.get(setting.name, setting.default)))  # fmt: skip
    kind = inspect.Parameter.KEYWORD_ONLY
    return [inspect.Parameter(n, kind, default=d, annotation=a) for n, a, d in fixed]


# The flags are World's fields, so a new setting needs no line here.
scan.__signature__ = inspect.Signature(_parameters())  # type: ignore[attr-defined]
scan.__annotations__ = {p.name: p.annotation for p in _parameters()}
app.command("scan")(scan)
