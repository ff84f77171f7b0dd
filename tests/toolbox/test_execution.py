"""The engine against calling every tool once on everything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import h5py
import numpy as np
import pytest

from metadata.errors import InputError, WorkError
from metadata.scan import Scan
from metadata.scan_info import ScanInfo
from toolbox.card import Param, Port, ToolCard
from toolbox.execution import RunRecord, plan_passes, run
from toolbox.execution.passes import Direction
from toolbox.execution.sources import ScanSource
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.pipeline import SCAN, Edge, Node, Pipeline
from toolbox.registry import known_tools
from toolbox.tool import Tool, Tuned
from toolbox.values import Block, Center, Quantities, Quantity, Shape, Shifts

PROJECTIONS, SINOGRAM, VOLUME = DataKind.PROJECTIONS, DataKind.SINOGRAM, DataKind.VOLUME


def card(
    name: str, inputs: dict[str, Port], output: DataKind, split: Split, **more: Any
) -> ToolCard:
    dtype = "uint8" if output is DataKind.LABELS else "float32"
    return ToolCard(name, name, name, Stage.CORRECT, Domain.PROJECTION, inputs,
                    Port(output, dtype=dtype), split, (), "", **more)  # fmt: skip


@dataclass(frozen=True)
class FrameMean(Tool):
    """Takes the mean of each whole frame away."""

    card = card("x_frame_mean", {"projections": Port(PROJECTIONS)}, PROJECTIONS, Split.ANGLES)

    def __call__(self, *, projections: Block) -> Block:
        values = projections.values
        assert len(projections.rows) == projections.geometry.rows
        return projections.with_values(values - values.mean(axis=(1, 2), keepdims=True))


@dataclass(frozen=True)
class RowBlur(Tool):
    """The mean over two rows on either side, where there are some."""

    card = card("x_row_blur", {"sinogram": Port(SINOGRAM)}, SINOGRAM, Split.ROWS, halo=2)

    def __call__(self, *, sinogram: Block) -> Block:
        assert (np.diff(sinogram.rows) == 1).all()
        v = sinogram.values
        out = np.stack([v[max(0, i - 2) : i + 3].mean(axis=0) for i in range(len(v))])
        return sinogram.with_values(out.astype(np.float32))


@dataclass(frozen=True)
class Scale(Tool):
    """Divides by an automatic number."""

    card = card("x_scale", {"projections": Port(PROJECTIONS)}, PROJECTIONS, Split.ANY,
                bands=3, band_rows=2)  # fmt: skip
    by: Annotated[float | None, Param("divisor", auto="mean of a sample")] = None

    def __call__(self, *, projections: Block) -> Block:
        return projections.with_values(projections.values / np.float32(self.by))

    def tune(self, *, projections: Block) -> Tuned:
        by = float(projections.values.mean(dtype=np.float64))
        return Tuned(replace(self, by=by), (f"the mean of {len(projections.rows)} rows",))


@dataclass(frozen=True)
class Middle(Tool):
    card = card("x_middle", {"sinogram": Port(SINOGRAM)}, DataKind.CENTER, Split.SAMPLE, bands=2)

    def __call__(self, *, sinogram: Block) -> Center:
        value = float(sinogram.values.mean(dtype=np.float64))
        return Center(value, value - 1, value + 1, warnings=("the middle is a guess",))


@dataclass(frozen=True)
class Drift(Tool):
    card = card("x_drift", {"projections": Port(PROJECTIONS)}, DataKind.SHIFTS, Split.SAMPLE,
                band_rows=0)  # fmt: skip

    def __call__(self, *, projections: Block) -> Shifts:
        mean = projections.values.mean(axis=(1, 2), dtype=np.float64)
        return Shifts(np.stack([mean, -mean], axis=1))


@dataclass(frozen=True)
class Undrift(Tool):
    card = card("x_undrift", {"projections": Port(PROJECTIONS), "shifts": Port(DataKind.SHIFTS)},
                PROJECTIONS, Split.ANGLES)  # fmt: skip

    def __call__(self, *, projections: Block, shifts: Shifts) -> Block:
        moved = shifts.pixels[projections.frames, 0].astype(np.float32)
        return projections.with_values(projections.values + moved[:, None, None])


@dataclass(frozen=True)
class Smear(Tool):
    """A volume of a sinogram, cheaply."""

    card = card("x_smear", {"sinogram": Port(SINOGRAM), "center": Port(DataKind.CENTER)}, VOLUME,
                Split.ROWS)  # fmt: skip

    def __call__(self, *, sinogram: Block, center: Center) -> Block:
        mean = sinogram.values.mean(axis=1)
        values = mean[:, :, None] * mean[:, None, :] + np.float32(center.column)
        return sinogram.with_values(values, kind=VOLUME, flats=None, darks=None, monitor=None,
                                    frames=np.empty(0, np.intp))  # fmt: skip

    def output_shape(self, **inputs: Shape) -> Shape:
        shape = inputs["sinogram"]
        return Shape(shape.columns, shape.rows, shape.columns)


@dataclass(frozen=True)
class Threshold(Tool):
    card = card("x_threshold", {"volume": Port(VOLUME)}, DataKind.LABELS, Split.WHOLE)

    def __call__(self, *, volume: Block) -> Block:
        values = (volume.values > volume.values.mean()).astype(np.uint8)
        return volume.with_values(values, kind=DataKind.LABELS)


@dataclass(frozen=True)
class Fraction(Tool):
    card = card(
        "x_fraction",
        {"labels": Port(DataKind.LABELS), "volume": Port(VOLUME, optional=True)},
        DataKind.QUANTITIES,
        Split.WHOLE,
    )

    def __call__(self, *, labels: Block, volume: Block | None = None) -> Quantities:
        values = {"fraction": Quantity(float(labels.values.mean()), "", 0.0, 1.0)}
        return Quantities(values, {"histogram": {"count": [1.0, 2.0]}})


@dataclass(frozen=True)
class SideBySide(Tool):
    card = card("x_side_by_side", {"left": Port(SINOGRAM), "right": Port(SINOGRAM)}, SINOGRAM,
                Split.ROWS)  # fmt: skip

    def __call__(self, *, left: Block, right: Block) -> Block:
        values = np.concatenate([left.values, right.values], axis=2)
        geometry = replace(left.geometry, columns=values.shape[2])
        return left.with_values(values, geometry=geometry, flats=None, darks=None)

    def output_shape(self, **inputs: Shape) -> Shape:
        left, right = inputs["left"], inputs["right"]
        return replace(left, columns=left.columns + right.columns)


@dataclass(frozen=True)
class Fails(Tool):
    card = card("x_fails", {"sinogram": Port(SINOGRAM)}, SINOGRAM, Split.ROWS)
    how: Annotated[str, Param("what goes wrong")] = "error"

    def __call__(self, *, sinogram: Block) -> Block:
        if self.how == "nan":
            return sinogram.with_values(np.full_like(sinogram.values, np.nan))
        if self.how == "flat":
            return sinogram.with_values(np.full_like(sinogram.values, 3.0))
        if self.how == "short":
            return sinogram.with_values(sinogram.values[:-1])
        raise ValueError("the moon is full")


TOOLS = (FrameMean, RowBlur, Scale, Middle, Drift, Undrift, Smear, Threshold, Fraction, SideBySide,
         Fails)  # fmt: skip


@pytest.fixture(autouse=True)
def tools() -> Iterator[None]:
    """The tools of this file, known for the length of a test."""
    known = known_tools()
    known.update({t.card.name: t for t in TOOLS})
    yield
    for tool in TOOLS:
        del known[tool.card.name]


class ArrayScan(Scan):
    """A scan of numbers in memory."""

    def __init__(self, shape: tuple[int, int, int] = (7, 13, 6), seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.values = rng.uniform(1, 2, shape).astype(np.float32)
        self.fields = rng.uniform(1, 2, (3, *shape[1:])).astype(np.float32)
        self.info = ScanInfo(
            Path(f"array-{seed}"), "array", *shape, 3, 0, "float32", GreyState.COUNTS,
            np.linspace(0, np.pi, shape[0], endpoint=False), pixel_size_m=2e-6,
        )  # fmt: skip

    def projections(self, angles: Any = slice(None), rows: slice = slice(None)) -> Any:
        return self.values[angles][:, rows]

    def flats(self, rows: slice = slice(None)) -> Any:
        return self.fields[:, rows]

    def darks(self, rows: slice = slice(None)) -> Any:
        return self.fields[:0, rows]

    def monitor(self) -> Any:
        return np.arange(self.info.projections, dtype=np.float64)


def graph(text: str) -> Pipeline:
    """``b(projections=a) c(…)`` in words: id:tool(port=source,…)."""
    nodes, edges = [Node("scan", SCAN, {"index": 0})], []
    for word in text.split():
        head, _, body = word.partition("(")
        name, _, tool = head.partition(":")
        if tool == SCAN:
            nodes.append(Node(name, SCAN, {"index": int(body[:-1])}))
            continue
        nodes.append(Node(name, tool if tool.startswith("minus") else f"x_{tool}"))
        for pair in body[:-1].split(","):
            port, _, source = pair.partition("=")
            edges.append(Edge(source, name, port))
    return Pipeline(tuple(nodes), tuple(edges))


def direct(pipeline: Pipeline, scans: list[Scan], tuned: dict[str, Any]) -> dict[str, Any]:
    """Every step once, on everything; measurements on the engine's sample of rows."""
    from toolbox.execution.sampling import sample_rows

    values: dict[str, Any] = {}
    for name in pipeline.order:
        node = pipeline.node(name)
        if node.tool == SCAN:
            info = scans[node.parameters["index"]].info
            source = ScanSource(scans[node.parameters["index"]])
            values[name] = source.take_rows(np.arange(info.rows))
            continue
        tool = known_tools()[node.tool](**tuned.get(name, {}))
        inputs = {}
        for port, source_name in pipeline.inputs_of(name).items():
            value = values[source_name]
            if isinstance(value, Block):
                if tool.card.split is Split.SAMPLE:
                    value = value.take_rows(sample_rows(tool.card, range(len(value.rows))))
                value = value.as_kind(tool.card.inputs[port].kind)
            inputs[port] = value
        values[name] = tool(**inputs)
    return values


