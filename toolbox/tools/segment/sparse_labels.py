"""Slices that a person has labelled here and there, to train a classifier on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError


@dataclass(frozen=True, eq=False)
class SparseLabels:
    """``labels`` (integers, axes ``slice, y, x``): 0 where nothing is said, k for class k − 1.
    ``slices``: the z index of each, if known. ``images``: their grey values, if the file has
    them (same axes)."""

    labels: NDArray[np.integer]
    slices: NDArray[np.intp] | None
    images: NDArray[np.float32] | None


def read_sparse_labels(path: str | Path) -> SparseLabels:
    """Labels from HDF5 (datasets ``labels``, and ``slices`` or ``image``), npz (the same names),
    npy or TIFF (labels alone). Raises InputError on anything else."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no file of labels at {path}; give the path of an HDF5, npz, "
                         f"npy or TIFF file with labelled slices.")  # fmt: skip
    ending = path.suffix.lower()
    try:
        if ending in (".h5", ".hdf5", ".nxs"):
            import h5py

            with h5py.File(path, "r") as file:
                found = {n: np.asarray(file[n]) for n in ("labels", "slices", "image") if n in file}
        elif ending == ".npz":
            with np.load(path, allow_pickle=False) as stored:
                found = {n: stored[n] for n in ("labels", "slices", "image") if n in stored}
        elif ending == ".npy":
            found = {"labels": np.load(path, allow_pickle=False)}
        elif ending in (".tif", ".tiff"):
            import tifffile

            found = {"labels": tifffile.imread(path)}
        else:
            raise InputError(f"{path} ends in {ending!r}, expected labels in .h5, .npz, .npy or "
                             f".tif.")  # fmt: skip
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"The labels in {path} cannot be read: {error}.") from None
    return _checked(path, found)


def _checked(path: Path, found: dict[str, NDArray]) -> SparseLabels:
    labels = found.get("labels")
    if labels is None:
        raise InputError(f"{path} has no dataset `labels`; expected integers, axes `slice, y, x`: "
                         f"0 where nothing is said, 1 for the first class and so on.")  # fmt: skip
    if not np.issubdtype(labels.dtype, np.integer) or labels.ndim not in (2, 3):
        raise InputError(
            f"The labels in {path} are {labels.dtype} of shape {labels.shape}, expected integers "
            f"with axes `slice, y, x` (or `y, x`)."
        )
    labels = labels.reshape(-1, *labels.shape[-2:])
    if labels.min() < 0 or len(np.unique(labels[labels > 0])) < 2:
        raise InputError(
            f"The labels in {path} name {np.unique(labels).tolist()}, expected at least two "
            f"classes (1, 2 …) beside 0, which says nothing. Mark some pixels of each class."
        )
    image, slices = found.get("image"), found.get("slices")
    if image is not None:
        image = np.asarray(image, np.float32).reshape(-1, *image.shape[-2:])
        if image.shape != labels.shape:
            raise InputError(
                f"In {path} the labels have shape {labels.shape} and the image {image.shape}; "
                f"expected the same."
            )
    if slices is not None:
        slices = np.asarray(slices).astype(np.intp).ravel()
        if len(slices) != len(labels):
            raise InputError(f"{path} has {len(labels)} slices of labels and {len(slices)} slice "
                             f"numbers, expected as many.")  # fmt: skip
    return SparseLabels(labels, slices, image)
