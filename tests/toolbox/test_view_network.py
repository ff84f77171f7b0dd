"""The view network: what it is told lies where it should, the unit and the order of views do not
matter, and slices gain by the views that it adds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulators import World, simulate
from simulators.training.attenuation import attenuation
from simulators.training.parts.fbpconvnet import cases
from simulators.training.parts.view_network import Part, Sparse, reconstructed
from toolbox.learned.weights import trained
from toolbox.operators.blocks import as_tensor, operator_for
from toolbox.registry import make_tool
from toolbox.tools.reconstruct import view_network as tool
from toolbox.values import Center

HELD_OUT = ("trabecular_bone", "concrete", "integrated_circuit")  # of every training


@pytest.fixture(scope="module")
def net() -> Any:
    return trained("view_network", tool.network)


def scan(columns: int = 96, **settings: Any) -> tuple[Any, Center]:
    """A sinogram block of two rows and its axis."""
    asked = {"projections": 60, "photons": 2e4, "seed": 4} | settings
    seen = simulate(World("foam", columns=columns, rows=2, **asked))
    column = seen.truth_center
    return attenuation(seen), Center(column, column, column)


def test_views_between_are_those_of_a_finer_scan() -> None:
    world = World("foam", columns=64, rows=1, projections=30, photons=None, start_deg=20.0)
    coarse, fine = (simulate(World(**{**vars(world), "projections": n})) for n in (30, 120))
    np.testing.assert_allclose(tool.between(coarse.info.angles_rad), fine.info.angles_rad)


def test_looks_tell_of_the_measured_views_as_they_are() -> None:
    sinogram, center = scan()
    A = operator_for(sinogram, center)
    _, found = tool.looks(A, as_tensor(sinogram))
    assert found[1].shape == (tool.LOOKS, 240, 96)
    np.testing.assert_allclose(found[1][0, ::4], sinogram.values[1], rtol=1e-5)
    middle = (sinogram.values[1, 7] + sinogram.values[1, 8]) / 2
    np.testing.assert_allclose(found[1][0, 30], middle, rtol=1e-4, atol=1e-5)
    # measured views come back through the reconstruction, nearly
    over = found[1][1, ::4]
    assert np.abs(over).mean() < 0.1 * sinogram.values.mean()


def test_the_loss_is_less_for_the_truth_than_for_straight_lines() -> None:
    import torch

    class Told(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return x[:, 0]

    options = {"families": ["foam"], "held_out": [], "crop": [20, 64], "columns": [80, 96]}
    part = Part(options)
    examples = [part.example(np.random.default_rng(i)) for i in range(2)]
    batch = {
        k: torch.from_numpy(v) for k, v in part.batch(examples, np.random.default_rng(0)).items()
    }
    assert batch["truth"].shape == (2, 80, 64)
    straight = float(part.loss(Told(), batch))
    told = batch | {"looks": batch["truth"][:, None].repeat(1, 2, 1, 1)}
    assert float(part.loss(Told(), told)) < straight - 1


def test_the_unit_does_not_matter(net: Any) -> None:
    sinogram, center = scan()
    plain = tool.ViewNetwork()(sinogram=sinogram, center=center).values
    more = sinogram.with_values(50 * sinogram.values)
    scaled = tool.ViewNetwork()(sinogram=more, center=center).values
    np.testing.assert_allclose(scaled / 50, plain, rtol=0, atol=0.03 * float(np.ptp(plain)))


def test_views_in_any_order_give_the_same_slices(net: Any) -> None:
    import dataclasses

    sinogram, center = scan()
    plain = tool.ViewNetwork()(sinogram=sinogram, center=center).values
    order = np.random.default_rng(0).permutation(60)
    geometry = dataclasses.replace(
        sinogram.geometry, angles_rad=sinogram.geometry.angles_rad[order]
    )
    mixed = dataclasses.replace(sinogram, values=sinogram.values[:, order], geometry=geometry)
    found = tool.ViewNetwork()(sinogram=mixed, center=center).values
    np.testing.assert_allclose(found, plain, rtol=0, atol=0.02 * float(np.ptp(plain)))


@pytest.mark.parametrize(("columns", "views"), [(40, 60), (77, 61), (64, 2)])
def test_slices_of_any_size_row_by_row(columns: int, views: int) -> None:
    sinogram, center = scan(columns, projections=views)
    both = tool.ViewNetwork()(sinogram=sinogram, center=center).values
    assert both.shape == (2, columns, columns)
    assert np.isfinite(both).all()
    second = tool.ViewNetwork()(sinogram=sinogram.take_rows(slice(1, 2)), center=center).values
    np.testing.assert_allclose(second[0], both[1], atol=0.02 * float(np.ptp(both)))


def test_tiles_give_nearly_what_the_whole_gives(net: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    case = cases(5, 1, ["foam"], (320, 320))[0]
    looks = Sparse.of(case).looks[:, :160]
    whole = tool.clean(net, looks)
    monkeypatch.setattr(tool, "TILE", 192)
    tiles = tool.clean(net, looks)
    assert np.abs(tiles - whole).mean() < 0.05 * np.abs(whole - looks[0]).mean()


def test_slices_of_families_that_it_never_saw_gain(net: Any) -> None:
    gains = [
        case.psnr(reconstructed(net, case)) - case.psnr(case.slice)
        for case in cases(17, len(HELD_OUT), HELD_OUT, (192, 192))
    ]
    assert np.mean(gains) > 3, f"dB over filtered back-projection: {gains}"


def test_one_view_is_as_good_as_back_projection_makes_it() -> None:
    sinogram, center = scan(32, projections=1)
    found = tool.ViewNetwork()(sinogram=sinogram, center=center).values
    plain = make_tool("fbp", {})(sinogram=sinogram, center=center).values
    assert np.isfinite(found).all()
    assert found.shape == plain.shape
