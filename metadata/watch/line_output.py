"""Lines on a file, a pipe or a terminal: said once, even where a kill fell between two words."""

from __future__ import annotations

import contextlib
import os
import select
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Self

TAIL = 64 * 2**20  # bytes at the end of a file that are looked at after a kill
AT_ONCE = 4096  # bytes that a pipe with room takes without waiting (PIPE_BUF of Linux)


class LineOutput:
    """Puts whole lines out through a file descriptor, unbuffered.

    After a kill the watch says again what it had not yet kept. Where the output is a file, what
    stands behind the ``kept`` size tells which of these lines are there already: they are passed
    over, and a line that was cut is completed. A pipe or a terminal cannot be read back: there
    lines are kept first and put out at once after, a piece that it takes without waiting at a time,
    so a kill loses or repeats one only if it falls between these two.
    """

    def __init__(self, descriptor: int, *, kept: int | None = None) -> None:
        self._descriptor = descriptor
        self._there, self._cut = set[bytes](), b""
        if kept is not None:
            self._there, self._cut = _behind(kept, descriptor)

    @classmethod
    def appending(cls, path: Path, *, kept: int | None = None) -> Self:
        """To the end of a file."""
        return cls(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644), kept=kept)

    @property
    def size(self) -> int | None:
        """Bytes of the file; None for a pipe or a terminal."""
        return os.fstat(self._descriptor).st_size if self._regular else None

    @property
    def remembers(self) -> bool:
        """Whether one can look afterwards at what was put out: a file."""
        return self._regular

    def wait(self) -> None:
        """Until a reader leaves room for a piece."""
        with contextlib.suppress(OSError, ValueError):
            select.select([], [self._descriptor], [])

    @property
    def _regular(self) -> bool:
        return stat.S_ISREG(os.fstat(self._descriptor).st_mode)

    def put(self, text: str) -> None:
        """Write lines, each with its end; raises BrokenPipeError where nobody reads."""
        data = text.encode()
        if self._there or self._cut:
            data = self._still_to_say(data)
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def _still_to_say(self, data: bytes) -> bytes:
        lines = data.splitlines(keepends=True)
        while lines and lines[0] in self._there:
            lines.pop(0)
        if not lines:
            return b""
        cut, self._cut, self._there = self._cut, b"", set()
        if cut and lines[0].startswith(cut):
            lines[0] = lines[0][len(cut) :]
        elif cut:
            lines.insert(0, b"\n")
        return b"".join(lines)

    def close(self) -> None:
        os.close(self._descriptor)


def pieces(text: str) -> Iterator[str]:
    r"""Whole lines, together no longer than a pipe takes at once (a longer line is alone).

    >>> [len(piece) for piece in pieces("x" * 3000 + "\n" + "y" * 3000 + "\n" + "z\n")]
    [3001, 3003]
    """
    piece: list[str] = []
    size = 0
    for line in text.splitlines(keepends=True):
        more = len(line.encode())
        if piece and size + more > AT_ONCE:
            yield "".join(piece)
            piece, size = [], 0
        piece.append(line)
        size += more
    if piece:
        yield "".join(piece)


def _behind(kept: int, descriptor: int) -> tuple[set[bytes], bytes]:
    """The lines of a file behind a place in it, and what follows the last line's end; nothing for
    a pipe, and for a file that is shorter: another one that has the name by now."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        return set(), b""
    try:
        with open(f"/proc/self/fd/{descriptor}", "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - TAIL, min(kept, size)))
            whole, end, cut = file.read().rpartition(b"\n")
    except OSError:  # not Linux, or not to be read by this user
        return set(), b""
    return set((whole + end).splitlines(keepends=True)), cut
