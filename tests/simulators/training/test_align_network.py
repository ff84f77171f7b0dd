"""What the alignment network learns from: views on their way to their places, crops, a loss that
counts what is left of the shifts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from simulators.training import Settings
from simulators.training.command import shipped_settings
from simulators.training.parts.align_network import JITTER, KINDS, STAGES, Part, cases, draw
from toolbox.tools.align import align_network as tool

SMALL = {"columns": [64, 72], "rows": [8, 16], "crop": [16, 56], "views": 12}


@pytest.fixture(scope="module")
def part() -> Part:
    return Part(Settings.read(shipped_settings("align_network")).options | SMALL)


@pytest.fixture(scope="module")
def examples(part: Part) -> list[Any]:
    return [part.example(np.random.default_rng(n)) for n in range(3)]


def test_held_out_families_are_not_trained_on(part: Part) -> None:
    assert not set(part.families) & set(part.held_out)
    worlds = [draw(np.random.default_rng(n), part.families, SMALL) for n in range(30)]
    assert {w.rows == 1 for w in worlds} == {True, False}
    assert all(w.jitter_px <= 4.5 for w in worlds)


def test_examples_go_from_all_shifts_to_none(part: Part, examples: list[Any]) -> None:
    for one in examples:
        stages, views = one["shifts"].shape[:2]
        assert (stages, views) == (len(STAGES), 12)
        assert one["looks"].shape[:3] == (stages, views, 3)
        left = np.sqrt((one["shifts"] ** 2).mean(1))  # stage, axis
        assert left[:, 0].argmax() < 2
        assert left[-1, 0] < 0.5 * max(left[0, 0], 0.5)


def test_crops_have_one_size_and_mirrored_ones_their_shifts_mirrored(
    part: Part, examples: list[Any]
) -> None:
    batch = part.batch(examples, np.random.default_rng(0))
    assert batch["looks"].shape == (18, 3, 16, 56)
    assert batch["shifts"].shape == batch["axes"].shape == (18, 2)
    net = part.network().eval()  # registers, before any training
    some = [part.batch(examples, np.random.default_rng(n)) for n in range(12)]
    found = np.concatenate([net(torch.from_numpy(b["looks"])).detach().numpy() for b in some])
    wanted = np.concatenate([b["shifts"] for b in some])
    assert np.corrcoef(found[:, 1], wanted[:, 1])[0, 1] > 0.5


def test_the_loss_is_what_is_left_of_the_shifts(part: Part, examples: list[Any]) -> None:
    batch = part.batch(examples, np.random.default_rng(0))
    tensors = {name: torch.from_numpy(v) for name, v in batch.items()}

    class Told(torch.nn.Module):
        def __init__(self, share: float) -> None:
            super().__init__()
            self.share = share

        def forward(self, x: Any) -> Any:
            return self.share * tensors["shifts"]

    none, half, all_ = (float(part.loss(Told(share), tensors)) for share in (0.0, 0.5, 1.0))
    assert all_ < 0.2 * none
    assert half < 0.7 * none


def test_cases_are_of_every_kind_and_always_the_same() -> None:
    first, second = (cases(5, 2, ["foam", "wood"]) for _ in range(2))
    assert [c.kind for c in first] == list(KINDS)[:2]
    np.testing.assert_array_equal(first[1].scan.values, second[1].scan.values)
    assert np.std(first[0].truth[:, 1]) == pytest.approx(JITTER, rel=0.3)


def test_shifts_of_a_known_size_are_registered_before_any_training() -> None:
    seen = tool.AlignNetwork.reference_looks()
    found = tool.network().eval()(torch.from_numpy(seen)).detach().numpy()
    np.testing.assert_allclose(found[0], 0, atol=0.05)
    assert found[1] @ np.array([1.0, -2.0]) > 2
