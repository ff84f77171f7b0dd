"""Classes by example: a random forest over the surroundings of each pixel."""

from __future__ import annotations

import atexit
import dataclasses
import shutil
import tempfile
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError
from toolbox.card import Param, Port, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.tool import Cost, Tool, Tuned
from toolbox.tools.segment.forest import Forest
from toolbox.tools.segment.pixel_features import pixel_features
from toolbox.tools.segment.sparse_labels import SparseLabels, read_sparse_labels
from toolbox.values import Block, Geometry, Shape

PIXELS_TOGETHER = 1 << 18
MOST_SAMPLES = 20000  # of each class


@dataclass(frozen=True)
class SegmentPixelClassifier(Tool):
    """Class 0, 1 … of each pixel as a person marked some of them, axes ``z, y, x``, slice by
    slice. Give ``labels`` (HDF5 or npz with ``labels``, axes ``slice, y, x``, 0 where nothing is
    said, k for class k − 1, and ``image``, the grey values of those slices; or ``slices``, their
    z indices, when the sample holds them) to train, or ``model``, trained before.

    >>> tool, inputs = SegmentPixelClassifier.example()
    >>> labels = tool(**inputs).values
    >>> truth = inputs["volume"].values > 0.5
    >>> bool((labels == truth).mean() > 0.95)
    True
    """

    card = ToolCard(
        name="segment_pixel_classifier",
        title="trained pixel classifier (random forest)",
        title_zh="训练式像素分类器（随机森林）",
        stage=Stage.SEGMENT,
        domain=Domain.RECONSTRUCTION,
        inputs={"volume": grey(DataKind.VOLUME, GreyState.ATTENUATION, GreyState.PHASE)},
        output=Port(DataKind.LABELS, dtype="uint8"),
        split=Split.ROWS,
        references=(
            "Breiman 2001, Mach. Learn. 45, 5",
            "Sommer et al. 2011, Ilastik, IEEE ISBI, 230 (pixel features and a forest)",
        ),
        limits="Needs some pixels marked by a person, and knows only what was marked: other grey "
        "levels, noise or sharpness than in the marked slices mislead it. Slice by slice.",
        library="scikit-learn",
        licence="BSD-3-Clause",
        bands=9,
        default_on=False,
    )

    labels: Annotated[str | None, Param("file of labelled slices to train on")] = None
    model: Annotated[str | None, Param("file of a classifier trained before (npz)")] = None
    trees: Annotated[int, Param("trees in the forest", low=1, high=500)] = 40
    depth: Annotated[int, Param("most questions on a way through a tree", low=1, high=30)] = 12
    seed: Annotated[int, Param("seed of the training", low=0)] = 0
    forest: Forest | None = field(default=None, init=False, repr=False, compare=False)

    def needs_tuning(self) -> bool:
        return self.forest is None

    def tune(self, *, volume: Block) -> Tuned:  # type: ignore[override]
        if self.model is not None:
            note = f"segment_pixel_classifier: read from {self.model}"
            return Tuned(self._with(Forest.load(self.model)), (note,))
        if self.labels is None:
            raise InputError(
                "segment_pixel_classifier was given neither `labels` nor `model`; expected a file "
                "of labelled slices to train on or a classifier trained before. Without either, "
                "segment_otsu needs no training."
            )
        forest, note = _trained(
            self.labels, Path(self.labels).stat().st_mtime_ns if Path(self.labels).exists() else 0,
            self.trees, self.depth, self.seed,
        ) or self._train_on(volume)  # fmt: skip
        return Tuned(self._with(forest), (note,))

    def _train_on(self, volume: Block) -> tuple[Forest, str]:
        marked = read_sparse_labels(self.labels or "")
        return train(marked.labels, _slices_of(volume, marked), self.trees, self.depth, self.seed)

    def _with(self, forest: Forest) -> Self:
        tool = dataclasses.replace(self)
        object.__setattr__(tool, "forest", forest)
        return tool

    def save(self, path: str | Path) -> None:
        """Keep the trained classifier for ``model``."""
        if self.forest is None:
            raise InputError("This pixel classifier is not trained yet; call `tune` or `train`.")
        self.forest.save(path)

    def __call__(self, *, volume: Block) -> Block:  # type: ignore[override]
        if self.forest is None:
            return self.tune(volume=volume).tool(volume=volume)
        result = np.empty(volume.values.shape, np.uint8)
        for image, out in zip(volume.values, result, strict=True):
            features = pixel_features(image).reshape(image.size, -1)
            flat = np.empty(image.size, np.uint8)
            for start in range(0, image.size, PIXELS_TOGETHER):
                part = slice(start, start + PIXELS_TOGETHER)
                flat[part] = self.forest.shares(features[part]).argmax(axis=1)
            out[...] = flat.reshape(image.shape)
        return volume.with_values(result, kind=DataKind.LABELS)

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["volume"]
        one = shape.frames * shape.columns
        work = 5.0 * self.trees * self.depth + 500
        return Cost(work * shape.voxels, 4.0 * 20 * one + 60.0 * min(one, PIXELS_TOGETHER))

    @classmethod
    def example(cls) -> tuple[Self, dict[str, Any]]:
        """Bright discs in noise, a few pixels of which are marked."""
        rng = np.random.default_rng(4)
        y, x = np.mgrid[:32, :32]
        clean = np.stack([((x - 16) ** 2 + (y - 15 - z) ** 2 < 80).astype(np.float32)
                          for z in range(4)])  # fmt: skip
        values = clean + rng.normal(0, 0.2, clean.shape).astype(np.float32)
        volume = Block(values, DataKind.VOLUME, GreyState.ATTENUATION,
                       Geometry(np.zeros(1), 4, 32), np.arange(4))  # fmt: skip
        return cls(labels=_example_labels(values[0].tobytes()), trees=10), {"volume": volume}


