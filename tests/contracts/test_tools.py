"""What every tool must keep; a new file in toolbox/tools is found and tested by itself."""

from __future__ import annotations

import dataclasses
import doctest
import importlib
import json
from functools import cache
from typing import Any

import numpy as np
import pytest

from metadata import GreyState, InputError, TomoplanError
from tests.contracts import examples
from toolbox import (
    Block,
    Center,
    DataKind,
    Displacement,
    Edge,
    Node,
    Pattern,
    Pipeline,
    Quantities,
    Shape,
    Shifts,
    Split,
    Stage,
    Tool,
    Transform,
    known_tools,
)

TOOLS = sorted(known_tools())
PERMISSIVE = ("Apache", "MIT", "BSD", "PSF", "HPND", "ISC", "MPL")
NOTHING_PUBLISHED = {"known_center"}
# threads add in another order each time, which iterations amplify
AGAIN = {Stage.RECONSTRUCT: 1e-5}
SLACK = {Stage.RECONSTRUCT: 1e-4}  # the non-uniform Fourier transform has a finite precision
VALUE_TYPES = {
    DataKind.CENTER: Center,
    DataKind.SHIFTS: Shifts,
    DataKind.QUANTITIES: Quantities,
    DataKind.TRANSFORM: Transform,
    DataKind.DISPLACEMENT: Displacement,
    DataKind.PATTERN: Pattern,
}

each_tool = pytest.mark.parametrize("name", TOOLS)


@cache
def at_work(name: str) -> tuple[Tool, dict[str, Any], Any]:
    """A tool tuned as the engine does, its example inputs, and its output for them."""
    cls = known_tools()[name]
    tool, inputs = examples.example_of(cls)
    if tool.needs_tuning():
        tool = tool.tune(**examples.sample(cls, inputs)).tool
    return tool, inputs, tool(**inputs)


@each_tool
def test_card_is_complete(name: str) -> None:
    cls = known_tools()[name]
    card = cls.card
    assert card.name == name
    for field in ("title", "limits", "library", "licence", "version"):
        assert getattr(card, field).strip(), f"{name}: card.{field} is empty"
    assert any("一" <= c <= "鿿" for c in card.title_zh), f"{name}: title_zh is not Chinese"
    assert card.references or name in NOTHING_PUBLISHED, f"{name}: not even a book as reference"
    assert all(len(r) > 15 for r in card.references)
    assert any(p in card.licence for p in PERMISSIVE), f"{name}: licence {card.licence}"
    folder = cls.__module__.split(".")[-2]
    assert folder == card.stage.value or not cls.__module__.startswith("toolbox.tools")
    assert cls.__doc__, f"{name}: no docstring"
    assert dataclasses.is_dataclass(cls)
    assert cls.__dataclass_params__.frozen  # type: ignore[attr-defined]
    json.dumps(card.to_json())


@each_tool
def test_parameters_are_described(name: str) -> None:
    cls = known_tools()[name]
    for parameter in cls.describe_parameters():
        assert len(parameter.about.doc) > 5, f"{name}.{parameter.name} says too little"
        if parameter.default is None:
            about = parameter.about
            assert about.auto or about.doc, f"{name}.{parameter.name}: what does None do?"
        elif parameter.default is not dataclasses.MISSING and not isinstance(
            parameter.default, type
        ):
            assert parameter.problem(parameter.default) is None


@each_tool
def test_output_is_what_the_port_says(name: str) -> None:
    tool, _, output = at_work(name)
    port = type(tool).card.output
    if not port.kind.is_stack:
        expected = VALUE_TYPES.get(port.kind)
        if expected:
            assert isinstance(output, expected)
        check_finite(output)
        return
    assert isinstance(output, Block)
    assert output.kind == port.kind
    assert output.values.dtype == np.dtype(port.dtype)
    assert output.values.ndim == (4 if port.kind == DataKind.MATERIALS else 3)
    if port.kind in (DataKind.PROJECTIONS, DataKind.SINOGRAM, DataKind.VOLUME):
        first = next(iter(type(tool).card.inputs), None)
        states = port.states or {at_work(name)[1][first].state}
        assert output.state in states
    assert len(output.rows) == output.values.shape[output.row_axis]
    if port.kind in (DataKind.PROJECTIONS, DataKind.SINOGRAM):
        frames = output.values.shape[0 if port.kind == DataKind.PROJECTIONS else 1]
        assert len(output.frames) == len(output.geometry.angles_rad) == frames
        assert output.geometry.columns == output.values.shape[-1]
    check_finite(output.values)


