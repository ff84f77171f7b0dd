"""How well requests are understood, field by field: `tomoplan bench understanding`."""

from __future__ import annotations

import json
import statistics
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from metadata.errors import InputError
from planner.language import understand
from planner.language.encoder import encoder
from planner.language.normal import normal
from planner.language.scoring import Scores, limits_agree, same_head
from planner.task import Task

# The least asked for on annotated requests, and the most milliseconds (the median, warm).
TARGETS = {"intent": 0.98, "goals": 0.93, "conditions": 0.95, "limits": 0.98, "priority": 0.94,
           "specimen": 0.88, "feature": 0.88}  # fmt: skip
MOST_MS = 60


def run(path: str | Path) -> dict[str, Any]:
    """Scores over the annotated requests of a JSON-lines file, with milliseconds a request.

    The keys of `scores` are the fields of planner.language.scoring.Scores; `wrong` names for
    each field the requests that differ. The first request, which loads the model, is timed apart;
    `encoder_ms_median` is what the frozen encoder alone takes, so that a busy machine can be told
    from a slow reader.
    """
    wanted = [_annotated(line) for line in _lines(Path(path))]
    if not wanted:
        raise InputError(f"{path} holds no request; expected one annotated request a line.")
    started = time.perf_counter()
    understand(wanted[0][1].text)
    cold = time.perf_counter() - started
    found, spent, encoded = [], [], []
    for _, task in wanted:
        started = time.perf_counter()
        encoder().read(normal(task.text))
        encoded.append(1000 * (time.perf_counter() - started))
        started = time.perf_counter()
        found.append(understand(task.text))
        spent.append(1000 * (time.perf_counter() - started))
    tasks = [understanding.task for understanding in found]
    return {
        "path": str(path),
        "sources": sorted({understanding.source for understanding in found}),
        "scores": asdict(Scores.of(tasks, [task for _, task in wanted])),
        "targets": TARGETS,
        "ms_median": statistics.median(spent),
        "ms_worst": max(spent),
        "encoder_ms_median": statistics.median(encoded),
        "cold_seconds": cold,
        "wrong": _wrong(wanted, tasks),
    }


def table(result: dict[str, Any]) -> str:
    """The result as lines of text."""
    lines = [f"{result['path']}: {result['scores']['requests']} requests"]
    for name, score in result["scores"].items():
        if name == "requests":
            continue
        bound = result["targets"].get(name)
        aim = f"  (asked: {bound:.2f})" if bound is not None else ""
        lines.append(f"  {name:<18}{score:.3f}{aim}")
    spent = f"{result['ms_median']:.0f} (worst {result['ms_worst']:.0f})"
    lines.append(f"  ms a request      {spent}  (asked: {MOST_MS})")
    times = result["ms_median"] / max(result["encoder_ms_median"], 1e-9)
    lines.append(f"  of the encoder's  {times:.2f} times")
    lines.append(f"  first request     {result['cold_seconds']:.2f} s")
    return "\n".join(lines)


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as problem:
        raise InputError(
            f"{path} cannot be read ({problem.strerror}); name a JSON-lines file of annotated "
            "requests."
        ) from None
    return [line for line in text.splitlines() if line.strip()]


def _annotated(line: str) -> tuple[str, Task]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as problem:
        raise InputError(f"A line is not JSON ({problem.msg}): {line[:60]!r}.") from None
    return str(row.get("id", "")), Task.from_json(row)


def _wrong(wanted: list[tuple[str, Task]], tasks: list[Task]) -> dict[str, list[str]]:
    def differing(same: Any) -> list[str]:
        return [
            name for (name, task), found in zip(wanted, tasks, strict=True) if not same(found, task)
        ]

    return {
        "intent": differing(lambda a, b: a.intent == b.intent),
        "goals": differing(lambda a, b: a.goals == b.goals),
        "conditions": differing(lambda a, b: a.conditions == b.conditions),
        "limits": differing(limits_agree),
        "priority": differing(lambda a, b: a.priority == b.priority),
        "specimen": differing(lambda a, b: same_head(a.specimen, b.specimen)),
        "feature": differing(lambda a, b: same_head(a.feature, b.feature)),
    }
