"""The benchmarks by name: what ``tomoplan bench`` can measure."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metadata.errors import InputError

Measure = Callable[[Path], dict[str, Any]]


@dataclass(frozen=True)
class Benchmark:
    """What is measured; ``slow`` ones are left out of ``all`` and are run by name."""

    about: str
    measure: Measure
    needs_data: bool = False
    slow: bool = False


def _fbp(output: Path) -> dict[str, Any]:
    from planner.benchmarks.reconstruction import run, table

    result = run(folder=output)
    print(table(result))
    return result


def _center(output: Path) -> dict[str, Any]:
    from planner.benchmarks.center import run, table

    result = run(plot=output / "center.png")
    print(table(result))
    return result


def _destripe(output: Path) -> dict[str, Any]:
    from planner.benchmarks.destripe import run

    return run(plot=output / "destripe.png")


def _denoise(output: Path) -> dict[str, Any]:
    from planner.benchmarks.denoise import run

    return run(plot=output / "denoise.png")


def _alignment(output: Path) -> dict[str, Any]:
    from planner.benchmarks.alignment import run

    return run(plot=output / "alignment.png")


def _strength(output: Path) -> dict[str, Any]:
    from planner.benchmarks.automatic_strength import run, table

    result = run(folder=output)
    print(table(result))
    return result


def _understanding(output: Path) -> dict[str, Any]:
    from planner.benchmarks import pairs
    from planner.benchmarks.language import run, table

    requests = os.environ.get("TOMOPLAN_REQUESTS")
    if requests is None:
        raise InputError(
            "bench understanding needs annotated requests: set TOMOPLAN_REQUESTS to a .jsonl file."
        )
    result = run(requests)
    print(table(result))
    alike = pairs.run_all()
    for each in alike.values():
        print(pairs.table(each))
    return {**result, "pairs": alike}


def _engine(output: Path) -> dict[str, Any]:
    from planner.benchmarks.engine import run

    return run()


def _engine_big(output: Path) -> dict[str, Any]:
    from planner.benchmarks.engine import run

    return run(big=True)


def _conditions(output: Path) -> dict[str, Any]:
    from planner.benchmarks.conditions import run

    return run(output)


def _prediction(output: Path) -> dict[str, Any]:
    from planner.benchmarks.prediction import run

    return run(output)


def _slice_speed(output: Path) -> dict[str, Any]:
    from planner.benchmarks.slice_speed import run

    return run()


def _inspection(output: Path) -> dict[str, Any]:
    from planner.benchmarks.inspection import run

    return run()


def _rules(output: Path) -> dict[str, Any]:
    from planner.benchmarks.rules import run

    return run(output)


def _tools(output: Path) -> dict[str, Any]:
    from planner.benchmarks.tools import run

    return run(output)


def _believability(output: Path) -> dict[str, Any]:
    from planner.benchmarks.believability import run

    return run()


def _drift(output: Path) -> dict[str, Any]:
    from planner.benchmarks.drift import run

    return run(output)


def _drift_quick(output: Path) -> dict[str, Any]:
    from planner.benchmarks.drift import run

    return run(output, quick=True)


def _drift_forecasts(output: Path) -> dict[str, Any]:
    from planner.benchmarks.drift import run_forecasts

    return run_forecasts(output)


def _drift_streams(output: Path) -> dict[str, Any]:
    from planner.benchmarks.drift import run_streams

    return run_streams(output)


def _drift_speed(output: Path) -> dict[str, Any]:
    from planner.benchmarks.drift import run_speed

    return run_speed(output)


def _drift_years(output: Path) -> dict[str, Any]:
    from planner.benchmarks.drift import run_years

    return run_years(output)


def _feedback(output: Path) -> dict[str, Any]:
    from planner.benchmarks.feedback import run, table

    result = run()
    print(table(result))
    return result


def _policy(output: Path) -> dict[str, Any]:
    from planner.benchmarks.policy import run, table

    result = run()
    print(table(result))
    return result


def _scheduling(output: Path) -> dict[str, Any]:
    from planner.benchmarks.scheduling import run, table

    result = run()
    print(table(result))
    return result


def _perception(output: Path) -> dict[str, Any]:
    from planner.benchmarks.perception import run, table

    result = run(output)
    print(table(result))
    return result


def _planner(output: Path) -> dict[str, Any]:
    from planner.benchmarks.planner import run, table

    result = run(output)
    print(table(result))
    return result


def _planner_latency(output: Path) -> dict[str, Any]:
    from planner.benchmarks.planner.latency import latency

    result = latency()
    print(result)
    return result


def _left_out(output: Path) -> dict[str, Any]:
    from planner.benchmarks.left_out import run, table

    result = run(output)
    print(table(result))
    return result


def _adapters(output: Path) -> dict[str, Any]:
    from planner.benchmarks.adapters import run

    return run(output)


def _marks(output: Path) -> dict[str, Any]:
    from planner.benchmarks.adapters.marks import run

    return run(output)


BENCHMARKS = {
    "fbp": Benchmark("filtered back-projection against its peers, speed and quality", _fbp),
    "center": Benchmark("the rotation axis: every method, its interval, the truth", _center),
    "destripe": Benchmark("ring removal: automatic against fixed strength", _destripe),
    "denoise": Benchmark("denoising: automatic against fixed strength", _denoise),
    "strength": Benchmark("total variation: automatic against fixed strength", _strength),
    "alignment": Benchmark("shifts found against shifts made", _alignment),
    "understanding": Benchmark("requests of TOMOPLAN_REQUESTS; translated pairs", _understanding),
    "inspect": Benchmark("seconds to inspect a 2048 × 2048 × 1800 scan", _inspection),
    "prediction": Benchmark("predicted seconds and memory against measured runs", _prediction),
    "slice-speed": Benchmark("seconds of each network for one slice of 1024²", _slice_speed, True),
    "engine": Benchmark("what the engine adds to the tools, and its memory", _engine),
    "scheduling": Benchmark("schedulers on simulated queues, by cluster and load", _scheduling),
    "feedback": Benchmark("what a beamline's choices teach, on simulated raters", _feedback),
    "policy": Benchmark("the policy on unseen simulated scans, by executed branches", _policy),
    "adapters": Benchmark("a frozen backbone on few labelled slices", _adapters, slow=True),
    "marks": Benchmark("backbones on few marked sinograms and projections", _marks, slow=True),
    "perception": Benchmark("conditions and captions told by pictures", _perception, slow=True),
    "planner": Benchmark("ways of choosing a pipeline beside each other", _planner, slow=True),
    "planner-latency": Benchmark("seconds to plan for a large scan", _planner_latency, slow=True),
    "left-out": Benchmark("tools that no training saw, ranked by card", _left_out, slow=True),
    "conditions": Benchmark("recommended against plain on real scans", _conditions, True),
    "tools": Benchmark("every tool on unseen worlds and real scans", _tools, slow=True),
    "believability": Benchmark("simulated scans beside real ones", _believability, True, True),
    "engine-30GB": Benchmark("a 30 GB scan in 4 GiB", _engine_big, slow=True),
    "drift": Benchmark("the early warning beside simple methods", _drift, slow=True),
    "drift-quick": Benchmark("the same on a few histories", _drift_quick, slow=True),
    "drift-forecasts": Benchmark(
        "when a drift will be at its limit, the early warning alone", _drift_forecasts, slow=True
    ),
    "drift-streams": Benchmark(
        "anomalies in streams that nothing is known of", _drift_streams, slow=True
    ),
    "drift-speed": Benchmark("metrics one core keeps up with, memory", _drift_speed, slow=True),
    "drift-years": Benchmark(
        "what it adapts to and forgets in five years", _drift_years, slow=True
    ),
    "rules": Benchmark("the planner's rules, measured again", _rules, slow=True),
}


def measure(what: str, output: Path) -> dict[str, Any]:
    """Run one benchmark, or ``all`` that are not slow; numbers go to ``OUTPUT/NAME.json``.

    With ``all``, what needs data that is not at hand is passed over with a word.
    """
    if what != "all" and what not in BENCHMARKS:
        names = ", ".join(BENCHMARKS)
        raise InputError(f"There is no benchmark {what!r}. Expected all or one of: {names}.")
    output.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = {}
    for name, benchmark in BENCHMARKS.items():
        if what not in ("all", name) or (what == "all" and benchmark.slow):
            continue
        if what == "all" and not _possible(name, benchmark):
            print(f"{name}: passed over, its data is not at hand", file=sys.stderr)
            continue
        print(f"── {name}: {benchmark.about}", file=sys.stderr)
        with contextlib.redirect_stdout(sys.stderr):  # standard output is for --json
            results[name] = benchmark.measure(output)
        text = json.dumps(results[name], indent=1, ensure_ascii=False, default=str)
        (output / f"{name}.json").write_text(text, encoding="utf-8")
    return results


def _possible(name: str, benchmark: Benchmark) -> bool:
    if name == "understanding":
        return "TOMOPLAN_REQUESTS" in os.environ
    return not benchmark.needs_data or "TOMOPLAN_DATA" in os.environ
