"""Seconds that each network takes for one slice, beside filtered back-projection of the same."""

from __future__ import annotations

import time
from typing import Any

from simulators.outcomes.walker import Walker, called
from toolbox.kinds import DataKind
from toolbox.recipe import Recipe
from toolbox.registry import shipped_tools
from toolbox.tool import Tool

SIZE = 1024  # columns, views, and pixels a side
CORES = 2
REPEATS = 4
LONG = 8.0  # seconds, after which a call is not repeated
MOST = 2.0  # seconds asked for
PEER = "fbp"


class Timed(Walker):
    """Times each step at the best of some calls (the first loads weights), or of one where that is
    long. ``seconds`` by tool: of the clock, and of processors in all."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.seconds: dict[str, tuple[float, float]] = {}

    def work(self, node: int, tool: Tool, inputs: dict[str, Any]) -> Any:
        name = self.tree.steps[node].tool
        if name in self.seconds or not (name == PEER or slice_by_slice(tool)):
            return called(tool, inputs)
        found: list[tuple[float, float]] = []
        while len(found) < REPEATS and (not found or min(found)[0] < LONG):
            began, used = time.perf_counter(), time.process_time()
            made = called(tool, inputs)
            found.append((time.perf_counter() - began, time.process_time() - used))
        self.seconds[name] = min(found)
        print(f"{name}: {self.seconds[name][0]:.2f} s", flush=True)
        return made


def slice_by_slice(tool: type[Tool] | Tool) -> bool:
    """Whether trained weights make a slice, or the sinogram of one, into a better one."""
    kinds = {port.kind for port in tool.card.inputs.values()}
    return bool(tool.card.weights) and tool.card.output.kind in kinds | {DataKind.VOLUME} and (
        bool(kinds & {DataKind.SINOGRAM, DataKind.VOLUME})
    )  # fmt: skip


def recipes() -> list[Recipe]:
    """One for each network that works slice by slice."""
    from planner.trial_runs import covering

    names = {name for name, tool in shipped_tools().items() if slice_by_slice(tool)}
    return [recipe for recipe in covering() if names & {step.tool for step in recipe}]


def run(size: int = SIZE) -> dict[str, Any]:
    """A row of ``size`` columns and as many views, on :data:`CORES` threads. Where other work holds
    the machine, half of the processor's seconds are nearer to what a quiet one would take."""
    from planner.trial_runs import foam
    from simulators import simulate
    from toolbox.execution.threads import allow_threads

    allow_threads(CORES)
    walk = Timed([simulate(foam(size, 1))], recipes(), "slice-speed")
    walk.walk()
    peer = walk.seconds[PEER]
    rows = {
        name: {"seconds": round(clock, 3), "processor_seconds_by_cores": round(busy / CORES, 3),
               "times_fbp": round(busy / peer[1], 1), "within": clock <= MOST}
        for name, (clock, busy) in sorted(walk.seconds.items())
    }  # fmt: skip
    print(f"one slice of {size} × {size} of {size} views, {CORES} threads; asked for: {MOST} s")
    for name, row in rows.items():
        print(f"{name:24} {row['seconds']:8.2f} s  {row['processor_seconds_by_cores']:8.2f} s of "
              f"{CORES} processors  {row['times_fbp']:7.1f} × {PEER}")  # fmt: skip
    return {"size": size, "cores": CORES, "tools": rows}
