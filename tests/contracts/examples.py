"""Small inputs for any tool, made from its ports; and how the engine would cut them."""

from __future__ import annotations

import dataclasses
import hashlib
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata import GreyState, InputError
from toolbox import (
    Block,
    Center,
    DataKind,
    Geometry,
    Port,
    Shape,
    Shifts,
    Tool,
    known_tools,
)

ROWS, FRAMES, COLUMNS = 6, 48, 48
CENTER = 23.0
FEW = 5  # iterations
ARGUMENTS: dict[str, dict[str, Any]] = {"known_center": {"column": CENTER}}

# value, semi-axes, centre (in parts of the half width), rotation
_ELLIPSES = (
    (1.0, 0.72, 0.60, 0.05, -0.03, 0.3),
    (0.8, 0.18, 0.12, 0.30, 0.20, 1.0),
    (-0.6, 0.15, 0.22, -0.30, 0.10, 0.4),
    (0.9, 0.10, 0.08, 0.05, -0.35, 0.0),
)


@cache
def _integrals(rows: int, frames: int, columns: int, turn: float) -> NDArray[np.float32]:
    """Line integrals of ellipses about ``CENTER`` over ``turn`` rad, axes ``angle, row, col``."""
    angles = turn * np.arange(frames) / frames
    half = columns / 2
    u = np.arange(columns) - CENTER * columns / COLUMNS
    result = np.zeros((frames, rows, columns))
    for row in range(rows):
        for value, a, b, x, y, lean in _ELLIPSES:
            size = 1 - 0.02 * row
            a_, b_ = a * half * size, b * half * size
            t = u[None] - half * (x * np.cos(angles) + y * np.sin(angles))[:, None]
            s2 = (a_ * np.cos(angles - lean)) ** 2 + (b_ * np.sin(angles - lean)) ** 2
            inside = np.maximum(s2[:, None] - t**2, 0)
            result[:, row] += value * 2 * a_ * b_ * np.sqrt(inside) / s2[:, None]
    result *= 1.5 / result.max()
    return result.astype(np.float32)


def geometry(
    rows: int = ROWS, frames: int = FRAMES, columns: int = COLUMNS, turn: float = np.pi
) -> Geometry:
    return Geometry(turn * np.arange(frames) / frames, rows, columns, 1e-6, 25.0, 0.05)


def projections(
    state: GreyState,
    rows: int = ROWS,
    frames: int = FRAMES,
    columns: int = COLUMNS,
    turn: float = np.pi,
) -> Block:
    """Noisy projections in a state, with flats, darks and monitor where they are counts."""
    rng = np.random.default_rng(7)
    clean = _integrals(rows, frames, columns, turn)
    beam = 2e4 * (1 - 0.2 * np.linspace(-1, 1, columns) ** 2) * np.ones((rows, 1))
    gain = 1 + 0.01 * rng.standard_normal((rows, columns))
    counts = 100 + rng.poisson(beam * gain * np.exp(-clean))
    flats = (100 + rng.poisson(np.broadcast_to(beam * gain, (6, rows, columns)))).astype(np.float32)
    darks = (100 + rng.normal(0, 2, (6, rows, columns))).astype(np.float32)
    block = Block(
        counts.astype(np.float32),
        DataKind.PROJECTIONS,
        state,
        geometry(rows, frames, columns, turn),
        np.arange(rows),
        np.arange(frames),
    )
    if state == GreyState.COUNTS:
        monitor = 1e6 * (1 - 0.02 * np.arange(frames) / frames)
        return dataclasses.replace(block, flats=flats, darks=darks, monitor=monitor)
    transmission = ((counts - 100) / (flats.mean(0) - 100)).astype(np.float32)
    if state == GreyState.TRANSMISSION:
        return block.with_values(transmission)
    return block.with_values(-np.log(np.maximum(transmission, 1e-4)))


def volume(state: GreyState, rows: int = ROWS, columns: int = COLUMNS) -> Block:
    """Noisy slices of the same ellipses, axes ``z, y, x``, grey values in 1/px."""
    rng = np.random.default_rng(8)
    values = np.zeros((rows, columns, columns))
    axis = (np.arange(columns) - (columns - 1) / 2) / (columns / 2)
    x, y = np.meshgrid(axis, axis)
    for row in range(rows):
        size = 1 - 0.02 * row
        for value, a, b, x0, y0, turn in _ELLIPSES:
            along = (x - x0) * np.cos(turn) + (y - y0) * np.sin(turn)
            across = -(x - x0) * np.sin(turn) + (y - y0) * np.cos(turn)
            values[row] += value * ((along / a / size) ** 2 + (across / b / size) ** 2 <= 1)
    values = 0.03 * values + 0.002 * rng.standard_normal(values.shape)
    return Block(values.astype(np.float32), DataKind.VOLUME, state,
                 geometry(rows, FRAMES, columns), np.arange(rows))  # fmt: skip


def labels(dtype: str, rows: int = ROWS, columns: int = COLUMNS) -> Block:
    """Classes 0 to 2 of the same slices, axes ``z, y, x``."""
    grey = volume(GreyState.ATTENUATION, rows, columns)
    kind = np.dtype(dtype if dtype != "float32" else "uint8")
    return dataclasses.replace(
        grey, values=np.digitize(grey.values, [0.015, 0.04]).astype(kind), kind=DataKind.LABELS
    )


