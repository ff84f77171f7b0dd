"""Folders of labelled slices: every layout, and one clear error for each sort of bad input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metadata import InputError
from simulators.training.adapter.labelled_slices import read_labelled

IMAGE = np.random.default_rng(0).normal(size=(40, 48)).astype(np.float32)
LABELS = np.zeros((40, 48), np.uint8)
LABELS[10:30, 10:30] = 7


def write(path: Path, values: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, values)
    elif path.suffix == ".png":
        from PIL import Image

        Image.fromarray(values).save(path)
    else:
        import tifffile

        tifffile.imwrite(path, values)


def pair(folder: Path, name: str = "a", image: Any = IMAGE, labels: Any = LABELS) -> None:
    write(folder / f"{name}.tif", image)
    write(folder / f"{name}.labels.tif", labels)


@pytest.mark.parametrize(
    ("image", "labels"),
    [("s1.tif", "s1.labels.tif"), ("s1.tiff", "s1.labels.png"), ("s1.npy", "s1.labels.npy"),
     ("images/s1.tif", "labels/s1.png"), ("images/s1.npy", "labels/s1.labels.tif")],
)  # fmt: skip
def test_every_layout_is_read(tmp_path: Path, image: str, labels: str) -> None:
    write(tmp_path / image, IMAGE)
    write(tmp_path / labels, LABELS)
    found = read_labelled(tmp_path)
    assert found.names == ("s1",)
    assert found.values == (0, 7)
    np.testing.assert_array_equal(found.images[0], IMAGE)
    np.testing.assert_array_equal(found.labels[0], LABELS // 7)


def test_pixels_that_nobody_labelled_are_no_class(tmp_path: Path) -> None:
    marks = LABELS.copy()
    marks[:, 40:] = 255
    pair(tmp_path, labels=marks)
    found = read_labelled(tmp_path, unlabelled=255)
    assert found.values == (0, 7)
    assert (found.labels[0][:, 40:] == -1).all()


def test_slices_without_labels_are_passed_over_with_a_word(tmp_path: Path) -> None:
    pair(tmp_path)
    write(tmp_path / "b.tif", IMAGE)
    found = read_labelled(tmp_path)
    assert found.names == ("a",)
    assert found.notes == ("1 slices without labels are passed over.",)


def nothing(folder: Path) -> None:
    folder.mkdir(exist_ok=True)


def slices_only(folder: Path) -> None:
    write(folder / "a.tif", IMAGE)


def labels_only(folder: Path) -> None:
    pair(folder)
    write(folder / "z.labels.tif", LABELS)


def holes(folder: Path) -> None:
    image = IMAGE.copy()
    image[3, :5] = np.nan
    pair(folder, image=image)


def no_picture(folder: Path) -> None:
    pair(folder)
    (folder / "a.tif").write_text("nothing of the kind")


BAD = {
    "no pair": (nothing, r"no pair of a slice and its labels .*0 slices, 0 files of labels"),
    "slices alone": (slices_only, r"no pair .*1 slices, 0 files .*slice_0001\.labels\.tif"),
    "labels alone": (labels_only, r"z\.labels\.tif have no slice of their name"),
    "sizes": (lambda f: pair(f, labels=LABELS[:, :-1]), r"40 × 48 px, a\.labels.* 40 × 47 px"),
    "one class": (lambda f: pair(f, labels=LABELS * 0), r"one class only \(0\)"),
    "grey labels": (lambda f: pair(f, labels=np.arange(1920, dtype=np.uint16).reshape(40, 48)),
                    r"1920 different values, expected at most 16"),
    "broken labels": (lambda f: pair(f, labels=LABELS + np.float32(0.5)), r"no whole numbers"),
    "negative": (lambda f: pair(f, labels=LABELS.astype(np.int16) - 1), r"run from -1 to 6"),
    "NaN": (holes, r"a\.tif has 5 pixels that are NaN"),
    "one grey value": (lambda f: pair(f, image=IMAGE * 0), r"the one grey value 0"),
    "colour": (lambda f: pair(f, image=np.zeros((40, 48, 3), np.uint8)), r"shape \(40, 48, 3\)"),
    "small": (lambda f: pair(f, image=IMAGE[:20], labels=LABELS[:20]), r"at least 32 a side"),
    "no picture": (no_picture, r"a\.tif cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_has_one_clear_error(case: str, tmp_path: Path) -> None:
    make, words = BAD[case]
    make(tmp_path)
    with pytest.raises(InputError, match=words):
        read_labelled(tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"There is no folder .*gone"):
        read_labelled(tmp_path / "gone")


def test_all_problems_are_said_at_once(tmp_path: Path) -> None:
    holes(tmp_path)
    pair(tmp_path, "b", labels=LABELS[:-1])
    with pytest.raises(InputError, match=r"NaN.*39 × 48"):
        read_labelled(tmp_path)
