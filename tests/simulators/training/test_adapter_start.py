"""What adapters begin from: tasks of one specimen each, learned by the means of their classes."""

from __future__ import annotations

import numpy as np
import pytest

from simulators.training import Settings
from simulators.training.command import shipped_settings
from simulators.training.loop import as_tensors
from simulators.training.part import Arrays
from simulators.training.parts.adapter_start import MOST, Part


@pytest.fixture(scope="module")
def part() -> Part:
    options = Settings.read(shipped_settings("adapter_start")).options
    return Part(options | {"columns": 64, "slices": 2, "crop": 32, "crops": 4})


@pytest.fixture(scope="module")
def examples(part: Part) -> list[Arrays]:
    return [part.example(np.random.default_rng(seed)) for seed in range(3)]


def test_held_out_families_are_not_trained_on(part: Part) -> None:
    assert not set(part.families) & set(part.held_out)


def test_an_example_is_labelled_slices_of_one_specimen(examples: list[Arrays]) -> None:
    for one in examples:
        assert one["images"].shape == one["labels"].shape == (2, 64, 64)
        assert 1 <= one["labels"].max() < MOST
        assert one["labels"].min() >= -1
    again = examples[0]["images"], examples[1]["images"]
    assert not np.array_equal(*again)


def test_adapters_head_and_sharpness_learn(part: Part, examples: list[Arrays]) -> None:
    import torch

    torch.manual_seed(0)
    network = part.network()
    tensors = as_tensors(part.batch(examples, np.random.default_rng(1)), "cpu")
    rate = torch.optim.Adam(network.parameters(), lr=3e-3)
    losses = []
    for _ in range(12):
        loss = part.loss(network, tensors)
        rate.zero_grad()
        loss.backward()
        rate.step()
        losses.append(float(loss.detach()))
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())
    assert losses[-1] < losses[0]
