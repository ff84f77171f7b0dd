"""A run keeps off the devices that it was not given."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from metadata import InputError
from simulators import World, simulate
from toolbox import Pipeline
from toolbox.devices import devices_allowed, gpu_count, torch_device
from toolbox.execution import run
from toolbox.recipe import Step, wire


@pytest.fixture
def cuda_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch says that there is a CUDA device; a machine without one fails when it is used."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "a made-up device")


def reconstruction() -> Pipeline:
    steps = [("flat_field", {}), ("minus_log", {}), ("known_center", {"column": 23.5})]
    recipe = (*(Step(tool, values) for tool, values in steps), Step("sirt", {"iterations": 2}))
    return wire(recipe, 1)


@pytest.mark.usefixtures("cuda_told")
def test_the_processor_alone_is_used_where_asked_for(tmp_path: Path) -> None:
    scan = simulate(World(columns=48, rows=3, projections=40, photons=1e4))
    record = run(reconstruction(), [scan], tmp_path / "out.h5", device="cpu")
    assert record.quality  # measured on the processor, too
    with h5py.File(tmp_path / "out.h5") as file:
        assert np.isfinite(file["entry/data/data"][()]).all()


def test_used_devices_show_in_the_choice(monkeypatch: pytest.MonkeyPatch, cuda_told: None) -> None:
    assert (torch_device(), gpu_count()) == ("cuda", 1)
    with devices_allowed("cpu"):
        assert (torch_device(), gpu_count()) == ("cpu", 0)
        with devices_allowed("gpu"):
            assert torch_device() == "cuda"
        assert torch_device() == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert (torch_device(), gpu_count()) == ("cpu", 0)


@pytest.mark.usefixtures("cuda_told")
@pytest.mark.timeout(60)
@pytest.mark.skipif(torch.cuda.is_available(), reason="the device is real, so using it works")
def test_without_being_told_a_cuda_device_is_tried(tmp_path: Path) -> None:
    scan = simulate(World(columns=48, rows=3, projections=40, photons=1e4))
    with pytest.raises(Exception, match=r"CUDA|NVIDIA"):
        run(reconstruction(), [scan], tmp_path / "out.h5")


def test_asking_for_a_gpu_that_is_not_there_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    scan = simulate(World(columns=48, rows=3, projections=40))
    with pytest.raises(InputError, match="device is gpu, but torch finds no CUDA device"):
        run(reconstruction(), [scan], tmp_path / "out.h5", device="gpu")
    with pytest.raises(InputError, match="'abacus', expected one of any, cpu, gpu"):
        run(reconstruction(), [scan], tmp_path / "out.h5", device="abacus")
    assert not list(tmp_path.iterdir())
