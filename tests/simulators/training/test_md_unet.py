"""What MD-Unet learns from: slices of drifting scans beside the sample where it stands in them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulators import World
from simulators.training import Settings
from simulators.training.command import shipped_settings
from simulators.training.parts.md_unet import Case, Part, draw, place
from toolbox.metrics import psnr
from toolbox.tools.align.gauge import without_gauge
from toolbox.values import Shifts

SETTINGS = Settings.read(shipped_settings("md_unet"))


def case(degrees: float, **drift: Any) -> Case:
    world = World("foam", columns=128, rows=25, projections=160, range_deg=degrees, fill=0.8,
                  photons=1e5, height_px=60.0, seed=4, **drift)  # fmt: skip
    return Case.of(world, np.random.default_rng(0))


@pytest.mark.parametrize("degrees", [180.0, 360.0])
def test_views_moved_back_show_the_sample_as_if_it_had_stood_still(degrees: float) -> None:
    drifted, still = case(degrees, thermal_px=5.0, drift_px=2.0), case(degrees)
    truth = Shifts(drifted.scan.truth, "truth", ())
    before, after = psnr(*drifted.moved_by(None)), psnr(*drifted.moved_by(truth))
    assert after > before + 5
    assert after == pytest.approx(psnr(*still.moved_by(None)), abs=2.5)


def test_the_truth_stands_where_the_drifting_sample_is_seen() -> None:
    image, truth = case(180.0, thermal_px=3.0, drift_px=4.0).moved_by(None)
    scores = {step: psnr(np.roll(image, step, axis=(0, 1)), truth) for step in (-1, 0, 1)}
    assert max(scores, key=lambda step: scores[step]) == 0


def test_the_place_is_what_the_gauge_leaves_out() -> None:
    angles = np.linspace(0, np.pi, 40)
    columns = np.random.default_rng(0).normal(size=40)
    axis, x, y = place(columns, angles)
    free = columns - axis - x * np.cos(angles) - y * np.sin(angles)
    np.testing.assert_allclose(free, without_gauge(columns, angles), atol=1e-9)


def test_worlds_drift_both_ways_over_half_and_full_turns() -> None:
    rng = np.random.default_rng(0)
    worlds = [draw(rng, SETTINGS.options["families"], (160, 256), 1) for _ in range(40)]
    assert {w.range_deg for w in worlds} == {180.0, 360.0}
    assert min(w.thermal_px for w in worlds) < 0 < max(w.thermal_px for w in worlds)
    assert all(0.5 < abs(w.thermal_px) <= 10 for w in worlds)


def test_a_batch_shows_slice_and_truth_at_one_place() -> None:
    part = Part(SETTINGS.options | {"columns": [96, 112], "crop": 64})
    assert not set(part.families) & set(part.held_out)
    batch = part.batch([part.example(np.random.default_rng(n)) for n in range(2)],
                       np.random.default_rng(1))  # fmt: skip
    assert batch["slice"].shape == batch["truth"].shape == (2, 1, 64, 64)


def test_the_loss_falls_as_the_slice_nears_the_truth() -> None:
    import torch

    part = Part(SETTINGS.options)
    network = part.network()
    truth = torch.randn(2, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    losses = [float(part.loss(network, {"slice": truth + off, "truth": truth}).detach())
              for off in (0.5, 0.1, 0.0)]  # fmt: skip
    assert losses[0] > losses[1] > losses[2]
