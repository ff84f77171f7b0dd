"""One line of the table of measured tools, and the page that holds them all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from toolbox.registry import known_tools


@dataclass(frozen=True)
class Row:
    """What a tool gave on a job, and what leaving it out (or doing it the plain way) gave.

    ``job`` names the worlds or the real scan; ``measure`` the score; ``seconds`` are of the whole
    pipeline, ``without_seconds`` of that without the tool. ``None``: the tool did not run there.
    """

    tool: str
    job: str
    measure: str
    value: float | None
    without: float | None
    seconds: float = 0.0
    without_seconds: float = 0.0
    real: bool = False

    @property
    def gain(self) -> float | None:
        """How much better than without the tool, in the measure's unit; below zero: worse."""
        if self.value is None or self.without is None:
            return None
        sign = -1 if self.measure.startswith("error") else 1
        return sign * (self.value - self.without)

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"gain": self.gain}


def chosen(names: Iterable[str], settings: Mapping[str, Any]) -> list[str]:
    """Of some tools those that are to be measured: the ``tools`` of the settings, or all but those
    that train on each scan, which have a part of their own.

    >>> chosen(["fbp", "tv"], {"tools": ["tv"]}), chosen(["fbp", "tv"], {})
    (['tv'], ['fbp', 'tv'])
    """
    if wanted := settings.get("tools"):
        return [name for name in names if name in wanted]
    jobs = settings.get("per_scan", {}).get("jobs", {})
    long = {tool for about in jobs.values() for tool in about["tools"]}
    return [name for name in names if name not in long]


def averaged(rows: Iterable[Row]) -> list[Row]:
    """Mean over the worlds of each job, in the order in which tools and jobs first came."""
    groups: dict[tuple[str, str, str, bool], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.tool, row.job, row.measure, row.real), []).append(row)
    found = []
    for (tool, job, measure, real), members in groups.items():
        found.append(Row(tool, job, measure, _mean(m.value for m in members),
                         _mean(m.without for m in members), _mean(m.seconds for m in members) or 0,
                         _mean(m.without_seconds for m in members) or 0, real))  # fmt: skip
    return found


def _mean(values: Iterable[float | None]) -> float | None:
    listed = list(values)
    known = [v for v in listed if v is not None]
    return sum(known) / len(known) if known and len(known) == len(listed) else None


def page(rows: Sequence[Row], head: str) -> str:
    """The table as Markdown: one section a job, best tool first."""
    lines = [head]
    jobs = dict.fromkeys((r.real, r.job, r.measure) for r in rows)
    for real, job, measure in sorted(jobs, key=lambda j: (j[0], list(jobs).index(j))):
        members = [r for r in rows if (r.real, r.job, r.measure) == (real, job, measure)]
        members.sort(key=lambda r: -float("inf") if r.gain is None else r.gain, reverse=True)
        lines += [f"\n## {'Real: ' if real else ''}{job}, {measure}\n",
                  "| tool | with it | without | better by | seconds more |",
                  "|---|---:|---:|---:|---:|"]  # fmt: skip
        for row in members:
            name = row.tool
            if name in known_tools() and known_tools()[name].card.weights:
                name += " (learned)"
            lines.append(f"| {name} | {_cell(row.value)} | {_cell(row.without)} | "
                         f"{_cell(row.gain, sign=True)} | "
                         f"{row.seconds - row.without_seconds:+.2f} |")  # fmt: skip
    return "\n".join(lines) + "\n"


def _cell(value: float | None, sign: bool = False) -> str:
    if value is None:
        return "–"
    return f"{value:+.3f}" if sign else f"{value:.3f}"