def check_finite(value: Any) -> None:
    if isinstance(value, np.ndarray):
        assert np.isfinite(value).all()
    elif isinstance(value, Center):
        assert np.isfinite([value.column, value.low, value.high, value.tilt_rad]).all()
        assert value.low <= value.column <= value.high
    elif isinstance(value, Shifts):
        assert np.isfinite(value.pixels).all()
        assert value.pixels.ndim == 2
        assert value.pixels.shape[1] == 2
    elif isinstance(value, Transform):
        assert np.isfinite(value.matrix).all()
        assert value.matrix.shape == (4, 4)
    elif isinstance(value, Displacement):
        assert np.isfinite(value.vectors).all()
        assert value.vectors.shape == (len(value.z), len(value.y), len(value.x), 3)
        assert value.correlation.shape == value.trusted.shape == value.vectors.shape[:3]
    elif isinstance(value, Pattern):
        assert np.isfinite(value.intensity).all()
        assert value.intensity.shape == value.sigma.shape
        assert value.intensity.shape[1] == len(value.two_theta_deg)
    elif isinstance(value, Quantities):
        assert value.values
        for key, quantity in value.values.items():
            assert np.isfinite(quantity.value), f"{key} is {quantity.value}"


@each_tool
def test_inputs_stay_untouched_and_the_output_is_the_same_again(name: str) -> None:
    cls = known_tools()[name]
    tool, inputs, output = at_work(name)
    before = examples.digest(inputs)
    check_again(tool, tool(**inputs), output, "two calls differ")
    assert examples.digest(inputs) == before, "a call changed its inputs"
    fresh, again = examples.example_of(cls)
    if fresh.needs_tuning():
        before = examples.digest(again)
        tuned = fresh.tune(**examples.sample(cls, again))
        assert examples.digest(again) == before, "tune changed its inputs"
        assert tuned.tool.parameters() == tool.parameters(), "two calls of tune differ"
        assert all(isinstance(note, str) and note for note in tuned.notes)
        # a measurement sees nothing but the sample, so it may find them as it measures
        if cls.card.split != Split.SAMPLE:
            assert not tuned.tool.needs_tuning(), "tune left an automatic parameter open"


def check_again(tool: Tool, again: Any, output: Any, message: str) -> None:
    """The same to the bit, or to float32 rounding."""
    if isinstance(output, Block) and np.issubdtype(output.values.dtype, np.floating):
        scale = float(np.abs(output.values).max()) or 1.0
        slack = AGAIN.get(type(tool).card.stage, 1e-6)
        np.testing.assert_allclose(again.values, output.values, rtol=0, atol=slack * scale,
                                   err_msg=message)  # fmt: skip
        again = again.with_values(output.values)
    assert examples.digest(again) == examples.digest(output), message


@each_tool
def test_parameters_survive_a_pipeline_file(name: str) -> None:
    tool, inputs, output = at_work(name)
    pipeline = Pipeline((Node("step", name, tool.parameters()),), ())
    again = Pipeline.from_yaml(pipeline.to_yaml()).tool("step")
    assert again.parameters() == tool.parameters()
    assert Pipeline.from_json(json.loads(json.dumps(pipeline.to_json()))) is not None
    check_again(tool, again(**inputs), output, "the tool read from the file gives something else")


@each_tool
def test_cost_grows_with_each_size(name: str) -> None:
    tool, inputs, _ = at_work(name)
    base = examples.shapes(inputs) or {"input": Shape(48, 8, 48)}
    first = tool.cost(**base)
    assert first.operations >= 0
    assert first.bytes >= 0
    for side in ("frames", "rows", "columns"):
        larger = {
            port: dataclasses.replace(shape, **{side: 3 * getattr(shape, side)})
            for port, shape in base.items()
        }
        cost = tool.cost(**larger)
        assert cost.operations >= first.operations, f"fewer operations with more {side}"
        assert cost.bytes >= first.bytes, f"fewer bytes with more {side}"
    doubled = {port: Shape(2 * s.frames, 2 * s.rows, 2 * s.columns) for port, s in base.items()}
    if type(tool).card.split != Split.SAMPLE:
        assert tool.cost(**doubled).operations > first.operations


@each_tool
def test_output_shape_is_foretold(name: str) -> None:
    tool, inputs, output = at_work(name)
    if not isinstance(output, Block):
        pytest.skip("yields no stack")
    assert tool.output_shape(**examples.shapes(inputs)) == examples.shape_of(output)


@each_tool
def test_cutting_does_not_change_the_result(name: str) -> None:
    tool, inputs, output = at_work(name)
    split = type(tool).card.split
    blocks = examples.stacks(inputs)
    if split in (Split.SAMPLE, Split.WHOLE) or not blocks:
        pytest.skip(f"split {split}: the engine does not cut")
    assert isinstance(output, Block)
    first = next(iter(blocks.values()))
    if split in (Split.ROWS, Split.ANY):
        halo = tool.halo() if split == Split.ROWS else 0
        check_row_slabs(tool, inputs, output, len(first.rows), halo)
    if split in (Split.ANGLES, Split.ANY) and first.kind in (
        DataKind.PROJECTIONS,
        DataKind.SINOGRAM,
    ):
        check_frame_slabs(tool, inputs, output, len(first.frames))


