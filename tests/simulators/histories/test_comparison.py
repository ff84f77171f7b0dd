"""Simulated series look like the real ones, by the statistics of the documented comparison."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from metadata.errors import InputError
from simulators.histories.compare import real_series, statistics
from simulators.histories.compare.__main__ import _like


def test_the_ring_is_like_petra(data: Path) -> None:
    real = real_series.ring_and_chambers(data)
    made = _like(real["time"], ("ring_current", "ion_chamber_1"), seed=5)
    there = statistics.ring(real["time"], real["current"])
    here = statistics.ring(made["time"], made["ring_current"])
    assert here["refill step, mA"] == pytest.approx(there["refill step, mA"], rel=0.03)
    assert here["refill period, s"] == pytest.approx(there["refill period, s"], rel=0.04)
    assert here["lifetime, h"] == pytest.approx(there["lifetime, h"], rel=0.03)
    noise = "noise about the decay, mA"
    assert here[noise] == pytest.approx(there[noise], rel=0.3)


def test_the_chamber_and_the_barometer_are_like_the_real_ones(data: Path) -> None:
    real = real_series.ring_and_chambers(data)
    made = _like(real["time"], ("ring_current", "ion_chamber_1"), seed=6)
    there = statistics.chamber(real["time"], real["current"], real["chamber"])
    here = statistics.chamber(made["time"], made["ring_current"], made["ion_chamber_1"])
    for name in ("noise by its mean", "increments: 99 % to quartile range"):
        assert here[name] == pytest.approx(there[name], rel=0.35)
    scans = real_series.per_scan(data)
    weather = _like(scans["time"], ("barometer",), seed=6, spare_days=20)
    quarter = "RMS change in 15 min"
    assert statistics.slow(scans["time"], weather["barometer"])[quarter] == pytest.approx(
        statistics.slow(scans["time"], scans["barometer"])[quarter], rel=0.4
    )


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="TOMOPLAN_DATA"):
        real_series.per_scan(tmp_path)


def test_the_statistics_find_what_was_put_in() -> None:
    times = np.arange(0.0, 4000.0, 1.6)
    current = 100 * np.exp(-(times % 400) / 36000)
    found = statistics.ring(times, current)
    assert found["refill step, mA"] == pytest.approx(1.1, abs=0.02)
    assert found["refill period, s"] == pytest.approx(400, abs=2)
    assert found["lifetime, h"] == pytest.approx(10, rel=0.01)
    shift = np.zeros(480)
    shift[100:] = 30.0
    stripes = statistics.stripes(shift)
    assert stripes["largest jump, px"] == 30
    assert stripes["share of active minutes"] == pytest.approx(5 / 479)