@lru_cache(maxsize=1)
def _example_labels(image: bytes) -> str:
    """A file with some pixels of the example marked; it goes when the program ends."""
    marks = np.zeros((1, 32, 32), np.int32)
    marks[0, 10:20:2, 12:20:2] = 2
    marks[0, 2:30:2, 1:5] = 1
    folder = tempfile.mkdtemp(prefix="tomoplan-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder, "labels.npz")
    np.savez(path, labels=marks, image=np.frombuffer(image, np.float32).reshape(1, 32, 32))
    return str(path)


def train(
    labels: NDArray[np.integer], images: NDArray[np.float32], trees: int, depth: int, seed: int
) -> tuple[Forest, str]:
    """A forest grown on the marked pixels (> 0) of slices (both ``slice, y, x``), and how good it
    is on marked pixels left out of a trial."""
    rng = np.random.default_rng(seed)
    features, classes = [], []
    for image, said in zip(images, labels, strict=True):
        at = np.flatnonzero(said)
        features.append(pixel_features(image).reshape(said.size, -1)[at])
        classes.append(said.ravel()[at].astype(np.intp) - 1)
    x, y = np.concatenate(features), np.concatenate(classes)
    drawn = [rng.permutation(np.flatnonzero(y == c))[:MOST_SAMPLES] for c in np.unique(y)]
    kept = np.sort(np.concatenate(drawn))
    x, y = x[kept], y[kept]
    present, compact = np.unique(y, return_inverse=True)
    note = f"segment_pixel_classifier: trained on {len(y)} pixels of {len(present)} classes"
    held = np.arange(len(y)) % 5 == 0
    if len(np.unique(compact[~held])) == len(present):
        trial = Forest.train(x[~held], compact[~held], trees, depth, seed)
        right = np.mean(trial.shares(x[held]).argmax(axis=1) == compact[held])
        note += f"; {100 * right:.1f} % right on marked pixels left out (neighbours of others)"
    forest = Forest.train(x, compact, trees, depth, seed)
    share = np.zeros((len(forest.share), int(present.max()) + 1), np.float32)
    share[:, present] = forest.share
    return dataclasses.replace(forest, share=share), note


@lru_cache(maxsize=4)
def _trained(
    path: str, changed: int, trees: int, depth: int, seed: int
) -> tuple[Forest, str] | None:
    """Training on a file that brings its images, once for all slabs; None if it has none."""
    marked = read_sparse_labels(path)
    if marked.images is None:
        return None
    return train(marked.labels, marked.images, trees, depth, seed)


def _slices_of(volume: Block | None, marked: SparseLabels) -> NDArray[np.float32]:
    """The grey values of the marked slices, from a sample that must hold them."""
    if marked.slices is None or volume is None:
        raise InputError(
            "The labels come without the grey values of their slices. Add them to the file as "
            "`image` (same shape as `labels`), or add `slices`, the z index of each."
        )
    place = {int(row): i for i, row in enumerate(volume.rows)}
    lacking = [int(s) for s in marked.slices if int(s) not in place]
    if lacking:
        raise InputError(
            f"The labels belong to the slices {lacking}, which are not in the sample that the "
            f"classifier is trained on (it holds {volume.rows.tolist()}). Add the grey values of "
            f"those slices to the file of labels as `image`."
        )
    images = volume.values[[place[int(s)] for s in marked.slices]]
    if images.shape != marked.labels.shape:
        raise InputError(
            f"The labels have shape {marked.labels.shape}, the slices {images.shape}; expected "
            f"labels of whole slices."
        )
    return images
