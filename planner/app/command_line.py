"""The command line: translates words and paths into calls of ``planner.service``."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.core
import typer.main

from metadata.errors import InputError, TomoplanError
from planner.app.judging import feedback
from planner.app.languages import Language, chosen_language, language_for, progress_words
from planner.app.options import as_options
from planner.app.watching import watch

if TYPE_CHECKING:
    from planner.plan import Plan

app = typer.Typer(
    name="tomoplan",
    help="An intelligent scheduling centre for synchrotron tomography.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class _Simulations(typer.core.TyperGroup):
    """The commands of :mod:`planner.app.simulating`, which is read when one of them is named."""

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(self._read().commands)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return self._read().commands.get(cmd_name)

    def _read(self) -> Any:
        from planner.app import simulating

        return typer.main.get_group(simulating.app)


simulate_app = typer.Typer(cls=_Simulations, no_args_is_help=True,
                           help="Simulated scans and histories with their truth.")  # fmt: skip


@simulate_app.callback()
def simulate() -> None:
    """Simulated scans and instrument histories, with their truth beside them."""


app.add_typer(simulate_app, name="simulate")
app.command()(watch)
app.command()(feedback)

Trying = Annotated[
    float,
    typer.Option("--try", min=0.0, metavar="SECONDS",
                 help="First try the most promising plans on one slice, for so long at most."),
]  # fmt: skip
LONG = 60.0  # s: a run that is worth trying plans for
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Scans = Annotated[list[Path], typer.Argument(help="Scan files or folders.")]
# What a file does not say of itself; the names are those of metadata.open_scan.
DataPath = Annotated[
    str | None, typer.Option("--data", help="Path of the frames inside an HDF5 file.")
]
Angles = Annotated[
    str | None,
    typer.Option("--angles", help="Where the file has none: 0:180 (degrees), a file, a dataset."),
]
Flats = Annotated[str | None, typer.Option("--flats", help="A file, folder or FILE::DATASET.")]
Darks = Annotated[str | None, typer.Option("--darks", help="A file, folder or FILE::DATASET.")]
State = Annotated[
    str | None, typer.Option("--state", help="Of the values: counts, transmission, attenuation.")
]
Content = Annotated[
    str | None, typer.Option("--content", help="Of the file: projections, volume, images.")
]


def main() -> None:
    """Entry point: one paragraph and an exit status for every foreseen error."""
    debug = "--debug" in sys.argv
    arguments = [a for a in sys.argv[1:] if a != "--debug"]
    try:
        status = app(args=arguments, prog_name="tomoplan", standalone_mode=False)
        if isinstance(status, int) and status:
            sys.exit(status)
    except TomoplanError as error:
        if debug:
            raise
        _fail(str(error), error.exit_status)
    except (typer.Abort, KeyboardInterrupt):
        from planner.language import say

        _fail(say("show.stopped", chosen_language(None)), 1)
    except BrokenPipeError:
        sys.exit(1)
    except Exception as error:
        if debug:
            raise
        if hasattr(error, "format_message"):  # a mistake on the command line
            if not error.format_message().strip(" ."):  # nothing was typed, and help was shown
                sys.exit(2)
            _fail(_mistake(error), 2)
        _fail(
            f"Something that tomoplan did not foresee went wrong: {type(error).__name__}: {error}. "
            f"Run the command again with --debug for the details.",
            1,
        )


def _mistake(error: Any) -> str:
    """What was typed, and how the command is called."""
    context, said = getattr(error, "ctx", None), error.format_message().rstrip(" .") + "."
    if context is None:
        return f"{said} `tomoplan --help` shows the commands."
    called = context.command_path
    pieces = " ".join([called, *context.command.collect_usage_pieces(context)])
    return f"{said} Expected `{pieces}`; `{called} --help` explains each of them."


def _fail(said: str, status: int) -> None:
    paragraph = re.sub(r"\s*[\r\n]+\s*", " ", as_options(said.strip()))  # libraries break lines
    if "--json" in sys.argv:
        _print_json({"error": paragraph})
    print(paragraph, file=sys.stderr)
    sys.exit(status)


def _print_json(document: Any) -> None:
    print(json.dumps(document, ensure_ascii=False, default=_plain))


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)


@app.command()
def understand(
    text: Annotated[str | None, typer.Argument(help="The request, in English or Chinese.")] = None,
    input: Annotated[Path | None, typer.Option(help="Requests, one JSON object a line.")] = None,
    output: Annotated[Path | None, typer.Option(help="Where the tasks go.")] = None,
    as_json: Json = False,
) -> None:
    """What a request asks for: text to task fields."""
    from planner.language import understand as read
    from planner.language import understand_file

    if input is not None and output is not None:
        understand_file(input, output)
        return
    if text is None or input is not None or output is not None:
        raise InputError("Expected a text, or --input F.jsonl with --output G.jsonl.")
    found = read(text)
    for warning in found.warnings:
        print(warning, file=sys.stderr)
    if as_json:
        _print_json(found.task.to_json())
    else:
        from planner.app.rendering import show_task

        show_task(found.task)


@app.command()
def inspect(
    scan: Annotated[Path, typer.Argument(help="A scan file or folder.")],
    preview: Annotated[Path | None, typer.Option(help="Write a picture here (PNG).")] = None,
    data: DataPath = None,
    angles: Angles = None,
    flats: Flats = None,
    darks: Darks = None,
    state: State = None,
    content: Content = None,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """What the file says and what the data shows."""
    from planner import service
    from planner.language import told_in

    reading = _reading(
        data=data, angles=angles, flats=flats, darks=darks, state=state, content=content
    )
    if preview is not None:
        from metadata.whole_file import require_apart
        from planner.app.pictures import preview_picture, require_picture

        require_picture(preview)
        require_apart(preview, [scan])
    lang = chosen_language(language)
    with told_in(lang):
        found = service.inspect(scan, reading=reading)
    if preview is not None:
        preview_picture(found, preview)
    if as_json:
        _print_json(
            {"scan": found.info.to_json(), "traits": found.traits.to_json(),
             "recognised": {c.value: p for c, p in service.recognised(found).items()},
             "warnings": list(found.warnings), "seconds": found.seconds}
        )  # fmt: skip
    else:
        from planner.app.rendering import show_inspection

        show_inspection(found, service.recognised(found), lang)


@app.command()
def similar(
    scan: Annotated[Path, typer.Argument(help="A scan file or folder.")],
    limit: Annotated[int, typer.Option(min=1, help="How many runs at most.")] = 5,
    data: DataPath = None,
    angles: Angles = None,
    flats: Flats = None,
    darks: Darks = None,
    state: State = None,
    content: Content = None,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """Past runs on the scans that look most like this one."""
    from planner import service
    from planner.language import told_in

    reading = _reading(
        data=data, angles=angles, flats=flats, darks=darks, state=state, content=content
    )
    lang = chosen_language(language)
    with told_in(lang):
        found = service.similar(scan, limit, reading=reading)
    if as_json:
        _print_json([run.to_json() for run in found])
    else:
        from planner.app.rendering import show_similar

        show_similar(found, lang)


@app.command()
def plan(
    text: Annotated[str, typer.Argument(help="The request, in English or Chinese.")],
    scans: Scans,
    out: Annotated[Path | None, typer.Option(help="Keep a plan here (YAML).")] = None,
    rank: Annotated[
        int | None, typer.Option(min=1, help="The plan to keep; without --out, to show alone.")
    ] = None,
    seconds: Trying = 0.0,
    data: DataPath = None,
    angles: Angles = None,
    flats: Flats = None,
    darks: Darks = None,
    state: State = None,
    content: Content = None,
    as_json: Json = False,
) -> None:
    """Ranked plans with predictions and reasons."""
    from planner import service
    from planner.language import say

    reading = _reading(
        data=data, angles=angles, flats=flats, darks=darks, state=state, content=content
    )
    if out is not None:
        from metadata.whole_file import require_apart, require_folder

        require_folder(out)
        require_apart(out, scans)
    answer = service.plan(text, scans, reading=reading, audition=seconds)
    if answer.plans and (out is not None or rank is not None):
        chosen = _ranked(answer.plans, rank or 1)
        if out is None:
            answer = dataclasses.replace(answer, plans=(chosen,))
        else:
            _keep(chosen, out, answer.task.language)
    if as_json:
        _print_json(answer.to_json())
    else:
        from planner.app.rendering import show_answer

        show_answer(answer)
        if answer.plans and not seconds and answer.best.prediction.seconds.value > LONG:
            print(say("hint.try", answer.task.language), file=sys.stderr)
    if answer.refusal is not None:
        raise typer.Exit(1)


def _reading(**given: str | None) -> dict[str, str]:
    return {name: value for name, value in given.items() if value is not None}


def _ranked(plans: Sequence[Plan], rank: int) -> Plan:
    if not 1 <= rank <= len(plans):
        raise InputError(f"There is no plan {rank}; expected 1 to {len(plans)}.")
    return plans[rank - 1]


def _keep(plan: Plan, path: Path, lang: str) -> None:
    from metadata.whole_file import write_text
    from planner.language import say

    write_text(path, plan.pipeline.to_yaml())
    print(say("show.kept", lang, rank=plan.rank, path=str(path)), file=sys.stderr)


@app.command()
def run(
    what: Annotated[str, typer.Argument(help="A plan file (YAML) or a request.")],
    scans: Scans,
    output: Annotated[Path, typer.Option("--output", "-o", help="Result (HDF5).")],
    resume: Annotated[bool, typer.Option(help="Go on with a run that was stopped.")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Worker threads.")] = None,
    scheduler: Annotated[str | None, typer.Option(help="A Dask cluster, tcp://…")] = None,
    memory: Annotated[str | None, typer.Option(help="Memory budget, as 8GiB.")] = None,
    slices: Annotated[str | None, typer.Option(help="Only these rows, as 100:200.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Start even over budget.")] = False,
    overwrite: Annotated[bool, typer.Option(help="Replace an existing result.")] = False,
    seconds: Trying = 0.0,
    data: DataPath = None,
    angles: Angles = None,
    flats: Flats = None,
    darks: Darks = None,
    state: State = None,
    content: Content = None,
    as_json: Json = False,
) -> None:
    """Execute a plan, or the first plan for a request."""
    from planner import service
    from planner.app.limits import memory_bytes, row_slice
    from planner.app.rendering import show_record
    from toolbox.execution.progress import progress_bar

    options: dict[str, Any] = {"resume": resume, "workers": workers, "scheduler": scheduler,
                               "overwrite": overwrite}  # fmt: skip
    if memory is not None:
        options["memory_bytes"] = memory_bytes(memory)
    if slices is not None:
        options["rows"] = row_slice(slices)
    reading = _reading(
        data=data, angles=angles, flats=flats, darks=darks, state=state, content=content
    )
    lang = language_for(what)
    try:
        with progress_bar(progress_words(lang)) as progress:
            record = service.run(what, scans, output, confirm=_confirmer(yes, what),
                                 reading=reading, audition=seconds, progress=progress,
                                 language=lang, **options)  # fmt: skip
    except service.RefusedError as refused:
        if not as_json:
            raise
        _print_json(refused.answer.to_json())
        print(refused, file=sys.stderr)
        raise typer.Exit(refused.exit_status) from None
    if as_json:
        _print_json(
            {"output": str(output), "task": record.task, "pipeline": record.pipeline,
             "center_px": record.center_px, "tilt_deg": record.tilt_deg,
             "overlap_px": record.overlap_px,
             "record": record.to_json(), "warnings": list(record.warnings)}
        )  # fmt: skip
    else:
        show_record(record, lang)


def _confirmer(yes: bool, text: str) -> Callable[[Any], bool]:
    from planner.language import say
    from planner.language.normal import language_of
    from planner.language.times import time_words

    def ask(plan: Any) -> bool:
        if yes:
            return True
        lang, seconds = language_of(text), plan.prediction.seconds
        time, fast, slow = (time_words(s, lang) for s in (seconds.value, seconds.low, seconds.high))
        gib = plan.prediction.peak_bytes.value / 2**30
        told = say("show.over_budget", lang, time=time, fast=fast, slow=slow, gib=gib)
        print(told, file=sys.stderr)
        if not sys.stdin.isatty():
            return False
        print(say("show.start", lang), end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().strip().lower() in ("y", "yes", "是")

    return ask


@app.command()
def chat(
    scans: Annotated[list[Path] | None, typer.Argument(help="Scan files or folders.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where a result may go (HDF5, new).")
    ] = None,
    data: DataPath = None,
    angles: Angles = None,
    flats: Flats = None,
    darks: Darks = None,
    state: State = None,
    content: Content = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a turn.")] = False,
) -> None:
    """A conversation over the same actions; nothing runs without your yes."""
    from planner.app.chatting import talk

    reading = _reading(
        data=data, angles=angles, flats=flats, darks=darks, state=state, content=content
    )
    talk(scans or [], output, reading, as_json)


@app.command()
def tools(
    name: Annotated[str | None, typer.Argument(help="One tool: its card.")] = None,
    as_json: Json = False,
) -> None:
    """The catalogue of tools, or one model card."""
    from toolbox.catalogue import card_text
    from toolbox.registry import known_tools, tool_class

    if as_json:
        chosen = [tool_class(name)] if name else list(known_tools().values())
        cards = [t.card.to_json() | {"parameters": [_parameter(p) for p in t.describe_parameters()]}
                 for t in chosen]  # fmt: skip
        _print_json(cards[0] if name else {"tools": cards})
    elif name is not None:
        print(card_text(name))
    else:
        from planner.app.rendering import show_catalogue

        show_catalogue()


def _parameter(parameter: Any) -> dict[str, Any]:
    about = parameter.about
    missing = parameter.default is type(parameter).__init__ or not _serialisable(parameter.default)
    return {"name": parameter.name, "default": None if missing else parameter.default,
            "doc": about.doc, "unit": about.unit, "low": about.low, "high": about.high,
            "choices": list(about.choices), "auto": about.auto}  # fmt: skip


def _serialisable(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool | list | tuple | dict)


@app.command()
def train(
    what: Annotated[
        str, typer.Argument(help="A learned part: understanding, fbpconvnet, …; or adapter.")
    ],
    config: Annotated[Path | None, typer.Option(help="YAML instead of the shipped one.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint.")] = False,
    folder: Annotated[
        Path | None, typer.Option(help="Checkpoint, log and picture (default: training-WHAT).")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Weights and card (default: where the tools read them).")
    ] = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Only measure the weights there again.")
    ] = False,
    backbone: Annotated[
        str,
        typer.Option(
            help="adapter: reconstruction (a segmentation of slices), or projection or "
            "sinogram (what is labelled above 0 is filled in)."
        ),
    ] = "reconstruction",
    labels: Annotated[
        Path | None, typer.Option(help="adapter: folder of images and their labels.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="adapter: name of the new tool.")] = None,
    scan: Annotated[
        Path | None, typer.Option(help="adapter: the images' scan; offered for scans like it.")
    ] = None,
    unlabelled: Annotated[
        int | None, typer.Option(help="adapter: label of pixels that nobody labelled.")
    ] = None,
    minutes: Annotated[float, typer.Option(help="adapter: most minutes to train.")] = 5.0,
    tuning: Annotated[
        str | None,
        typer.Option(
            help="adapter: what is learned over the frozen backbone of slices: adapters, lora, "
            "both or prompts."
        ),
    ] = None,
) -> None:
    """Train a learned part, or measure it again; or make a new tool from own labelled images."""
    if what == "adapter":
        from planner.adapter import train_adapter

        train_adapter(labels, name, backbone, scan, unlabelled, minutes, tuning)
        return
    from planner.training import train as start

    start(what, config, resume, folder, output, measure)


@app.command()
def bench(
    what: Annotated[str, typer.Argument(help="A benchmark, or all; see --list.")] = "all",
    output: Annotated[Path, typer.Option(help="Folder for plots and numbers.")] = Path("bench"),
    list_all: Annotated[bool, typer.Option("--list", help="Name the benchmarks.")] = False,
    as_json: Json = False,
) -> None:
    """Measure again what the documents claim."""
    from planner.benchmarks.catalogue import BENCHMARKS, measure

    if list_all:
        if as_json:
            _print_json({name: benchmark.about for name, benchmark in BENCHMARKS.items()})
            return
        for name, benchmark in BENCHMARKS.items():
            print(f"{name:16s} {benchmark.about}")
        return
    results = measure(what, output)
    if as_json:
        _print_json(results)


if __name__ == "__main__":
    main()
