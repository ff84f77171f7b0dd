"""Drawings are complete and nothing overlaps."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as tree
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metadata.errors import InputError
from toolbox.drawing import Drawing, draw_pipeline, lay_out, pipeline_svg
from toolbox.pipeline import SCAN, Edge, Node, Pipeline

AXIS = ("known_center", {"column": 296.0})
CHAIN = Pipeline.chain(["flat_field", ("minus_log", {"floor": 0.002}), "fbp"], center=AXIS)


def apart(drawing: Drawing) -> None:
    for a, b in itertools.combinations(drawing.boxes, 2):
        beside = a.x + a.width <= b.x or b.x + b.width <= a.x
        assert beside or a.y + a.height <= b.y or b.y + b.height <= a.y, (a.name, b.name)
    for box in drawing.boxes:
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.width <= drawing.width
        assert box.y + box.height <= drawing.height


def test_the_drawing_says_what_the_pipeline_is() -> None:
    svg = pipeline_svg(CHAIN)
    texts = [e.text for e in tree.fromstring(svg).iter() if e.tag.endswith("text")]
    for expected in ("scan", "flat_field", "floor = 0.002", "column = 296", "center"):
        assert expected in texts
    assert not any("automatic" in t for t in texts)
    assert CHAIN._repr_svg_() == svg


def test_steps_go_from_left_to_right() -> None:
    drawing = lay_out(CHAIN)
    apart(drawing)
    x = {b.name: b.x for b in drawing.boxes}
    for edge in CHAIN.edges:
        assert x[edge.source] < x[edge.target]
    assert len(drawing.lines) == len(CHAIN.edges)
    straight = [line for line in drawing.lines if line.label == "projections"][:2]
    for line in straight:
        assert line.points[0][1] == pytest.approx(line.points[1][1], abs=1.0)


def test_lines_pass_no_box() -> None:
    drawing = lay_out(CHAIN)
    for line in drawing.lines:
        for (xa, ya), (xb, yb) in itertools.pairwise(line.points):
            for box in drawing.boxes:
                inside = xa < box.x + box.width - 1 and xb > box.x + 1
                level = box.y < ya < box.y + box.height and box.y < yb < box.y + box.height
                assert not (inside and level), (line.label, box.name)


@pytest.mark.parametrize(
    ("ending", "start"), [("svg", b"<svg"), ("png", b"\x89PNG"), ("pdf", b"%PDF")]
)
def test_files(ending: str, start: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"pipeline.{ending}"
    CHAIN.draw(path)
    assert path.read_bytes().startswith(start)


def test_other_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected \.svg, \.png or \.pdf"):
        draw_pipeline(CHAIN, tmp_path / "pipeline.bmp")


names = st.sampled_from("abcdef")
graphs = st.builds(
    Pipeline,
    st.lists(st.builds(Node, names, st.sampled_from([SCAN, "minus_log", "fbp", "nothing"])),
             max_size=6, unique_by=lambda n: n.id).map(tuple),
    st.lists(st.builds(Edge, names, names, st.just("projections")), max_size=9).map(tuple),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(graphs)
def test_any_graph_is_drawn_without_overlap(pipeline: Pipeline) -> None:
    apart(lay_out(pipeline))
    tree.fromstring(pipeline_svg(pipeline))
