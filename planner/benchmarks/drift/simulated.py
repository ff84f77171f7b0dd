"""The simulated histories, watched: early warnings, forecasts and causes of all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from metadata.drift.monitor import Monitor
from metadata.drift.settings import MonitorSettings
from metadata.drift.verdicts import Verdicts
from planner.benchmarks.drift import cause, early, forecast, tuning
from planner.benchmarks.drift.baselines import Baseline, always, available, lines
from planner.benchmarks.drift.case import DAY, Case, anonymous, draw, last_before, make
from planner.benchmarks.drift.cause import Named
from planner.benchmarks.drift.early import Outcome, judge
from planner.benchmarks.drift.forecast import Forecast, half_of_life
from planner.benchmarks.drift.spread import spread
from planner.benchmarks.drift.watched import days_left, place, warned, watch

Curve = list[tuple[float, float, float]]

OURS, BLIND = "tomoplan", "tomoplan, no log book"
DECOYS = "tomoplan, the decoys"
BANK, NETWORK = "tomoplan, without the network", "the network alone"
NAMELESS = "tomoplan, names hidden"
#: Other parts of the life at which a time is said, and what they are called.
PARTS = {part: f"tomoplan, {100 * part:.0f} % of the life over" for part in (0.3, 0.7, 0.9)}
RECENT, ALL = "largest correlation, 7 days", "largest correlation, all days"


@dataclass
class Simulated:
    """By the name of the method: outcomes of each history, forecasts at half of each life,
    what was ranked first; trade-offs as (false rate, share warned, life left); by the days between
    false alarms that were ``asked`` for, the monitor's outcomes."""

    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)
    forecasts: dict[str, list[Forecast]] = field(default_factory=dict)
    named: dict[str, list[Named]] = field(default_factory=dict)
    curves: dict[str, Curve] = field(default_factory=dict)
    tuned: dict[str, tuning.Tuned] = field(default_factory=dict)
    asked: dict[float, list[Outcome]] = field(default_factory=dict)


@dataclass(frozen=True)
class Watching:
    """One history to be watched, and how."""

    seed: int
    healthy: bool = False
    decoys: int = 0
    log_book: bool = True
    anonymous: bool = False
    false_alarm_days: float | None = None


def seeds(span: Mapping[str, Any], first: int | None = None) -> range:
    """Those of ``{first_seed, count}``, or the first so many."""
    count = span["count"] if first is None else min(first, span["count"])
    return range(span["first_seed"], span["first_seed"] + count)


def measure(settings: Mapping[str, Any]) -> Simulated:
    """Everything that is measured on simulated histories."""
    found = Simulated()
    _watch(found, settings)
    _beside(found, settings)
    _causes(found, settings)
    return found


def ahead(settings: Mapping[str, Any]) -> Simulated:
    """Only the monitor on the histories that drift, and all that tells the time to the limit."""
    found = Simulated()
    span = settings["forecasts"]
    rows = list(spread(watched, list(map(Watching, seeds(span))), settings["workers"], OURS))
    found.outcomes[OURS] = [outcome for outcome, _ in rows]
    for name in (OURS, BANK, NETWORK, *PARTS.values()):
        found.forecasts[name] = [made[name] for _, made in rows if made]
    some = seeds(span, settings["blind"]["drifting"])
    todo = [Watching(seed, log_book=False) for seed in some]
    rows = list(spread(watched, todo, settings["workers"], BLIND))
    found.forecasts[BLIND] = [made[OURS] for _, made in rows if made]
    _guesses(found, settings, list(draw(**span)))
    return found


def watched(todo: Watching) -> tuple[Outcome, dict[str, Forecast]]:
    """The monitor's outcome in one history, and at half of the life its forecast, what the bank
    and the network say alone (where it was not asked, the monitor's); and its forecasts at
    :data:`PARTS` of it."""
    case = make(todo.seed, todo.healthy)
    settings = MonitorSettings()
    if todo.false_alarm_days is not None:
        settings = replace(settings, false_alarm_days=todo.false_alarm_days)
    half = half_of_life(case)
    apart: list[float] = []
    said = watch(
        case, log_book=todo.log_book, settings=settings,
        moment=np.inf if half is None else half,
        look=lambda monitor: apart.extend(_apart(monitor, case.metric, half or 0.0)),
    )[case.metric]  # fmt: skip
    outcome = judge(case, said.times, warned(said))
    if half is None:
        return outcome, {}
    assert case.onset is not None
    found = {OURS: _told(case, said, half)}
    for part, name in PARTS.items():
        found[name] = _told(case, said, case.onset + 2 * part * (half - case.onset))
    row = place(said, half)
    days = None if row is None else days_left(said, row)
    for name, three in ((BANK, apart[:3]), (NETWORK, apart[3:])):
        found[name] = forecast.forecast(case, half, three or days)
    return outcome, found


def _told(case: Case, said: Verdicts, moment: float) -> Forecast:
    """The time to the limit that is said at a moment."""
    row = place(said, moment)
    days = None if row is None else days_left(said, row)
    return forecast.forecast(case, moment if row is None else float(said.times[row]), days)


def _apart(monitor: Monitor, metric: str, moment: float) -> list[float]:
    """What the bank and the network say by themselves, in days from a moment (value, low and high
    of each); nothing where the network was not asked."""
    judge = monitor.followers[metric].judge
    if judge.forecast is None or not judge.forecast.apart:
        return []
    gone = (moment - judge.decided) / DAY
    said = [max(days - gone, 0.3 * days) for days in judge.forecast.apart]
    return [said[k] for part in (0, 3) for k in (part + 1, part, part + 2)]


