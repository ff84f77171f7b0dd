"""The sinogram transformer: rows of any size and sample, neighbours help, views are asked that lie
far away, and specimens that it never saw gain."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulators.training.low_dose import ROWS, Case
from tests.toolbox.few_photons import unseen_scans
from toolbox import known_tools
from toolbox.learned.weights import trained
from toolbox.tools.reconstruct import sinogram_transformer as tool

MIDDLE = ROWS // 2


@pytest.fixture(scope="module")
def net() -> Any:
    return trained("sinogram_transformer", tool.network)


@pytest.fixture(scope="module")
def unseen() -> list[Case]:
    return unseen_scans("sinogram_transformer")


def rows(views: int, columns: int, count: int = ROWS) -> Any:
    """A row again and again, each with its own noise of 400 photons."""
    rng = np.random.default_rng(0)
    angle, column = np.mgrid[:views, :columns]
    disc = np.maximum(1 - ((column - columns / 2 - 5 * np.cos(angle / 20)) / (columns / 4)) ** 2, 0)
    counts = rng.poisson(400 * np.exp(-disc), (count, views, columns))
    return -np.log(np.maximum(counts, 1) / 400).astype(np.float32)


@pytest.mark.parametrize(("views", "columns"), [(90, 64), (61, 77), (3, 130), (1, 1)])
def test_sinograms_of_any_size(net: Any, views: int, columns: int) -> None:
    found = tool.clean(net, rows(views, columns), 1)
    assert found.shape == (views, columns)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


def test_nothing_and_odd_values_stay_finite(net: Any) -> None:
    odd = np.zeros((1, 40, 48), np.float32)
    assert np.abs(tool.clean(net, odd)).max() < 0.05
    odd[0, 3, 4:7] = np.nan, np.inf, -np.inf
    assert np.isfinite(tool.clean(net, odd)).all()


def test_the_noise_is_the_same_where_much_and_little_is_absorbed() -> None:
    noisy = rows(200, 96)
    roots, sigma = np.exp(-noisy[0] / 2), tool.noise(np.exp(-noisy[0] / 2))
    assert sigma == pytest.approx(0.5 / np.sqrt(400), rel=0.1)
    steps = np.diff(roots, axis=0)
    assert steps[:, 45:51].std() == pytest.approx(steps[:, :6].std(), rel=0.15)


def test_the_mean_of_rows_is_what_it_begins_with() -> None:
    import torch

    noisy = rows(60, 48)
    untrained = tool.network().eval()
    with torch.inference_mode():
        found = tool.clean(untrained, noisy, 2)
    np.testing.assert_allclose(found, noisy.mean(axis=0), atol=0.05)
    np.testing.assert_allclose(tool.clean(untrained, noisy[2:3], 0), noisy[2], atol=1e-3)


def test_phase_loses_noise_in_any_unit(net: Any) -> None:
    rng = np.random.default_rng(1)
    column = np.arange(64)
    truth = np.broadcast_to(np.maximum(1 - ((column - 32) / 20) ** 2, 0), (5, 90, 64))
    noisy = (truth + rng.normal(0, 0.05, truth.shape)).astype(np.float32)
    found = tool.clean(net, noisy, 2, phase=True)
    assert np.std(found - truth[2]) < 0.5 * 0.05
    np.testing.assert_allclose(tool.clean(net, 30 * noisy, 2, phase=True) / 30, found, atol=0.01)


def test_rows_of_a_sample_stand_alone() -> None:
    assert tool.neighbourhoods(np.array([0, 20, 40])) == [
        (slice(0, 1), 0), (slice(1, 2), 0), (slice(2, 3), 0)
    ]  # fmt: skip


def test_neighbours_help(net: Any) -> None:
    noisy = rows(96, 96)
    truth = np.maximum(
        1 - ((np.arange(96) - 48 - 5 * np.cos(np.arange(96)[:, None] / 20)) / 24) ** 2, 0
    )
    alone, among = (tool.clean(net, part, at) for part, at in ((noisy[2:3], 0), (noisy, 2)))
    errors = [float(np.sqrt(np.mean((found - truth) ** 2))) for found in (noisy[2], alone, among)]
    assert errors[0] > 2 * errors[1] > 2.2 * errors[2]


def test_views_far_away_are_asked(net: Any) -> None:
    """A change in the first views is seen in the last, farther than the convolutions look."""
    import torch

    x = torch.zeros(1, tool.LOOKS, 256, 32)
    other = x.clone()
    other[:, :, :32] = torch.randn(tool.LOOKS, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert float((net(other) - net(x))[:, 200:].abs().max()) > 0


def test_tiles_give_nearly_what_the_whole_gives(net: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    noisy = rows(200, 160)
    whole = tool.clean(net, noisy)
    monkeypatch.setattr(tool, "TILE", 128)
    change = np.abs(whole - noisy[MIDDLE]).mean()
    assert np.abs(tool.clean(net, noisy) - whole).mean() < 0.1 * change


def test_slices_of_families_that_it_never_saw_gain(net: Any, unseen: list[Case]) -> None:
    gains = [
        case.psnr(tool.reconstructed(net, case.sinogram, case.center).values[MIDDLE])
        - case.psnr(case.slice)
        for case in unseen
    ]
    assert np.mean(gains) > 4, f"dB gained over back-projection: {gains}"


def test_a_row_comes_out_as_in_the_whole_block(net: Any, unseen: list[Case]) -> None:
    case = unseen[0]
    whole = tool.SinogramTransformer()(sinogram=case.sinogram, center=case.center).values
    reach = tool.SinogramTransformer().halo()
    part = case.sinogram.take_rows(slice(MIDDLE - reach, MIDDLE + reach + 1))
    alone = tool.SinogramTransformer()(sinogram=part, center=case.center).values[reach]
    np.testing.assert_allclose(alone, whole[MIDDLE], atol=0.01 * float(np.ptp(whole)))


def test_the_planner_is_told_where_it_helps() -> None:
    card = known_tools()["sinogram_transformer"].card
    assert card.suits["noise"][0] > 0
    assert card.gpu
