"""Counts without flats become transmission by the air beside the specimen, where it is seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from metadata import open_scan
from metadata.errors import InputError
from metadata.nxtomo_writer import write_nxtomo
from metadata.scan import Scan
from metadata.scan_info import GreyState
from planner.inspection import inspect_scan
from planner.service import plan, run
from simulators import World, simulate
from tests.planner.situations import FixedCosts
from toolbox.recipe import Step, wire
from toolbox.tools.correct.air_normalisation import AirNormalisation

FOAM = World("foam", columns=96, rows=1, projections=90, photons=5e4)


def without_flats(scan: Scan, path: Path, columns: slice = slice(None)) -> Path:
    darks = scan.darks()[..., columns]
    frames = scan.projections()[..., columns]
    angles = np.asarray(scan.info.angles_rad)
    return write_nxtomo(path, frames.astype(np.uint16), angles, darks=darks.astype(np.uint16))


def test_a_simulated_scan_is_planned_and_run(tmp_path: Path) -> None:
    scan = simulate(FOAM)
    path = without_flats(scan, tmp_path / "bare.nxs")
    found = plan("reconstruct", path, costs=FixedCosts())
    assert found.refusal is None
    assert any("no flat fields" in warning for warning in found.warnings)
    assert "air_normalisation" in {node.tool for node in found.best.pipeline.nodes}
    steps = [Step("minus_log"), Step("known_center", {"column": scan.truth_center}), Step("fbp")]
    run(wire((Step("air_normalisation"), *steps)), path, tmp_path / "bare.h5")
    with open_scan(tmp_path / "bare.h5") as volume:
        made = volume.projections()[:, 0]
    assert np.corrcoef(made.ravel(), scan.truth(0).ravel())[0, 1] > 0.9


def test_the_tooth_without_flats_looks_as_it_does_with_them(data: Path, tmp_path: Path) -> None:
    with open_scan(data / "projections" / "tooth_aps_dx.h5") as scan:
        with_flats = inspect_scan(scan).traits
        path = without_flats(scan, tmp_path / "tooth.nxs")
        cut = without_flats(scan, tmp_path / "cut.nxs", slice(250, 350))
    found = plan("reconstruct", path, costs=FixedCosts())
    assert found.refusal is None
    assert found.situation is not None
    assert found.situation.info.state is GreyState.COUNTS
    traits = found.situation.traits
    assert traits.value("signal") == pytest.approx(with_flats.value("signal"), rel=0.1)
    assert traits.value("center_px") == pytest.approx(296.0, abs=1.0)
    assert traits.value("truncation") < 0.05
    assert traits.value("rings") > with_flats.value("rings")
    assert "no flat fields" in (plan("reconstruct", cut, costs=FixedCosts()).refusal or "")


def test_counts_without_air_are_refused_by_the_tool() -> None:
    wide = simulate(World("foam", columns=128, rows=2, projections=60, fill=1.3, photons=1e4))
    from planner.preview import read_block

    block = read_block(wide, np.arange(2), np.arange(60))
    for columns in (None, 0):
        with pytest.raises(InputError, match="no air is seen"):
            AirNormalisation(columns=columns)(projections=block)
