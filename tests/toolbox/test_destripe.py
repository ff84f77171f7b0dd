"""Ring removals: stripes go, what is no stripe stays, the strength is found."""

import re
from pathlib import Path

import numpy as np
import pytest

from simulators import World, simulate
from toolbox.kinds import DataKind, GreyState, Stage
from toolbox.registry import known_tools
from toolbox.stripes import estimated_stripes, running_parabola, standing_out, stripe_energy
from toolbox.tools.correct.flat_field import FlatField
from toolbox.tools.correct.minus_log import MinusLog
from toolbox.tools.destripe.destriper import Destriper, ramp_energy
from toolbox.values import Block, Geometry

NAMES = sorted(n for n, t in known_tools().items() if t.card.stage is Stage.DESTRIPE)
STEADY = [n for n in NAMES if n != "stripe_dead"]
FAINT = [n for n in STEADY if n != "stripe_large"]


def attenuation(world: World) -> tuple[Block, np.ndarray]:
    """The corrected sinogram of a world and the true one, axes ``row, angle, col``."""
    scan = simulate(world)
    block = Block(
        scan.projections(), DataKind.PROJECTIONS, GreyState.COUNTS, Geometry.of(scan.info),
        np.arange(world.rows), np.arange(world.projections), flats=scan.flats(), darks=scan.darks(),
    )  # fmt: skip
    corrected = MinusLog()(projections=FlatField()(projections=block))
    truth = np.stack([scan.line_integrals(r) for r in range(world.rows)])
    return corrected.as_kind(DataKind.SINOGRAM), truth


def error(values: np.ndarray, truth: np.ndarray) -> float:
    return float(np.sqrt(ramp_energy((values - truth).reshape(-1, truth.shape[-1]))))


def without_stripes(specimen: str) -> tuple[Block, np.ndarray]:
    """A specimen with noise and without a single stripe."""
    block, truth = attenuation(World(specimen, columns=192, rows=2, projections=240))
    rng = np.random.default_rng(4)
    return block.with_values((truth + rng.normal(0, 0.005, truth.shape)).astype("f4")), truth


@pytest.fixture(scope="module")
def striped() -> tuple[Block, np.ndarray]:
    return attenuation(World("foam", columns=192, rows=2, projections=240, photons=2e4, rings=1.0))


@pytest.fixture(scope="module")
def clean() -> tuple[Block, np.ndarray]:
    return without_stripes("foam")


@pytest.fixture(scope="module")
def plain() -> tuple[Block, np.ndarray]:
    """A head: the fine cells of a foam are as narrow as stripes."""
    return without_stripes("shepp_logan")


def test_at_least_five_kinds_with_strength():
    assert len(NAMES) >= 9
    for name in NAMES:
        tool = known_tools()[name]
        assert issubclass(tool, Destriper)
        assert "strength" in {p.name for p in tool.describe_parameters()}


@pytest.mark.parametrize("name", FAINT)
def test_stripes_go_with_the_automatic_strength(name, striped):
    block, truth = striped
    tuned = known_tools()[name](strength=None).tune(sinogram=block)
    assert tuned.tool.strength > 0
    assert "stripes" in tuned.notes[0]
    result = tuned.tool(sinogram=block).values
    assert (stripe_energy(result) < 0.7 * stripe_energy(block.values)).all()
    # What remains if every column is freed of its mean error: the noise.
    wrong = block.values - truth
    floor = error(block.values - wrong.mean(axis=1, keepdims=True), truth)
    before, after = error(block.values, truth), error(result, truth)
    # Less of it among the fine cells of this foam than on smoother specimens.
    assert before - after > 0.35 * (before - floor)


@pytest.mark.parametrize("name", NAMES)
def test_data_without_stripes_stay_nearly_untouched(name, clean):
    block, truth = clean
    tuned = known_tools()[name]().tune(sinogram=block)
    result = tuned.tool(sinogram=block).values
    noise = np.std(block.values - truth)
    # The network does not ask a trial whether there is anything to take off.
    limit = 0.2 if name == "stripe_network" else 0.15
    assert np.std(result - block.values) < limit * noise
    assert error(result, truth) < 1.02 * error(block.values, truth)


