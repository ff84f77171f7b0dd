"""The measures of quality against cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from simulators import World, simulate
from simulators.acquisition.second_modality import second_modality
from simulators.acquisition.series import energies, time_steps
from simulators.outcomes import Job
from simulators.outcomes.quality import Delivered, measure
from simulators.outcomes.quality.compared import in_voxels
from simulators.outcomes.quality.labels import matched_iou, true_classes
from simulators.outcomes.quality.place import placed, shifted
from simulators.outcomes.quality.slices import finer_slices, true_slices
from simulators.simulated_scan import SimulatedScan
from toolbox import Block, DataKind, Geometry, GreyState
from toolbox.recipe import Step
from toolbox.registry import make_tool
from toolbox.values import Displacement, Transform

WORLD = World("foam", columns=64, rows=2, projections=8, seed=1)


def delivered(
    scans: list[SimulatedScan], values: dict[DataKind, object], truth: object = None,
    displaced: bool = False,
) -> Delivered:  # fmt: skip
    job = Job("one", scans, [], (), {}, displaced, truth)
    return Delivered(job, values, (Step("volume_fractions"),))


def volume(values: np.ndarray, kind: DataKind = DataKind.VOLUME) -> Block:
    geometry = Geometry(np.zeros(1), len(values), values.shape[-1])
    return Block(values, kind, GreyState.ATTENUATION, geometry, np.arange(len(values)))


def test_the_truth_is_perfect_and_noise_is_not() -> None:
    scan = simulate(WORLD)
    truth = true_slices(scan, 64)
    noisy = truth + np.random.default_rng(0).normal(0, truth.std(), truth.shape)
    values = [measure("reconstruct", delivered([scan], {DataKind.VOLUME: volume(v)}))
              for v in (3 * truth + 1, noisy.astype(np.float32))]  # fmt: skip
    assert values[0] == pytest.approx(1, abs=1e-5)
    assert values[1] < 0.7


def test_where_a_displaced_specimen_stands_is_not_judged() -> None:
    scan = simulate(WORLD)
    moved = shifted(true_slices(scan, 64), 2.3, -3.6)
    given = {DataKind.VOLUME: volume(moved)}
    judged = measure("reconstruct", delivered([scan], given))
    free = measure("reconstruct", delivered([scan], given, displaced=True))
    assert free > 0.9 > judged


def test_slices_are_placed_by_parts_of_a_pixel() -> None:
    truth = true_slices(simulate(WORLD), 64)
    soft = shifted(truth, 0.0, 0.0)
    back = placed(shifted(soft, 1.4, -2.3), truth)
    assert np.abs(back - soft)[:, 8:-8, 8:-8].max() < 0.35 * soft.max()
    assert np.abs(back - soft).mean() < 0.03 * soft.max()


def test_finer_truth_averages_to_the_coarse_one() -> None:
    scan = simulate(World("foam", columns=64, rows=2, projections=8, center=33.2, seed=1))
    fine, coarse = finer_slices(scan, 128), true_slices(scan, 64)
    mean = fine.reshape(2, 64, 2, 64, 2).mean((2, 4))
    assert np.corrcoef(mean.ravel(), coarse.ravel())[0, 1] > 0.99


def test_labels_are_matched_whatever_they_are_called() -> None:
    scan = simulate(WORLD)
    truth = true_classes(scan, 64)
    assert truth.max() == 1  # cell wall; the gas of the cells and the air outside are one
    swapped = volume(1 - truth.astype(np.uint8), DataKind.LABELS)
    assert measure("segment", delivered([scan], {DataKind.LABELS: swapped})) == 1
    objects = np.array([0, 9, 10, 0])  # numbered objects are one class
    assert matched_iou(objects, np.array([0, 1, 1, 0])) == 1
    assert matched_iou(np.zeros(4, int), np.array([0, 1, 2, 2])) == pytest.approx(0.5 / 3)


def test_numbers_of_the_true_labels_are_perfect() -> None:
    scan = simulate(WORLD)
    labels = volume(true_classes(scan, 64).astype(np.uint8), DataKind.LABELS)
    tool = make_tool("volume_fractions", {})
    given = {DataKind.LABELS: labels, DataKind.QUANTITIES: tool(labels=labels)}
    assert measure("quantify", delivered([scan], given)) == pytest.approx(1)


def test_the_true_transform_is_perfect_and_none_is_not() -> None:
    pair = second_modality(World("foam", columns=32, rows=8, projections=8), coarser=1)
    shape = (8, 32, 32)
    scans = [pair.first, pair.second]
    right = Transform(in_voxels(pair, shape), shape)
    none = Transform(np.eye(4), shape)
    assert measure("register", delivered(scans, {DataKind.TRANSFORM: right}, pair)) == 1
    assert measure("register", delivered(scans, {DataKind.TRANSFORM: none}, pair)) < 0.6


def test_the_true_displacement_is_perfect_and_none_is_not() -> None:
    world = World("foam", columns=32, rows=8, projections=8, deformation_px=3.0)
    rest, end = time_steps(world, 2)
    nodes = [np.arange(0, n, 4.0) for n in (8, 32, 32)]
    away = [n - (s - 1) / 2 for n, s in zip(nodes, (8, 32, 32), strict=True)]
    truth = np.moveaxis(end.displacement(*np.meshgrid(*away, indexing="ij")), 0, -1)
    for vectors, quality in ((truth, 1.0), (np.zeros_like(truth), 0.0)):
        ones = np.ones(truth.shape[:-1])
        found = Displacement(vectors.astype(np.float32), ones.astype(np.float32), ones > 0, *nodes)
        given = {DataKind.DISPLACEMENT: found}
        assert measure("deform", delivered([rest, end], given)) == pytest.approx(quality, abs=1e-3)


def test_true_fractions_are_perfect() -> None:
    world = World("foam", columns=32, rows=1, projections=8, attenuation=None)
    scans = energies(world, [10.0, 20.0])
    truth = scans[0].fractions(0)[:, None].astype(np.float32)
    names = [1, 2]
    for values, quality in ((truth, 1.0), (np.zeros_like(truth), 0.0)):
        given = {DataKind.MATERIALS: volume(values[names], DataKind.MATERIALS)}
        found = measure("decompose", delivered(scans, given, names))
        assert found == pytest.approx(quality, abs=1e-3)
