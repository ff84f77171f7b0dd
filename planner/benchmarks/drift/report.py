"""The tables of ``tomoplan bench drift`` in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from planner.benchmarks.drift import cause, early, forecast
from planner.benchmarks.drift.baselines import BASELINES
from planner.benchmarks.drift.change_points import Found
from planner.benchmarks.drift.kills import Kills
from planner.benchmarks.drift.resample import Figure
from planner.benchmarks.drift.ring import Replay
from planner.benchmarks.drift.simulated import OURS, PARTS, Simulated
from planner.benchmarks.drift.speed import Speed
from planner.benchmarks.drift.unlimited import Held
from planner.benchmarks.drift.years import AFTER_DAYS, Lived

HEAD = """# Early warning, measured

Written by `tomoplan bench drift` (what on: `configs/benchmarks/drift.yaml`). Nothing was tuned on
these histories, series and recordings. In brackets: 95 % intervals by drawing the histories again.
"""

#: What the public streams scored at best, each time while the detector was made.
BEFORE = ("44.7", "55.0 (with twice the memory that one metric may have)", "51.9", "59.3")


def percent(figure: Figure) -> str:
    return f"{100 * figure.value:.1f} % ({100 * figure.low:.0f} to {100 * figure.high:.0f})"


def number(figure: Figure) -> str:
    return f"{figure.value:.2f} ({figure.low:.2f} to {figure.high:.2f})"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [" | ".join(head), " | ".join("---" for _ in head), *(" | ".join(r) for r in rows)]
    return "\n".join(f"| {line} |" for line in lines)


def warnings(found: Simulated, resamples: int, rate: float) -> str:
    """False warnings, share warned, life left."""
    rows = []
    for name, outcomes in found.outcomes.items():
        s = early.summarise(name, outcomes, resamples)
        drift = s.drifts > 0
        rows.append([
            name, number(s.false_per_30_days), f"{s.begun_per_30_days.value:.2f}",
            percent(s.warned) if drift else "–", percent(s.left) if drift else "–",
            percent(s.stays) if drift else "–", tuned(found, name),
            here(found, name, rate),
        ])  # fmt: skip
    drifts = len([o for o in found.outcomes[OURS] if o.left is not None])
    days = sum(o.watched_days for o in found.outcomes[OURS])
    return (
        "## Warnings on simulated histories\n\n"
        f"{drifts} drifts, {days:.0f} metric-days without one. *False*: warnings where nothing "
        "drifts or not yet, per metric and 30 days, one that stands counted once a day; *begun*: "
        "how many times one began. *Life left*: at the first warning after the onset, 0 where none "
        "came before the limit; *that stays*: at the warning that then stood until the limit. "
        f"Simple methods are tuned to {rate:g} false warnings on other histories (*tuned*: their "
        "inner setting and threshold), know the log book and learn the first 10 days; *tuned "
        "here*: the life they would leave with the threshold that suits these very histories.\n\n"
        + table(["method", "false in 30 days", "begun", "warned before the limit", "life left",
                 "life left, warning that stays", "tuned", "life left, tuned here"], rows)
        + "\n\n" + _missing(found) + _shapes(found)
    )  # fmt: skip


def asked(found: Simulated, free: Sequence[Held], resamples: int) -> str:
    """The time between false alarms that is asked for, and what comes of it."""
    rows = []
    for days, outcomes in sorted(found.asked.items()):
        s = early.summarise(OURS, outcomes, resamples)
        false = s.false_per_30_days.value
        rows.append([f"{days:g}", f"{30 / false:.0f}" if false else "none", number(
            s.false_per_30_days), percent(s.warned), percent(s.left), f"{s.drifts}"])  # fmt: skip
    without = [[f"{h.days:g}", f"{h.between:.0f}", str(h.said), f"{h.metric_days:.0f}"]
               for h in free]  # fmt: skip
    return (
        "## The time between false alarms\n\n"
        "`--false-alarm-days` asks for it. Of metrics with limits, on the first of the histories "
        "above:\n\n"
        + table(["asked, days", "days between", "false in 30 days", "warned before the limit",
                 "life left", "drifts"], rows)
        + "\n\nOf metrics without limits something is said when a reading is unlike all before or "
        "the level has become another. Records of several metrics in which nothing drifts and no "
        "level is set anew, read each quarter of an hour; what is said within a day of one metric "
        "counts once:\n\n"
        + table(["asked, days", "days between", "said", "metric-days"], without)
    )  # fmt: skip


def _missing(found: Simulated) -> str:
    """A sentence on simple methods whose library is not installed."""
    left_out = [b.name for b in BASELINES if b.name not in found.tuned]
    if not left_out:
        return ""
    return f"Passed over, their library is not installed: {', '.join(left_out)}.\n\n"


def tuned(found: Simulated, name: str) -> str:
    """A baseline's inner setting and its threshold, where it has one of its own."""
    if name not in found.tuned:
        return "–"
    one = found.tuned[name]
    if one.baseline.said_once:
        return f"{one.variant:g}"
    return f"{one.variant:g}, {one.threshold:.4g}"


