"""Channels read together: what none shows alone is said, once, the same however it arrives."""

from __future__ import annotations

import pickle
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from metadata.drift.detectors.ensemble import Ensemble
from metadata.drift.detectors.multivariate import Multivariate
from metadata.drift.monitor import Monitor
from metadata.drift.saving import pack, unpack
from metadata.drift.verdicts import MOVING, Verdicts
from metadata.series import Limits, MetricInfo, Samples
from simulators.rig import draw_rig

Floats = NDArray[np.float64]
NAMES = ("a", "b", "c", "d", "e", "f")


def table(count: int = 1200, change: int = 700, seed: int = 1) -> Floats:
    """Six channels that follow one state a little; after the change each of them is 1.3 deviations
    higher, which is little to each alone."""
    rng = np.random.default_rng(seed)
    state = np.zeros(count)
    for k in range(1, count):
        state[k] = 0.9 * state[k - 1] + 0.4 * rng.standard_normal()
    rows = 0.5 * state[:, None] + rng.standard_normal((count, len(NAMES)))
    rows[change:] += 1.3 * rng.choice([-1, 1], len(NAMES))
    return rows


def test_what_hardly_a_channel_shows_alone_is_said_once() -> None:
    shown, times = 0, np.arange(1200.0)
    for seed in (1, 2, 3):
        rows = table(seed=seed)
        said = np.flatnonzero(Multivariate().update(times, rows) > Multivariate().said)
        assert len(said[(said >= 700) & (said < 800)]) == 1
        assert 700 <= said[said >= 700][0] < 740
        assert len(said) <= 3
        for column in rows.T:
            alone = Ensemble()
            _, moved = alone.judge(times, column)
            shown += int(moved[700:740].any())
    assert shown <= len(NAMES)  # a third of the channels at most


def test_nothing_is_said_of_rigs_without_faults() -> None:
    said = rows = 0
    for seed in (53001, 53002, 53003):
        record = draw_rig(seed, healthy=True)
        scores = Multivariate().update(record.times, np.stack([*record.channels.values()], axis=1))
        said, rows = said + int((scores > Multivariate().said).sum()), rows + len(scores)
    assert said <= 2 * rows / 1000


def test_blocks_restarts_and_missing_channels_do_not_matter() -> None:
    rows, times = table(800, 500), np.arange(800.0)
    rows[np.random.default_rng(0).random(rows.shape) < 0.1] = np.nan
    rows[300:310] = np.nan
    whole = Multivariate().update(times, rows)
    assert (whole[500:540] > Multivariate().said).any()
    assert np.all((whole >= 0) & (whole < 1))
    cut, parts = Multivariate(), []
    for a, b in pairwise((0, 1, 17, 64, 301, 511, 512, 800)):
        parts.append(cut.update(times[a:b], rows[a:b]))
        again = Multivariate()
        again.restore(unpack(pack(cut.to_state())))
        cut = again
    assert np.array_equal(np.concatenate(parts), whole)


def watched(rows: Floats, edges: list[int], source: str = "rig") -> dict[str, list[Verdicts]]:
    """The monitor over the rows, written down and read again at each edge."""
    names = NAMES[: rows.shape[1]]
    monitor = Monitor({n: MetricInfo(n, source=source) for n in names})
    said: dict[str, list[Verdicts]] = {n: [] for n in names}
    for a, b in pairwise(edges):
        times = 1.7e9 + np.arange(a, b, dtype=float)
        blocks = [Samples.of(n, times, rows[a:b, k]) for k, n in enumerate(names)]
        for found in monitor.update(blocks):
            said[found.metric].append(found)
        state = pickle.dumps(monitor.to_state())
        assert len(state) < 65536 * len(names)
        monitor = Monitor.from_state(pickle.loads(state))
    return said


def test_the_monitor_says_it_of_the_channels_of_one_source() -> None:
    rows = table(900, seed=2)
    said = watched(rows, [0, 900])
    moving = {n: np.flatnonzero(v[0].codes == MOVING) for n, v in said.items()}
    assert sum(((m >= 700) & (m < 740)).sum() for m in moving.values()) == 1
    apart = watched(rows, [0, 900], source="")
    assert sum((v[0].codes[700:740] == MOVING).any() for v in apart.values()) <= 1


def test_cut_and_restarted_the_monitor_says_the_same() -> None:
    rows = table(2900, 2200)[:, :3]  # more than 2048: then minutes are compared
    whole = watched(rows, [0, 2900])
    parts = watched(rows, [0, 3, 700, 2040, 2051, 2075, 2900])
    for name in NAMES[:3]:
        for field in ("codes", "scores", "anomalies"):
            found = np.concatenate([getattr(v, field) for v in parts[name]])
            assert np.array_equal(found, getattr(whole[name][0], field)), (name, field)


def test_channels_with_times_of_their_own_or_limits_are_followed_alone() -> None:
    rows, times = table(900), np.arange(900.0)
    for shift, limit in ((0.25, None), (0.0, Limits(-1e3, 1e3))):
        said = []
        for source in ("", "rig"):
            monitor = Monitor({n: MetricInfo(n, "", limit, source=source) for n in NAMES})
            blocks = [Samples.of(n, times + shift * k, rows[:, k]) for k, n in enumerate(NAMES)]
            said.append([v.codes for v in monitor.update(blocks)])
        for apart, together in zip(*said, strict=True):
            assert np.array_equal(apart, together)
