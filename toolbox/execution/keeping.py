"""Gives stacks their place in a file and writes slabs into it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from toolbox.execution.part import Part
from toolbox.execution.passes import Direction
from toolbox.execution.sources import StoredStack
from toolbox.execution.stack_file import StackFile
from toolbox.kinds import DataKind
from toolbox.values import Block


@dataclass
class Keeper:
    """Makes room for each kept stack when its first block is there, which tells size and type.

    ``places``: dataset of each stack that goes into the output; the others go into scratch files.
    ``rows``: the rows of the whole that a stack holds; ``frames``: how many projections a pass
    over frames goes through.
    """

    part: Part
    direction: Direction
    places: Mapping[str, str]
    rows: Mapping[str, range]
    frames: int
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, node: str, block: Block) -> StoredStack:
        with self._lock:
            if node not in self.part.stacks:
                self._make(node, block)
            return self.part.stacks[node]

    def _make(self, node: str, block: Block) -> None:
        plain = plain_block(block)
        shape, axis = list(plain.values.shape), plain.row_axis
        geometry, rows, frames = block.geometry, self.rows[node], len(block.frames)
        angles = len(geometry.angles_rad)
        if self.direction is Direction.ANGLES:
            shape[0] = frames = angles = self.frames
        elif self.direction is Direction.ROWS:
            shape[axis] = len(rows)
        if self.direction is not Direction.ROWS:
            rows = range(int(block.rows[0]), int(block.rows[0]) + shape[axis])
        along = {
            "angles": self._scratch(f"{node}.angles", (angles,), "<f8", 0),
            "frames": self._scratch(f"{node}.frames", (frames,), "<i8", 0),
        }
        if block.monitor is not None:
            along["monitor"] = self._scratch(f"{node}.monitor", (frames,), "<f8", 0)
        fields = {}
        for name in ("flats", "darks"):
            part = getattr(block, name)
            if part is not None:
                size = (part.shape[0], len(rows), part.shape[2])
                fields[name] = self._scratch(f"{node}.{name}", size, "<f4", 1)

        def note(values: StackFile) -> None:
            stored = StoredStack(
                values, block.kind, block.state, rows.start, geometry.rows, geometry.columns,
                geometry.pixel_size_m, geometry.energy_kev, geometry.distance_m, along, fields,
            )  # fmt: skip
            if self.direction is Direction.ANGLES:
                for name, file in fields.items():
                    file.write(0, getattr(block, name), 1)
            else:
                _write_along(stored, 0, block)
            self.part.note_stack(node, stored)

        dtype = plain.values.dtype.str
        if node in self.places:
            self.part.result.add(self.places[node], tuple(shape), dtype, axis, note)
        else:
            note(self._scratch(f"{node}.values", tuple(shape), dtype, axis))

    def _scratch(self, name: str, shape: tuple[int, ...], dtype: str, row_axis: int) -> StackFile:
        path: Path = self.part.folder / f"scratch-{name}"
        file = StackFile(path, 0, shape, dtype, row_axis)
        file.allocate()
        return file


def write_rows(stored: StoredStack, block: Block) -> None:
    """Put a block of contiguous rows into a stack."""
    plain = plain_block(block)
    start = int(block.rows[0]) - stored.first_row
    stored.values.write(start, plain.values, stored.values.row_axis)
    for name, file in stored.fields.items():
        file.write(start, getattr(block, name), 1)


def write_frames(stored: StoredStack, block: Block, start: int) -> None:
    """Put a block of contiguous projections into a stack."""
    stored.values.write(start, plain_block(block).values, 0)
    _write_along(stored, start, block)


def _write_along(stored: StoredStack, start: int, block: Block) -> None:
    values: dict[str, Any] = {
        "angles": block.geometry.angles_rad,
        "frames": block.frames,
        "monitor": block.monitor,
    }
    for name, file in stored.along.items():
        file.write(start, np.asarray(values[name]), 0)


def plain_block(block: Block) -> Block:
    """A block with the axes that it has in a file."""
    return block.as_kind(DataKind.PROJECTIONS) if block.kind is DataKind.SINOGRAM else block
