"""Angles that the caller gives instead of those in the file."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metadata import hdf5_file as h5
from metadata.angles import even_angles
from metadata.errors import ScanError
from metadata.found import RawAngles

NUMBER = r"([-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)"
RANGE = re.compile(rf"^\s*{NUMBER}\s*:\s*{NUMBER}\s*(:\s*inclusive)?\s*$")


def read_angles(given: str | Path | ArrayLike, count: int, scan: Path) -> RawAngles:
    """Angles from what was given as ``angles=``.

    A text ``"0:180"`` lays them evenly in degrees, the end left out (``"0:360:inclusive"`` has
    it); another text is the path of a dataset in the scan, ``FILE::DATASET``, or the path of a file
    (``.npy``, or text with one number a line); anything else is numbers in radians.

    >>> read_angles("0:180", 4, Path("scan.h5")).values
    array([  0.,  45.,  90., 135.])
    """
    if not isinstance(given, str | Path):
        return RawAngles(_flat(given), "rad", "angles=")
    match = RANGE.match(str(given))
    if match:
        start, stop, end = float(match[1]), float(match[2]), match[3] is not None
        if start == stop:
            raise ScanError(f"angles={given!r} covers no angle. Expected for example '0:180'.")
        return RawAngles(even_angles(count, start, stop, endpoint=end), "deg", f"angles={given!r}")
    outside, colons, inside = str(given).partition("::")
    place = (Path(outside), inside) if colons else (scan, str(given))
    file = Path(given)
    try:
        if file.suffix == ".npy":
            return RawAngles(_flat(np.load(file)), None, str(file))
        if file.is_file():
            return RawAngles(_flat(np.loadtxt(file, delimiter=None, ndmin=1)), None, str(file))
    except (OSError, ValueError) as error:
        raise ScanError(
            f"angles={given!r} is a file without readable angles ({error}). Expected one number "
            f"a line, or a .npy array."
        ) from error
    where, name = place
    if where.is_file() and h5.is_hdf5(where):
        with h5.open_hdf5(where) as opened:
            data = h5.dataset(opened, name)
            values = h5.numbers(data)
            if values is not None:
                return RawAngles(values, h5.attribute(data, "units"), str(given))
    raise ScanError(
        f"angles={given!r} is neither a range such as '0:180', nor a file, nor a dataset in "
        f"{where}. Give one of these, FILE::DATASET, or numbers in radians."
    )


def _flat(values: ArrayLike) -> NDArray[np.float64]:
    try:
        return np.asarray(values, dtype=np.float64).ravel()
    except (TypeError, ValueError) as error:
        raise ScanError(f"angles= holds no numbers ({error}). Expected radians.") from error
