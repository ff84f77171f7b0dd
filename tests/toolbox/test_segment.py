"""Segmentation against known truths: simulated worlds, and real images that people labelled."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from metadata import InputError
from planner.benchmarks.denoise import case
from simulators import World
from toolbox import Block, DataKind, Geometry, GreyState, make_tool
from toolbox.metrics import mean_iou
from toolbox.tools.segment.forest import Forest
from toolbox.tools.segment.instances import part
from toolbox.tools.segment.thresholds import multi_otsu, number_of_classes


def block(values: NDArray, kind: DataKind = DataKind.VOLUME) -> Block:
    values = values if values.ndim == 3 else values[None]
    values = values.astype(np.float32) if kind == DataKind.VOLUME else values
    geometry = Geometry(np.zeros(1), len(values), values.shape[-1], 1e-6)
    return Block(values, kind, GreyState.ATTENUATION, geometry, np.arange(len(values)))


@pytest.mark.parametrize("levels", [(0, 1), (0, 1, 2), (0, 1, 2.2, 3.1)])
def test_the_number_of_classes_is_found(levels: tuple[float, ...]) -> None:
    rng = np.random.default_rng(0)
    grey = np.concatenate([rng.normal(m, 0.12, 3000) for m in levels])
    assert number_of_classes(grey) == len(levels)
    thresholds, _ = multi_otsu(grey, len(levels))
    for threshold, low, high in zip(thresholds, levels, levels[1:], strict=False):
        assert threshold == pytest.approx((low + high) / 2, abs=0.15)


def test_thresholds_are_those_of_an_exhaustive_search() -> None:
    grey = np.random.default_rng(1).gamma(2.0, 1.0, 400)
    (threshold,), inside = multi_otsu(grey, 2)
    scatter = [
        grey[grey <= t].var() * (grey <= t).sum() + grey[grey > t].var() * (grey > t).sum()
        for t in np.sort(grey)[:-1]
    ]
    best = np.sort(grey)[int(np.argmin(scatter))]
    assert threshold == pytest.approx(best, abs=0.1)
    assert inside == pytest.approx(min(scatter) / (grey.var() * grey.size), abs=0.01)


@pytest.mark.parametrize("specimen", ["foam", "rock"])
def test_otsu_finds_the_phases_of_a_simulated_scan(specimen: str) -> None:
    world = case(World(specimen=specimen, columns=160, projections=240, rows=1, photons=2e4))
    levels = np.unique(world.truth.round(6))
    clean = make_tool("denoise_tv", {})(volume=world.volume)
    labels = make_tool("segment_otsu", {"classes": 2})(volume=clean).values
    (threshold,), _ = multi_otsu(world.truth.ravel(), 2)
    assert len(levels) > 1
    assert mean_iou(labels, (world.truth > threshold).astype(np.uint8)) > 0.9


def test_thresholds_are_found_once_for_all_slabs() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(np.linspace(0, 1, 12)[:, None, None] > 0.5, 0.1, (12, 24, 24))
    volume = block(values)
    tuned = make_tool("segment_otsu", {}).tune(volume=volume)
    assert "2 classes with thresholds" in tuned.notes[0]
    top = tuned.tool(volume=volume.take_rows(slice(0, 3))).values
    assert not top.any()


def test_thresholds_and_classes_must_agree() -> None:
    with pytest.raises(InputError, match=r"thresholds \[0.5, 0.1\].*rising"):
        make_tool("segment_otsu", {"thresholds": [0.5, 0.1]})
    with pytest.raises(InputError, match="one grey value only"):
        make_tool("segment_otsu", {})(volume=block(np.ones((2, 16, 16))))


def spheres(count: int = 9, size: int = 48) -> tuple[NDArray[np.bool_], int]:
    """Spheres of radius 7 on a grid, each touching the next."""
    z, y, x = np.mgrid[:20, :size, :size]
    mask = np.zeros(z.shape, bool)
    centers = [(10, 8 + 13 * i, 8 + 13 * j) for i in range(3) for j in range(3)][:count]
    for cz, cy, cx in centers:
        mask |= (z - cz) ** 2 + (y - cy) ** 2 + (x - cx) ** 2 <= 49
    return mask, count


def test_touching_spheres_are_parted() -> None:
    mask, count = spheres()
    from scipy.ndimage import label

    assert label(mask)[1] == 1
    assert part(mask, 1.0, 8).max() == count
    assert ((part(mask, 1.0, 8) > 0) == mask).all()


def test_thin_objects_stay_and_small_ones_go() -> None:
    mask = np.zeros((5, 30, 30), bool)
    mask[2, 5, 3:27] = True
    mask[2, 20, 20] = True
    labels = part(mask, 3.0, 2)
    assert labels.max() == 1
    assert (labels > 0).sum() == 24


@pytest.mark.parametrize("particles", ["bright", "dark"])
def test_watershed_counts_particles(particles: str) -> None:
    mask, count = spheres()
    sign = 1 if particles == "bright" else -1
    noise = np.random.default_rng(0).normal(0, 0.1, mask.shape)
    volume = block(sign * (mask + noise)[:, :, :46])  # not square: no circle to keep within
    tuned = make_tool("segment_watershed", {"particles": particles}).tune(volume=volume)
    labels = tuned.tool(volume=volume)
    assert labels.values.max() == count
    assert labels.kind == DataKind.LABELS


def test_a_classifier_learns_texture_that_thresholds_cannot_see(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    truth = np.zeros((64, 64), np.uint8)
    truth[:, 32:] = 1
    image = np.where(truth, rng.normal(0, 1.0, truth.shape), rng.normal(0, 0.2, truth.shape))
    marks = np.zeros((1, 64, 64), np.int32)
    marks[0, 5:25, 4:28:2], marks[0, 5:25, 36:60:2] = 1, 2
    path = tmp_path / "marks.npz"
    np.savez(path, labels=marks, image=image[None].astype(np.float32))
    tool = make_tool("segment_pixel_classifier", {"labels": str(path)})
    tuned = tool.tune(volume=block(image))
    labels = tuned.tool(volume=block(image)).values
    assert mean_iou(labels[0, 30:], truth[30:]) > 0.75
    otsu = make_tool("segment_otsu", {"classes": 2})(volume=block(image)).values
    assert mean_iou(labels[0, 30:], truth[30:]) > mean_iou(otsu[0, 30:], truth[30:]) + 0.2
    assert "% right on marked pixels left out" in tuned.notes[0]

    tuned.tool.save(tmp_path / "model.npz")  # type: ignore[attr-defined]
    again = make_tool("segment_pixel_classifier", {"model": str(tmp_path / "model.npz")})
    np.testing.assert_array_equal(again(volume=block(image)).values, labels)


def test_labels_by_slice_number_take_the_grey_values_from_the_sample(tmp_path: Path) -> None:
    values = np.zeros((4, 32, 32), np.float32)
    values[:, :, 16:] = 1
    marks = np.zeros((1, 32, 32), np.int32)
    marks[0, 4:20:3, 3:12], marks[0, 4:20:3, 20:29] = 1, 2
    path = tmp_path / "marks.npz"
    np.savez(path, labels=marks, slices=np.array([2]))
    tool = make_tool("segment_pixel_classifier", {"labels": str(path), "trees": 5})
    labels = tool.tune(volume=block(values)).tool(volume=block(values)).values
    assert mean_iou(labels, (values > 0.5).astype(np.uint8)) > 0.9
    with pytest.raises(InputError, match=r"slices \[2\], which are not in the sample"):
        tool.tune(volume=block(values).take_rows(slice(0, 2)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"labels": np.zeros((1, 4, 4), np.int32)}, "at least two classes"),
        ({"labels": np.ones((1, 4, 4))}, "expected integers"),
        ({"other": np.ones(3)}, "no dataset `labels`"),
        ({"labels": np.array([[[1, 2]]]), "image": np.zeros((1, 3, 3))}, "expected the same"),
        ({"labels": np.array([[[1, 2]]])}, "without the grey values"),
    ],
)
def test_unusable_labels_are_refused(
    tmp_path: Path, content: dict[str, NDArray], message: str
) -> None:
    np.savez(tmp_path / "marks.npz", **content)
    tool = make_tool("segment_pixel_classifier", {"labels": str(tmp_path / "marks.npz")})
    with pytest.raises(InputError, match=message):
        tool.tune(volume=block(np.zeros((1, 16, 16))))


def test_a_model_must_be_sound_arrays(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    path.write_bytes(b"not a model")
    with pytest.raises(InputError, match="does not hold a pixel classifier"):
        Forest.load(path)
    x = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    forest = Forest.train(x, (x[:, 0] > 0).astype(np.intp), 3, 4, 0)
    dataclasses.replace(forest, left=forest.left + 1000).save(path)
    with pytest.raises(InputError, match="point outside"):
        Forest.load(path)


def test_a_forest_of_arrays_says_what_scikit_learn_says() -> None:
    from sklearn.ensemble import RandomForestClassifier

    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 5)).astype(np.float32)
    y = (x[:, 0] + x[:, 1] ** 2 > 0.5).astype(np.intp)
    theirs = RandomForestClassifier(
        n_estimators=7, max_depth=6, min_samples_leaf=2, class_weight="balanced", random_state=3
    ).fit(x, y)
    ours = Forest.train(x, y, 7, 6, 3)
    np.testing.assert_allclose(ours.shares(x), theirs.predict_proba(x), atol=1e-5)


def test_particles_labelled_by_hand(data: Path) -> None:
    import h5py

    with h5py.File(data / "volumes/xlearn_particles_handseg.h5") as file:
        image = np.asarray(file["image"], np.float32)
        truth = np.asarray(file["label"]) > 0
    half = image.shape[1] // 2
    marks = np.zeros(image.shape, np.int32)
    marks[::7, :half:7] = 1 + truth[::7, :half:7]
    from toolbox.tools.segment.pixel_classifier import train

    forest, _ = train(marks[None], image[None], 30, 10, 0)
    tool = make_tool("segment_pixel_classifier", {})
    object.__setattr__(tool, "forest", forest)
    unseen, expected = image[:, half:], truth[:, half:].astype(np.uint8)
    learned = mean_iou(tool(volume=block(unseen)).values[0], expected)
    by_grey = make_tool("segment_otsu", {"classes": 2})(volume=block(unseen)).values[0]
    otsu = max(mean_iou(by_grey, expected), mean_iou(1 - by_grey, expected))
    print(f"mean IoU on the unseen half: classifier {learned:.3f}, Otsu {otsu:.3f}")
    assert learned > 0.8
    assert learned > otsu


def test_pores_of_a_sandstone_come_back_from_noise(data: Path) -> None:
    import h5py

    with h5py.File(data / "volumes/bentheimer_labels_256.h5") as file:
        pores = np.asarray(file["label"][96:100])
    rng = np.random.default_rng(0)
    volume = block(1.0 - pores + rng.normal(0, 0.3, pores.shape))
    clean = make_tool("denoise_tv", {})(volume=volume)
    labels = make_tool("segment_otsu", {})(volume=clean)
    assert mean_iou(labels.values, (~pores).astype(np.uint8)) > 0.97


@pytest.mark.parametrize("name", ["cement_128x128x128", "fibers_150x150x150", "bone_128x128x128"])
def test_real_volumes_fall_into_classes(data: Path, name: str) -> None:
    import h5py

    with h5py.File(data / f"volumes/qim3d_{name}.h5") as file:
        volume = block(np.asarray(file["volume"][40:44], np.float32))
    tuned = make_tool("segment_otsu", {}).tune(volume=volume)
    labels = tuned.tool(volume=volume).values
    assert set(np.unique(labels)) == set(range(tuned.tool.classes))  # type: ignore[attr-defined]
