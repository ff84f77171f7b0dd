"""Corrections of the beam: its strength, its movement."""

import dataclasses

import numpy as np
import pytest

from metadata.errors import InputError
from simulators import World, simulate
from toolbox.kinds import DataKind, GreyState
from toolbox.tools.correct.air_normalisation import AirNormalisation
from toolbox.tools.correct.dynamic_flat_field import DynamicFlatField
from toolbox.tools.correct.flat_field import FlatField
from toolbox.tools.correct.interpolated_flat_field import InterpolatedFlatField
from toolbox.tools.correct.monitor_normalisation import MonitorNormalisation
from toolbox.tools.correct.small_counts import small_counts
from toolbox.values import Block, Geometry


def block_of(scan) -> Block:
    info = scan.info
    return Block(
        scan.projections(), DataKind.PROJECTIONS, GreyState.COUNTS, Geometry.of(info),
        np.arange(info.rows), np.arange(info.projections),
        flats=scan.flats(), darks=scan.darks(), monitor=scan.monitor(),
    )  # fmt: skip


def error(values: np.ndarray, truth: np.ndarray) -> float:
    return float(np.sqrt(np.mean((values - truth) ** 2)))


@pytest.fixture(scope="module")
def fading() -> tuple[Block, np.ndarray]:
    """A beam that loses a third during the scan, and the true transmission."""
    scan = simulate(World(columns=128, rows=2, projections=60, monitor_drop=0.33, photons=1e5))
    truth = np.stack([np.exp(-scan.line_integrals(r)) for r in range(2)], axis=1)
    return block_of(scan), truth


def test_monitor_takes_a_fading_beam_out(fading):
    block, truth = fading
    plain = FlatField()(projections=block)
    tuned = MonitorNormalisation().tune(projections=plain)
    assert "vary by 40 %" in tuned.notes[0]
    result = tuned.tool(projections=plain)
    assert result.monitor is None
    # The monitor during the flats is unknown, so one factor for the whole scan stays.
    scale = np.median(truth / result.values)
    assert error(result.values * scale, truth) < 0.01 < 0.1 < error(plain.values, truth)


def test_monitor_gaps_leave_their_projections(fading):
    plain = FlatField()(projections=fading[0])
    monitor = np.array(plain.monitor)
    monitor[[3, 5]] = np.nan, 0.0
    gappy = dataclasses.replace(plain, monitor=monitor)
    tuned = MonitorNormalisation().tune(projections=gappy)
    assert "2 readings" in tuned.notes[1]
    result = tuned.tool(projections=gappy)
    np.testing.assert_array_equal(result.values[[3, 5]], plain.values[[3, 5]])


def test_scan_without_monitor_is_told_so(fading):
    block = dataclasses.replace(fading[0], monitor=None)
    with pytest.raises(InputError, match="air_normalisation"):
        MonitorNormalisation()(projections=block)


def test_air_takes_a_fading_beam_out_whole(fading):
    block, truth = fading
    plain = FlatField()(projections=block)
    tuned = AirNormalisation().tune(projections=plain)
    assert 3 <= tuned.tool.columns < 12  # where the sample begins
    assert "varied by" in tuned.notes[0]
    assert error(tuned.tool(projections=plain).values, truth) < 0.01


def test_a_sample_that_fills_the_view_has_no_air():
    scan = simulate(World("foam", columns=128, rows=2, projections=60, fill=1.3, photons=1e4))
    plain = FlatField()(projections=block_of(scan))
    tuned = AirNormalisation().tune(projections=plain)
    assert tuned.tool.columns == 0
    assert "no air" in tuned.notes[0]
    np.testing.assert_array_equal(tuned.tool(projections=plain).values, plain.values)


