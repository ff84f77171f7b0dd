"""Where a pass takes its stacks from: a scan, or what an earlier pass kept."""

from __future__ import annotations

import dataclasses
import threading
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from metadata.scan import Scan
from metadata.scan_info import Content
from toolbox.execution.stack_file import StackFile
from toolbox.kinds import DataKind, GreyState
from toolbox.values import Block, Geometry, Shape

Rows = NDArray[np.intp]


class Source(Protocol):
    """A stack that can be read by rows and, where it has projections, by frames."""

    @property
    def available(self) -> range: ...

    @property
    def frames(self) -> int: ...

    def take_rows(self, rows: Rows) -> Block: ...

    def take_frames(self, start: int, stop: int) -> Block: ...


@dataclass
class ScanSource:
    """The projections of a scan, with its flats, darks and monitor.

    Whole flats and darks, which every slab of frames carries, are read once and shared.
    """

    scan: Scan
    _fields: tuple[NDArray[np.float32] | None, NDArray[np.float32] | None] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __reduce__(self) -> tuple[Any, ...]:
        return ScanSource, (self.scan,)

    @property
    def available(self) -> range:
        return range(self.scan.info.rows)

    @property
    def frames(self) -> int:
        return self.scan.info.projections

    def take_rows(self, rows: Rows) -> Block:
        runs = [slice(int(r[0]), int(r[-1]) + 1) for r in runs_of(rows)]
        info = self.scan.info
        if info.content is Content.VOLUME:
            slices = _joined([self.scan.projections(rows=r) for r in runs], 1).swapaxes(0, 1)
            return Block(slices, DataKind.VOLUME, info.state, Geometry.of(info), rows)
        return Block(
            _joined([self.scan.projections(rows=r) for r in runs], 1),
            DataKind.PROJECTIONS,
            info.state,
            Geometry.of(info),
            rows,
            np.arange(info.projections),
            _joined([self.scan.flats(rows=r) for r in runs], 1) if info.flats else None,
            _joined([self.scan.darks(rows=r) for r in runs], 1) if info.darks else None,
            self.scan.monitor(),
        )

    def take_frames(self, start: int, stop: int) -> Block:
        info = self.scan.info
        monitor = self.scan.monitor()
        geometry = Geometry.of(info)
        return Block(
            self.scan.projections(slice(start, stop)),
            DataKind.PROJECTIONS,
            info.state,
            dataclasses.replace(geometry, angles_rad=geometry.angles_rad[start:stop]),
            np.arange(info.rows),
            np.arange(start, stop),
            *self._whole_fields(),
            None if monitor is None else monitor[start:stop],
        )

    def _whole_fields(self) -> tuple[NDArray[np.float32] | None, NDArray[np.float32] | None]:
        with self._lock:
            if self._fields is None:
                info = self.scan.info
                flats = self.scan.flats() if info.flats else None
                self._fields = flats, self.scan.darks() if info.darks else None
            return self._fields


@dataclass(frozen=True)
class StoredStack:
    """A stack that a pass wrote: its values and what else its blocks carry, each in a file.

    ``first_row`` is the row of the whole that the first stored row is.
    """

    values: StackFile
    kind: DataKind
    state: GreyState
    first_row: int
    rows: int
    columns: int
    pixel_size_m: float | None
    energy_kev: float | None
    distance_m: float | None
    along: dict[str, StackFile] = field(default_factory=dict)  # angles, frames, monitor by frame
    fields: dict[str, StackFile] = field(default_factory=dict)  # flats, darks

    @property
    def available(self) -> range:
        return range(self.first_row, self.first_row + self.values.shape[self.values.row_axis])

    @property
    def frames(self) -> int:
        return self.values.shape[0]

    @property
    def storage_kind(self) -> DataKind:
        """Sinograms lie in the file as projections."""
        return DataKind.PROJECTIONS if self.kind is DataKind.SINOGRAM else self.kind

    def take_rows(self, rows: Rows) -> Block:
        runs = [
            (int(r[0]) - self.first_row, int(r[-1]) + 1 - self.first_row) for r in runs_of(rows)
        ]
        axis = self.values.row_axis
        values = _joined([self.values.read(a, b, axis) for a, b in runs], axis)
        fields = {k: _joined([f.read(a, b, 1) for a, b in runs], 1) for k, f in self.fields.items()}
        along = {k: f.read(0, f.shape[0], 0) for k, f in self.along.items()}
        return self._block(values, rows, along, fields)

    def take_frames(self, start: int, stop: int) -> Block:
        values = self.values.read(start, stop, 0)
        fields = {k: f.read(0, f.shape[0], 0) for k, f in self.fields.items()}
        along = {k: f.read(start, stop, 0) for k, f in self.along.items()}
        return self._block(values, np.asarray(self.available), along, fields)

    def _block(
        self, values: NDArray[Any], rows: Rows, along: dict[str, Any], fields: dict[str, Any]
    ) -> Block:
        geometry = Geometry(
            along["angles"], self.rows, self.columns,
            self.pixel_size_m, self.energy_kev, self.distance_m,
        )  # fmt: skip
        block = Block(
            values,
            self.storage_kind,
            self.state,
            geometry,
            rows,
            along["frames"],
            fields.get("flats"),
            fields.get("darks"),
            along.get("monitor"),
        )
        return block.as_kind(self.kind)


def runs_of(rows: Rows) -> list[Rows]:
    """Increasing rows cut into stretches without gaps.

    >>> [r.tolist() for r in runs_of(np.array([0, 1, 4, 5, 9]))]
    [[0, 1], [4, 5], [9]]
    """
    rows = np.asarray(rows, dtype=np.intp)
    return np.split(rows, np.flatnonzero(np.diff(rows) != 1) + 1) if rows.size else []


def shape_of(block: Block) -> Shape:
    """The size of a block as costs see it."""
    values = block.values
    if block.kind is DataKind.PROJECTIONS:
        return Shape(values.shape[0], values.shape[1], values.shape[2])
    if block.kind is DataKind.MATERIALS:
        return Shape(values.shape[2], values.shape[1], values.shape[3])
    return Shape(values.shape[1], values.shape[0], values.shape[2])


def _joined(pieces: list[NDArray[Any]], axis: int) -> NDArray[Any]:
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces, axis=axis)
