"""Each step where it is predicted to end first, a busy device included."""

from __future__ import annotations

from collections.abc import Iterable

from simulators.clusters.job import Step
from simulators.clusters.machine import Device
from simulators.clusters.placement import Placement, Waiting
from simulators.clusters.situation import Situation


def earliest_finish(situation: Situation, ordered: Iterable[Waiting]) -> Placement | None:
    """Give the waiting steps, in their order, to the devices where they are predicted to end first,
    after what runs and after the steps before them; the first that would start now, or None."""
    free = [slots_free(situation, m) for m in range(len(situation.machines))]
    gpus = [gpus_free(situation, m) for m in range(len(situation.machines))]
    now = situation.now
    for waiting in ordered:
        best: tuple[float, float, int, Device] | None = None
        for number, machine in enumerate(situation.machines):
            if waiting.step.memory > machine.memory:
                continue
            for device in Device:
                seconds = waiting.step.predicted(device, machine.speed)
                if seconds is None or (device is Device.GPU and not machine.gpus):
                    continue
                start = max(now, min(free[number]))
                if device is Device.GPU:
                    start = max(start, min(gpus[number]))
                if start <= now and not situation.fits(waiting.step, number, device):
                    start = _memory_free(situation, waiting.step, number)
                if best is None or start + seconds < best[0]:
                    best = (start + seconds, start, number, device)
        if best is None:
            continue
        end, start, number, device = best
        if start <= now:
            return Placement(waiting, number, device)
        _take(free[number], end)
        if device is Device.GPU:
            _take(gpus[number], end)
    return None


def slots_free(situation: Situation, machine: int) -> list[float]:
    """When each slot of a machine is predicted to be free."""
    busy = [max(r.ends, situation.now) for r in situation.running if r.machine == machine]
    return [situation.now] * situation.slots[machine] + busy


def gpus_free(situation: Situation, machine: int) -> list[float]:
    """When each GPU of a machine is predicted to be free."""
    busy = [
        max(r.ends, situation.now)
        for r in situation.running
        if r.machine == machine and r.device is Device.GPU
    ]
    return [situation.now] * situation.gpus[machine] + busy


def _memory_free(situation: Situation, step: Step, machine: int) -> float:
    """When the first running step of a machine is predicted to end that makes room enough."""
    room = situation.memory[machine]
    for run in sorted(situation.running, key=lambda r: r.ends):
        if run.machine == machine:
            room += run.step.memory
            if room >= step.memory:
                return max(run.ends, situation.now + 1e-6)
    return situation.now + 1e-6


def _take(times: list[float], until: float) -> None:
    """Use what is free first until a time."""
    times[times.index(min(times))] = until
