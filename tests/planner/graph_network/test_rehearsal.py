"""What is tried on a scan before a pipeline is chosen."""

from __future__ import annotations

import functools

import numpy as np

from planner.graph_network.rehearsal import (
    NOTHING,
    RESPONSE,
    SLICE,
    TRIED,
    WIDEST,
    Rehearsal,
    rehearse,
    small,
)
from planner.graph_network.tried import packed, save, tried, unpacked
from planner.inspection import inspect_scan
from simulators import World, simulate
from tests.planner.situations import inspection, scan_info
from toolbox.recipe import Step


@functools.cache
def rehearsed(**faults: float) -> Rehearsal:
    world = World("foam", columns=64, rows=1, projections=60, seed=2, **faults)  # type: ignore[arg-type]
    return rehearse(inspect_scan(simulate(world), 60))


def test_smoothing_gains_where_there_is_noise() -> None:
    blurred = Step("denoise_gaussian", {"width": 0.8})
    noisy, clean = (rehearsed(photons=p).of(blurred) for p in (300.0, 1e7))
    assert noisy.shape == (RESPONSE,)
    assert noisy[0] == clean[0] == 1
    assert noisy[1] > max(clean[1], 0.05)


def test_destriping_takes_stripes_out() -> None:
    ringed = rehearsed(photons=1e6, rings=1.0)
    assert ringed.of(Step("stripe_mean", {"strength": 9}))[3] < -0.5
    assert ringed.of(Step("denoise_gaussian", {"width": 0.8}))[3] == 0


def test_halves_share_less_of_a_noisy_scan() -> None:
    assert rehearsed(photons=300.0).slice[0] < rehearsed(photons=1e7).slice[0] - 0.5
    assert rehearsed(photons=300.0).slice.shape == (SLICE,)


def test_a_setting_that_was_not_tried_is_taken_for_another_of_its_tool() -> None:
    found = rehearsed(photons=300.0)
    gaussian = Step("denoise_gaussian", {"width": 0.8})
    np.testing.assert_array_equal(found.of(Step("denoise_gaussian")), found.of(gaussian))
    np.testing.assert_array_equal(found.of(Step("mbir")), 0)


def test_nothing_is_tried_without_a_preview() -> None:
    assert rehearse(inspection(scan_info())) is NOTHING


def test_a_wide_row_is_binned_with_its_views() -> None:
    world = World("foam", columns=600, rows=1, projections=90, seed=2)
    seen = inspect_scan(simulate(world), 60)
    assert seen.preview is not None
    assert seen.center is not None
    row, center = small(seen.preview.attenuation, seen.center)
    assert row.values.shape == (1, 30, 200)
    assert row.values.shape[-1] <= WIDEST
    assert len(row.geometry.angles_rad) == 30
    assert abs(center.column - seen.center.column / 3) < 0.5


def test_the_table_of_tries_gives_back_what_it_was_given(tmp_path) -> None:  # type: ignore[no-untyped-def]
    found = rehearsed(photons=300.0)
    again = unpacked(packed(found), found.slice)
    for step in TRIED:
        np.testing.assert_array_equal(again.of(step), found.of(step))
    path = tmp_path / "tried.h5"
    seen = [np.zeros(128, np.float32), np.ones(128, np.float32)]
    save(path, ["a", "b"], [found, NOTHING], seen)
    kept = tried(path)
    assert set(kept.rehearsals) == {"a", "b"}
    assert set(kept.seen) == {"b"}
    np.testing.assert_allclose(kept.rehearsals["a"].slice, found.slice, rtol=1e-3)
    assert tried(tmp_path / "none.h5").rehearsals == {}
