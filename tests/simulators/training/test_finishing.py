"""What the networks learn from that finish slices of few views and limited angles: two specimens of
one geometry, crops, a loss for structural similarity."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulators.training import Settings
from simulators.training.command import shipped_settings
from simulators.training.finishing import FinishingPart, Pair, above
from simulators.training.limited_angle import LimitedAnglePart, fitted, structural_similarity
from simulators.training.loop import as_tensors
from simulators.training.missing_views import LIMITED, compared, is_better
from simulators.training.parts import adb_net, sartconvnet, unetpp_gan

PARTS = {"adb_net": adb_net, "sartconvnet": sartconvnet, "unetpp_gan": unetpp_gan}
each_part = pytest.mark.parametrize("name", sorted(PARTS))


def part_of(name: str) -> FinishingPart:
    options = Settings.read(shipped_settings(name)).options
    made: FinishingPart = PARTS[name].Part(options | {"columns": [64, 64], "crop": 48})
    return made


@pytest.fixture(scope="module")
def examples() -> dict[str, Any]:
    return {name: part_of(name).example(np.random.default_rng(1)) for name in PARTS}


def test_two_specimens_share_the_views_and_nothing_else() -> None:
    rng = np.random.default_rng(0)
    pair = Pair.drawn(rng, ("foam", "seed"), (64, 64), "limited")
    assert pair.sinogram.values.shape[0] == len(pair.truths) == 2
    span = np.rad2deg(np.ptp(pair.sinogram.geometry.angles_rad))
    assert LIMITED[0] - 3 < span < LIMITED[1]
    assert abs(np.corrcoef(pair.truths.reshape(2, -1))[0, 1]) < 0.9
    # Each sinogram is of its own truth: the mean of a view is that of the slice
    means = pair.sinogram.values.mean((1, 2)) / (pair.truths.mean((1, 2)) * 64)
    np.testing.assert_allclose(means, 1, atol=0.05)


@each_part
def test_held_out_families_are_not_trained_on(name: str) -> None:
    part = part_of(name)
    assert not set(part.families) & set(part.held_out)


@each_part
def test_crops_of_looks_and_truth_show_the_same_place(name: str, examples: dict[str, Any]) -> None:
    batch = part_of(name).batch([examples[name]] * 4, np.random.default_rng(1))
    assert batch["truth"].shape == (4, 1, 48, 48)
    for looks, truth in zip(batch["looks"], batch["truth"], strict=True):
        assert np.corrcoef(looks[0].ravel(), truth.ravel())[0, 1] > 0.3
    # What is zero in the slice is so on its scale
    assert (batch["truth"].min((1, 2, 3)) >= batch["zero"] - 0.01).all()


@each_part
def test_all_that_learns_is_taught(name: str, examples: dict[str, Any]) -> None:
    import torch

    torch.manual_seed(0)
    part = part_of(name)
    network = part.network()
    tensors = as_tensors(part.batch([examples[name]] * 2, np.random.default_rng(1)), "cpu")
    loss = part.loss(network, tensors)
    loss.backward()
    assert torch.isfinite(loss)
    learning = {n: p for n, p in network.named_parameters() if p.requires_grad}
    assert all(p.grad is not None for p in learning.values())
    assert all(
        n.startswith("sinogram.") for n in set(dict(network.named_parameters())) - {*learning}
    )


def test_similarity_is_what_slices_are_measured_by() -> None:
    import torch
    from skimage.metrics import structural_similarity as measured

    rng = np.random.default_rng(0)
    truth = rng.random((32, 32)).astype(np.float32)
    image = truth + 0.2 * rng.normal(size=truth.shape).astype(np.float32)
    a, b = (torch.from_numpy(v)[None, None] for v in (image, truth))
    found = structural_similarity(a, b, torch.tensor([1.0]))[0, 0].numpy()
    _, wanted = measured(image, truth, data_range=1.0, full=True)
    np.testing.assert_allclose(found, wanted[3:-3, 3:-3], atol=1e-3)


def test_grey_levels_are_fitted_as_where_slices_are_measured() -> None:
    import torch

    from toolbox.metrics import affine_fit

    rng = np.random.default_rng(0)
    truth, image = rng.random((2, 3, 1, 16, 16)).astype(np.float32)
    inside = rng.random((3, 1, 16, 16)) < 0.7
    found = fitted(*(torch.from_numpy(v.astype(np.float32)) for v in (image, truth, inside)))
    for one, a, b, mask in zip(found.numpy(), image, truth, inside, strict=True):
        np.testing.assert_allclose(one[0], affine_fit(a[0], b[0], mask[0]), atol=1e-5)


def test_a_slice_lacks_as_much_as_is_measured() -> None:
    """The loss without its square error: of slices with another gain and offset nothing."""
    import torch

    from simulators.training import limited_angle
    from toolbox.metrics import circle_mask, ssim_in_circle

    rng = np.random.default_rng(0)
    truth = rng.random((64, 64)).astype(np.float32)
    image = 1.3 * truth + 0.3 * rng.random((64, 64)).astype(np.float32) + 0.2
    inside = circle_mask(64)
    batch = {
        "truth": truth[None, None],
        "inside": inside[None, None].astype(np.float32),
        "range": np.ptp(truth[inside])[None],
        "zero": np.zeros(1, np.float32),
    }
    tensors = {name: torch.from_numpy(np.asarray(v, np.float32)) for name, v in batch.items()}
    part = part_of("sartconvnet")
    assert isinstance(part, LimitedAnglePart)
    lost = float(part.distance(torch.from_numpy(image)[None, None], tensors))
    square = 0.5 * np.log(np.mean((image - truth) ** 2) + limited_angle.FLOOR)
    measured = 1 - ssim_in_circle(image, truth)
    assert lost - limited_angle.SQUARE * square == pytest.approx(measured, abs=2e-3)


def test_below_zero_little_counts_and_something_is_learned() -> None:
    import torch

    found = torch.tensor([-2.0, 0.5], requires_grad=True)
    kept = above(found, torch.tensor(0.0))
    kept.sum().backward()
    assert kept.tolist() == pytest.approx([-0.2, 0.5])
    assert found.grad is not None
    assert found.grad.tolist() == pytest.approx([0.1, 1.0])


def test_a_network_is_compared_with_conventional_tools_only() -> None:
    from simulators import World

    world = World("foam", range_deg=100.0)
    figures = {"tv_fixed": (20.0, 0.7), "tvconvnet": (25.0, 0.9), "own": (21.0, 0.8)}
    rows = compared([("limited", world, figures)], "own", ["own", "tvconvnet"], 1)
    assert {row["world"] for row in rows} == {"limited, foam (unseen family)", "90 to 110 degrees"}
    assert all(row["conventional"] == "tv_fixed" and row["gain"] == 0.1 for row in rows)
    metrics = {f"{figure}_{n}_limited": v[i] for n, v in figures.items()
               for i, figure in enumerate(("psnr_db", "ssim"))}  # fmt: skip
    metrics |= {"psnr_db_tv_automatic_limited": 19.0, "ssim_tv_automatic_limited": 0.75}
    assert is_better(metrics, "own", "limited")
    assert not is_better(metrics | {"ssim_tv_automatic_limited": 0.85}, "own", "limited")