def test_flats_before_and_after_follow_a_fading_beam():
    block = small_counts(fade=0.8, frames=60)
    even = small_counts(fade=1.0, frames=60)
    truth = FlatField()(projections=even).values
    followed = InterpolatedFlatField(flats_before=5)(projections=block).values
    assert (
        error(followed, truth) < 0.015 < 0.04 < error(FlatField()(projections=block).values, truth)
    )
    with pytest.raises(InputError, match="none came after"):
        InterpolatedFlatField(flats_before=10)(projections=block)


def test_the_order_of_the_frames_tells_which_flats_came_before():
    block = small_counts(fade=0.8, frames=60)
    told = InterpolatedFlatField(flats_before=5)(projections=block).values
    tuned = InterpolatedFlatField().tune(projections=block)
    assert tuned.notes == ("5 flats came before the projections, 5 after.",)
    np.testing.assert_array_equal(tuned.tool(projections=block).values, told)
    np.testing.assert_array_equal(InterpolatedFlatField()(projections=block).values, told)
    for before, text in ((None, "Nothing tells which of the 10 flats"), (0, "came after"),
                         (10, "came before")):  # fmt: skip
        geometry = dataclasses.replace(block.geometry, flats_before=before)
        other = dataclasses.replace(block, geometry=geometry)
        with pytest.raises(InputError, match=text):
            InterpolatedFlatField().tune(projections=other)


def moving_beam(flats: int = 40, frames: int = 30) -> tuple[Block, np.ndarray]:
    """Horizontal beam stripes that wander by some pixels, in the flats and in the projections."""
    rng = np.random.default_rng(5)
    rows, columns = 64, 96
    y, x = np.mgrid[:rows, :columns]
    gain = 1 + 0.02 * rng.standard_normal((rows, columns))

    def beam(shift: float) -> np.ndarray:
        return 2e4 * gain * (1 + 0.15 * np.sin(2 * np.pi * (y + shift) / 19.0 + x / 40))

    radius2 = 30.0**2 - (x - 47.5) ** 2 + 0 * y
    truth = np.exp(-0.02 * np.sqrt(np.maximum(radius2, 0))) * (1 - 0.2 * ((x // 9 + y // 11) % 2))
    truth = np.repeat(truth[None], frames, axis=0)
    shifts = rng.normal(0, 1.5, flats + frames)
    seen = np.stack([rng.poisson(beam(s) * truth[0]) for s in shifts[flats:]])
    empty = np.stack([rng.poisson(beam(s)) for s in shifts[:flats]])
    block = Block(
        (100 + seen).astype(np.float32), DataKind.PROJECTIONS, GreyState.COUNTS,
        Geometry(np.linspace(0, np.pi, frames), rows, columns), np.arange(rows), np.arange(frames),
        flats=(100 + empty).astype(np.float32), darks=np.full((3, rows, columns), 100, np.float32),
    )  # fmt: skip
    return block, truth


def relative(values: np.ndarray, truth: np.ndarray) -> float:
    return float(np.std(values / truth))


def test_eigen_flats_follow_a_moving_beam():
    block, truth = moving_beam()
    tuned = DynamicFlatField().tune(projections=block)
    assert 2 <= tuned.tool.components <= 4
    assert "stand out of the noise" in tuned.notes[0]
    plain = relative(FlatField()(projections=block).values, truth)
    followed = relative(tuned.tool(projections=block).values, truth)
    # Photon noise alone: about 0.01. The plain correction leaves the stripes' movement.
    assert plain > 0.05
    assert followed < 0.015


def test_few_flats_or_a_still_beam_are_the_plain_correction_and_say_so():
    block, _ = moving_beam(flats=3, frames=4)
    tuned = DynamicFlatField().tune(projections=block)
    assert tuned.tool.components == 0
    assert "3 flats cannot" in tuned.notes[0]
    np.testing.assert_allclose(
        tuned.tool(projections=block).values, FlatField()(projections=block).values, rtol=1e-5
    )
    still = small_counts(rows=32)
    tuned = DynamicFlatField().tune(projections=still)
    assert tuned.tool.components == 0
    assert "noise alone" in tuned.notes[0]
