"""A folder of slices and of what somebody says that each of their pixels is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError

ENDINGS = (".tif", ".tiff", ".png", ".npy")
MARK = ".labels"  # slice_0001.tif goes with slice_0001.labels.tif
SMALLEST = 32  # px
MOST_CLASSES = 16
NOTHING = -1  # number of a class: nothing is said of the pixel
LAYOUT = (
    "Expected pairs such as slice_0001.tif and slice_0001.labels.tif, or the sub-folders images "
    "and labels with files of the same names (.tif, .png or .npy)"
)


@dataclass(frozen=True, eq=False)
class LabelledSlices:
    """``images`` (float32, ``y, x``), ``labels`` (the number of the class of each pixel, −1: not
    labelled) and ``values``, the label that stands for each class, in order."""

    names: tuple[str, ...]
    images: tuple[NDArray[np.float32], ...]
    labels: tuple[NDArray[np.int64], ...]
    values: tuple[int, ...]
    notes: tuple[str, ...] = ()


def read_labelled(folder: str | Path, unlabelled: int | None = None) -> LabelledSlices:
    """The labelled slices of a folder; ``unlabelled`` is the label of pixels of which nothing is
    said. Raises :class:`InputError` that names every file that cannot be used, and why."""
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder} with labelled slices. {LAYOUT}.")
    pairs, notes = _pairs(folder)
    images, labels, problems = [], [], []
    for name, (image_path, labels_path) in pairs.items():
        try:
            image, said = _image(image_path), _labels(labels_path)
            if image.shape != said.shape:
                raise InputError(
                    f"{image_path.name} has {_size(image)}, {labels_path.name} has {_size(said)}; "
                    f"expected the same"
                )
            if min(image.shape) < SMALLEST:
                raise InputError(f"{name} has {_size(image)}, expected at least {SMALLEST} a side")
        except InputError as error:
            problems.append(str(error))
        else:
            images.append(image)
            labels.append(said)
    if problems:
        raise InputError(f"The labelled slices in {folder} cannot be used: {'; '.join(problems)}.")
    values = _values(folder, labels, unlabelled)
    numbers = [_numbered(said, values) for said in labels]
    return LabelledSlices(tuple(pairs), tuple(images), tuple(numbers), values, notes)


def _pairs(folder: Path) -> tuple[dict[str, tuple[Path, Path]], tuple[str, ...]]:
    """Image and labels of each slice by name; slices without labels are passed over."""
    within = folder / "images", folder / "labels"
    if all(f.is_dir() for f in within):
        images, labels = ({_stem(p): p for p in _files(f)} for f in within)
    else:
        files = _files(folder)
        labels = {p.stem.removesuffix(MARK): p for p in files if p.stem.endswith(MARK)}
        images = {p.stem: p for p in files if not p.stem.endswith(MARK)}
    alone = sorted(set(labels) - set(images))
    if alone:
        raise InputError(
            f"In {folder} the labels {_listed([labels[n].name for n in alone])} have no slice of "
            f"their name. {LAYOUT}."
        )
    both = sorted(set(images) & set(labels))
    if not both:
        raise InputError(
            f"There is no pair of a slice and its labels in {folder} ({len(images)} slices, "
            f"{len(labels)} files of labels). {LAYOUT}."
        )
    without = len(images) - len(both)
    notes = (f"{without} slices without labels are passed over.",) if without else ()
    return {name: (images[name], labels[name]) for name in both}, notes


def _stem(path: Path) -> str:
    return path.stem.removesuffix(MARK)


def _files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in ENDINGS and p.is_file())


def _read(path: Path) -> NDArray:
    try:
        if path.suffix.lower() == ".npy":
            found = np.load(path, allow_pickle=False)
        elif path.suffix.lower() == ".png":
            from PIL import Image

            with Image.open(path) as picture:
                found = np.asarray(picture)
        else:
            import tifffile

            found = tifffile.imread(path)
    except Exception as error:  # each library has errors of its own
        raise InputError(f"{path.name} cannot be read ({error})") from None
    found = np.squeeze(found)
    if found.ndim != 2:
        raise InputError(
            f"{path.name} has the shape {found.shape}, expected one slice `y, x` in grey values"
        )
    return found


def _image(path: Path) -> NDArray[np.float32]:
    found = _read(path).astype(np.float32)
    bad = int((~np.isfinite(found)).sum())
    if bad:
        raise InputError(f"{path.name} has {bad} pixels that are NaN or infinite, expected numbers")
    if not found.max() > found.min():
        raise InputError(f"{path.name} has the one grey value {found.flat[0]:g}, expected a slice")
    return found


def _labels(path: Path) -> NDArray[np.int64]:
    found = _read(path)
    if found.dtype == bool:
        found = found.astype(np.uint8)
    if not np.all(np.isfinite(found)) or not np.array_equal(found, np.round(found)):
        raise InputError(f"{path.name} holds {found.dtype} that are no whole numbers, expected one "
                         f"whole number a class")  # fmt: skip
    return found.astype(np.int64)


def _values(
    folder: Path, labels: Sequence[NDArray[np.int64]], unlabelled: int | None
) -> tuple[int, ...]:
    """The labels that stand for classes."""
    found = sorted({int(v) for said in labels for v in np.unique(said)} - {unlabelled})
    if len(found) > MOST_CLASSES:
        raise InputError(
            f"The labels in {folder} have {len(found)} different values, expected at most "
            f"{MOST_CLASSES} classes. Are they grey values, or instances? Give one number a class."
        )
    if len(found) < 2:
        raise InputError(
            f"The labels in {folder} name one class only ({_listed(list(map(str, found)))}), "
            f"expected at least two. Label what is about it as another class, for example 0."
        )
    if found[0] < 0 or found[-1] > 255:
        raise InputError(
            f"The labels in {folder} run from {found[0]} to {found[-1]}, expected whole numbers "
            f"from 0 to 255 (--unlabelled names the one of pixels that nobody labelled)."
        )
    return tuple(found)


def _numbered(said: NDArray[np.int64], values: tuple[int, ...]) -> NDArray[np.int64]:
    numbers = np.full(said.shape, NOTHING, np.int64)
    for number, value in enumerate(values):
        numbers[said == value] = number
    return numbers


def _size(image: NDArray) -> str:
    return " × ".join(map(str, image.shape)) + " px"


def _listed(names: list[str], most: int = 3) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