def value_for(
    port: Port,
    rows: int = ROWS,
    frames: int = FRAMES,
    columns: int = COLUMNS,
    turn: float = np.pi,
) -> Any:
    """Something small that a port takes."""
    state = min(port.states, key=list(GreyState).index) if port.states else GreyState.ATTENUATION
    if port.kind in (DataKind.PROJECTIONS, DataKind.SINOGRAM):
        return projections(state, rows, frames, columns, turn).as_kind(port.kind)
    if port.kind == DataKind.VOLUME:
        return volume(state, rows, columns)
    if port.kind == DataKind.LABELS:
        return labels(port.dtype, rows, columns)
    if port.kind == DataKind.CENTER:
        axis = CENTER * columns / COLUMNS
        return Center(axis, axis - 0.5, axis + 0.5, method="known")
    if port.kind == DataKind.SHIFTS:
        pixels = np.random.default_rng(9).normal(0, 0.7, (frames, 2))
        pixels[:, 0] = 0
        return Shifts(pixels, "known")
    raise AssertionError(f"no example of {port.kind} yet: give the tool an example()")


def example_of(cls: type[Tool]) -> tuple[Tool, dict[str, Any]]:
    """The tool's own example, or the defaults on inputs made from its ports: over half a turn,
    or over a full one where the tool says that it needs that."""
    own = cls.example()
    if own is not None:
        return own
    tool = small_tool(cls)
    needed = {name: port for name, port in cls.card.inputs.items() if not port.optional}
    turn = 2 * np.pi if _needs_full_turn(cls.card.name) else np.pi
    return tool, {name: value_for(port, turn=turn) for name, port in needed.items()}


@cache
def _needs_full_turn(name: str) -> bool:
    cls = known_tools()[name]
    needed = {n: p for n, p in cls.card.inputs.items() if not p.optional}
    if not any(p.kind in (DataKind.PROJECTIONS, DataKind.SINOGRAM) for p in needed.values()):
        return False
    inputs = {n: value_for(p) for n, p in needed.items()}
    try:
        tool = small_tool(cls)
        tool.tune(**sample(cls, inputs)).tool(**inputs)
    except InputError as error:
        return "full turn" in str(error)
    return False


def small_tool(cls: type[Tool]) -> Tool:
    """The tool with its defaults, but few iterations: laws do not need convergence."""
    few = {
        p.name: min(p.default, FEW)
        for p in cls.describe_parameters()
        if p.name == "iterations" and isinstance(p.default, int)
    }
    return cls(**few, **ARGUMENTS.get(cls.card.name, {}))


def stacks(inputs: dict[str, Any]) -> dict[str, Block]:
    return {name: value for name, value in inputs.items() if isinstance(value, Block)}


def shape_of(block: Block) -> Shape:
    """Frames (or y), rows (or z), columns of a block."""
    if block.kind == DataKind.PROJECTIONS:
        frames, rows, columns = block.values.shape
    else:
        rows, frames, columns = block.values.shape[-3:]
    return Shape(frames, rows, columns)


def shapes(inputs: dict[str, Any]) -> dict[str, Shape]:
    return {name: shape_of(block) for name, block in stacks(inputs).items()}


def cut_rows(inputs: dict[str, Any], start: int, stop: int) -> dict[str, Any]:
    return {
        name: value.take_rows(slice(start, stop)) if isinstance(value, Block) else value
        for name, value in inputs.items()
    }


def cut_frames(inputs: dict[str, Any], start: int, stop: int) -> dict[str, Any]:
    """The same inputs with some of the projections; shifts stay whole (``frames`` says which)."""
    return {
        name: take_frames(value, start, stop) if isinstance(value, Block) else value
        for name, value in inputs.items()
    }


def take_frames(block: Block, start: int, stop: int) -> Block:
    part = slice(start, stop)
    axis = 0 if block.kind == DataKind.PROJECTIONS else 1
    index = (part,) if axis == 0 else (slice(None), part)
    return dataclasses.replace(
        block,
        values=block.values[index],
        frames=block.frames[part],
        geometry=dataclasses.replace(block.geometry, angles_rad=block.geometry.angles_rad[part]),
        monitor=None if block.monitor is None else block.monitor[part],
    )


def sample(cls: type[Tool], inputs: dict[str, Any]) -> dict[str, Any]:
    """The bands of rows that ``tune`` and measuring tools are shown."""
    card = cls.card

    def pick(block: Block) -> Block:
        rows = len(block.rows)
        height = card.band_rows or rows
        if height * card.bands >= rows:
            return block
        starts = np.linspace(0, rows - height, card.bands).round().astype(int)
        chosen = np.unique(np.concatenate([np.arange(s, s + height) for s in starts]))
        index: list[Any] = [slice(None)] * block.values.ndim
        index[block.row_axis] = chosen
        return dataclasses.replace(
            block,
            values=block.values[tuple(index)],
            rows=block.rows[chosen],
            flats=None if block.flats is None else block.flats[:, chosen],
            darks=None if block.darks is None else block.darks[:, chosen],
        )

    return {n: pick(v) if isinstance(v, Block) else v for n, v in inputs.items()}


def digest(value: Any) -> str:
    """A hash of all that a value holds."""
    found = hashlib.sha256()

    def feed(item: Any) -> None:
        if isinstance(item, np.ndarray):
            found.update(f"{item.dtype}{item.shape}".encode())
            found.update(np.ascontiguousarray(item).tobytes())
        elif dataclasses.is_dataclass(item) and not isinstance(item, type):
            for part in dataclasses.fields(item):
                feed(getattr(item, part.name))
        elif isinstance(item, dict):
            for key in sorted(item):
                found.update(key.encode())
                feed(item[key])
        elif isinstance(item, list | tuple):
            for part in item:
                feed(part)
        else:
            found.update(repr(item).encode())

    feed(value)
    return found.hexdigest()
