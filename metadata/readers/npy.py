"""NumPy arrays in files: a stack of projections or one sinogram."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from metadata.errors import ScanError
from metadata.found import Found
from metadata.frames import ArrayFrames, Selection


def load_npy(path: Path) -> ArrayFrames:
    """The array, mapped from the file."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # numpy raises whatever a broken header leads to
        raise ScanError(
            f"{path} is not a readable .npy file ({error}). Expected one array of numbers; write "
            f"it again with numpy.save."
        ) from error
    if (
        not isinstance(array, np.ndarray)
        or array.ndim not in (2, 3)
        or array.dtype.kind not in "iuf"
    ):
        raise ScanError(
            f"{path} holds an array of shape {getattr(array, 'shape', None)} and type "
            f"{getattr(array, 'dtype', None)}; expected numbers as angle, row, col or angle, col."
        )
    return ArrayFrames(array)


def read_npy(path: Path) -> Found:
    """A stack of projections (``angle, row, col``) or a sinogram (``angle, col``)."""
    return Found(path=path, format="NumPy", projections=Selection.all(load_npy(path)))
