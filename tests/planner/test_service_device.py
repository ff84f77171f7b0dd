"""The device that a request names reaches the engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import toolbox.execution
from planner import service
from planner.task import Device, Goal, Intent, Task
from simulators import World, simulate


@pytest.mark.parametrize(
    ("device", "present", "expected"),
    [
        (Device.CPU, True, "cpu"),
        (Device.ANY, True, "any"),
        (Device.GPU, True, "gpu"),
        (Device.GPU, False, "any"),
    ],
)
def test_the_engine_is_told_the_device_of_the_request(
    device: Device, present: bool, expected: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told: dict[str, Any] = {}

    class Stopped(Exception):
        pass

    def engine(*_: Any, **options: Any) -> None:
        told.update(options)
        raise Stopped

    monkeypatch.setattr(torch.cuda, "is_available", lambda: present)
    monkeypatch.setattr(toolbox.execution, "run", engine)
    task = Task(Intent.PLAN, (Goal.RECONSTRUCT,), device=device)
    scan = simulate(World(columns=48, rows=2, projections=40, photons=1e4))
    with pytest.raises(Stopped):
        service.run(task, [scan], tmp_path / "out.h5", store=tmp_path / "runs.db")
    assert told["device"] == expected