GRAPHS = [
    "a:row_blur(sinogram=scan)",
    "a:scale(projections=scan) b:row_blur(sinogram=a) c:row_blur(sinogram=b)",
    "a:scale(projections=scan) b:frame_mean(projections=a) m:middle(sinogram=b) "
    "v:smear(sinogram=b,center=m)",
    "b:row_blur(sinogram=scan) f:frame_mean(projections=b) d:drift(projections=f) "
    "u:undrift(projections=f,shifts=d) m:middle(sinogram=u) v:smear(sinogram=u,center=m) "
    "t:threshold(volume=v) q:fraction(labels=t,volume=v)",
    "s:scan(1) l:scale(projections=scan) r:row_blur(sinogram=s) j:side_by_side(left=l,right=r) "
    "m:middle(sinogram=j) v:smear(sinogram=j,center=m)",
    "a:scale(projections=scan) f:frame_mean(projections=a) m:middle(sinogram=a) "
    "v:smear(sinogram=f,center=m) w:smear(sinogram=a,center=m)",
]


@pytest.mark.parametrize("text", GRAPHS)
@pytest.mark.parametrize("workers", [1, 3])
def test_slabs_give_what_the_whole_gives(text: str, workers: int, tmp_path: Path) -> None:
    pipeline, scans = graph(text), [ArrayScan(seed=0), ArrayScan(seed=1)]
    out = tmp_path / "out.h5"
    record = run(pipeline, scans, out, workers=workers)
    tuned = {n["id"]: n["parameters"] for n in record.tuned["nodes"] if n["tool"] != SCAN}
    values = direct(pipeline, scans, tuned)
    with h5py.File(out) as file:
        data = file["/entry/data"]
        for name in pipeline.order:
            kind = pipeline.kind_of(name)
            if pipeline.consumers_of(name) and kind not in (VOLUME, DataKind.LABELS):
                continue
            if kind is DataKind.QUANTITIES:
                assert data["quantities/fraction"][()] == values[name].values["fraction"].value
                continue
            key = {DataKind.LABELS: "labels"}.get(kind, "data")
            if name == "v" and "w:" in text:
                key = "v"
            block = values[name]
            expected = block.as_kind(PROJECTIONS) if kind is SINOGRAM else block
            np.testing.assert_allclose(data[key][()], expected.values, rtol=2e-6)
    assert list(tmp_path.iterdir()) == [out]


