"""The axis by a network: patches are right, the search finds what the scores say, and the
trained network finds the axis of scans that it never saw."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulators import World
from simulators.training.parts.center_cnn import scanned
from toolbox import DataKind, make_tool
from toolbox.centering.estimate import axis_prior
from toolbox.centering.evidence import Curves
from toolbox.centering.patches import patches, spread_places
from toolbox.centering.sample import Sample
from toolbox.tools.center import cnn
from toolbox.values import Center

WORLD = World("foam", columns=160, rows=1, projections=150, center=83.3, photons=3e4, seed=5)
# Real scans, their axes and how near it comes, px; where they cannot tell, it says so. Found by
# reconstructing at many candidates, see planner/benchmarks/center.py
REAL = {
    "projections/tooth_aps_dx.h5": (296.0, 0.5),
    "projections/i13_24737_nxtomo.nxs": (85.75, 0.6),
    "sinograms/neutron_360.h5": (245.25, 0.6),
    "sinograms/neutron_360_halfacq_crop.h5": (40.25, 0.6),
}
UNSURE = {"conditions/sparse_100proj.h5": 1275.0, "conditions/limited_angle_0_126.h5": 1275.0}


def evenness() -> Any:
    """A network that was not trained: patches are the worse the rarer their peaks, for round pores
    turn into cusps about a wrong axis."""
    from torch import nn

    class Peaks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gain = nn.Parameter(1 + 0 * nn.Linear(1, 1).weight.detach().sum())

        def forward(self, x: Any) -> Any:
            power = (x**2).mean((1, 2, 3))
            return -self.gain * ((x**4).mean((1, 2, 3)) / power**2).log()

    return Peaks().eval()


def test_a_patch_is_the_slice_at_its_place() -> None:
    """A pin off the axis is in the middle of the patch there, sharpest about the right axis."""
    from toolbox.centering.views import Views

    angles = np.pi * np.arange(180) / 180
    x, y, center, columns = 21.0, -13.0, 66.0, 128
    u = np.arange(columns) - (center + x * np.cos(angles) + y * np.sin(angles))[:, None]
    values = np.exp(-0.5 * (u / 1.2) ** 2).astype(np.float32)[None]
    views = Views(values, angles, np.zeros(1), 1, np.ones(1), 8.0)
    found = patches(views, np.array([62.0, 66.0, 70.0]), np.array([[x, y]]), 32)
    assert found.shape == (1, 1, 3, 32, 32)
    right = found[0, 0, 1]
    assert np.unravel_index(right.argmax(), right.shape) == (16, 16)
    assert right.max() > 1.5 * max(found[0, 0, 0].max(), found[0, 0, 2].max())
    assert np.sqrt((found**2).mean()) == pytest.approx(1, rel=1e-4)


def test_places_lie_evenly_within_reach() -> None:
    places = spread_places(50, 40.0)
    assert np.hypot(*places.T).max() <= 40
    assert np.abs(places.mean(axis=0)).max() < 3


def test_candidates_cover_what_is_possible_then_what_lies_near_the_best() -> None:
    sample, truth = scanned(WORLD)
    prior = axis_prior(sample)
    first = cnn.candidates(prior, 2.0)
    assert first[0] <= prior.columns[0]
    assert first[-1] >= prior.columns[-1]
    assert np.ptp(np.diff(first)) < 1e-9
    later = cnn.candidates(prior, 0.5, [truth, truth + 20], 3.0)
    assert len(later) < 30
    assert np.min(np.abs(later - truth)) < 0.5
    away = np.minimum(np.abs(later - truth), np.abs(later - truth - 20))
    assert away.max() <= 3.0


def test_what_is_left_out_is_still_possible_but_never_the_best() -> None:
    known = axis_prior(scanned(WORLD)[0])
    parts = np.array([[1.0, 3.0, 2.0], [0.0, 5.0, 4.0]])
    few = Curves("cnn", np.array([80.0, 80.5, 81.0]), parts, np.zeros(2))
    wide = cnn.spanning(known, few, 0.5, "cnn")
    assert wide.columns[0] < known.columns[0]
    assert wide.columns[-1] > known.columns[-1]
    assert (np.diff(wide.columns) > 0).all()
    assert wide.columns[1] - wide.columns[0] == pytest.approx(0.5)
    assert wide.columns[wide.parts.sum(axis=0).argmax()] == 80.5


@pytest.mark.parametrize(("columns", "views", "bin_"), [(160, 150, 1), (2560, 100, 6)])
def test_few_views_are_not_looked_at_too_finely(columns: int, views: int, bin_: int) -> None:
    angles = np.pi * np.arange(views) / views
    sample = Sample(np.zeros((1, views, columns), np.float32), angles, np.zeros(1), 1)
    assert cnn.finest_bin(sample) == bin_


def test_the_search_finds_what_the_scores_prefer() -> None:
    sample, truth = scanned(WORLD)
    found = cnn.find(evenness(), sample)
    assert found.column == pytest.approx(truth, abs=0.5)
    assert found.low <= found.column <= found.high
    assert found.method == "cnn"


@pytest.mark.parametrize(
    "world",
    [
        World("trabecular_bone", columns=192, rows=1, projections=160, center=99.2, photons=1e4),
        World("concrete", columns=192, rows=1, projections=300, range_deg=360.0, center=90.4,
              photons=2e4),
        World("integrated_circuit", columns=180, rows=1, projections=70, center=86.0, photons=3e4),
    ],
    ids=lambda world: world.specimen,
)  # fmt: skip
def test_the_trained_network_finds_the_axis_of_unseen_families(world: World) -> None:
    from simulators import simulate
    from simulators.training.attenuation import attenuation

    scan = simulate(world)
    found = make_tool("center_cnn", {})(sinogram=attenuation(scan))
    assert found.column == pytest.approx(scan.truth_center, abs=0.5)


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
def test_the_trained_network_is_right_on_real_scans(data: Path, name: str) -> None:
    truth, near = REAL[name]
    found = _found(data / name)
    assert found.column == pytest.approx(truth, abs=near)
    assert not found.warnings


@pytest.mark.slow
@pytest.mark.parametrize("name", UNSURE)
def test_it_says_where_a_real_scan_does_not_tell_it(data: Path, name: str) -> None:
    found = _found(data / name)
    assert found.low <= UNSURE[name] <= found.high
    assert "cannot tell" in found.warnings[0]


def _found(path: Path) -> Center:
    from metadata import open_scan
    from planner.preview import correct, read_block, spread_rows

    with open_scan(path) as scan:
        rows = spread_rows(scan.info.rows, 5)
        block = read_block(scan, rows, np.arange(scan.info.projections))
    sinogram = correct(block)[1].as_kind(DataKind.SINOGRAM)
    found = make_tool("center_cnn", {})(sinogram=sinogram)
    assert isinstance(found, Center)
    return found