def check_row_slabs(tool: Tool, inputs: dict[str, Any], whole: Block, rows: int, halo: int) -> None:
    for start, stop in ((0, rows // 2), (rows // 2, rows // 2 + 1), (rows // 2 + 1, rows)):
        low, high = max(start - halo, 0), min(stop + halo, rows)
        part = tool(**examples.cut_rows(inputs, low, high))
        wanted = np.arange(start, stop)
        kept = part.take_rows(slice(start - low, stop - low))
        assert list(kept.rows) == list(whole.rows[wanted])
        index: list[Any] = [slice(None)] * whole.values.ndim
        index[whole.row_axis] = wanted
        check_same(tool, kept.values, whole.values[tuple(index)])


def check_frame_slabs(tool: Tool, inputs: dict[str, Any], whole: Block, frames: int) -> None:
    axis = 0 if whole.kind == DataKind.PROJECTIONS else 1
    for start, stop in ((0, frames // 3), (frames // 3, frames)):
        part = tool(**examples.cut_frames(inputs, start, stop))
        assert list(part.frames) == list(range(start, stop))
        check_same(tool, part.values, np.take(whole.values, range(start, stop), axis=axis))


def check_same(tool: Tool, part: Any, whole: Any) -> None:
    if np.issubdtype(whole.dtype, np.integer):
        np.testing.assert_array_equal(part, whole)
    else:
        scale = float(np.abs(whole).max()) or 1.0
        slack = SLACK.get(type(tool).card.stage, 1e-5)
        np.testing.assert_allclose(part, whole, rtol=slack, atol=slack * scale)


@each_tool
def test_a_value_in_the_wrong_state_does_not_validate(name: str) -> None:
    card = known_tools()[name].card
    port_name, port = next(
        ((n, p) for n, p in card.inputs.items() if p.kind.is_stack), (None, None)
    )
    if port is None or port_name is None:
        pytest.skip("takes no stack")
    if not port.states and port.kind in (DataKind.PROJECTIONS, DataKind.SINOGRAM):
        pytest.skip("takes grey values in any state")
    pipeline = Pipeline((Node("scan", "scan", {"index": 0}), Node("step", name)),
                        (Edge("scan", "step", port_name),))  # fmt: skip
    if port.kind not in (DataKind.PROJECTIONS, DataKind.SINOGRAM):
        found = [str(p) for p in pipeline.validate() if p.node == "step"]
        assert any(port_name in p or port.kind.value in p for p in found), found
        return
    wrong = [s for s in GreyState if s not in port.states]
    right = {str(p) for p in pipeline.validate([next(iter(port.states))])}
    for state in wrong:
        new = [str(p) for p in pipeline.validate([state]) if str(p) not in right]
        assert new, f"{name} takes {state} although its port does not say so"
        assert any(state.value in p for p in new), f"the problem does not name {state}: {new}"


@each_tool
def test_an_unknown_parameter_is_named(name: str) -> None:
    with pytest.raises(InputError, match="no_such_parameter"):
        Pipeline((Node("step", name, {"no_such_parameter": 1}),), ()).tool("step")


@each_tool
@pytest.mark.parametrize("size", [(1, 48, 48), (1, 3, 8)], ids=["one row", "tiny"])
def test_tiny_inputs_work_or_are_refused_in_words(name: str, size: tuple[int, int, int]) -> None:
    cls = known_tools()[name]
    if cls.example() is not None:
        tool, inputs = examples.example_of(cls)
        if size != (1, 48, 48) or not examples.stacks(inputs):
            pytest.skip("brings its own example, whose size is its own")
        inputs = examples.cut_rows(inputs, 0, 1)
    else:
        tool = examples.small_tool(cls)
        needed = {n: p for n, p in cls.card.inputs.items() if not p.optional}
        inputs = {n: examples.value_for(p, *size) for n, p in needed.items()}
    refusal, output = "", None
    try:
        if tool.needs_tuning():
            tool = tool.tune(**inputs).tool
        output = tool(**inputs)
    except TomoplanError as error:
        refusal = str(error)
    if output is None:
        assert len(refusal) > 40, f"too short to help: {refusal!r}"
    else:
        check_finite(output.values if isinstance(output, Block) else output)


MODULES = sorted({cls.__module__ for cls in known_tools().values()})


@pytest.mark.parametrize("module", MODULES)
def test_docstring_examples_run(module: str) -> None:
    result = doctest.testmod(importlib.import_module(module), optionflags=doctest.ELLIPSIS)
    assert result.failed == 0


def test_every_tool_shows_an_example_in_its_docstring() -> None:
    lacking = [name for name, cls in known_tools().items() if ">>>" not in (cls.__doc__ or "")]
    assert not lacking, f"docstrings without an example: {', '.join(sorted(lacking))}"


@each_tool
def test_what_is_chosen_automatically_is_said(name: str) -> None:
    cls = known_tools()[name]
    tool, inputs = examples.example_of(cls)
    measured = not cls.card.output.kind.is_stack  # the value itself is the report
    if measured or not (tool.needs_tuning() or tool.reports):
        return
    notes = tool.tune(**examples.sample(cls, inputs)).notes
    assert notes
    assert all(isinstance(note, str) and note for note in notes)
