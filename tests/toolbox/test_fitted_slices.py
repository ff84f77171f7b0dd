"""Deep image prior and GANrec: they fit the measured projections, and better than they began."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

import numpy as np
import pytest

from metadata import WorkError
from simulators import World, simulate
from simulators.training.attenuation import attenuation
from toolbox import Block, Center, Shape, make_tool
from toolbox.metrics import ssim_in_circle
from toolbox.operators.blocks import as_tensor, operator_for

NAMES = ("tomodip_tv", "ganrec")
STEPS = 40
each = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(scope="module")
def limited() -> tuple[Block, Center, Any]:
    """A phantom behind 110°, its axis and its slice."""
    scan = simulate(
        World("shepp_logan", columns=48, rows=1, projections=50, range_deg=110.0, seed=3)
    )
    center = Center(scan.truth_center, scan.truth_center, scan.truth_center)
    return attenuation(scan), center, scan.truth(0)[None]


def misfit(sinogram: Block, center: Center, slices: Any) -> float:
    """Mean square difference between the projections of slices and those measured."""
    import torch

    A = operator_for(sinogram, center)
    return float((A(torch.from_numpy(slices)) - as_tensor(sinogram)).square().mean())


@each
def test_it_fits_the_projections_and_comes_nearer_to_the_truth(
    name: str, limited: tuple[Block, Center, Any]
) -> None:
    sinogram, center, truth = limited
    plain = make_tool("fbp", {})(sinogram=sinogram, center=center).values
    made = make_tool(name, {"steps": STEPS})(sinogram=sinogram, center=center).values
    assert misfit(sinogram, center, made) < 0.1 * misfit(sinogram, center, plain)
    assert ssim_in_circle(made, truth) > ssim_in_circle(plain, truth) + 0.03
    assert made.min() >= 0


@each
def test_a_row_knows_nothing_of_its_neighbours_or_of_the_unit(
    name: str, limited: tuple[Block, Center, Any]
) -> None:
    sinogram, center, _ = limited
    pair = dataclasses.replace(
        sinogram,
        values=np.concatenate([sinogram.values, 3 * sinogram.values]),
        geometry=dataclasses.replace(sinogram.geometry, rows=2),
        rows=np.arange(2),
    )
    tool = make_tool(name, {"steps": 5})
    both = tool(sinogram=pair, center=center).values
    alone = tool(sinogram=pair.take_rows(slice(1, 2)), center=center).values
    np.testing.assert_array_equal(both[1:], alone)
    spread = float(both[0].max())
    # a unit changes the last digit, which the steps and bfloat16 make more of
    np.testing.assert_allclose(both[1] / 3, both[0], rtol=0, atol=0.05 * spread)


@each
def test_nothing_and_values_that_are_not_finite(
    name: str, limited: tuple[Block, Center, Any]
) -> None:
    sinogram, center, _ = limited
    tool = make_tool(name, {"steps": 3})
    empty = tool(sinogram=sinogram.with_values(0 * sinogram.values), center=center)
    assert not empty.values.any()
    values = sinogram.values.copy()
    values[0, 4, 20], values[0, 9, 7] = np.nan, np.inf
    spoiled = sinogram.with_values(values)
    assert any("2 values" in note for note in tool.tune(sinogram=spoiled, center=center).notes)
    assert np.isfinite(tool(sinogram=spoiled, center=center).values).all()


def test_total_variation_flattens_and_the_discriminator_has_a_say(
    limited: tuple[Block, Center, Any],
) -> None:
    sinogram, center, _ = limited

    def steepness(strength: float) -> float:
        tool = make_tool("tomodip_tv", {"steps": 30, "strength": strength})
        return float(np.abs(np.diff(tool(sinogram=sinogram, center=center).values)).sum())

    assert steepness(5.0) < 0.8 * steepness(0.0)
    with_it, without = (
        make_tool("ganrec", {"steps": 10, "adversarial": w})(sinogram=sinogram, center=center)
        for w in (0.05, 0.0)
    )
    assert np.abs(with_it.values - without.values).max() > 0


@each
def test_a_run_away_fit_is_an_error_in_words(
    name: str, limited: tuple[Block, Center, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    sinogram, center, _ = limited
    module = sys.modules[type(make_tool(name, {})).__module__]
    monkeypatch.setattr(module, "RATE", float("inf"))
    with pytest.raises(WorkError, match="ran away at step 2"):
        make_tool(name, {"steps": 3})(sinogram=sinogram, center=center)


@each
def test_cost_follows_steps_and_rows(name: str) -> None:
    short, long = (make_tool(name, {"steps": n}) for n in (100, 1000))
    one, ten = (Shape(100, rows, 128) for rows in (1, 10))
    assert long.cost(sinogram=one).operations > 4 * short.cost(sinogram=one).operations
    assert short.cost(sinogram=ten).operations == 10 * short.cost(sinogram=one).operations
    assert short.cost(sinogram=ten).bytes == short.cost(sinogram=one).bytes
    assert short.cost(sinogram=Shape(1800, 1, 2048)).bytes < 8 * 2**30
