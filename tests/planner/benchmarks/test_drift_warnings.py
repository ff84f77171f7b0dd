"""How early warnings are judged, and the simple methods they are compared with."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from planner.benchmarks.drift import settings
from planner.benchmarks.drift.baselines import Baseline, available, lines, smoothed, steady
from planner.benchmarks.drift.case import DAY, Case, draw, make
from planner.benchmarks.drift.early import by_shape, false_rate, judge, summarise
from planner.benchmarks.drift.tuning import at, curve, tune

METHODS = list(available())


@cache
def cases() -> tuple[Case, ...]:
    return tuple(draw(41500, 6))


def drifting() -> Case:
    return next(case for case in cases() if case.crossing is not None)


def quarter_hours(case: Case) -> np.ndarray:
    return np.arange(case.start, case.end, 900.0)


def test_what_is_judged_was_used_for_no_tuning() -> None:
    how = settings()
    spans = {
        name: range(how[name]["first_seed"], how[name]["first_seed"] + how[name]["count"])
        for name in ("drifting", "healthy", "causes", "tuning")
    }
    assert max(spans.pop("tuning")) < 50000
    assert all(min(span) >= 50000 for span in spans.values())
    assert sum(len(span) for span in spans.values()) == len(set().union(*spans.values()))


def test_a_case_tells_limits_and_truth_of_the_metric_that_drifts() -> None:
    case = drifting()
    assert case.onset is not None
    assert case.crossing is not None
    early = np.median(case.target.values[case.target.times < case.onset])
    assert case.limits.low < early < case.limits.high
    late = case.target.values[case.target.times > case.crossing + 2 * DAY]
    share = np.mean((late >= case.limits.high) | (late <= case.limits.low))
    assert share > 0.2
    assert make(60000, healthy=True).onset is None


def test_always_fire_leaves_all_of_the_life_and_is_false_every_day() -> None:
    case = drifting()
    times = quarter_hours(case)
    outcome = judge(case, times, np.ones(len(times), bool))
    assert outcome.left == pytest.approx(1.0, abs=0.01)
    assert outcome.stays == pytest.approx(1.0, abs=0.01)
    assert outcome.false == np.ceil(outcome.watched_days)
    assert outcome.begun == 1
    assert false_rate([outcome]) == pytest.approx(30, rel=0.1)


def test_silence_and_warnings_behind_the_limit_leave_nothing() -> None:
    case = drifting()
    times = quarter_hours(case)
    for warned in (np.zeros(len(times), bool), times >= case.crossing):
        outcome = judge(case, times, warned)
        assert (outcome.left, outcome.stays, outcome.false) == (0.0, 0.0, 0)


def test_a_flash_counts_as_first_warning_but_does_not_stay() -> None:
    case = drifting()
    assert case.onset is not None
    assert case.life_days is not None
    times = quarter_hours(case)
    half = case.onset + 0.5 * case.life_days * DAY
    warned = times >= half
    warned[np.searchsorted(times, case.onset + 0.1 * case.life_days * DAY)] = True
    outcome = judge(case, times, warned)
    assert outcome.left == pytest.approx(0.9, abs=0.01)
    assert outcome.stays == pytest.approx(0.5, abs=0.01)
    assert outcome.false == 0


def test_the_order_of_arrival_does_not_matter() -> None:
    case = drifting()
    times = quarter_hours(case)
    warned = np.sin(times / DAY) > 0.7
    mixed = np.random.default_rng(0).permutation(len(times))
    assert judge(case, times, warned) == judge(case, times[mixed], warned[mixed])


def test_a_summary_has_intervals_and_shapes() -> None:
    outcomes = []
    for case in cases():
        times = quarter_hours(case)
        late = case.end if case.onset is None else case.onset + 2 * DAY
        outcomes.append(judge(case, times, times > late))
    found = summarise("late", outcomes, 50)
    assert found.false_per_30_days.value == 0
    assert found.left.low <= found.left.value <= found.left.high
    assert sum(s["drifts"] for s in by_shape(outcomes).values()) == found.drifts


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_what_a_simple_method_says_depends_on_nothing_later(method: Baseline) -> None:
    case = drifting()
    cut = case.start + 40.4 * DAY
    record = case.target
    earlier = record[record.times < cut]
    known = replace(
        case,
        samples={case.metric: earlier},
        events=tuple(e for e in case.events if e.time < cut),
    )
    variant = method.variants[len(method.variants) // 2]
    whole, part = method.score(case, variant), method.score(known, variant)
    before = part[0] < cut - 0.5 * DAY  # an open bin of hours is not yet said
    kept = whole[0] < cut - 0.5 * DAY
    np.testing.assert_allclose(whole[1][kept], part[1][before])


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_a_simple_method_keeps_to_the_rate_it_is_tuned_to(method: Baseline) -> None:
    practice = list(cases())
    tuned = tune(replace(method, variants=method.variants[1::3]), practice, rate=1.0)
    assert false_rate(tuned.outcomes(practice)) <= 1.0
    rates = [rate for rate, _, _ in curve(tuned, practice)]
    assert max(rates) > min(rates)


def test_a_lower_threshold_leaves_more_life() -> None:
    practice = list(cases())
    share = next(m for m in METHODS if m.name == "share of the way")
    scored = [share.score(case, 12) for case in practice]
    lefts = [at(practice, scored, threshold)[2] for threshold in (0.9, 0.5, 0.1)]
    assert lefts == sorted(lefts)
    assert lefts[0] < lefts[-1]


def test_disturbed_times_are_left_out() -> None:
    case = next(case for case in cases() if any(e.kind == "maintenance" for e in case.events))
    event = next(e for e in case.events if e.kind == "maintenance")
    kept = steady(case).times
    assert not ((kept >= event.time) & (kept < event.time + 4 * 3600)).any()
    assert len(kept) > 0.7 * len(case.target)


def test_the_trailing_median_is_of_the_past() -> None:
    case = drifting()
    plain = smoothed(case, 0)
    times, values, _ = smoothed(case, 6)
    place = 500
    assert values[place] == np.median(plain[1][place - 23 : place + 1])
    assert len(times) == len(values)


def test_a_robust_line_meets_the_limit_of_a_straight_drift_when_it_is_reached() -> None:
    case = drifting()
    times = quarter_hours(case)
    values = case.limits.low + (case.limits.high - case.limits.low) * (times - case.start) / (
        case.end - case.start
    )
    from metadata.series import Samples

    straight = replace(case, samples={case.metric: Samples.of(case.metric, times, values)},
                       events=())  # fmt: skip
    when, days = lines(straight, 8)
    left = (case.end - when) / DAY
    late = when > case.start + 10 * DAY
    np.testing.assert_allclose(days[late, 0], left[late], atol=0.15)
    assert (days[late, 1] <= days[late, 0] + 1e-9).all()
    assert (days[late, 0] <= days[late, 2] + 1e-9).all()
