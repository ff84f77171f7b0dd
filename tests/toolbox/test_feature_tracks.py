"""Spots are followed as points of the sample: through jitter, before one another, among others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from toolbox.tools.align.feature_tracks import Spots, grouped, tracks, usual_size
from toolbox.tools.align.volume_reprojection import free_shifts

VIEWS, COLUMNS, SIZE = 120, 160, 50.0


def turning(
    grains: Any, jitter: float = 3.0, seed: int = 0, missing: float = 0.0, odd: int = 0
) -> tuple[Spots, Any, Any]:
    """Spots of grains ``(x, y, row)`` about column 82, with ``odd`` ones anywhere in each view;
    those that touch are one. Angles and the shifts of views."""
    rng = np.random.default_rng(seed)
    angles = np.sort(rng.uniform(0, np.pi, VIEWS))
    shifts = rng.normal(0, jitter, (VIEWS, 2))
    found = []
    half = np.full(len(grains), np.sqrt(SIZE / np.pi))
    for view, angle in enumerate(angles):
        place = np.array([
            (row, 82 + x * np.cos(angle) + y * np.sin(angle)) for x, y, row in grains
        ]).reshape(-1, 2)  # fmt: skip
        for group in grouped(place + shifts[view], half):
            if rng.random() >= missing:
                found.append((view, *group.middle + rng.normal(0, 0.03, 2), group.size))
        for _ in range(odd):
            at = rng.uniform(0, (40, COLUMNS))
            found.append((view, *at, SIZE * rng.uniform(0.5, 2)))
    table = np.array(found).reshape(-1, 4)
    return (Spots(table[:, 0].astype(int), *table[:, 1:].T), angles, shifts)


def error(shifts: Any, truth: Any, angles: Any) -> float:
    """Of all but one view in twenty, in which all may stand before one another."""
    known = np.isfinite(shifts[:, 1])
    left = np.abs(free_shifts(shifts[known] - truth[known], angles[known]))
    return float(np.quantile(left.max(axis=1), 0.95))


@pytest.mark.parametrize("jitter", [0.0, 3.0])
@pytest.mark.parametrize(
    "grains",
    [
        [(30.0, 10.0, 20.0)],
        [(30.0, 10.0, 20.0), (-20.0, 25.0, 20.0)],
        [(30.0, 10.0, 20.0), (-20.0, 25.0, 20.0), (-35.0, -12.0, 20.0), (3.0, -4.0, 20.0)],
    ],
)
def test_shifts_come_out_of_one_or_more_features(grains: Any, jitter: float) -> None:
    spots, angles, truth = turning(grains, jitter, seed=1)
    found, shifts = tracks(spots, angles, COLUMNS)
    assert len(found) == len(grains)
    assert np.isfinite(shifts[:, 1]).mean() > 0.95
    assert error(shifts, truth, angles) < 0.3
    assert usual_size(found[0], spots) == pytest.approx(SIZE, rel=0.1)


def test_views_that_miss_it_and_spots_of_something_else_do_not_matter() -> None:
    grains = [(30.0, 10.0, 20.0), (-25.0, 20.0, 26.0)]
    spots, angles, truth = turning(grains, missing=0.1, odd=1)
    found, shifts = tracks(spots, angles, COLUMNS)
    assert len(found) >= 2
    assert np.isfinite(shifts[:, 1]).mean() > 0.9
    assert error(shifts, truth, angles) < 0.5


def test_what_lies_anywhere_is_no_feature() -> None:
    spots, angles, _ = turning([], odd=1)
    found, shifts = tracks(spots, angles, COLUMNS)
    assert not found or np.isfinite(shifts[:, 1]).mean() < 0.7
    assert tracks(spots[np.zeros(len(spots), bool)], angles, COLUMNS)[0] == []


def test_features_that_touch_are_one_spot() -> None:
    place = np.array([[20.0, 50.0], [20.0, 56.0], [20.0, 90.0]])
    groups = grouped(place, np.full(3, 4.0))
    assert [sorted(group.members) for group in groups] == [[0, 1], [2]]
    np.testing.assert_allclose(groups[0].middle, [20.0, 53.0], atol=0.1)
    assert np.pi * 16 < groups[0].size < 2 * np.pi * 16
    hidden = grouped(np.array([[20.0, 50.0], [20.0, 50.0]]), np.full(2, 4.0))
    assert hidden[0].size == pytest.approx(np.pi * 16, rel=0.05)
