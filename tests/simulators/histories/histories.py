"""Histories that several tests look at."""

from __future__ import annotations

from functools import cache

from simulators.histories import History, SimulatedHistory, simulate_history


@cache
def month() -> SimulatedHistory:
    """All metrics, 30 days, every 15 min, many faults of the record."""
    return simulate_history(
        History(days=30, onset_day=8, life_days=8, gaps_per_month=4, disconnects_per_month=3,
                clock_faults_per_month=6, shutdowns_per_year=40, shutdown_days=2,
                dumps_per_month=6, seed=4)
    )  # fmt: skip


@cache
def quiet_days() -> SimulatedHistory:
    """Three days of 1 Hz of a few metrics, nothing wrong, beam all the time."""
    return simulate_history(
        History(days=3, cadence_s=1.0, shape="none", dumps_per_month=0, shutdowns_per_year=0,
                maintenance_every_days=1000, energy_changes_per_month=0, gap_moves_per_day=0,
                gaps_per_month=0, disconnects_per_month=0, clock_faults_per_month=0,
                outliers=0, wander_sigma=0, metrics=("ring_current", "beam_x", "ion_chamber_1"),
                seed=2)
    )  # fmt: skip
