"""What the sinogram transformer learns from: looks at rows beside what they show without noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from simulators.training import Settings
from simulators.training.command import shipped_settings
from simulators.training.loop import as_tensors
from simulators.training.parts.sinogram_transformer import Part
from toolbox.tools.reconstruct import sinogram_transformer as tool


@pytest.fixture(scope="module")
def part() -> Part:
    options = Settings.read(shipped_settings("sinogram_transformer")).options
    return Part(options | {"columns": [64, 80], "crop": [32, 48]})


@pytest.fixture(scope="module")
def examples(part: Part) -> list[Any]:
    return [part.example(np.random.default_rng(n)) for n in range(2)]


def test_held_out_families_are_not_trained_on(part: Part) -> None:
    assert not set(part.families) & set(part.held_out)


def test_crops_show_the_same_place_as_the_truth(part: Part, examples: list[Any]) -> None:
    batch = part.batch(examples, np.random.default_rng(1))
    assert batch["looks"].shape == (2, tool.LOOKS, 32, 48)
    assert batch["truth"].shape == (2, 32, 48)
    for seen, true in zip(batch["looks"], batch["truth"], strict=True):
        assert np.corrcoef(tool.attenuation(seen[0]).ravel(), true.ravel())[0, 1] > 0.5


def test_the_loss_falls_where_noise_goes(part: Part, examples: list[Any]) -> None:
    batch = as_tensors(part.batch(examples, np.random.default_rng(1)), "cpu")
    roots = (-batch["truth"] / 2).exp()
    perfect = (roots - batch["looks"][:, 0]) / batch["sigma"][:, None, None]

    def loss(share: float) -> float:
        def told(_: Any) -> Any:
            return share * perfect

        return float(part.loss(told, batch))  # type: ignore[arg-type]

    assert loss(1.0) < loss(0.5) < loss(0.0)


def test_all_of_the_network_learns(part: Part, examples: list[Any]) -> None:
    torch.manual_seed(0)
    network = part.network()
    torch.nn.init.normal_(network.get_parameter("last.weight"), std=0.1)
    part.loss(network, as_tensors(part.batch(examples, np.random.default_rng(1)), "cpu")).backward()
    assert all(p.grad is not None and bool(p.grad.any()) for p in network.parameters())