def test_passes_are_few() -> None:
    passes = plan_passes(graph(GRAPHS[2]))
    assert [(p.direction, p.keeps) for p in passes] == [
        (Direction.ANGLES, ("b",)),
        (Direction.ROWS, ("v",)),
    ]
    assert [p.direction for p in plan_passes(graph(GRAPHS[1]))] == [Direction.ROWS]
    assert [p.direction.value for p in plan_passes(graph(GRAPHS[3]))] == [
        "rows", "angles", "angles", "rows", "whole", "whole"
    ]  # fmt: skip


def test_a_file_says_what_was_done(tmp_path: Path) -> None:
    out = tmp_path / "out.h5"
    pipeline = graph(GRAPHS[2])
    record = run(pipeline, [ArrayScan()], out, store=tmp_path / "runs.sqlite", task={"text": "x"})
    with h5py.File(out) as file:
        assert file["/entry/definition"][()] == b"NXtomoproc"
        assert file["/entry/data"].attrs["signal"] == "data"
        assert list(file["/entry/data"].attrs["axes"]) == ["z", "y", "x"]
        assert file["/entry/data/data"].shape == (13, 6, 6)
        assert file["/entry/data/z"].attrs["units"] == "m"
        np.testing.assert_allclose(file["/entry/data/voxel_size"][()], 2e-6)
        assert file["/entry/reconstruction/center"][()] == record.center_px["value"]
        kept = json.loads(file["/entry/reconstruction/record"][()])
        plan = Pipeline.from_yaml(file["/entry/reconstruction/plan"][()].decode())
    assert RunRecord.from_json(kept) == record
    assert plan.to_json() == record.tuned
    assert plan.tool("a").by == pytest.approx(1.5, abs=0.1)
    assert record.notes["a"] == ["the mean of 6 rows"]
    assert "the middle is a guess" in record.warnings
    assert record.node_seconds["v"] >= 0
    assert record.peak_bytes >= record.base_bytes > 0
    from metadata.store import Store

    with Store(tmp_path / "runs.sqlite") as store:
        assert store.run(record.id) == record.to_json()
    again = run(plan, [ArrayScan()], tmp_path / "again.h5")
    assert again.tuned == record.tuned


