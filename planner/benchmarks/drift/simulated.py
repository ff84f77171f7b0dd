"""The simulated histories, watched once: early warnings, forecasts and causes of all of them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from metadata.drift.settings import MonitorSettings
from planner.benchmarks.drift import cause, early, forecast, tuning
from planner.benchmarks.drift.baselines import always, available, lines
from planner.benchmarks.drift.case import Case, draw, last_before
from planner.benchmarks.drift.cause import Named
from planner.benchmarks.drift.early import Outcome, judge
from planner.benchmarks.drift.forecast import Forecast, half_of_life
from planner.benchmarks.drift.watched import days_left, place, warned, watch

Curve = list[tuple[float, float, float]]


@dataclass
class Simulated:
    """By the name of the method: outcomes of each history, forecasts at half of each life,
    what was ranked first; trade-offs as (false rate, share warned, life left)."""

    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)
    forecasts: dict[str, list[Forecast]] = field(default_factory=dict)
    named: dict[str, list[Named]] = field(default_factory=dict)
    curves: dict[str, Curve] = field(default_factory=dict)
    tuned: dict[str, tuning.Tuned] = field(default_factory=dict)


OURS, BLIND = "tomoplan", "tomoplan, no log book"
DECOYS = "tomoplan, the decoys"


def judged(settings: Mapping[str, Any]) -> list[Case]:
    """The histories that are judged: those that drift, and healthy ones."""
    return [*draw(**settings["drifting"]), *draw(**settings["healthy"], healthy=True)]


def measure(settings: Mapping[str, Any]) -> Simulated:
    """Everything that is measured on simulated histories."""
    found = Simulated()
    cases = judged(settings)
    for name, log_book in ((OURS, True), (BLIND, False)):
        _say(name)
        found.outcomes[name], found.forecasts[name] = watched(cases, log_book)
    found.curves[OURS] = trade_off(settings, cases)
    _beside(found, settings, cases)
    _causes(found, settings)
    return found


def watched(
    cases: Iterable[Case], log_book: bool = True, settings: MonitorSettings | None = None
) -> tuple[list[Outcome], list[Forecast]]:
    """The monitor's outcomes and its forecasts at half of the life."""
    outcomes, forecasts = [], []
    for case in cases:
        said = watch(case, log_book=log_book, settings=settings)[case.metric]
        outcomes.append(judge(case, said.times, warned(said)))
        half = half_of_life(case)
        if half is not None:
            row = place(said, half)
            days = None if row is None else days_left(said, row)
            moment = half if row is None else float(said.times[row])
            forecasts.append(forecast.forecast(case, moment, days))
    return outcomes, forecasts


def trade_off(settings: Mapping[str, Any], cases: Sequence[Case]) -> Curve:
    """The monitor, told to err more often or less, on the first so many of the histories."""
    asked = settings["trade_off"]
    drifting = [c for c in cases if c.onset is not None][: asked["drifting"]]
    some = [*drifting, *[c for c in cases if c.onset is None][: asked["healthy"]]]
    points = []
    for days in asked["false_alarm_days"]:
        _say(f"{OURS}, a false alarm each {days} days")
        outcomes, _ = watched(some, settings=MonitorSettings(false_alarm_days=days))
        lefts = [o.left for o in outcomes if o.left is not None]
        share = sum(left > 0 for left in lefts) / max(len(lefts), 1)
        points.append((early.false_rate(outcomes), share, sum(lefts) / max(len(lefts), 1)))
    return points


def _beside(found: Simulated, settings: Mapping[str, Any], cases: Sequence[Case]) -> None:
    """The baselines, tuned on histories of their own."""
    practice = list(draw(**settings["tuning"]))
    for baseline in available():
        _say(baseline.name)
        tuned = tuning.tune(baseline, practice, settings["false_per_30_days"])
        found.tuned[baseline.name] = tuned
        found.outcomes[baseline.name] = tuned.outcomes(cases)
        found.curves[baseline.name] = tuning.curve(tuned, cases)
    found.outcomes["always-fire"] = [
        judge(case, times, scores > 0) for case in cases for times, scores in [always(case, 0)]
    ]
    halves = [(case, half) for case in cases if (half := half_of_life(case)) is not None]
    guess = settings["guess_days"]
    found.forecasts["always {:g} days, {:g} to {:g}".format(*guess)] = [
        forecast.forecast(case, half, guess) for case, half in halves
    ]
    for days in settings["lines"]:
        found.forecasts[f"robust line over {days:g} days"] = [
            forecast.forecast(case, half, _line(case, half, days)) for case, half in halves
        ]


def _line(case: Case, moment: float, days: float) -> tuple[float, float, float] | None:
    times, said = lines(case, days)
    row = last_before(times, moment)
    return None if row is None else (float(said[row, 0]), float(said[row, 1]), float(said[row, 2]))


def _causes(found: Simulated, settings: Mapping[str, Any]) -> None:
    """Histories of several metrics, of which some share the refills or the day and no more."""
    _say("causes")
    named: dict[str, list[Named]] = {OURS: [], "largest correlation, 7 days": [],
                                     "largest correlation, all days": []}  # fmt: skip
    found.outcomes[DECOYS] = []
    for case in draw(**settings["causes"]):
        if case.crossing is None:
            continue
        said = watch(case)
        target = said[case.metric]
        named[OURS].append(cause.named(case, target))
        named["largest correlation, 7 days"].append(cause.correlated(case, target, 7))
        named["largest correlation, all days"].append(cause.correlated(case, target, 1e3))
        found.outcomes[DECOYS] += _decoys(case, said)
    found.named = named


def _decoys(case: Case, said: Mapping[str, Any]) -> Iterator[Outcome]:
    """What was said of the metrics with limits that have no part in the drift, to the end."""
    from dataclasses import replace

    from simulators.histories.metrics import moved_by

    part = {case.cause, case.metric, *moved_by(str(case.cause))}
    for name, verdicts in said.items():
        if name not in part and case.metrics[name].limits is not None:
            calm = replace(case, metric=name, onset=None, crossing=None)
            yield judge(calm, verdicts.times, warned(verdicts))


def _say(what: str) -> None:
    print(f"── drift: {what}", file=sys.stderr)
