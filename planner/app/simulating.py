"""``tomoplan simulate``: scans (and instrument histories) with their truth beside them."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from metadata.errors import InputError
from simulators.histories.settings import settings as history_settings
from simulators.world import World, settings
from toolbox.card import Parameter

app = typer.Typer(
    help="Simulated scans and instrument histories, their truth beside them.", no_args_is_help=True
)

# What a person who names nothing wants to see; World's own defaults are for tests.
SHOWN: dict[str, Any] = {"specimen": "foam", "rows": 16, "projections": 360, "photons": 20000.0,
                         "rings": 0.3}  # fmt: skip


def scan(output: Path, format: str, volume: bool, **chosen: Any) -> None:
    """Write a simulated scan, and its truth into OUTPUT.truth.h5."""
    from simulators.writing import write_scan
    from toolbox.execution.progress import Steps, progress_bar

    if chosen.get("flux") is not None and chosen["photons"] == SHOWN["photons"]:
        chosen["photons"] = None  # the shown default stands back for what was asked
    for name in ("photons", "attenuation"):
        if chosen[name] == _NOTHING:
            chosen[name] = None
    world = World(**chosen)
    with progress_bar() as progress:
        steps = Steps(progress, [1.0])
        steps.begin(0, "simulate")
        truth = write_scan(world, output, format, volume=volume,
                           progress=lambda done, of: steps.advance(done / of))  # fmt: skip
        steps.end()
    print(f"Wrote {output} and its truth {truth}.", file=sys.stderr)


_NOTHING = -1.0  # of --photons and --attenuation: no noise, real densities


def history(output: Path, drawn: bool, decoys: int, **chosen: Any) -> None:
    """Write an instrument's history, and its truth into OUTPUT.truth.json."""
    from simulators.histories import History, draw_history, simulate_history
    from simulators.histories.writing import write_history

    given: dict[str, Any] = {name: None if value == _NOTHING else value
             for name, value in chosen.items() if value is not None}  # fmt: skip
    if "metrics" in given:
        given["metrics"] = tuple(name.strip() for name in given["metrics"].split(","))
    if decoys and not drawn:
        raise InputError("--decoys is given without --drawn; expected both: decoys are drawn.")
    if drawn:
        wanted = draw_history(given.pop("seed", 0), decoys=decoys, **given)
    else:
        wanted = History(**given)
    truth = write_history(simulate_history(wanted), output)
    print(f"Wrote {output} and its truth {truth}.", file=sys.stderr)


Options = list[tuple[str, Any, Any]]
_OUTPUT = ("output", Annotated[Path, typer.Option("--output", "-o", help="File to write.")],
           inspect.Parameter.empty)  # fmt: skip


def _scan_options() -> Options:
    own: Options = [
        _OUTPUT,
        ("format", Annotated[str, typer.Option(help="nxtomo or dx (Data Exchange).")], "nxtomo"),
        ("volume", Annotated[bool, typer.Option(help="Truth with volume and labels.")], True),
    ]
    return own + [
        (setting.name, Annotated[setting.type, _option(setting)],
         SHOWN.get(setting.name, setting.default))
        for setting in settings()
    ]  # fmt: skip


def _history_options() -> Options:
    """Every flag is empty unless given: only then is its setting not drawn, or the default."""
    own: Options = [
        _OUTPUT,
        ("drawn", Annotated[bool, typer.Option(help="Draw at random what is not given.")], False),
        ("decoys", Annotated[int, typer.Option(min=0, help="With --drawn: metrics that share the "
                                               "refills or the day, besides a cause.")], 0),
    ]  # fmt: skip
    for setting in history_settings():
        kind = str if setting.name == "metrics" else setting.type
        shown = "" if setting.default in ("", (), None) else f" (if not given: {setting.default})"
        if setting.name == "metrics":
            shown = ", with commas between"
        own.append((setting.name, Annotated[kind | None, _option(setting, shown)], None))
    return own


def _option(setting: Parameter, more: str = "") -> Any:
    about = setting.about
    unit = f" [{about.unit}]" if about.unit else ""
    choices = f": {', '.join(about.choices)}" if about.choices else ""
    if (about.low, about.high) == (0, 1):
        unit = " [0 to 1]"
    none = " (-1: none)" if setting.name in ("photons", "attenuation", "cadence_s") else ""
    return typer.Option(help=f"{about.doc[:1].upper()}{about.doc[1:]}{choices}{none}{more}{unit}")


def _add(command: Any, options: Options) -> None:
    """A command whose flags are the fields of a settings class: a new one needs no line here."""
    kind = inspect.Parameter.KEYWORD_ONLY
    parameters = [inspect.Parameter(n, kind, default=d, annotation=a) for n, a, d in options]
    command.__signature__ = inspect.Signature(parameters)
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    app.command(command.__name__)(command)


_add(scan, _scan_options())
_add(history, _history_options())