def here(found: Simulated, name: str, rate: float) -> str:
    """The most life left within the rate over a baseline's thresholds on the judged histories."""
    if name not in found.tuned:
        return "–"
    return f"{100 * max((left for r, _, left in found.curves[name] if r <= rate), default=0):.1f} %"


def _shapes(found: Simulated) -> str:
    warned = early.by_shape(found.outcomes[OURS])
    ahead = forecast.by_shape(found.forecasts[OURS])
    rows = [
        [shape, f"{w['drifts']:.0f}", f"{100 * w['warned']:.0f} %", f"{100 * w['left']:.0f} %",
         f"{f['error']:.2f}", f"{100 * f['coverage']:.0f} %", f"{f['interval_score']:.2f}"]
        for shape, w in warned.items() for f in [ahead[shape]]
    ]  # fmt: skip
    return "By the shape of the drift:\n\n" + table(
        ["shape", "drifts", "warned", "life left", "error of the time", "interval holds",
         "interval score"], rows,
    )  # fmt: skip


def forecasts(found: Simulated, resamples: int) -> str:
    """Time to the limit at half of the life."""
    rows = []
    others = [name for name in PARTS.values() if name in found.forecasts]
    for name, some in found.forecasts.items():
        if name in others:
            continue
        s = forecast.summarise(name, some, resamples)
        rows.append([name, number(s.error), percent(s.coverage), number(s.interval_score),
                     f"{100 * s.said.value:.0f} %", f"{s.score_said.value:.2f}",
                     f"{s.median_width:.2f}"])  # fmt: skip
    return (
        "## Time to the limit at half of the life\n\n"
        f"{len(found.forecasts[OURS])} histories (`tomoplan bench drift-forecasts`). "
        "*Error*: median of |said − true| / true. *Holds*: 90 % intervals that hold the truth. "
        "*Score*: mean of ln(high / low) + 20 ln(low / true) where the truth is below, + 20 "
        "ln(true / high) where it is above (Winkler's, of logarithms; lower is better). Where no "
        "time is said, the length of the record stands for it; *score where said* leaves those "
        "out. *Without the network*, *the network alone*: what the bank of drifts and the sequence "
        "model (`tomoplan train time_to_limit`) say by themselves at the same moments; what "
        "tomoplan says is made of both by a small network that was trained for about half of the "
        "life (`tomoplan train weighing`, `docs/drift.md`).\n\n"
        + table(["method", "error", "holds", "score", "says a time", "score where said",
                 "median ln(high / low)"], rows)
    )  # fmt: skip


def ahead(found: Simulated, resamples: int) -> str:
    """The same and the shapes, of the monitor alone."""
    rows = []
    for name in PARTS.values():
        s = forecast.summarise(name, found.forecasts[name], resamples)
        rows.append([name, number(s.error), percent(s.coverage), number(s.interval_score)])
    total = early.summarise(OURS, found.outcomes[OURS], resamples)
    return "\n\n".join([
        forecasts(found, resamples),
        f"Of these {total.drifts} drifts {percent(total.warned)} were warned of before the limit, "
        f"with {percent(total.left)} of the life left, and {number(total.false_per_30_days)} false "
        "warnings a metric and 30 days before the onset.",
        "Sooner and later in the life, for which it was not made: nobody who asks knows how much "
        "of it is over.",
        table(["when", "error", "holds", "score"], rows),
        _shapes(found).rstrip(),
    ])  # fmt: skip


