"""Quality without a reference, measured on a few slices of what a run made."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable

import numpy as np

from metadata.errors import TomoplanError
from toolbox.execution.evaluation import Clock
from toolbox.execution.sources import StoredStack
from toolbox.execution.work import Work
from toolbox.kinds import DataKind, GreyState, Stage
from toolbox.registry import tool_class
from toolbox.values import Block, Center, Quantities

Measure = Callable[[Block, Block | None, Center | None], Quantities]
"""Slices, their sinogram (as it went into the reconstruction) and the axis → quality."""

SLICES = 3
GREY = (GreyState.ATTENUATION, GreyState.PHASE)
ELSEWHERE = (Stage.REGISTER, Stage.SUPER_RESOLVE)


def measure_run(work: Work, measure: Measure | None = None) -> tuple[dict[str, float], list[str]]:
    """Quality of the last volume of a run, and what went wrong with measuring it.

    Slices evenly over the volume, one of every hundred, at most three.
    """
    node = next((n for n in reversed(work.pipeline.order) if n in work.places
                 and work.pipeline.kind_of(n) is DataKind.VOLUME), None)  # fmt: skip
    if node is None or work.part.stacks[node].state not in GREY:
        return {}, []
    if measure is None:
        from toolbox.quality.report import measure_quality

        measure = measure_quality
    begin = time.perf_counter()
    work.steps.message("measuring quality")
    stored = work.part.stacks[node]
    forget_plans()
    try:
        sinogram, center = _origin(work, node, rows := _rows(stored))
        found = measure(stored.take_rows(rows), sinogram, center)
    except (TomoplanError, ValueError, RuntimeError, MemoryError) as error:
        return {}, [f"The quality of {node} could not be measured: {error}"]
    finally:
        forget_plans()
    work.clock.add("quality", time.perf_counter() - begin)
    values = {name: float(q.value) for name, q in found.values.items()}
    return {name: value for name, value in values.items() if math.isfinite(value)}, []


def forget_plans() -> None:
    """Give back the memory of warm transforms: measuring needs others than the slabs did."""
    module = sys.modules.get("toolbox.operators.nufft")
    if module is not None:
        module.PLANS.clear()


def _rows(stored: StoredStack) -> np.ndarray:
    available = stored.available
    count = min(SLICES, -(-len(available) // 100))
    places = (np.arange(count) + 0.5) * len(available) / count
    return available.start + places.astype(np.intp)


def _origin(work: Work, node: str, rows: np.ndarray) -> tuple[Block | None, Center | None]:
    """The sinogram and axis that a volume came from, seen through steps after reconstruction."""
    while True:
        stacks = work.bench.stack_inputs(node)
        before = next((s for s in stacks.values()
                       if work.pipeline.kind_of(s) is DataKind.VOLUME), None)  # fmt: skip
        if before is None:
            break
        if tool_class(work.pipeline.node(node).tool).card.stage in ELSEWHERE:
            return None, None  # its slices are of other heights and places than the rows
        node = before
    center = next(
        (v for v in work.bench.value_inputs(node).values() if isinstance(v, Center)), None
    )
    source = next(iter(stacks.values()), None)
    if source is None or center is None:
        return None, center
    wanted = {source: rows}
    sinogram = work.bench.rows(wanted, work.bench.read_rows(wanted), Clock())[source]
    if sinogram.state not in GREY:
        return None, center
    size = work.part.stacks.get(node)
    if size is not None and size.values.shape[-1] < sinogram.values.shape[-1]:
        return None, center  # cut slices cannot explain whole views
    return sinogram, center
