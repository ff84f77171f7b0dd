"""Pipelines as values."""

from __future__ import annotations

import pytest

from toolbox import Pipeline
from toolbox.execution import Direction, plan_passes
from toolbox.execution.passes import published, rows_needed
from toolbox.kinds import DataKind, GreyState
from toolbox.pipeline import Edge, Node

AXIS = ("known_center", {"column": 9.0})


def test_a_chain_wires_itself() -> None:
    pipeline = Pipeline.chain(["flat_field", "minus_log", "fbp"], center=AXIS)
    assert pipeline.validate() == []
    assert pipeline.scans == 1
    assert pipeline.kind_of("fbp") is DataKind.VOLUME
    assert set(pipeline.inputs_of("fbp")) == {"sinogram", "center"}
    order = pipeline.order
    assert all(order.index(e.source) < order.index(e.target) for e in pipeline.edges)
    states = pipeline.states()
    assert states["flat_field"] is GreyState.TRANSMISSION
    assert states["fbp"] is GreyState.ATTENUATION


def test_a_fingerprint_knows_every_parameter() -> None:
    one = Pipeline.chain(["flat_field", ("minus_log", {"floor": 0.1})])
    two = Pipeline.chain(["flat_field", ("minus_log", {"floor": 0.2})])
    assert one.fingerprint() != two.fingerprint()
    assert one.fingerprint() == Pipeline.from_yaml(one.to_yaml()).fingerprint()


def test_what_is_published() -> None:
    chain = Pipeline.chain(["flat_field", "minus_log", "fbp", "denoise_tv"], center=AXIS)
    assert published(chain) == ("denoise_tv",)
    assert published(Pipeline.chain(["flat_field"])) == ("flat_field",)


def test_passes_join_what_can_be_joined() -> None:
    rows = plan_passes(Pipeline.chain(["flat_field", "minus_log", "fbp"], center=AXIS))
    assert [p.direction for p in rows] == [Direction.ROWS]
    assert rows[0].keeps == ("fbp",)


@pytest.mark.parametrize(
    ("rows", "expected"), [(range(4, 6), range(3, 7)), (range(0, 2), range(3))]
)
def test_halos_widen_what_is_needed(rows: range, expected: range) -> None:
    pipeline = Pipeline(
        (Node("scan", "scan"), Node("median", "denoise_median"), Node("f", "flat_field")),
        (Edge("scan", "f", "projections"), Edge("f", "median", "volume")),
    )
    tools = {n: pipeline.tool(n) for n in ("median", "f")}
    found = rows_needed(pipeline, tools, rows, {"scan": 20, "f": 20, "median": 20})
    halo = tools["median"].halo()
    assert found["median"] == rows
    assert found["f"] == range(max(rows.start - halo, 0), rows.stop + halo)
    assert halo != 1 or found["f"] == expected