def causes(found: Simulated, resamples: int) -> str:
    """The cause ranked first."""
    ours = found.named[OURS]
    ranked = [cause.summarise(name, some, resamples) for name, some in found.named.items()]
    ranked.append(cause.by_chance(ours, resamples))
    rows = [
        [r.name, str(r.histories), *(percent(r.first[m]) for m in cause.MOMENTS)] for r in ranked
    ]
    return (
        "## The cause\n\n"
        f"{len(ours)} histories of several metrics, each with at least three that only share the "
        "refills or the daily swing. Ranked first, read at the first warning, at half of the life "
        "and just before the limit:\n\n" + table(["method", "histories", *cause.MOMENTS], rows)
    )


def streams(rows: Sequence[Mapping[str, Any]] | None, points: Sequence[Found] | None) -> str:
    """Public collections, or why they are passed over."""
    head = "## Streams that nothing is known of\n\n"
    if rows is None:
        return head + ("Passed over: `TOMOPLAN_ANOMALIES` names no folder with public collections.")
    parts = [head.strip()]
    if rows:
        parts.append(
            "The score by windows around anomalies (standard profile; 0: silence, 100: perfect). "
            "*Best*: with the one threshold for all series that suits them best, as published "
            "scores have it; *at 0.5*: with none looked for. While the detector was made on "
            f"simulated streams these were scored {len(BEFORE)} times: {', '.join(BEFORE)}; since "
            "then only for this page, each time what is measured here.\n\n" + _windows(rows)
        )
    if points:
        parts.append(
            "Change points of several channels, said once; one is found by the first saying in the "
            "minute after it:\n\n" + _changes(points)
        )
    return "\n\n".join(parts)


def simulated_streams(rows: Sequence[Mapping[str, Any]]) -> str:
    """The same on simulated series."""
    return (
        "## Simulated streams that nothing is known of\n\n"
        "Traffic, mentions, loads of servers and networks, temperatures, rates, latencies, roads, "
        "cycles and stores with windows about what is wrong (`simulators/streams.py`; the detector "
        "was made on others of these), scored as above:\n\n" + _windows(rows)
    )


def _windows(rows: Sequence[Mapping[str, Any]]) -> str:
    return table(["detector", "best", "its threshold", "at 0.5"],
                 [[r["name"], f"{r['best']:.1f}", f"{r['threshold']:.4g}", f"{r['fixed']:.1f}"]
                  for r in rows])  # fmt: skip


def rigs(points: Sequence[Found]) -> str:
    """The same on simulated recordings."""
    return (
        "## Change points of simulated rigs\n\n"
        "4 to 10 channels each second with common states, trends, steps and heavy tails; faults "
        "that shift, bend, loosen or shake some of them (`simulators/rig.py`), said once as "
        "above:\n\n" + _changes(points)
    )