@pytest.mark.parametrize("name", STEADY)
def test_a_fixed_gentle_strength_spares_edges(name, clean):
    """A bright fringe along every edge of the sample, as phase contrast makes, keeps its height."""
    block, truth = clean
    bend = np.gradient(np.gradient(truth, axis=2), axis=2)
    fringed = block.with_values((block.values - 3 * bend).astype("f4"))
    result = known_tools()[name](strength=2)(sinogram=fringed).values
    kept = np.sum((result - truth) * -bend) / np.sum((fringed.values - truth) * -bend)
    # Rims that hardly move over the scan are what every method must take for stripes in part.
    assert kept > {"stripe_all": 0.75, "stripe_fitting": 0.85, "stripe_regularised": 0.85}.get(
        name, 0.9
    )


def test_strength_zero_changes_nothing(striped):
    block, _ = striped
    for name in NAMES:
        tool = known_tools()[name](strength=0)
        np.testing.assert_array_equal(tool(sinogram=block).values, block.values)


@pytest.mark.parametrize("name", NAMES)
def test_nan_stay_where_they_are(name, striped):
    block, _ = striped
    values = block.values.copy()
    values[0, 40, 60:63] = np.nan
    values[1, 7] = np.inf
    tool = known_tools()[name](strength=5)
    result = tool(sinogram=block.with_values(values)).values
    np.testing.assert_array_equal(np.isfinite(result), np.isfinite(values))
    whole = tool(sinogram=block).values
    assert np.abs(result - whole)[np.isfinite(values)].max() < 0.1 * np.ptp(whole)


def test_dead_columns_are_drawn_between_their_neighbours(plain):
    block, truth = plain
    rng = np.random.default_rng(0)
    values = block.values.copy()
    values[:, :, 70:72] = rng.normal(1, 0.5, values[:, :, 70:72].shape)
    values[:, :, 120] = 0.3
    result = known_tools()["stripe_dead"](strength=5)(sinogram=block.with_values(values)).values
    assert np.abs(result - truth)[:, :, 68:74].mean() < 0.02
    changed = np.flatnonzero((result != values).any(axis=(0, 1)))
    assert set(changed) <= set(range(68, 74)) | set(range(118, 123))


def test_a_broad_stripe_goes_and_the_rest_stays(clean):
    """On a smooth sample; small structure nearly at rest is changed with it (see the limits)."""
    block, _ = clean
    angles = block.geometry.angles_rad[:, None]
    u = np.arange(192) - 95.5 - 20 * np.cos(angles)
    truth = 0.02 * np.sqrt(np.maximum(70.0**2 - u**2, 0))
    values = (truth + np.random.default_rng(0).normal(0, 0.005, (2, *truth.shape))).astype("f4")
    values[:, :, 80:88] += 0.25
    tool = known_tools()["stripe_large"](strength=12)
    result = tool(sinogram=block.with_values(values)).values
    assert np.abs(result - truth)[:, :, 80:88].mean() < 0.1 * 0.25
    np.testing.assert_array_equal(result[:, :, 95:140], values[:, :, 95:140])


def test_sorting_is_the_published_algorithm():
    """The same as algotom's, which its author wrote, but some times as fast."""
    removal = pytest.importorskip("algotom.prep.removal")
    rng = np.random.default_rng(3)
    row = (np.sort(rng.random((64, 50)), axis=1) + rng.normal(0, 0.1, 50)).astype(np.float32)
    mine = known_tools()["stripe_sorting"](strength=5).clean(row)
    np.testing.assert_allclose(mine, removal.remove_stripe_based_sorting(row, 11), atol=1e-6)


