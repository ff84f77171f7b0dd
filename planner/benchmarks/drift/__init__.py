"""The instrument's early warning, measured: ``tomoplan bench drift``."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[3] / "docs"


def settings(quick: bool = False) -> dict[str, Any]:
    """What is measured on what, from ``configs/benchmarks/drift.yaml``; ``quick``: on little."""
    import yaml

    text = files("configs").joinpath("benchmarks", "drift.yaml").read_text(encoding="utf-8")
    found = dict(yaml.safe_load(text))
    little = found.pop("quick")
    return found | little if quick else found


def run(output: Path, quick: bool = False) -> dict[str, Any]:
    """Measure, print the tables, draw; the whole one writes ``docs/early_warning.md`` too."""
    from rich.console import Console
    from rich.markdown import Markdown

    how = settings(quick)
    result, page = measured(how, output)
    Console().print(Markdown(page))
    (output / "early_warning.md").write_text(page, encoding="utf-8")
    if not quick and DOCS.is_dir():
        (DOCS / "early_warning.md").write_text(page, encoding="utf-8")
        for name in ("early_warning.png", "early_warning_example.png"):
            (DOCS / "images" / name).write_bytes((output / name).read_bytes())
    return plain(result)


def run_years(output: Path) -> dict[str, Any]:
    """Only the five years: measure and print their table."""
    from rich.console import Console
    from rich.markdown import Markdown

    from planner.benchmarks.drift import report, years

    how = settings()
    lived = years.measure(how["years"], how["workers"])
    page = report.years(lived)
    Console().print(Markdown(page))
    (output / "years.md").write_text(page + "\n", encoding="utf-8")
    return plain({way: [asdict(one) for one in some] for way, some in lived.items()})


def run_forecasts(output: Path) -> dict[str, Any]:
    """Only the monitor's warnings and times to the limit on the histories that drift."""
    from rich.console import Console
    from rich.markdown import Markdown

    from planner.benchmarks.drift import report, simulated

    how = settings()
    found = simulated.ahead(how)
    page = report.ahead(found, how["resamples"])
    Console().print(Markdown(page))
    (output / "forecasts.md").write_text(page + "\n", encoding="utf-8")
    made = {name: [asdict(one) for one in some] for name, some in found.forecasts.items()}
    return plain({"forecasts_made": made,
                  "histories": [asdict(o) for o in found.outcomes[simulated.OURS]]})  # fmt: skip


def run_streams(output: Path) -> dict[str, Any]:
    """Only the streams of which nothing is known, public and simulated."""
    from rich.console import Console
    from rich.markdown import Markdown

    from planner.benchmarks.drift import report, streams

    how = settings()
    unknown = streams.measure(streams.simulated(how["streams"]))
    said, points = public(how)
    page = "\n\n".join([report.streams(said, points), report.simulated_streams(unknown)])
    Console().print(Markdown(page))
    (output / "streams.md").write_text(page + "\n", encoding="utf-8")
    return plain({"streams": said, "change_points": points and [asdict(p) for p in points],
                  "simulated_streams": unknown})  # fmt: skip


def run_speed(output: Path) -> dict[str, Any]:
    """Only the speed and the memory."""
    from rich.console import Console
    from rich.markdown import Markdown

    from planner.benchmarks.drift import report, speed

    found = speed.measure(settings()["speed"])
    page = report.speed(found)
    Console().print(Markdown(page))
    (output / "speed.md").write_text(page + "\n", encoding="utf-8")
    return plain(asdict(found))


def measured(how: Mapping[str, Any], output: Path) -> tuple[dict[str, Any], str]:
    """All measures as numbers and as a page; pictures go to ``output``."""
    from planner.benchmarks.drift import (
        change_points,
        kills,
        report,
        ring,
        simulated,
        speed,
        streams,
        unlimited,
    )
    from planner.benchmarks.drift import years as five_years
    from planner.benchmarks.drift.case import make

    again = how["resamples"]
    found = simulated.measure(how)
    pictures(how, found, output)
    free = unlimited.measure(how["unlimited"], how["workers"])
    later = forecasts_page(how, output)
    said, points = public(how)
    unknown = streams.measure(streams.simulated(how["streams"]))
    rigs = change_points.simulated(how["rigs"])
    together = change_points.measure(rigs, how["change_points"]["within_s"], how["workers"])
    lived = five_years.measure(how["years"], how["workers"])
    data = os.environ.get("TOMOPLAN_DATA")
    replay = ring.measure(how["ring"], Path(data)) if data else None
    print("── drift: kills and speed", file=sys.stderr)
    killed = kills.measure(make(how["kills"]["seed"]), how["kills"]["kills"])
    fast = speed.measure(how["speed"])
    page = "\n\n".join([
        report.HEAD.strip(),
        "![Trade-off, lives and forecasts](images/early_warning.png)",
        report.warnings(found, again, how["false_per_30_days"]),
        report.asked(found, free, again),
        later,
        "![One history and who warned](images/early_warning_example.png)",
        report.causes(found, again),
        report.streams(said, points),
        report.simulated_streams(unknown),
        report.rigs(together),
        report.years(lived),
        report.ring(replay, how["ring"]),
        report.speed(fast),
        report.kills(killed),
    ])  # fmt: skip
    return {
        **report.summary(found, again),
        "histories": [asdict(o) for o in found.outcomes[simulated.OURS]],
        "forecasts_made": [asdict(f) for f in found.forecasts[simulated.OURS]],
        "unlimited": [asdict(h) for h in free],
        "streams": said,
        "change_points": points and [asdict(p) for p in points],
        "simulated_streams": unknown,
        "rigs": [asdict(p) for p in together],
        "years": {way: [asdict(one) for one in some] for way, some in lived.items()},
        "ring": replay and asdict(replay),
        "speed": asdict(fast),
        "kills": asdict(killed),
    }, page + "\n"


def forecasts_page(how: Mapping[str, Any], output: Path) -> str:
    """The time to the limit on the many histories of `drift-forecasts`: what that left in the same
    folder, or measured now."""
    before = output / "forecasts.md"
    if before.is_file():
        return before.read_text(encoding="utf-8").strip()
    from planner.benchmarks.drift import report, simulated

    return report.ahead(simulated.ahead(how), how["resamples"])


def pictures(how: Mapping[str, Any], found: Any, output: Path) -> None:
    """The overview, and one history with what each method said."""
    from planner.benchmarks.drift import plots
    from planner.benchmarks.drift.case import make
    from planner.benchmarks.drift.watched import watch

    plots.overview(found, output / "early_warning.png")
    case = make(how["example"])
    plots.example(case, watch(case)[case.metric], list(found.tuned.values()),
                  output / "early_warning_example.png")  # fmt: skip


def public(how: Mapping[str, Any]) -> tuple[Any, Any]:
    """Scores in public collections; None for both without a folder of them."""
    from planner.benchmarks.drift import change_points, collections, streams

    folder = streams.folder()
    if folder is None:
        return None, None
    print("── drift: streams and change points", file=sys.stderr)
    series = list(collections.windowed(folder))
    rigs = list(collections.rigs(folder))
    within = how["change_points"]["within_s"]
    return (
        streams.measure(series) if series else [],
        change_points.measure(rigs, within, how["workers"]) if rigs else [],
    )


def plain(value: Any) -> Any:
    """What JSON has a word for: None where there is no number.

    >>> plain({"left": float("nan"), "days": (1, float("inf"))})
    {'left': None, 'days': [1, None]}
    """
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, float):  # NumPy's too
        return float(value) if math.isfinite(value) else None
    return value