def test_the_plan_of_a_file_gives_the_same_again(tmp_path: Path) -> None:
    run(graph(GRAPHS[4]), [ArrayScan(), ArrayScan(seed=1)], tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        plan = Pipeline.from_yaml(file["/entry/reconstruction/plan"][()].decode())
        first = file["/entry/data/data"][()]
    run(plan, [ArrayScan(), ArrayScan(seed=1)], tmp_path / "b.h5")
    with h5py.File(tmp_path / "b.h5") as file:
        np.testing.assert_array_equal(file["/entry/data/data"][()], first)


@pytest.mark.parametrize("text", GRAPHS[:4])
def test_some_rows_are_those_of_the_whole(text: str, tmp_path: Path) -> None:
    pipeline = graph(text.partition(" t:")[0])
    run(pipeline, [ArrayScan()], tmp_path / "all.h5")
    record = run(pipeline, [ArrayScan()], tmp_path / "some.h5", rows=slice(4, 9))
    with h5py.File(tmp_path / "all.h5") as a, h5py.File(tmp_path / "some.h5") as b:
        whole, some = a["/entry/data/data"], b["/entry/data/data"]
        rows = (slice(4, 9),) if whole.attrs["axes"][0] == "z" else (slice(None), slice(4, 9))
        np.testing.assert_allclose(some[()], whole[rows], rtol=2e-6)
        assert some.attrs["first_row"] == 4
    assert record.rows == [4, 9]


def test_values_alone_are_a_result(tmp_path: Path) -> None:
    out = tmp_path / "out.h5"
    run(graph("d:drift(projections=scan)"), [ArrayScan()], out)
    with h5py.File(out) as file:
        assert file["/entry/data"].attrs["signal"] == "shifts"
        assert file["/entry/data/shifts"].shape == (7, 2)
        assert file["/entry/data/shifts"].attrs["units"] == "px"
    record = run(graph("m:middle(sinogram=scan)"), [ArrayScan()], tmp_path / "center.h5")
    with h5py.File(tmp_path / "center.h5") as file:
        assert file["/entry/reconstruction/center"][()] == record.center_px["value"]


def failing(how: str) -> Pipeline:
    return Pipeline(
        (Node("scan", SCAN, {"index": 0}), Node("bad", "x_fails", {"how": how})),
        (Edge("scan", "bad", "sinogram"),),
    )


def test_a_failing_step_says_which_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(WorkError, match=r"Step bad \(x_fails\) failed on rows .* the moon is full"):
        run(failing("error"), [ArrayScan()], tmp_path / "out.h5")
    with pytest.raises(WorkError, match="mistake in that tool"):
        run(failing("short"), [ArrayScan()], tmp_path / "out.h5")
    assert not list(tmp_path.iterdir())


def test_strange_results_are_said(tmp_path: Path) -> None:
    record = run(failing("nan"), [ArrayScan()], tmp_path / "nan.h5")
    assert any("not finite" in w for w in record.warnings)
    record = run(failing("flat"), [ArrayScan()], tmp_path / "flat.h5")
    assert any("3 everywhere" in w for w in record.warnings)


def test_too_little_memory_is_said_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(WorkError, match=r"needs [\d.]+ [KM]iB at once .* and 0 bytes are left"):
        run(graph(GRAPHS[0]), [ArrayScan()], tmp_path / "out.h5", memory_bytes=1e6)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("rows", "text"), [(slice(20, 30), "hold none of the scan's 13"), (slice(0, 9, 2), "a step")]
)
def test_rows_that_cannot_be(rows: slice, text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=text):
        run(graph(GRAPHS[0]), [ArrayScan()], tmp_path / "out.h5", rows=rows)


