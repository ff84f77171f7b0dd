"""Moving projections by known shifts."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from metadata.errors import InputError
from toolbox.kinds import DataKind, GreyState
from toolbox.tools.align.apply_shifts import ApplyShifts
from toolbox.values import Block, Geometry, Shifts


def smooth(shifts: NDArray) -> Block:
    """A soft blob in each frame, moved by its shift."""
    row, col = np.mgrid[:40, :60].astype(float)
    frames = [np.exp(-((row - 20 - r) ** 2) / 60 - (col - 30 - c) ** 2 / 80) for r, c in shifts]
    angles = np.linspace(0, np.pi, len(shifts), endpoint=False)
    return Block(
        np.asarray(frames, np.float32), DataKind.PROJECTIONS, GreyState.ATTENUATION,
        Geometry(angles, 40, 60), np.arange(40), np.arange(len(shifts)),
    )  # fmt: skip


SHIFTS = np.random.default_rng(4).uniform(-4, 4, (12, 2))


def test_projections_come_back_to_their_places() -> None:
    moved = smooth(SHIFTS)
    restored = ApplyShifts()(projections=moved, shifts=Shifts(SHIFTS))
    assert np.abs(moved.values - smooth(0 * SHIFTS).values).max() > 0.3
    inside = np.s_[:, 6:-6, 6:-6]
    expected = smooth(0 * SHIFTS).values
    np.testing.assert_allclose(restored.values[inside], expected[inside], atol=0.003)


def test_whole_pixels_are_moved_exactly() -> None:
    noise = np.random.default_rng(0).normal(size=(2, 5, 30)).astype(np.float32)
    stack = dataclasses.replace(smooth(np.zeros((2, 2))), values=noise, rows=np.arange(5))
    moved = ApplyShifts()(projections=stack, shifts=Shifts(np.array([[0.0, 3.0], [0.0, -2.0]])))
    np.testing.assert_array_equal(moved.values[0, :, :-3], noise[0, :, 3:])
    np.testing.assert_array_equal(moved.values[1, :, 2:], noise[1, :, :-2])


def test_slabs_with_their_halo_give_the_same_rows() -> None:
    stack, shifts = smooth(SHIFTS), Shifts(SHIFTS)
    tuned = ApplyShifts().tune(projections=stack, shifts=shifts)
    tool = tuned.tool
    assert isinstance(tool, ApplyShifts)
    assert tool.max_vertical_px == pytest.approx(np.abs(SHIFTS[:, 0]).max())
    halo = tool.halo()
    assert halo == int(np.ceil(np.abs(SHIFTS[:, 0]).max())) + 2
    whole = tool(projections=stack, shifts=shifts).values
    for start in range(0, 40, 8):
        low = max(start - halo, 0)
        slab = tool(projections=stack.take_rows(slice(low, start + 8 + halo)), shifts=shifts)
        np.testing.assert_array_equal(
            slab.values[:, start - low : start - low + 8], whole[:, start : start + 8]
        )


def test_without_vertical_shifts_rows_stand_alone() -> None:
    flat = SHIFTS * [0, 1]
    tool = ApplyShifts().tune(projections=smooth(flat), shifts=Shifts(flat, "test")).tool
    assert tool.halo() == 0
    note = ApplyShifts().tune(projections=smooth(flat), shifts=Shifts(flat, "test")).notes[0]
    assert note.startswith("shifts (test): RMS ")


def test_a_slab_of_angles_takes_its_own_shifts() -> None:
    stack, shifts = smooth(SHIFTS), Shifts(SHIFTS)
    part = dataclasses.replace(
        stack, values=stack.values[7:], frames=stack.frames[7:],
        geometry=dataclasses.replace(stack.geometry, angles_rad=stack.geometry.angles_rad[7:]),
    )  # fmt: skip
    np.testing.assert_array_equal(
        ApplyShifts()(projections=part, shifts=shifts).values,
        ApplyShifts()(projections=stack, shifts=shifts).values[7:],
    )


def test_warnings_of_the_measurement_are_passed_on() -> None:
    shifts = Shifts(SHIFTS, "test", ("the sample is wider than the field",))
    notes = ApplyShifts().tune(projections=smooth(SHIFTS), shifts=shifts).notes
    assert notes[1] == "warning: the sample is wider than the field"


def test_too_few_shifts_and_too_small_a_halo_are_errors() -> None:
    with pytest.raises(InputError, match="shifts for 5 projections, but the stack holds number 12"):
        ApplyShifts()(projections=smooth(SHIFTS), shifts=Shifts(SHIFTS[:5]))
    with pytest.raises(InputError, match=r"max_vertical_px is 1\.00"):
        ApplyShifts(max_vertical_px=1.0)(projections=smooth(SHIFTS), shifts=Shifts(SHIFTS))
