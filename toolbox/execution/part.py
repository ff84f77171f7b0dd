"""The folder ``OUT.h5.part`` where a run works until its output is complete."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metadata.errors import InputError, WorkError
from metadata.file_lock import held
from toolbox.execution.codec import decode, encode
from toolbox.execution.journal import Journal, boot
from toolbox.execution.result import ResultFile, sync
from toolbox.execution.sources import StoredStack
from toolbox.execution.stack_file import write_failed

if TYPE_CHECKING:
    import h5py

RESULT = "result.h5"
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}


@dataclass
class Part:
    """The journal of a run, its scratch files and the growing output."""

    output: Path
    folder: Path
    journal: Journal
    result: ResultFile
    resumed: bool
    handle: int
    stacks: dict[str, StoredStack] = field(default_factory=dict)
    slabs_before: int = 0  # done by earlier runs

    @classmethod
    def open(cls, output: Path, identity: dict[str, Any], *, resume: bool, overwrite: bool) -> Part:
        """The folder for a run that ``identity`` describes, new or as a killed run left it."""
        check_output(output, overwrite)
        folder = output.with_name(output.name + ".part")
        try:
            folder.mkdir(exist_ok=True)
            handle = held(folder / "lock")
        except OSError as error:
            raise WorkError(
                f"Cannot write to the folder {output.parent}: {error.strerror}. Choose an output "
                f"in a folder where you may write."
            ) from error
        if handle is None:
            raise WorkError(
                f"Another run is writing {output} at this moment. Wait for it, or choose another "
                f"name for the output."
            )
        path = folder / "journal.jsonl"
        if resume and path.exists():
            journal = Journal.load(path)
            if journal.find("begin"):
                _compare(output, journal.find("begin")[0]["identity"], identity)
                part = cls(output, folder, journal, ResultFile(folder / RESULT), True, handle)
                part._take_up()
                return part
        for file in folder.iterdir():
            if file.name != "lock":
                file.unlink()
        journal = Journal(path)
        part = cls(output, folder, journal, ResultFile(folder / RESULT), False, handle)
        try:
            journal.add("begin", identity=identity, boot=boot())
        except OSError:
            part.abandon()
            raise
        return part

    def _take_up(self) -> None:
        self.stacks = {
            line["node"]: decode(line["stored"], self.folder) for line in self.journal.find("stack")
        }
        self.slabs_before = len(self.journal.find("slab"))
        inside = [s.values for s in self.stacks.values() if s.values.path == self.result.path]
        self.result.recover(inside)

    def encode(self, value: Any, name: str) -> Any:
        """JSON of a value; arrays go into the folder."""
        return encode(value, self.folder, name)

    def decode(self, document: Any) -> Any:
        return decode(document, self.folder)

    @property
    def written(self) -> list[Path]:
        """Files that hold values."""
        return [s.values.path for s in self.stacks.values()]

    def note_stack(self, node: str, stored: StoredStack) -> None:
        """Note that a stack has its place."""
        self.stacks[node] = stored
        self.journal.add("stack", node=node, stored=self.encode(stored, f"stack-{node}"))

    def finish(self, write: Callable[[h5py.File], None]) -> None:
        """Complete the output and give it its name."""
        self.result.finish(write)
        self.journal.settle(self.written, now=True)
        self.result.path.replace(self.output)
        sync(self.output.parent)
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def abandon(self) -> None:
        """Leave: keep what can be resumed, remove what cannot."""
        worth = bool(self.journal.find("slab"))
        self.close()
        if not worth:
            shutil.rmtree(self.folder, ignore_errors=True)

    def close(self) -> None:
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1


@contextmanager
def told_of_the_disk(output: Path) -> Iterator[None]:
    """A disk that refuses more, wherever that is met, ends the work inside with one paragraph."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise WorkError(write_failed(output, error)) from error


# Endings that promise another format than the one that is written
OTHER_FORMATS = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".npy", ".npz", ".raw", ".zarr", ".mrc",
                 ".txm", ".txrm", ".xrm", ".edf", ".yaml", ".yml", ".json", ".csv")  # fmt: skip


def check_output(output: Path, overwrite: bool) -> None:
    """Raise where an output cannot be written, before any work."""
    if output.is_dir():
        raise InputError(f"The output {output} is a folder, expected the name of a file (OUT.h5).")
    if output.suffix.lower() in OTHER_FORMATS:
        raise InputError(
            f"The output {output} ends in {output.suffix}, and results are written as HDF5. Name "
            f"a file that ends in .h5."
        )
    if output.exists() and not overwrite:
        raise InputError(
            f"The output {output} exists already. Choose another name, or remove it first."
        )
    if not output.parent.is_dir():
        raise InputError(f"The folder {output.parent} of the output does not exist. Make it first.")
    if not os.access(output.parent, os.W_OK | os.X_OK):
        raise WorkError(
            f"Cannot write to the folder {output.parent}: it is read-only for this user. Choose "
            f"an output in a folder where you may write."
        )


def _compare(output: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    other = [name for name in now if before.get(name) != now[name]]
    if other:
        raise InputError(
            f"The unfinished run of {output} was for another {' and another '.join(other)}. "
            f"Resume it with the same plan, scans and rows, or start anew without --resume."
        )