def years(lived: Mapping[str, Sequence[Lived]]) -> str:
    """What is adapted to, and what is forgotten."""
    rows, counts = [], []
    for way, some in lived.items():
        many = max(len(one.false) for one in some)
        false = [
            30 * sum(one.false[y] for one in some) / sum(one.quiet_days[y] for one in some)
            for y in range(many)
        ]
        left = [_mean([value for one in some for value in one.lefts[y]]) for y in range(many)]
        errors = sorted(error for one in some for error in one.errors)
        days = sum(one.after_days for one in some)
        after = 30 * sum(one.after_false for one in some) / days if days else float("nan")
        rows.append([
            way, " ".join(f"{rate:.2f}" for rate in false),
            " ".join(f"{100 * share:.0f}" for share in left) + " %",
            f"{errors[len(errors) // 2]:.2f} (mean {_mean(errors):.2f})" if errors else "–",
            f"{after:.2f}", str(max(one.state_bytes for one in some)),
        ])  # fmt: skip
        counts.append((len(some), sum(len(v) for one in some for v in one.lefts), len(errors)))
    metrics, drifts, returns = counts[0]
    return (
        "## Years\n\n"
        f"{metrics} metrics over years with a value each 15 minutes (`simulators/years.py`): "
        f"ageing, limits that move, {drifts} drifts, and {returns} returns of set-points that were "
        "not in force for months (without those within a drift or right after one). *False* and "
        "*life left*: year by year. *Error*: of the level expected at a return, in deviations of a "
        f"reading, median; *after*: false warnings in the {AFTER_DAYS:g} days after all "
        "returns.\n\n"
        + table(["way", "false in 30 days", "life left", "error at a return",
                 "false in 30 days, after", "bytes"], rows)
    )  # fmt: skip


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else float("nan")


def _changes(points: Sequence[Found]) -> str:
    return table(
        ["detector", "F1", "found", "changes", "said"],
        [[p.name, f"{p.f1:.3f}", str(p.found), str(p.changes), str(p.said)] for p in points],
    )


def ring(found: Replay | None, about: Mapping[str, Any]) -> str:
    """The replay of the ring current, or why it is passed over."""
    head = "## Replay of a ring current\n\n"
    if found is None:
        return head + "Passed over: `TOMOPLAN_DATA` names no folder with the record."
    rows = [
        ["refills in the regime", f"{found.recognised} of {found.refills}", "all"],
        ["refill regimes without a rise", str(found.invented), "0"],
        ["samples in warning or alarm", str(found.alarms), "0"],
        ["samples said to be moving", str(found.moved), "–"],
        ["lifetime, h", f"{found.known_lifetime_h:.2f}", f"{about['lifetime_h']} ± 5 %"],
        ["refill step, mA", f"{found.known_step_ma:.3f}", f"{about['refill_ma']} ± 5 %"],
        ["lifetime from the regimes, h", f"{found.lifetime_h:.2f}", "–"],
        ["refill step from the regimes, mA", f"{found.step_ma:.3f}", "–"],
    ]
    return head + table(["what", "found", "expected"], rows)


def speed(found: Speed) -> str:
    """Real-time factor, a year, memory."""
    rows = [[f"metrics at 1 Hz one core keeps up with, {block} at once", f"{many:.0f}",
             "10000"] for block, many in found.metrics_at_1_hz.items()]  # fmt: skip
    rows += [
        [
            "of 10 000 metrics at 1 Hz the slowest ten seconds at the end of a bin, processor s",
            f"{found.longest_s:.1f}",
            "10",
        ],
        ["a year of 1 Hz of one metric, events only, s", f"{found.year_seconds:.1f}", "60"],
        ["the same without limits, s", f"{found.year_seconds_without:.1f}", "60"],
        ["measured over so many days", f"{found.year_days:g}", "–"],
        ["one metric between two blocks, the most, bytes", str(found.live_bytes), "65536"],
        ["the same written down, bytes", str(found.state_bytes), "65536"],
    ]
    return "## Speed and memory\n\n" + table(["what", "measured", "to reach"], rows)


def kills(found: Kills) -> str:
    """Fifty kills."""
    return (
        "## Killed and restarted\n\n"
        f"{found.kills} kills at any point of one history, each losing what was done since the "
        f"state was last written down: of {found.said} changes of state {found.lost} were lost and "
        f"{found.repeated} said twice; {found.differing} rows say something else."
    )


def summary(found: Simulated, resamples: int) -> dict[str, Any]:
    """The same figures as plain values, with their intervals."""
    return {
        "warnings": {
            n: asdict(early.summarise(n, o, resamples)) for n, o in found.outcomes.items()
        },
        "forecasts": {
            n: asdict(forecast.summarise(n, f, resamples)) for n, f in found.forecasts.items()
        },
        "causes": {n: asdict(cause.summarise(n, c, resamples)) for n, c in found.named.items()},
        "trade_offs": found.curves,
    }
