"""Tools that compare two scans of one specimen, against the truth of the worlds."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata import TomoplanError
from planner.benchmarks.rules import made
from planner.benchmarks.tools.row import Row
from simulators import SimulatedScan, World
from simulators.acquisition.second_modality import Pair, second_modality
from simulators.acquisition.series import time_steps
from toolbox import Block, DataKind, Geometry, GreyState, make_tool
from toolbox.metrics import end_point_error, transform_error
from toolbox.recipe import Step
from toolbox.values import Transform


def measure(settings: Mapping[str, Any], only: str | None = None) -> Iterator[Row]:
    """Error in px of registration and volume correlation; without: nothing moved."""
    for family in settings["compared"]:
        world = World(specimen=family, seed=settings["seeds"][0], **settings["pair"])
        if only in (None, "register, same radiation"):
            pair = second_modality(world, coarser=1, probe="x-ray")
            yield from registered("register, same radiation", pair, "correlation")
        if only in (None, "register, X-rays and neutrons"):
            pair = second_modality(world, coarser=1)
            yield from registered("register, X-rays and neutrons", pair, "mutual_information")
        if only in (None, "deform"):
            bent = World(**{**vars(world), "deformation_px": 3.0})
            yield from deformed(time_steps(bent, 2))


def volume(scan: SimulatedScan) -> Block:
    """Filtered back-projection about the true axis, every row."""
    axis = Step("known_center", {"column": scan.truth_center})
    values = made(scan, (Step("flat_field"), Step("minus_log"), axis, Step("fbp")))
    assert values is not None
    return Block(values, DataKind.VOLUME, GreyState.ATTENUATION,
                 Geometry(np.zeros(1), len(values), values.shape[-1]),
                 np.arange(len(values)), np.arange(1))  # fmt: skip


def registered(job: str, pair: Pair, similarity: str) -> Iterator[Row]:
    """Mean distance between where the transform found and the true one take the voxels."""
    reference, moved = volume(pair.first), volume(pair.second)
    truth = Transform(in_voxels(pair, reference, moved), reference.values.shape)
    before = transform_error(Transform(np.eye(4), truth.shape), truth)
    began = time.perf_counter()
    try:
        tool = make_tool("register_volumes", {"similarity": similarity})
        error = transform_error(tool(reference=reference, moved=moved), truth)
    except TomoplanError:
        error = None
    yield Row("register_volumes", job, "error, px", error, before, time.perf_counter() - began)


def in_voxels(pair: Pair, reference: Block, moved: Block) -> NDArray[np.float64]:
    """The pair's map, from the axis in ``x, y, z``, as a 4 × 4 matrix of voxels ``z, y, x``."""
    linear = pair.matrix[::-1, ::-1]
    middles = [(np.array(b.values.shape) - 1) / 2 for b in (reference, moved)]
    matrix = np.eye(4)
    matrix[:3, :3] = linear
    matrix[:3, 3] = pair.shift[::-1] + middles[1] - linear @ middles[0]
    return matrix


def deformed(steps: list[SimulatedScan]) -> Iterator[Row]:
    """Root mean square error of the displacement inside the specimen."""
    rest, end = steps
    reference, moved = volume(rest), volume(end)
    middle = (np.array(reference.values.shape) - 1) / 2
    began = time.perf_counter()
    found = make_tool("deform_correlation", {})(reference=reference, moved=moved)
    seconds = time.perf_counter() - began
    z, y, x = (nodes - m for nodes, m in zip((found.z, found.y, found.x), middle, strict=True))
    mesh = np.meshgrid(z, y, x, indexing="ij")
    truth = np.moveaxis(end.displacement(*mesh), 0, -1)
    inside = np.hypot(mesh[1], mesh[2]) < 0.8 * rest.world.radius
    error, _ = end_point_error(found.vectors, truth, inside)
    before, _ = end_point_error(np.zeros_like(truth), truth, inside)
    yield Row("deform_correlation", "deform", "error, px", error, before, seconds)
