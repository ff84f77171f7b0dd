"""Projections far too bright or too dark do not change the volume that a request gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metadata import open_scan
from metadata.nxtomo_writer import write_nxtomo
from planner.inspection import inspect_scan
from planner.service import propose_plans, run
from planner.situation import assess
from planner.task import Goal, Intent, Task
from simulators import World, simulate
from tests.planner.situations import FixedCosts, situation

FOAM = World("foam", columns=64, rows=1, projections=90, photons=3e4)
COSTS = FixedCosts(tv=60.0, sirt=60.0, cgls=60.0, mbir=100.0, denoise_nlm=9.0, denoise_bm3d=9.0)
TASK = Task(Intent.PLAN, (Goal.RECONSTRUCT,))


def volume(path: Path, frames: Any) -> tuple[Any, list[str], tuple[str, ...]]:
    """What the first plan for a written scan makes, its tools, and what reading warned of."""
    scan = simulate(FOAM)
    dtype = frames.dtype
    write_nxtomo(path, frames, np.asarray(scan.info.angles_rad), flats=scan.flats().astype(dtype),
                 darks=scan.darks().astype(dtype))  # fmt: skip
    with open_scan(path) as opened:
        seen = inspect_scan(opened)
    best = propose_plans(assess(TASK, [seen]), costs=COSTS)[0]
    run(best, path, path.with_suffix(".h5"))
    with open_scan(path.with_suffix(".h5")) as made:
        return made.projections(), [n.tool for n in best.pipeline.nodes], seen.warnings


@pytest.mark.parametrize(("dtype", "value"), [(np.float32, 1e6), (np.uint16, 60000)])
def test_a_bright_projection_leaves_the_volume_as_it_is(
    tmp_path: Path, dtype: Any, value: float
) -> None:
    frames = simulate(FOAM).projections().astype(dtype)
    whole, tools, _ = volume(tmp_path / "good.nxs", frames)
    frames[40] = value
    mended, same, warnings = volume(tmp_path / "bright.nxs", frames)
    assert any("far brighter" in warning and "(40)" in warning for warning in warnings)
    assert same == tools
    assert np.corrcoef(whole.ravel(), mended.ravel())[0, 1] > 0.99


def test_a_trait_of_lost_projections_brings_their_repair() -> None:
    found = propose_plans(situation(TASK, lost_frames=0.02), costs=FixedCosts())
    assert all("bad_frames" in {n.tool for n in plan.pipeline.nodes} for plan in found)
    calm = propose_plans(situation(TASK), costs=FixedCosts())
    assert not any("bad_frames" in {n.tool for n in plan.pipeline.nodes} for plan in calm)


def test_a_projection_of_double_exposure_is_seen_as_lost_and_not_as_zingers() -> None:
    scan = simulate(FOAM)
    usual = inspect_scan(scan).traits
    read = scan.projections

    def doubled(*where: Any, **named: Any) -> Any:
        values = read(*where, **named).copy()
        angles = where[0] if where else named.get("angles", slice(None))
        values[np.arange(90)[angles] == 40] *= 3.5
        return values

    scan.projections = doubled  # type: ignore[method-assign]
    traits = inspect_scan(scan).traits
    assert usual.value("lost_frames") == 0
    assert traits.value("lost_frames") == pytest.approx(1 / 90, rel=0.5)
    assert traits.value("zingers") < usual.value("zingers") + 1e-4
