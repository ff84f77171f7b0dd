"""The whole monitor: blocks, restarts, memory, causes, broken clocks."""

from __future__ import annotations

import io
from functools import cache
from itertools import pairwise

import numpy as np

from metadata.drift.monitor import Monitor
from metadata.drift.verdicts import WARNING, Verdicts
from metadata.series import Limits, LoggedEvent, MetricInfo, Samples
from planner.benchmarks.drift.footprint import held
from planner.benchmarks.drift.speed import refilled
from simulators.histories import SimulatedHistory, draw_history, simulate_history


@cache
def history() -> SimulatedHistory:
    return simulate_history(draw_history(7, decoys=2, days=20.0, clock_faults_per_month=6.0))


def monitor() -> Monitor:
    made = history()
    return Monitor({
        name: MetricInfo(name, "", Limits(*made.limits[name][0][1:]) if name in made.limits
                         else None) for name in made.names
    })  # fmt: skip


def events() -> list[LoggedEvent]:
    return [LoggedEvent(e.time, e.kind, e.text) for e in history().events]


@cache
def at_once() -> dict[str, Verdicts]:
    blocks = [Samples.of(name, *history().series[name]) for name in history().names]
    return {v.metric: v for v in monitor().update(blocks, events())}


def test_cut_and_restarted_at_any_time_it_says_the_same() -> None:
    made, now = history(), monitor()
    clock = {n: np.maximum.accumulate(made.series[n][0]) for n in made.names}
    inner = np.sort(np.random.default_rng(0).uniform(made.settings.start, made.settings.end, 40))
    edges = np.array([-np.inf, *inner, np.inf])
    said: dict[str, list[Verdicts]] = {n: [] for n in made.names}
    for a, b in pairwise(edges):
        blocks = []
        for name in made.names:
            times, values = made.series[name]
            inside = (clock[name] >= a) & (clock[name] < b)
            blocks.append(Samples.of(name, times[inside], values[inside]))
        for found in now.update(blocks, [e for e in events() if a <= e.time < b]):
            said[found.metric].append(found)
        file = io.BytesIO()
        np.savez(file, **now.to_state())  # type: ignore[arg-type]
        assert file.tell() < 65536 * len(made.names)
        file.seek(0)
        now = Monitor.from_state(dict(np.load(file)))
    for name in made.names:
        whole = at_once()[name]
        for field in ("codes", "scores", "limits", "seconds", "lows", "highs", "regimes"):
            parts = np.concatenate([getattr(v, field) for v in said[name]])
            assert np.array_equal(parts, getattr(whole, field), equal_nan=True), (name, field)
        causes = [v.cause for part in said[name] for v in part]
        assert causes == [v.cause for v in whole]


def test_the_cause_is_ranked_first() -> None:
    made = history()
    said = at_once()[made.settings.metric]
    warned = np.flatnonzero(said.codes == WARNING)
    assert len(warned)
    cause = said.one(int(warned[-1])).cause
    assert cause is not None
    assert cause[0].metric == made.truth.cause


def test_a_metric_without_limits_that_is_refilled_stays_small() -> None:
    """The detectors, the refills that were found and six weeks of bins together."""
    monitor = refilled()
    [follower] = monitor.followers.values()
    assert len(follower.tooth.found) == 192
    assert 40000 < sum(kept.nbytes for kept in monitor.to_state().values()) < 65536
    assert 40000 < held(follower) < 65536  # not the blocks that came, nor what was made of them


def test_a_metric_that_drifts_to_its_limit_stays_small() -> None:
    now = monitor()
    for name in history().names:
        times, values = history().series[name]
        list(now.update([Samples.of(name, times, values)]))
    assert max(held(follower) for follower in now.followers.values()) < 65536


def test_changes_are_few_and_each_has_a_sentence() -> None:
    for said in at_once().values():
        changes = said.changes()
        assert len(changes) < 60
        assert all(v.message or v.state.value == "quiet" for v in changes)
        assert [v.to_json()["state"] for v in changes] == [v.state.value for v in changes]


def test_nothing_later_changes_what_was_said() -> None:
    made = history()
    name = made.settings.metric
    times, values = made.series[name]
    info = {name: MetricInfo(name, "", Limits(*made.limits[name][0][1:]))}
    cut = len(times) // 2
    [half] = Monitor(info).update([Samples.of(name, times[:cut], values[:cut])], events())
    [whole] = Monitor(info).update([Samples.of(name, times, values)], events())
    assert np.array_equal(half.codes, whole.codes[:cut])
    assert np.array_equal(half.seconds, whole.seconds[:cut], equal_nan=True)


def test_a_drift_away_from_the_only_limit_is_no_warning() -> None:
    rng = np.random.default_rng(2)
    days = np.arange(0, 45, 1 / 96)
    values = 10 + 0.1 * rng.standard_normal(len(days)) + 0.1 * np.maximum(days - 30, 0)
    seen = {}
    for name, limits in (("toward", Limits(-np.inf, 12.0)), ("away", Limits(9.0, np.inf))):
        [found] = Monitor({"x": MetricInfo("x", "", limits)}).update(
            [Samples.of("x", 1.7e9 + 86400 * days, values)], []
        )
        seen[name] = bool((found.codes == WARNING).any())
    assert seen == {"toward": True, "away": False}
