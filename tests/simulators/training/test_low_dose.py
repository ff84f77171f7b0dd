"""What TomoGAN learns from: worlds of few photons, slices beside their truth, an adversary."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulators.training import Settings
from simulators.training.command import shipped_settings
from simulators.training.loop import as_tensors
from simulators.training.low_dose import ROWS, Case, draw
from simulators.training.parts.tomogan import Part


@pytest.fixture(scope="module")
def part() -> Part:
    options = Settings.read(shipped_settings("tomogan")).options
    return Part(options | {"columns": [64, 80], "crop": 64})


@pytest.fixture(scope="module")
def examples(part: Part) -> list[Any]:
    return [part.example(np.random.default_rng(n)) for n in range(2)]


def test_held_out_families_are_not_trained_on(part: Part) -> None:
    assert not set(part.families) & set(part.held_out)


def test_worlds_have_few_photons_and_several_rows(part: Part) -> None:
    rng = np.random.default_rng(0)
    worlds = [draw(rng, part.families, (64, 80)) for _ in range(20)]
    assert all(100 <= (w.photons or 0) <= 4000 and w.rows == ROWS for w in worlds)


def test_neighbours_take_off_noise_before_the_network_sees_a_slice(part: Part) -> None:
    rng = np.random.default_rng(3)
    cases = [Case.of(draw(rng, [f], (128, 128)), rng) for f in part.held_out]
    gains = [c.psnr(part.seen(c.volume.values, ROWS // 2)) - c.psnr(c.slice) for c in cases]
    assert min(gains) > 0.5, f"dB gained by the mean: {gains}"


def test_crops_of_slice_and_truth_show_the_same_place(part: Part, examples: list[Any]) -> None:
    batch = part.batch(examples, np.random.default_rng(1))
    assert batch["slices"].shape == batch["truth"].shape == (2, 1, 64, 64)
    for seen, true in zip(batch["slices"], batch["truth"], strict=True):
        assert np.corrcoef(seen.ravel(), true.ravel())[0, 1] > 0.3


def test_the_adversary_learns_beside_the_network(part: Part, examples: list[Any]) -> None:
    import torch

    torch.manual_seed(0)
    network = part.network()
    critic = part.helpers["critic"]
    before = [p.detach().clone() for p in critic.parameters()]
    tensors = as_tensors(part.batch(examples, np.random.default_rng(1)), "cpu")
    loss = part.loss(network, tensors)
    loss.backward()
    assert torch.isfinite(loss)
    assert all(p.grad is not None for p in network.parameters())
    assert any(not torch.equal(a, b) for a, b in zip(before, critic.parameters(), strict=True))