def test_a_missing_scan_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="takes 2 scans and 1 was given"):
        run(graph(GRAPHS[4]), [ArrayScan()], tmp_path / "out.h5")


def test_progress_goes_up_to_the_end(tmp_path: Path) -> None:
    seen: list[tuple[float, float, float | None, str]] = []
    run(graph(GRAPHS[3]), [ArrayScan()], tmp_path / "out.h5", progress=lambda *a: seen.append(a))
    done = [s[0] for s in seen]
    assert done == sorted(done)
    assert seen[-1][:2] == (1.0, 1.0)
    assert any("measuring" in s[3] for s in seen)


@pytest.mark.parametrize("text", ["d:drift(projections=scan)", GRAPHS[3].partition("b:")[0] + (
    "m:middle(sinogram=scan) v:smear(sinogram=scan,center=m) t:threshold(volume=v)")])  # fmt: skip
def test_what_needs_everything_at_once_is_refused_in_time(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from toolbox.execution import work

    pipeline, scan = graph(text), ArrayScan((40, 200, 30))
    need = 40 * 200 * 30 * 4
    monkeypatch.setattr(work, "resident_bytes", lambda: 0)
    name = pipeline.order[-1]
    with pytest.raises(WorkError, match=rf"Step {name} .* [KM]iB at once, .* are left for it"):
        run(pipeline, [scan], tmp_path / "out.h5", memory_bytes=0.8 * need, workers=1)
    assert not (tmp_path / "out.h5").exists()
    run(pipeline, [scan], tmp_path / "out.h5", memory_bytes=10 * need, workers=1)
