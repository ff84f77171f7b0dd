"""Opening HDF5 files and reading the small things in them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin  # noqa: F401 — registers the compression filters that beamlines use
import numpy as np
from numpy.typing import NDArray

from metadata.errors import ScanError
from metadata.units import factor


def open_hdf5(path: Path) -> h5py.File:
    """The file opened for reading, or a :class:`ScanError` that says what is wrong with it."""
    try:
        return h5py.File(path, "r")
    except (OSError, RuntimeError, ValueError) as error:
        said = str(error).lower()
        if "truncated" in said or "eof" in said:
            why = (
                "is cut off before its end (truncated): the copy or the acquisition did not finish"
            )
        elif "lock" in said:
            why = "is locked by a program that is writing it"
        else:
            why = "is not a readable HDF5 file: it is damaged or something else"
        raise ScanError(
            f"{path} {why} (HDF5 says: {error}). Expected a complete HDF5 scan; "
            f"copy it again from where it was recorded."
        ) from error


def get(group: h5py.Group, path: str) -> Any:
    """The object at a path, or None where it is missing or a link that leads nowhere."""
    try:
        return group.get(path)
    except (KeyError, OSError, RuntimeError, ValueError):
        return None


def dataset(group: h5py.Group, *paths: str) -> h5py.Dataset | None:
    """The first of some paths that holds a dataset."""
    for path in paths:
        found = get(group, path)
        if isinstance(found, h5py.Dataset):
            return found
    return None


def text(group: h5py.Group, *paths: str) -> str | None:
    """The first of some paths that holds a non-empty text."""
    for path in paths:
        found = dataset(group, path)
        if found is None or found.dtype.kind not in "OSU":
            continue
        try:
            value = np.asarray(found[()]).ravel()
        except (OSError, RuntimeError, ValueError, TypeError):
            continue
        word = as_text(value[0]) if value.size else ""
        if word:
            return word
    return None


def as_text(value: Any) -> str:
    """Bytes, numpy strings and one-element arrays of them as text."""
    if isinstance(value, np.ndarray):
        value = value.ravel()[0] if value.size else ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip("\0 ")
    return str(value).strip("\0 ")


def attribute(holder: Any, name: str) -> str | None:
    """An attribute as text, or None."""
    try:
        return as_text(holder.attrs[name]) if name in holder.attrs else None
    except (OSError, RuntimeError, ValueError, TypeError):
        return None


def numbers(found: h5py.Dataset | None) -> NDArray[np.float64] | None:
    """A dataset of numbers as a flat float64 array, or None where it holds none."""
    if found is None or found.dtype.kind not in "iufb" or (not found.shape and found.size != 1):
        return None
    try:
        return np.asarray(found[()], dtype=np.float64).ravel()
    except (OSError, RuntimeError, ValueError):
        return None


def number(
    group: h5py.Group,
    quantity: str,
    *paths: str,
    default_unit: str | None = None,
    positive: bool = True,
) -> float | None:
    """The first finite number at some paths, in the unit of :func:`metadata.units.factor`.

    A value whose unit is not known, and for which there is no ``default_unit``, is not believed.
    """
    for path in paths:
        found = dataset(group, path)
        values = numbers(found)
        if values is None or not values.size or not math.isfinite(values[0]):
            continue
        unit = attribute(found, "units") or attribute(found, "unit") or default_unit
        scale = factor(quantity, unit)
        if scale is not None and (values[0] > 0 or not positive):
            return float(values[0] * scale)
    return None


def groups(root: h5py.Group) -> Iterator[h5py.Group]:
    """The group itself and every group below it that hard links reach, parents first.

    Soft and external links are not followed: they lead to what is found anyway, or outside.
    """
    waiting = [root]
    while waiting:
        group = waiting.pop(0)
        yield group
        for name in group:
            try:
                if isinstance(group.get(name, getlink=True), h5py.HardLink):
                    child = group[name]
                    if isinstance(child, h5py.Group):
                        waiting.append(child)
            except (KeyError, OSError, RuntimeError, ValueError):
                continue


def dangling(group: h5py.Group, path: str) -> str | None:
    """Where a link that leads nowhere points: ``file (path in it)``, or None for no such link."""
    try:
        link = group.get(path, getlink=True)
    except (KeyError, OSError, RuntimeError, ValueError):
        return None
    if get(group, path) is not None:
        return None
    if isinstance(link, h5py.ExternalLink):
        return f"{link.filename} (its {link.path})"
    if isinstance(link, h5py.SoftLink):
        return str(link.path)
    return None


def leads_outside(group: h5py.Group, path: str) -> bool:
    """Whether a link leads into another file, at once or over soft links of this one."""
    for _ in range(10):  # links may go round in circles
        try:
            link = group.get(path, getlink=True)
        except (KeyError, OSError, RuntimeError, ValueError):
            return False
        if not isinstance(link, h5py.SoftLink):
            return isinstance(link, h5py.ExternalLink)
        group, path = (group.file if link.path.startswith("/") else group), link.path
    return False


def is_hdf5(path: Path) -> bool:
    """Whether a file is HDF5 by its signature."""
    try:
        return bool(h5py.is_hdf5(path))
    except (OSError, ValueError):
        return False


def free_text(group: h5py.Group) -> str:
    """What attributes say in words of a group or dataset: notes, descriptions, titles."""
    names = ("note", "notes", "description", "comment", "title", "source")
    return " ".join(filter(None, (attribute(group, name) for name in names)))


def has(group: h5py.Group, path: str) -> bool:
    """Whether something is at a path, be it a link that leads nowhere."""
    return get(group, path) is not None or dangling(group, path) is not None


def as_number(said: str | None) -> float | None:
    """A finite number written as text, or None."""
    try:
        value = float(said) if said else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None
