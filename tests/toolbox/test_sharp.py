"""SHARP: it begins as filtered back-projection, sizes, units and rows do not matter, and it gains
where its card says so."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from simulators import World, simulate
from simulators.training.attenuation import attenuation
from simulators.training.parts import sharp as part
from toolbox.learned.weights import trained
from toolbox.operators.blocks import as_tensor, operator_for
from toolbox.registry import make_tool
from toolbox.tools.reconstruct import sharp as tool
from toolbox.values import Center

HELD_OUT = ("trabecular_bone", "concrete", "integrated_circuit")  # of every training
OPTIONS = {"families": ["foam"], "held_out": [], "validation": 1, "choice": 1, "test": 1}


@pytest.fixture(scope="module")
def nets() -> Any:
    return trained("sharp", tool.network)


def scan(columns: int = 96, **settings: Any) -> tuple[Any, Center]:
    """A sinogram block of two rows and its axis."""
    asked = {"projections": 150, "photons": 2e3, "rings": 0.5, "seed": 4} | settings
    seen = simulate(World("foam", columns=columns, rows=2, **asked))
    column = seen.truth_center
    return attenuation(seen), Center(column, column, column)


@pytest.mark.parametrize("columns", [70, 256, 300, 700])
def test_the_layer_begins_with_the_views_and_what_all_share(columns: int) -> None:
    import torch

    rng = np.random.default_rng(0)
    y = torch.from_numpy(rng.normal(size=(2, 5, columns)).astype(np.float32))

    def made(lines: Any) -> Any:
        return tool.connect(tool.beginning(), lines).numpy()

    found = made(y)
    assert found.shape == (2, 5, tool.LOOKS, columns)
    np.testing.assert_allclose(found[:, :, 1], y, atol=1e-4)
    assert found[:, :, 0].std() < 0.6 * found[:, :, 1].std()
    np.testing.assert_allclose(found[:, 0, 2], found[:, 4, 2], atol=1e-5)
    # A level goes into what is smooth, a stripe into what all views share
    level, stripe = y + 5, y.clone()
    stripe[:, :, 30] += 1
    np.testing.assert_allclose(made(level)[:, :, 0] - found[:, :, 0], 5, atol=1e-3)
    assert np.abs(made(level)[:, :, 2] - found[:, :, 2]).max() < 1e-3
    alone = (made(stripe) - found)[0, 0, 2]
    assert alone.argmax() == 30
    assert alone[30] == pytest.approx(0.93, abs=0.02)


def test_untrained_it_is_smooth_filtered_back_projection() -> None:
    from scipy.ndimage import gaussian_filter1d

    sinogram, center = scan()
    A, y = operator_for(sinogram, center, precision=1e-4), as_tensor(sinogram)
    smooth = gaussian_filter1d(sinogram.values, tool.SMOOTH, mode="nearest")
    plain = make_tool("fbp", {})(sinogram=sinogram.with_values(smooth), center=center).values
    for name in ("whole", "fixed", "without_denoiser", "without_super_resolution"):
        found = tool.solve(tool.variant(name).eval(), A, y).numpy()
        np.testing.assert_allclose(found, plain, rtol=0, atol=0.01 * float(np.ptp(plain)))


def test_one_number_for_a_place_keeps_means_only() -> None:
    import torch

    looks = torch.from_numpy(np.random.default_rng(0).normal(size=(1, tool.LOOKS, 64, 64)))
    made = tool.variant("one_number").eval()(looks.float())
    assert made.shape == (1, 1, 64, 64)
    same = looks.unflatten(-1, (-1, 4)).unflatten(-3, (-1, 4)).mean((-3, -1), keepdim=True)
    same = same.expand(-1, -1, -1, 4, -1, 4).flatten(-2).flatten(-3, -2)
    assert torch.allclose(made, tool.variant("one_number").eval()(same.float()), atol=1e-5)


def test_all_learn_for_themselves_from_the_same_slices() -> None:
    import torch

    made = part.Part(OPTIONS)
    examples = [made.example(np.random.default_rng(i)) for i in range(2)]
    assert examples[0]["views"].shape == (part.BINNED, part.COLUMNS)
    raw = made.batch(examples, np.random.default_rng(0))
    network = made.network()
    made.loss(network, {k: torch.from_numpy(v) for k, v in raw.items()}).backward()
    for name, one in network.named_children():
        last = [p for n, p in one.named_parameters() if n.startswith("enlarge")][-1]
        assert last.grad is not None, name
        assert float(last.grad.abs().sum()) > 0, name
        assert ("connected" in dict(one.named_parameters())) == (name != "fixed")


def test_the_unit_does_not_matter(nets: Any) -> None:
    sinogram, center = scan()
    plain = tool.Sharp()(sinogram=sinogram, center=center).values
    more = sinogram.with_values(50 * sinogram.values)
    scaled = tool.Sharp()(sinogram=more, center=center).values
    np.testing.assert_allclose(scaled / 50, plain, rtol=0, atol=0.01 * float(np.ptp(plain)))


@pytest.mark.parametrize(("columns", "views"), [(40, 60), (77, 61), (64, 2), (32, 1), (300, 90)])
def test_slices_of_any_size_row_by_row(columns: int, views: int) -> None:
    sinogram, center = scan(columns, projections=views)
    both = tool.Sharp()(sinogram=sinogram, center=center).values
    assert both.shape == (2, columns, columns)
    assert np.isfinite(both).all()
    second = tool.Sharp()(sinogram=sinogram.take_rows(slice(1, 2)), center=center).values
    np.testing.assert_allclose(second[0], both[1], atol=0.01 * float(np.ptp(both)))


def test_tiles_give_nearly_what_the_whole_gives(nets: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sinogram, center = scan(320)
    A = operator_for(sinogram, center).for_rows(slice(0, 1))
    seen = tool.looks(nets["whole"], A, as_tensor(sinogram)[:1])[0].numpy()
    whole = tool.clear(nets["whole"], seen)
    monkeypatch.setattr(tool, "TILE", 256)
    tiles = tool.clear(nets["whole"], seen)
    assert np.abs(tiles - whole).mean() < 0.15 * np.abs(whole - seen[0]).mean()


def test_slices_of_families_that_it_never_saw_gain(nets: Any) -> None:
    gains = {name: [] for name in tool.VARIANTS}
    for case in part.cases(17, len(HELD_OUT), HELD_OUT):
        plain = case.psnr(case.by("fbp"))
        for name, one in nets.named_children():
            gains[name].append(case.psnr(part.reconstructed(one, case)) - plain)
    assert np.mean(gains["whole"]) > 3, f"dB over filtered back-projection: {gains}"


def test_the_table_stands_beside_the_published_one() -> None:
    figures = {"rmse": 0.1, "psnr_db": 20.0, "ms_ssim": 0.5, "time_over_fbp": 2.0}
    metrics = {f"{figure}_{n}": v for figure, v in figures.items() for n in ("fbp", "tv_fixed")}
    lines = part.table(metrics, ["fbp", "tv_fixed"]).splitlines()
    assert lines[2] == "| fbp | 0.1000 | 20.00 | 0.500 | 2.0 | 0.1036, 19.69, 0.834 |"
    assert lines[3] == "| tv_fixed | 0.1000 | 20.00 | 0.500 | 2.0 |  |"


def test_the_weights_keep_within_what_it_may_take() -> None:
    counts = {n: sum(p.numel() for p in tool.variant(n).parameters()) for n in tool.VARIANTS}
    assert 2 * sum(counts.values()) < 12_000_000
    assert max(counts, key=lambda n: counts[n]) == "whole"
    assert dataclasses.asdict(tool.Sharp()) == {"size": None, "tilt_halo": None}
