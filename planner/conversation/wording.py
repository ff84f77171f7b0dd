"""Plans, scans and runs in words, in the language of the person."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from planner.language.phrases import say
from planner.language.times import time_words
from planner.language.translation import translate
from planner.measures import measured_words
from planner.plan import Answer, Interval, Plan
from toolbox.pipeline import SCAN

if TYPE_CHECKING:
    from planner.inspection import Inspection
    from toolbox.execution import RunRecord

GIB = 2.0**30
LONGEST = 300  # characters of a text that a file or a model brings


def plain(text: str, longest: int = LONGEST) -> str:
    """Text from a file or a model, harmless to a terminal: no control signs, of bounded length.

    >>> plain("a\\x1b[31m b\\n  c")
    'a [31m b c'
    """
    shown = "".join(c if c.isprintable() else " " for c in text[: 4 * longest])
    shown = " ".join(shown.split())
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def plain_lines(text: str, longest: int) -> str:
    """The same, its lines kept."""
    lines = [plain(line, longest) for line in text[: 4 * longest].splitlines()]
    return "\n".join(lines).strip()[:longest]


def chain(plan: Plan) -> str:
    """The steps of a plan, from left to right."""
    return " → ".join(n.tool for n in plan.pipeline.nodes if n.tool != SCAN)


def plan_words(plan: Plan, lang: str) -> str:
    """A plan and what is predicted of it, in one line."""
    predicted = plan.prediction
    return say(
        "chat.plan", lang, rank=plan.rank, chain=chain(plan),
        quality=predicted.quality.value, worst=predicted.quality.low, best=predicted.quality.high,
        seconds=_span(predicted.seconds, lang), gib=predicted.peak_bytes.value / GIB,
    )  # fmt: skip


def answer_words(answer: Answer, rank: int = 1) -> str:
    """Warnings, then every plan; the one that is taken with all its reasons."""
    lang = answer.task.language
    lines = [f"! {plain(w)}" for w in answer.warnings]
    for plan in answer.plans:
        taken = plan.rank == rank
        lines.append(("▶ " if taken else "  ") + plan_words(plan, lang))
        lines += [f"    · {plain(r)}" for r in (plan.reasons if taken else plan.reasons[:1])]
    return "\n".join(lines)


def plan_data(answer: Answer, rank: int) -> dict[str, Any]:
    """The plans for a model: short, and nothing of the folders they lie in."""
    return {
        "understood": {k: v for k, v in answer.task.to_json().items()
                       if k not in ("text", "language") and v not in (None, [], "any")},
        "plans": [
            {"rank": p.rank, "steps": chain(p), "quality": round(p.prediction.quality.value, 3),
             "seconds": round(p.prediction.seconds.value, 2),
             "gib": round(p.prediction.peak_bytes.value / GIB, 2),
             "reasons": [plain(r, 160) for r in (p.reasons if p.rank == rank else p.reasons[:1])]}
            for p in answer.plans
        ],
        "taken": rank,
        "warnings": [plain(w, 160) for w in answer.warnings][:6],
    }  # fmt: skip


def inspection_words(found: Inspection, lang: str) -> str:
    """Geometry, traits and warnings of a scan."""
    info = found.info
    start, stop = (math.degrees(a) for a in (info.angle_start_rad, info.angle_stop_rad))
    lines = [
        say("chat.scan", lang, name=plain(info.path.name), format=info.format,
            views=info.projections, rows=info.rows, columns=info.columns, flats=info.flats,
            darks=info.darks, start=start, stop=stop)
    ]  # fmt: skip
    if info.sample:
        lines.append(say("chat.sample", lang, sample=plain(info.sample)))
    for name, trait in found.traits.to_json().items():
        if trait is not None:
            unit = translate(trait["unit"], lang).lstrip("，")
            lines.append(f"  {say(f'trait.{name}', lang)} {trait['value']:.4g} "
                         f"({trait['low']:.4g} … {trait['high']:.4g}) {unit}".rstrip())  # fmt: skip
    lines += [f"! {plain(translate(w, lang))}" for w in found.warnings]
    return "\n".join(lines)


def inspection_data(found: Inspection) -> dict[str, Any]:
    """A scan for a model: numbers, and what the file says of itself as data of bounded length."""
    info = found.info.to_json()
    kept = ("format", "content", "projections", "rows", "columns", "flats", "darks", "dtype",
            "state", "energy_kev", "pixel_size_m", "distance_m", "exposure_s")  # fmt: skip
    return {
        "file_name": plain(found.info.path.name, 80),
        "sample_as_the_file_says": plain(found.info.sample or "", 80),
        **{name: info[name] for name in kept if info[name] is not None},
        "traits": {
            name: f"{t['value']:.4g} {t['unit']}".strip()
            for name, t in found.traits.to_json().items() if t is not None
        },
        "warnings": [plain(w, 160) for w in found.warnings][:6],
    }  # fmt: skip


def record_words(record: RunRecord, lang: str) -> str:
    """What a run took, found and chose."""
    lines = [
        say("chat.done", lang, output=str(record.output), seconds=time_words(record.seconds, lang),
            gib=record.peak_bytes / GIB)
    ]  # fmt: skip
    if record.center_px is not None:
        lines.append(say("chat.axis", lang, **record.center_px))
    lines += [f"  · {plain(note)}" for notes in record.notes.values() for note in notes]
    lines += [f"  {line}" for line in measured_words(record, lang)]
    lines += [f"! {plain(w)}" for w in record.warnings]
    lines.append(say("show.run", lang, id=record.id[:8]))
    return "\n".join(lines)


def _span(seconds: Interval, lang: str) -> str:
    value, low, high = (time_words(s, lang) for s in (seconds.value, seconds.low, seconds.high))
    return say("chat.span", lang, value=value, low=low, high=high)
