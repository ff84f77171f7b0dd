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

    world = world_of(chosen)
    _require_spare(output, output.with_name(f"{output.name}.truth.h5"))
    with progress_bar() as progress:
        steps = Steps(progress, [1.0])
        steps.begin(0, "simulate")
        truth = write_scan(world, output, format, volume=volume,
                           progress=lambda done, of: steps.advance(done / of))  # fmt: skip
        steps.end()
    for note in notes_of(truth):
        print(f"Note: {note}", file=sys.stderr)
    print(f"Wrote {output} and its truth {truth}.", file=sys.stderr)


def scans(kind: str, output: Path, format: str, volume: bool, energies_kev: str, across: int,
          down: int, overlap_px: int, stage_error_px: float, steps: int, coarser: int,
          **chosen: Any) -> None:  # fmt: skip
    """Write scans that belong together into the folder OUTPUT: of several energies, of tiles, of
    time steps of a deforming specimen, or of two modalities. Each has its truth beside it; what is
    true of them together goes into OUTPUT/truth.json."""
    from simulators.scan_sets import SetOptions, write_set
    from toolbox.execution.progress import Steps, progress_bar

    try:
        kev = tuple(float(part) for part in energies_kev.split(",") if part.strip())
    except ValueError:
        raise InputError(
            f"--energies-kev is {energies_kev!r}, expected numbers with commas between."
        ) from None
    options = SetOptions(kev, across, down, overlap_px, stage_error_px, steps, coarser)
    with progress_bar() as progress:
        bar = Steps(progress, [1.0])
        bar.begin(0, "simulate")
        paths = write_set(kind, world_of(chosen), output, format, options, volume=volume,
                          progress=lambda done, of: bar.advance(done / of))  # fmt: skip
        bar.end()
    for path in paths:
        for note in notes_of(path.with_name(f"{path.name}.truth.h5")):
            print(f"Note on {path.name}: {note}", file=sys.stderr)
    names = ", ".join(path.name for path in paths)
    print(f"Wrote {names} and their truth into {output}.", file=sys.stderr)


def _require_spare(output: Path, truth: Path) -> None:
    """Raise where a file of this name is no simulation, so that no real one is lost."""
    if output.exists() and not truth.exists():
        raise InputError(
            f"{output} exists already and is no simulation (no {truth.name} beside it): it would "
            f"be lost. Choose another name, or remove it first."
        )


def notes_of(truth: Path) -> list[str]:
    """What the simulation says of its own limits, from the file of the truth."""
    import h5py

    with h5py.File(truth) as file:
        notes = file["notes"]
        return [str(note) for note in notes.asstr()[()]] if notes.size else []


def world_of(chosen: dict[str, Any]) -> World:
    """The world of the flags."""
    if chosen.get("flux") is not None and chosen["photons"] == SHOWN["photons"]:
        chosen["photons"] = None  # the shown default stands back for what was asked
    for name in ("photons", "attenuation"):
        if chosen[name] == _NOTHING:
            chosen[name] = None
    return World(**chosen)


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
    _require_spare(output, output.with_name(f"{output.name}.truth.json"))
    truth = write_history(simulate_history(wanted), output)
    print(f"Wrote {output} and its truth {truth}.", file=sys.stderr)


Options = list[tuple[str, Any, Any]]
_OUTPUT = ("output", Annotated[Path, typer.Option("--output", "-o", help="File to write.")],
           inspect.Parameter.empty)  # fmt: skip


_HOW: Options = [
    ("format", Annotated[str, typer.Option(help="nxtomo or dx (Data Exchange).")], "nxtomo"),
    ("volume", Annotated[bool, typer.Option(help="Truth with volume and labels.")], True),
]


def _scan_options() -> Options:
    return [_OUTPUT, *_HOW, *_world_options()]


def _set_options() -> Options:
    from simulators.scan_sets import KINDS, SetOptions

    def number(name: str, kind: type, text: str) -> tuple[str, Any, Any]:
        return (name, Annotated[kind, typer.Option(help=text)], getattr(SetOptions(), name))

    own: Options = [
        ("kind", Annotated[str, typer.Argument(help=f"One of {', '.join(KINDS)}.")],
         inspect.Parameter.empty),
        ("output", Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")],
         inspect.Parameter.empty),
        ("energies_kev", Annotated[str, typer.Option(help="Energies: photon energies [keV], with "
                                                     "commas between.")], ""),
        number("across", int, "Tiles: how many beside each other."),
        number("down", int, "Tiles: how many below each other."),
        number("overlap_px", int, "Tiles: overlap of neighbours [px]."),
        number("stage_error_px", float, "Tiles: RMS error of the stage [px]."),
        number("steps", int, "Time steps, up to the world's deformation."),
        number("coarser", int, "Modalities: size of the second's pixels by the first's."),
    ]  # fmt: skip
    return [*own, *_HOW, *_world_options()]


def _world_options() -> Options:
    return [
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
_add(scans, _set_options())
_add(history, _history_options())
