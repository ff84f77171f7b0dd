"""The output file while it grows: values are written in place, its structure under a safeguard."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolbox.execution.stack_file import StackFile

if TYPE_CHECKING:
    import h5py


@dataclass
class ResultFile:
    """An HDF5 file of contiguous datasets whose room is taken before their values are known.

    Values go in by plain writes at the dataset's place, which a kill cannot harm. Whatever changes
    the structure first saves every byte that is not values, and a kill meanwhile is undone.
    """

    path: Path
    stacks: list[StackFile] = field(default_factory=list)

    @property
    def _backup(self) -> Path:
        return self.path.with_suffix(".head")

    def recover(self, stacks: list[StackFile]) -> None:
        """Take up a file left by a killed run, which is known to hold these datasets."""
        self.stacks = stacks
        if not stacks:
            self.path.unlink(missing_ok=True)
            self._backup.unlink(missing_ok=True)
            return
        if self._backup.exists():
            self._restore(len(stacks))

    def add(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: str,
        row_axis: int,
        journal: Callable[[StackFile], None],
    ) -> StackFile:
        """A new dataset; ``journal`` notes it, after which it stays."""
        import h5py

        with self.changing(), h5py.File(self.path, "a") as file:
            layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            layout.set_layout(h5py.h5d.CONTIGUOUS)
            layout.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
            layout.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
            group, _, leaf = name.rpartition("/")
            file.require_group(group)
            dataset = h5py.h5d.create(
                file[group].id,
                leaf.encode(),
                h5py.h5t.py_create(_dtype(dtype)),
                h5py.h5s.create_simple(shape),
                layout,
            )
            stack = StackFile(self.path, dataset.get_offset(), shape, dtype, row_axis)
        stack.allocate()
        self.stacks.append(stack)
        journal(stack)
        self._backup.unlink(missing_ok=True)
        return stack

    @contextmanager
    def changing(self) -> Iterator[None]:
        """A safeguard around a change of structure."""
        if self.path.exists():
            self._save()
        yield
        sync(self.path)

    def finish(self, write: Callable[[h5py.File], None]) -> None:
        """Write what is known at the end."""
        import h5py

        with self.changing(), h5py.File(self.path, "a") as file:
            write(file)

    def _gaps(self, size: int) -> list[tuple[int, int]]:
        gaps, at = [], 0
        for stack in sorted(self.stacks, key=lambda s: s.offset):
            gaps.append((at, stack.offset))
            at = stack.offset + stack.bytes
        return [(a, min(b, size)) for a, b in [*gaps, (at, size)] if min(b, size) > a]

    def _save(self) -> None:
        size = self.path.stat().st_size
        gaps = self._gaps(size)
        with self.path.open("rb") as file:
            pieces = []
            for start, stop in gaps:
                file.seek(start)
                pieces.append(file.read(stop - start))
        head = json.dumps({"size": size, "gaps": gaps, "stacks": len(self.stacks)}).encode()
        draft = self._backup.with_suffix(".draft")
        with draft.open("wb") as file:
            file.write(head + b"\n" + b"".join(pieces))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._backup)

    def _restore(self, stacks: int) -> None:
        head, _, body = self._backup.read_bytes().partition(b"\n")
        told: dict[str, Any] = json.loads(head)
        if told["stacks"] == stacks:
            with self.path.open("r+b") as file:
                for start, stop in told["gaps"]:
                    file.seek(start)
                    file.write(body[: stop - start])
                    body = body[stop - start :]
                file.truncate(told["size"])
        self._backup.unlink()


def sync(path: Path) -> None:
    """Bring a file's bytes to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _dtype(name: str) -> Any:
    import numpy as np

    return np.dtype(name)
