"""The page of a history: one file of HTML that needs nothing else."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from math import isfinite
from typing import Any

from metadata.drift.verdict import State
from metadata.series import Limits, MetricInfo
from metadata.watch.course import Course
from metadata.watch.duration import duration_text
from metadata.watch.json_lines import Tell
from metadata.watch.phrases import clock, number, phrase, state_word

MOST_ROWS = 500
MOST_PICTURES = 200
STYLE = """
body { font: 14px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 72em; color: #222; }
table { border-collapse: collapse; margin: 1em 0; }
td, th { padding: .25em .7em; text-align: left; vertical-align: top; }
td, th { border-bottom: 1px solid #ddd; }
img { max-width: 100%; display: block; margin: .6em 0; }
.warning { background: #fff2dd; } .alarm { background: #fbdcdc; } .moving { background: #e8f1fa; }
"""


def page(
    course: Course, infos: Mapping[str, MetricInfo], sources: Sequence[str], language: str = "en",
    tell: Tell = str,
) -> str:  # fmt: skip
    """A table of how each metric ended, the warnings in the order they were said, and a picture of
    each metric, those that stood out most first."""
    from metadata.watch.report_picture import by_trouble, metric_picture

    title = escape(phrase("report.title", language, sources=", ".join(sources)))
    names = by_trouble(course)
    parts = [
        f'<!DOCTYPE html>\n<html lang="{language}"><head><meta charset="utf-8">'
        f"<title>{title}</title><style>{STYLE}</style></head><body><h1>{title}</h1>",
        _endings(course, names, infos, language),
        f"<h2>{escape(phrase('report.warnings', language))}</h2>",
        _warnings(course, language, tell),
    ]
    for name in names[:MOST_PICTURES]:
        data = base64.b64encode(metric_picture(course, infos, name, language)).decode()
        parts.append(f'<h2>{escape(name)}</h2><img alt="{escape(name)}" '
                     f'src="data:image/png;base64,{data}">')  # fmt: skip
    return "\n".join([*parts, "</body></html>\n"])


def _endings(course: Course, names: Sequence[str], infos: Mapping[str, MetricInfo],
             language: str) -> str:  # fmt: skip
    last = {change["metric"]: change for change in course.changes}
    rows = []
    for name in names:
        trace, limits = course.traces[name], infos[name].limits if name in infos else None
        change: dict[str, Any] = last.get(name, {})
        state = State(change.get("state", "quiet"))
        value = trace.means[-1] if trace.used else None
        between = "" if limits is None else _between(limits)
        rows.append((state, [name, state_word(state, language),
                             clock(change["time"]) if change else "",
                             number(value, trace.unit), between]))  # fmt: skip
    return _table(["metric", "state", "since", "value", "limit"], rows, language)


def _between(limits: Limits) -> str:
    """Where a metric may be; a side without a limit is left open."""
    low, high = (f"{side:.6g}" if isfinite(side) else "" for side in (limits.low, limits.high))
    return f"{low} … {high}".strip() if low or high else ""


def _warnings(course: Course, language: str, tell: Tell) -> str:
    if not course.notices:
        return f"<p>{escape(phrase('nothing', language))}</p>"
    rows = []
    for notice in course.notices[-MOST_ROWS:]:
        left = notice["seconds_to_limit"]
        between = "" if not left else (
            f"{duration_text(left['value'], language)} ({duration_text(left['low'], language)} … "
            f"{duration_text(left['high'], language)})")  # fmt: skip
        said = tell(notice["message"]) if notice["message"] else ""
        if notice["kind"] == "over":
            said = phrase("as.usual", language)
        causes = ", ".join(f"{c['metric']} {c['score']:.0%}" for c in notice["cause"] or ())
        words = phrase(f"notice.{notice['kind']}", language, metric=notice["metric"], said=said)
        rows.append((State(notice["state"]), [clock(notice["time"]), words, between, causes]))
    table = _table(["time", "said", "to_limit", "cause"], rows, language)
    more = course.dropped + len(course.notices) - len(rows)
    return table + (f"<p>{escape(phrase('report.more', language, count=more))}</p>" if more else "")


def _table(heads: Sequence[str], rows: Sequence[tuple[State, Sequence[str]]], language: str) -> str:
    head = "".join(f"<th>{escape(phrase(f'table.{h}', language))}</th>" for h in heads)
    body = "".join(
        f'<tr class="{state.value}">' + "".join(f"<td>{escape(c)}</td>" for c in cells) + "</tr>"
        for state, cells in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"
