"""What the stitching network learns from: strips of two distorted tiles, and how far apart they
are."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from simulators.training import Settings
from simulators.training.command import shipped_settings
from simulators.training.parts.stitch_network import Part, cases, draw, windows
from toolbox.line_shift import shifted_lines
from toolbox.tools.stitch.distortion import overlapping

SETTINGS = Settings.read(shipped_settings("stitch_network"))


@pytest.fixture(scope="module")
def part() -> Part:
    return Part(SETTINGS.options | {"columns": [96, 112]})


def test_held_out_families_are_not_trained_on(part: Part) -> None:
    assert not set(part.families) & set(part.held_out)


def test_worlds_distort_both_ways_and_sometimes_not_at_all(part: Part) -> None:
    rng = np.random.default_rng(0)
    found = [draw(rng, part.families, (96, 112), 32).world.distortion_px for _ in range(24)]
    assert min(found) < 0 < max(found)
    assert 0 in found


def test_strips_agree_once_they_are_moved_by_how_far_apart_they_are() -> None:
    case = next(c for c in cases(3, 4, ["foam"]) if abs(c.world.distortion_px) > 2)
    still = dataclasses.replace(case.world, photons=None, rings=0.0)
    case = type(case).of(still, round(case.overlap))
    overlap = float(round(case.overlap)) + 1
    left, right = overlapping(*case.tiles, overlap)[:, 0]
    apart = case.apart(overlap)
    columns = np.arange(left.shape[-1])
    moved = np.stack([np.interp(columns + apart, columns, line) for line in right])
    inner = np.s_[:, 10:-10]
    assert np.abs(left - moved)[inner].mean() < 0.3 * np.abs(left - right)[inner].mean()


def test_batches_are_crops_with_the_distance_of_each_column(part: Part) -> None:
    examples = [part.example(np.random.default_rng(n)) for n in range(2)]
    batch = part.batch(examples, np.random.default_rng(0))
    views, columns = SETTINGS.options["crop"]
    assert batch["strips"].shape == (2, 2, views, columns)
    assert batch["apart"].shape == (2, 1, 1, columns)


def test_what_nobody_can_tell_costs_little_where_the_network_says_so(part: Part) -> None:
    import torch

    def said(apart: float, sure: float) -> float:
        answer = torch.tensor([apart, sure])[None, :, None, None].expand(1, 2, 8, 8)
        batch = {"strips": torch.zeros(1, 2, 8, 8), "apart": torch.zeros(1, 1, 1, 8)}
        return float(part.loss(lambda x: answer, batch))  # type: ignore[arg-type]

    assert said(3.0, -1.0) < said(3.0, 0.0)
    assert said(0.01, 3.0) < said(0.01, 0.0)


@pytest.mark.parametrize("by", [-2.0, 0.5, 3.0])
def test_correlation_of_windows_tells_a_shift(by: float) -> None:
    rng = np.random.default_rng(0)
    lines = np.cumsum(rng.normal(size=(1, 64, 80)), axis=2).astype(np.float32)
    lines -= lines.mean(axis=2, keepdims=True)
    left, right = lines[..., 16:64], shifted_lines(lines, 16 - by, 48)
    apart, _ = windows(np.stack([left, right]), np.ones((1, 48), np.float32))
    assert float(np.median(apart)) == pytest.approx(by, abs=0.2)
