"""What the frames of a scan show, against worlds whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from metadata.sources.scan_measures import ScanMeasures
from simulators import World, simulate
from toolbox.scan_measures import METRICS, FrameMeasures, profile_shift


def test_axis_noise_and_shifts_of_simulated_scans() -> None:
    measures: ScanMeasures = FrameMeasures()
    still = World("foam", columns=160, rows=4, projections=180, photons=2e4, center=83.5)
    scan = simulate(still)
    found = measures.measure(scan, scan)
    assert set(found) <= set(measures.metrics()) == set(METRICS)
    assert found["axis_position"] == pytest.approx(83.5, abs=0.5)
    assert found["flat_shift_x"] == pytest.approx(0, abs=0.01)
    assert 0 < found["view_noise"] < 0.1
    assert found["flat_level"] > 0
    jumping = simulate(World("foam", columns=160, rows=4, projections=180, photons=2e4,
                             center=88.0, jitter_px=1.5))  # fmt: skip
    moved = measures.measure(jumping, scan)
    assert moved["axis_position"] == pytest.approx(88.0, abs=1.0)
    assert moved["view_shift"] > found["view_shift"] + 0.5
    assert moved["residual_shift"] < moved["view_shift"] / 2


def test_a_pattern_that_moves_is_followed() -> None:
    rng = np.random.default_rng(0)
    pattern = np.convolve(rng.normal(size=900), np.hanning(9), "same")
    at = np.arange(400) + 200
    profile = np.interp(at, np.arange(900), pattern) + 50
    for shift in (-20.0, -0.4, 0.0, 7.3):
        moved = np.interp(at - shift, np.arange(900), pattern) + 60
        assert profile_shift(moved.astype(np.float32), profile.astype(np.float32)) == pytest.approx(
            shift, abs=0.15
        )
    noise = rng.normal(size=400).astype(np.float32)
    assert profile_shift(noise, profile.astype(np.float32)) is None
    assert profile_shift(profile[:20].astype(np.float32), profile[:20].astype(np.float32)) is None
    assert profile_shift(np.ones(400, np.float32), profile.astype(np.float32)) is None
