"""Missing readings are marked, each of them, and told where they are many."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from metadata.drift.monitor import Monitor
from metadata.drift.verdicts import GAP, QUIET
from metadata.series import Limits, MetricInfo, Samples


def test_a_gap_is_told_from_its_third_reading_on() -> None:
    times = 1.7e9 + 60.0 * np.arange(3000)
    values = np.random.default_rng(0).standard_normal(3000)
    values[[500, 700, 701]] = np.nan
    values[1000:1010] = np.nan
    for edges in ([0, 3000], [0, 501, 700, 701, 1000, 1001, 1005, 3000]):
        monitor = Monitor({"x": MetricInfo("x", "", Limits(-50, 50))})
        said = [
            v
            for a, b in pairwise(edges)
            for v in monitor.update([Samples.of("x", times[a:b], values[a:b])])
        ]
        codes = np.concatenate([v.codes for v in said])
        changed = np.flatnonzero(np.concatenate([v.changed for v in said]))
        assert np.array_equal(codes == GAP, np.isnan(values))
        assert changed.tolist() == [0, 1002, 1010]
        assert codes[changed].tolist() == [QUIET, GAP, QUIET]
