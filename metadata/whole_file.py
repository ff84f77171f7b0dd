"""Writes a file beside its name and renames it when it is whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from metadata.errors import InputError, TomoplanError, WorkError


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Gives a draft beside ``path``, of the same ending, that takes the name when the block ends
    well; else nothing is left, and a file that had the name stays as it was.

    Raises InputError where the folder is not there, WorkError where the disk is full or may not
    be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with whole_file(Path(folder) / "a.txt") as draft:
    ...         _ = draft.write_text("whole")
    ...     [p.name for p in Path(folder).iterdir()]
    ['a.txt']
    """
    path = Path(path)
    draft = path.with_name(f".{path.stem}.part-{os.getpid()}{path.suffix}")
    try:
        require_folder(path)
        yield draft
        draft.replace(path)
    except OSError as error:
        raise _refused(path, error) from error
    finally:
        if path.parent.is_dir():
            draft.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write a text file (UTF-8) whole or not at all; errors as :func:`whole_file`."""
    with whole_file(path) as draft:
        draft.write_text(text, encoding="utf-8")


def require_folder(path: Path) -> None:
    """Raise where no file of this name can be written, before any work for it is done."""
    if path.is_dir():
        raise InputError(f"{path} is a folder, expected the name of a file to write.")
    if not path.parent.is_dir():
        raise InputError(
            f"The folder {path.parent} for {path.name} does not exist. Make it first, or name a "
            f"file in a folder that is there."
        )
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise WorkError(
            f"Cannot write {path.name} to the folder {path.parent}: it is read-only for this "
            f"user. Name a file in a folder where you may write."
        )


def require_apart(path: Path, read: Iterable[Path]) -> None:
    """Raise where a file that is to be written is one of those that are read, or a picture in a
    folder of them: it would be lost.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as scan:
    ...     require_apart(Path("volume.h5"), [Path(scan.name)])
    """
    for one in read if path.exists() else ():
        picture = one.is_dir() and path.suffix.lower() in (".tif", ".tiff")
        if (picture and path.resolve().is_relative_to(one.resolve())) or (
            one.exists() and path.samefile(one)
        ):
            raise InputError(
                f"{path} belongs to the scan that is read: writing there would destroy it. Name "
                f"another file."
            )


def _refused(path: Path, error: OSError) -> TomoplanError:
    try:
        free = f"{shutil.disk_usage(path.parent).free / 1e9:.2f} GB"
    except OSError:
        free = "an unknown amount"
    return WorkError(
        f"Writing {path} failed: {error.strerror or error}; {free} is free there. Make room, or "
        f"name a file on another disk or in another folder; nothing is left under that name."
    )
