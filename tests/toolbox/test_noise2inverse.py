"""Noise2Inverse: noise falls, the specimen stays, what was learned travels with the plan."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metadata import InputError, WorkError
from simulators import World, simulate
from toolbox import Center, Shape, make_tool
from toolbox.execution import run
from toolbox.learned import per_scan
from toolbox.metrics import psnr
from toolbox.recipe import Step, wire
from toolbox.tools.reconstruct import noise2inverse as tool

WORLD = World("concrete", columns=64, rows=3, projections=160, photons=200, seed=5)


def recipe(steps: int) -> Any:
    axis = simulate(dataclasses.replace(WORLD, rows=1)).truth_center
    first = (Step("flat_field"), Step("minus_log"), Step("known_center", {"column": axis}))
    return wire((*first, Step("noise2inverse", {"steps": steps})))


def test_noise_falls_and_the_plan_of_the_output_gives_the_same_again(tmp_path: Path) -> None:
    import h5py

    from toolbox import Pipeline

    scan = simulate(WORLD)
    truth = np.stack([scan.truth(row) for row in range(WORLD.rows)])
    told: list[str] = []
    record = run(recipe(60), [scan], tmp_path / "n2i.h5", workers=1,
                 progress=lambda done, total, left, text: told.append(text))  # fmt: skip
    fbp = wire((*[s for s in _steps(recipe(1)) if s.tool != "noise2inverse"], Step("fbp")))
    run(fbp, [scan], tmp_path / "fbp.h5", workers=1)
    with h5py.File(tmp_path / "n2i.h5") as file, h5py.File(tmp_path / "fbp.h5") as plain:
        made, noisy = file["/entry/data/data"][:], plain["/entry/data/data"][:]
        plan = file["/entry/reconstruction/plan"][()].decode()
    assert psnr(made, truth) > psnr(noisy, truth) + 2
    assert any("training, 50%" in text for text in told)
    assert any("parts" in note for note in record.notes["noise2inverse"])
    assert "whole in the plan" in str(record.tuned)  # the store stays small

    # a plan that ran has the network: no training, only some rows, the same slices
    again = Pipeline.from_yaml(plan)
    record = run(again, [scan], tmp_path / "again.h5", rows=slice(1, 2), workers=1)
    assert "noise2inverse:tune" not in record.node_seconds
    with h5py.File(tmp_path / "again.h5") as file:
        np.testing.assert_allclose(file["/entry/data/data"][0], made[1], rtol=0, atol=1e-6)


def _steps(pipeline: Any) -> list[Step]:
    return [Step(n.tool, n.parameters) for n in pipeline.nodes if n.tool != "scan"]


def test_parts_are_as_many_as_the_views_allow() -> None:
    parts = tool.Noise2Inverse()._splits
    assert [parts(Shape(views, 1, 100)) for views in (60, 130, 200, 1000)] == [2, 2, 3, 4]
    few, inputs = tool.Noise2Inverse.example()
    sinogram = inputs["sinogram"]
    angles = sinogram.geometry.angles_rad[:3]
    cut = sinogram.with_values(
        sinogram.values[:, :3], frames=sinogram.frames[:3],
        geometry=dataclasses.replace(sinogram.geometry, angles_rad=angles),
    )  # fmt: skip
    two = dataclasses.replace(few, splits=2)
    with pytest.raises(InputError, match="at least two for each"):
        two.tune(sinogram=cut, center=inputs["center"])


def test_values_that_are_not_finite_are_mended_and_said() -> None:
    small, inputs = tool.Noise2Inverse.example()
    sinogram = inputs["sinogram"]
    spoiled = sinogram.values.copy()
    spoiled[1, 3, 20] = np.nan
    spoiled[2, 5:7, 11] = np.inf
    tuned = small.tune(sinogram=sinogram.with_values(spoiled), center=inputs["center"])
    assert any("3 values of the sample are not finite" in note for note in tuned.notes)
    made = tuned.tool(sinogram=sinogram.with_values(spoiled), center=inputs["center"])
    assert np.isfinite(made.values).all()


def test_a_run_away_training_is_an_error_in_words() -> None:
    with pytest.raises(WorkError, match="ran away at step 3"):
        per_scan.check_loss(float("nan"), "noise2inverse", 3)


def test_weights_are_the_same_on_any_thread_and_other_random_numbers_stay() -> None:
    import torch

    before = torch.random.get_rng_state()
    first, second = (per_scan.seeded(tool.network, 3) for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first.get_parameter("last.weight"), second.get_parameter("last.weight"))
    other = per_scan.seeded(tool.network, 4)
    assert not torch.equal(first.get_parameter("last.weight"), other.get_parameter("last.weight"))


def test_a_network_of_another_version_is_refused() -> None:
    center = Center(19.5, 19.0, 20.0)
    _, inputs = tool.Noise2Inverse.example()
    cut = make_tool("noise2inverse", {"network": "AAAA", "splits": 2, "padding": "zero"})
    with pytest.raises(InputError, match="trained on the scan"):
        cut(sinogram=inputs["sinogram"], center=center)


def test_training_is_counted_apart_from_slices() -> None:
    short, long = (tool.Noise2Inverse(steps=n, splits=2) for n in (100, 1000))
    shape = Shape(200, 10, 256)
    assert long.tuning_cost(sinogram=shape).operations > 5 * (
        short.tuning_cost(sinogram=shape).operations
    )
    assert long.cost(sinogram=shape) == short.cost(sinogram=shape)
