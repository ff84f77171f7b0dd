"""Every detector: scores from 0 to 1, the same however readings are cut, and after a restart."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

import metadata.drift.detectors as home
from metadata.drift.detectors.cusum import Cusum
from metadata.drift.detectors.detector import Detector
from metadata.drift.saving import pack, unpack

Floats = NDArray[np.float64]


def found() -> list[Callable[[], Detector]]:
    """What a file of the package defines that updates and is no base or protocol."""
    classes: list[Callable[[], Detector]] = []
    for module in pkgutil.iter_modules(home.__path__):
        for thing in vars(importlib.import_module(f"{home.__name__}.{module.name}")).values():
            own = getattr(thing, "__module__", "") == f"{home.__name__}.{module.name}"
            whole = not getattr(thing, "__abstractmethods__", None)
            real = isinstance(thing, type) and not getattr(thing, "_is_protocol", False)
            if own and whole and real and hasattr(thing, "restore"):
                classes.append(thing)
    return classes


def readings(change: bool) -> Floats:
    """900 readings; after 700 the level, the spread and the spectrum are others."""
    rng = np.random.default_rng(3)
    row = rng.standard_normal(900)
    if change:
        row[700:] = 6 + 3 * np.sin(np.arange(200)) + rng.standard_normal(200)
    return row


def test_they_are_found() -> None:
    names = {kind.__name__ for kind in found()}  # type: ignore[attr-defined]
    assert {"Cusum", "Distribution", "Ensemble", "LevelTrend", "Shift", "Spectral"} <= names


@pytest.mark.parametrize("kind", found())
def test_the_blocks_do_not_matter(kind: Callable[[], Detector]) -> None:
    row, times = readings(change=True), np.arange(900.0)
    whole = kind().update(times, row)
    assert whole.shape == (900,)
    assert np.all((whole >= 0) & (whole <= 1))
    cut, parts = kind(), []
    edges = [0, 1, 2, 63, 64, 65, 300, 701, 702, 900]
    for a, b in pairwise(edges):
        parts.append(cut.update(times[a:b], row[a:b]))
        again = kind()
        again.restore(unpack(pack(cut.to_state())))
        cut = again
    assert np.array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("kind", found())
def test_nothing_after_a_reading_changes_its_score(kind: Callable[[], Detector]) -> None:
    row, times = readings(change=True), np.arange(900.0)
    later = row.copy()
    later[500:] += 100
    assert np.array_equal(kind().update(times, row)[:500], kind().update(times, later)[:500])


@pytest.mark.parametrize("kind", found())
def test_a_change_is_seen(kind: Callable[[], Detector]) -> None:
    times = np.arange(900.0)
    scores = kind().update(times, readings(change=True))
    usual = kind().update(times, readings(change=False))
    assert scores[700:780].max() > 0.4
    assert scores[700:780].max() > usual[400:].max()


def test_the_time_between_false_alarms_holds_for_readings_with_memory() -> None:
    rng = np.random.default_rng(0)
    alarms, total = 0, 0
    for _ in range(6):
        row = np.zeros(4000)
        for k in range(1, 4000):  # an AR(1), on which textbook thresholds ring without end
            row[k] = 0.6 * row[k - 1] + rng.standard_normal()
        alarms += int((Cusum(days=2000 / 96).update(900.0 * np.arange(4000.0), row) == 1).sum())
        total += 4000
    assert alarms <= 3 * total / 2000