def test_energy_is_in_noise_and_zero_without_stripes(plain):
    block, truth = plain
    assert (stripe_energy(block.values) < 1 / np.sqrt(truth.shape[1])).all()
    rng = np.random.default_rng(8)
    for size in (0.2, 1.0):
        stripes = rng.normal(0, 0.005 * size, truth.shape[-1])
        found = stripe_energy(block.values + stripes)
        assert found == pytest.approx([size, size], rel=0.25)
    with pytest.raises(ValueError, match="three axes"):
        stripe_energy(block.values[0])


def test_estimated_stripes_find_what_was_put_in(plain):
    block, _ = plain
    stripes = np.random.default_rng(8).normal(0, 0.01, block.values.shape[-1])
    found = estimated_stripes(block.values[0] + stripes)
    assert np.corrcoef(found, stripes)[0, 1] > 0.8


def test_standing_out_and_parabola_by_hand():
    line = np.linspace(0, 1, 40)
    assert not standing_out(line, 3.0).any()
    line[10] += 9
    np.testing.assert_array_equal(np.flatnonzero(standing_out(line, 3.0)), [9, 10, 11])
    x = np.arange(30.0)
    np.testing.assert_allclose(running_parabola(x**2 - x, 7), x**2 - x, atol=1e-9)


@pytest.mark.parametrize("width", [5, 21, 99])
def test_running_parabola_is_the_filter_of_savitzky_and_golay(width: int) -> None:
    from scipy.signal import savgol_filter

    lines = np.random.default_rng(0).normal(size=(3, 120))
    expected = savgol_filter(lines, width, 2, axis=-1, mode="interp")
    np.testing.assert_allclose(running_parabola(lines, width), expected, atol=1e-10)


@pytest.mark.slow
def test_real_rings_of_tomobank(data):
    """TomoBank 00076 has strong rings: most of their energy goes, with each tool's own strength."""
    import h5py

    with h5py.File(data / "projections" / "tomobank_00076_rows01_dx.h5") as file:
        group = file["exchange"]
        counts = group["data"][::4, :1].astype(np.float32)
        flats, darks = (group[k][:, :1].astype("f4") for k in ("data_white", "data_dark"))
    angles = np.linspace(0, np.pi, len(counts), endpoint=False)
    block = Block(
        counts, DataKind.PROJECTIONS, GreyState.COUNTS, Geometry(angles, 1, counts.shape[-1]),
        np.arange(1), np.arange(len(counts)), flats=flats, darks=darks,
    )  # fmt: skip
    row = MinusLog()(projections=FlatField()(projections=block)).as_kind(DataKind.SINOGRAM)
    before = stripe_energy(row.values)[0]
    assert before > 0.15
    for name in ("stripe_likely", "stripe_wavelet", "stripe_fourier", "stripe_sorting"):
        tuned = known_tools()[name]().tune(sinogram=row)
        assert stripe_energy(tuned.tool(sinogram=row).values)[0] < 0.5 * before, name


@pytest.mark.slow
def test_what_is_automatic_by_default_beats_its_best_fixed_strength():
    from planner.benchmarks.destripe import run

    rows = run()["rows"]
    assert {row["tool"] for row in rows} == set(NAMES)
    for row in rows:
        if row["default_strength"] is None:
            assert row["automatic"] < row["fixed"], row["tool"]
        assert row.get("automatic", 1.0) <= 1.0, row["tool"]


def test_a_fixed_strength_says_what_it_changed_in_a_run(tmp_path: Path) -> None:
    from toolbox.execution import run
    from toolbox.recipe import Step, wire

    recipe = (Step("flat_field"), Step("minus_log"), Step("stripe_likely"))
    scan = simulate(World("foam", columns=64, rows=3, projections=90, rings=0.8, photons=5e4))
    record = run(wire(recipe, 1), [scan], tmp_path / "out.h5", quality=False)
    (note,) = record.notes["stripe_likely"]
    told = re.search(r"stripes (\S+) → (\S+) σ", note)
    assert told
    assert 0 < float(told[2]) < float(told[1])
