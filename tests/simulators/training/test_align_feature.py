"""What the feature network learns from: views with grains of metal, and their shadows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from simulators import World, simulate
from simulators.training import Settings
from simulators.training.attenuation import attenuation
from simulators.training.command import shipped_settings
from simulators.training.parts import align_feature
from simulators.training.parts.align_feature import Part, draw, shadows
from toolbox.tools.align import align_feature as tool

SMALL = {"columns": [64, 72], "rows": [32, 32], "crop": [32, 64], "views": 6}


@pytest.fixture(scope="module")
def part() -> Part:
    return Part(Settings.read(shipped_settings("align_feature")).options | SMALL)


@pytest.fixture(scope="module")
def examples(part: Part) -> list[Any]:
    return [part.example(np.random.default_rng(n)) for n in range(3)]


def test_held_out_families_are_not_trained_on(part: Part) -> None:
    assert not set(part.families) & set(part.held_out)
    worlds = [draw(np.random.default_rng(n), part.families, SMALL) for n in range(40)]
    assert {w.metal > 0 for w in worlds} == {True, False}


def test_shadows_lie_where_the_grains_absorb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(align_feature, "CORE", 1.0)
    world = World("wood", columns=96, rows=40, projections=12, metal=1.0, attenuation=1.5,
                  jitter_px=3.0, vertical_jitter_px=2.0, center=49.0, seed=3)  # fmt: skip
    scan = simulate(world)
    views = attenuation(scan).values.transpose(1, 0, 2)
    shown = shadows(world, scan.truth_shifts)
    assert 0.01 < shown.mean() < 0.3
    for view, shadow in zip(views, shown, strict=True):
        assert view[shadow].mean() > 2 * view[~shadow].mean()


def test_crops_show_grains_where_they_are(part: Part, examples: list[Any]) -> None:
    batch = part.batch(examples, np.random.default_rng(0))
    assert batch["looks"].shape == (18, 2, 32, 64)
    assert batch["grains"].shape == (18, 32, 64)
    inside = batch["grains"] > 0
    assert batch["looks"][:, 1][inside].mean() > batch["looks"][:, 1][~inside].mean() + 0.2


def test_the_loss_rewards_the_right_places(part: Part, examples: list[Any]) -> None:
    batch = part.batch(examples, np.random.default_rng(0))
    tensors = {name: torch.from_numpy(v) for name, v in batch.items()}

    def loss(said: Any) -> float:
        return float(part.loss(lambda _: said[:, None], tensors))  # type: ignore[arg-type]

    right = 16 * tensors["grains"] - 8
    assert loss(right) < 0.2 < loss(torch.zeros_like(right)) < loss(-right)


def test_the_network_begins_with_hardly_any_features() -> None:
    looks = torch.from_numpy(tool.AlignFeature.reference_looks())
    with torch.inference_mode():
        assert float(tool.network().eval()(looks).max()) < 0