def _watch(found: Simulated, settings: Mapping[str, Any]) -> None:
    """The monitor on all of them, without the log book, and told to err more often or less."""
    workers = settings["workers"]

    def outcomes(name: str, some: Mapping[str, Any], **how: Any) -> list[Outcome]:
        todo = [Watching(seed, **how) for seed in seeds(settings["drifting"], some.get("drifting"))]
        todo += [
            Watching(seed, True, **how) for seed in seeds(settings["healthy"], some.get("healthy"))
        ]
        rows = list(spread(watched, todo, workers, name))
        forecasts = [made for _, made in rows if made]
        if not how.get("false_alarm_days"):
            found.outcomes[name] = [o for o, _ in rows]
            found.forecasts[name] = [made[OURS] for made in forecasts]
        if name == OURS:
            for part in (BANK, NETWORK):
                found.forecasts[part] = [made[part] for made in forecasts]
        return [outcome for outcome, _ in rows]

    outcomes(OURS, {})
    outcomes(BLIND, settings["blind"], log_book=False)
    asked = settings["trade_off"]
    found.asked[MonitorSettings().false_alarm_days] = found.outcomes[OURS]
    for days in asked["false_alarm_days"]:
        rows = outcomes(f"a false alarm each {days} days", asked, false_alarm_days=days)
        found.asked[days] = rows
    found.curves[OURS] = [point(rows) for rows in found.asked.values()]


def point(outcomes: Sequence[Outcome]) -> tuple[float, float, float]:
    """False rate, share warned, life left."""
    lefts = [o.left for o in outcomes if o.left is not None]
    share = sum(left > 0 for left in lefts) / max(len(lefts), 1)
    return early.false_rate(outcomes), share, sum(lefts) / max(len(lefts), 1)


@dataclass(frozen=True, eq=False)
class Beside:
    """A baseline to be tuned and applied."""

    baseline: Baseline
    settings: Mapping[str, Any]


def tuned_and_judged(todo: Beside) -> tuple[tuning.Tuned, list[Outcome], Curve]:
    """Tune a baseline on histories of their own, and judge it on those of the monitor."""
    settings = todo.settings
    practice = list(draw(**settings["tuning"]))
    tuned = tuning.tune(todo.baseline, practice, settings["false_per_30_days"])
    cases = judged(settings)
    return tuned, tuned.outcomes(cases), tuning.curve(tuned, cases)


def judged(settings: Mapping[str, Any]) -> list[Case]:
    """The histories that are judged: those that drift, and healthy ones."""
    return [*draw(**settings["drifting"]), *draw(**settings["healthy"], healthy=True)]


def _beside(found: Simulated, settings: Mapping[str, Any]) -> None:
    """The baselines' warnings and forecasts."""
    todo = [Beside(baseline, settings) for baseline in available()]
    rows = spread(tuned_and_judged, todo, settings["workers"], "simple methods")
    for one, (tuned, outcomes, curve) in zip(todo, rows, strict=True):
        name = one.baseline.name
        found.tuned[name], found.outcomes[name], found.curves[name] = tuned, outcomes, curve
    cases = judged(settings)
    found.outcomes["always-fire"] = [
        judge(case, times, scores > 0) for case in cases for times, scores in [always(case, 0)]
    ]
    _guesses(found, settings, cases)


def _guesses(found: Simulated, settings: Mapping[str, Any], cases: Sequence[Case]) -> None:
    """The baselines' times to the limit."""
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


def named(todo: Watching) -> tuple[list[Named], list[Outcome]]:
    """Who was ranked first by the monitor and by correlations in a history of several metrics, and
    what was said of those that have no part in the drift."""
    case = make(todo.seed, decoys=todo.decoys)
    if case.crossing is None:
        return [], []
    if todo.anonymous:
        case = anonymous(case)
        return [cause.named(case, watch(case)[case.metric])], []
    said = watch(case)
    target = said[case.metric]
    rows = [cause.named(case, target), cause.correlated(case, target, 7),
            cause.correlated(case, target, 1e3)]  # fmt: skip
    return rows, list(_decoys(case, said))


def _causes(found: Simulated, settings: Mapping[str, Any]) -> None:
    """Histories of several metrics, of which some share the refills or the day and no more."""
    span = settings["causes"]
    turns = span["decoys"]
    todo = [Watching(seed, decoys=turns[k % len(turns)]) for k, seed in enumerate(seeds(span))]
    rows = list(spread(named, todo, settings["workers"], "causes"))
    for k, name in enumerate((OURS, RECENT, ALL)):
        found.named[name] = [who[k] for who, _ in rows if who]
    found.outcomes[DECOYS] = [outcome for _, decoys in rows for outcome in decoys]
    nameless = [replace(one, anonymous=True) for one in todo[: settings["anonymous"]]]
    rows = list(spread(named, nameless, settings["workers"], NAMELESS))
    found.named[NAMELESS] = [who[0] for who, _ in rows if who]


def _decoys(case: Case, said: Mapping[str, Verdicts]) -> Iterator[Outcome]:
    """What was said of the metrics with limits that have no part in the drift, to the end."""
    from simulators.histories.metrics import moved_by

    part = {case.cause, case.metric, *moved_by(str(case.cause))}
    for name, verdicts in said.items():
        if name not in part and case.metrics[name].limits is not None:
            calm = replace(case, metric=name, onset=None, crossing=None)
            yield judge(calm, verdicts.times, warned(verdicts))
