"""Laws of the instrument: beam, waves, light, and kinds of scans."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xraydb

from metadata import InputError
from simulators import World, simulate
from simulators.acquisition.mosaic import mosaic
from simulators.acquisition.propagation import fresnel, transport_of_intensity, wavelength_m
from simulators.acquisition.scintillator import spread
from simulators.acquisition.second_modality import second_modality
from simulators.acquisition.series import energies, time_steps
from simulators.acquisition.spectrum import mean_energy, spectrum
from simulators.materials import MATERIALS

SMALL = World("foam", columns=64, rows=1, projections=12, seed=3)


def test_real_densities_absorb_as_tabulated() -> None:
    world = replace(SMALL, attenuation=None, energy_kev=12.0, pixel_size_m=20e-6)
    scan = simulate(world)
    wall = scan.specimen.materials[1]
    per_px = 100 * xraydb.material_mu(wall.formula, 12000.0, density=wall.density) * 20e-6
    truth = scan.truth(0)
    assert truth.max() == pytest.approx(per_px, rel=1e-5)
    # Beer–Lambert: what is transmitted is what the path lengths absorb.
    dark, flat = scan.darks().mean(axis=0), scan.flats().mean(axis=0)
    passed = ((scan.projections() - dark) / (flat - dark))[:, 0]
    np.testing.assert_allclose(-np.log(passed), scan.line_integrals(0), atol=2e-3)


def test_the_longest_path_absorbs_what_is_asked() -> None:
    for amount in (0.5, 2.0):
        lines = simulate(replace(SMALL, attenuation=amount)).line_integrals(0)
        assert lines.max() == pytest.approx(amount, rel=0.25)


def test_counts_vary_as_poisson() -> None:
    scan = simulate(replace(SMALL, photons=4e3, flats=400))
    light = (scan.flats()[:, 0] - 100) / (0.5 * 60000 / 4e3)
    mean, variance = light.mean(axis=0), light.var(axis=0, ddof=1)
    read = (3 / 7.5) ** 2
    assert ((variance - read) / mean).mean() == pytest.approx(1, abs=0.03)


def test_flux_and_exposure_make_photons() -> None:
    given = simulate(replace(SMALL, photons=2e4)).projections()
    made = simulate(replace(SMALL, flux=1e5, exposure_s=0.2)).projections()
    np.testing.assert_array_equal(given, made)


@pytest.mark.parametrize("kind", ["bending_magnet", "tube"])
def test_spectra_harden(kind: str) -> None:
    world = replace(SMALL, spectrum=kind, energy_kev=20.0)
    filtered = replace(world, filter="copper", filter_mm=0.2)
    assert spectrum(world)[1].sum() == pytest.approx(1)
    assert mean_energy(filtered) > mean_energy(world) + 2
    # Twice the matter absorbs less than twice as much; of one energy, exactly twice.
    for w, beam in ((world, "white"), (replace(world, spectrum="mono"), "mono")):
        thin, thick = (_absorbed(replace(w, attenuation=a)) for a in (1.0, 2.0))
        ratio = np.median(thick[thin > 0.3] / thin[thin > 0.3])
        assert ratio < 1.97 if beam == "white" else ratio == pytest.approx(2, abs=2e-3)


def _absorbed(world: World) -> Any:
    scan = simulate(world)
    dark, flat = scan.darks().mean(axis=0), scan.flats().mean(axis=0)
    return -np.log((scan.projections() - dark) / (flat - dark))


def _soft_disc(rows: int) -> tuple[Any, Any]:
    """Absorption and phase of a soft-edged bump, samples of one micrometre."""
    y = np.arange(rows)[:, None] - (rows - 1) / 2
    x = np.arange(128)[None, :] - 63.5
    bump = np.exp(-(x**2 + y**2) / (2 * 9.0**2)).astype(np.float32)[None]
    return 0.3 * bump, -2.0 * bump


@pytest.mark.parametrize("rows", [1, 128])
def test_fresnel_tends_to_the_transport_of_intensity(rows: int) -> None:
    absorbed, phase = _soft_disc(rows)
    contact = np.exp(-absorbed)
    for distance, largest in ((0.02, 0.02), (0.1, 0.08)):
        waves = fresnel(absorbed, phase, 20.0, distance, 1e-6)
        flow = transport_of_intensity(absorbed, phase, 20.0, distance, 1e-6)
        change = np.abs(waves - contact).max()
        assert change > 1e-3
        assert np.abs(waves - flow).max() < largest * change + 2e-5


def test_propagation_keeps_the_light() -> None:
    absorbed, phase = _soft_disc(128)
    waves = fresnel(absorbed, phase, 20.0, 0.3, 1e-6)
    assert waves.mean() == pytest.approx(np.exp(-absorbed).mean(), rel=1e-4)
    assert wavelength_m(12.39842) == pytest.approx(1e-10, rel=1e-4)


@pytest.mark.parametrize("how", ["tie", "fresnel"])
def test_edges_get_rims(how: str) -> None:
    given = {"attenuation": None, "energy_kev": 20.0, "distance_m": 0.02, "pixel_size_m": 1e-6}
    plain = simulate(replace(SMALL, **given))
    rimmed = simulate(replace(SMALL, propagation=how, **given))
    assert rimmed.projections().max() > 1.005 * plain.projections().max()
    assert rimmed.notes == ("One row: waves spread across the columns only.",)
    assert plain.notes == ()


def test_waves_that_are_too_much_are_told() -> None:
    # A tenth of a millimetre made to absorb like centimetres turns the phase beyond any grid.
    notes = simulate(replace(SMALL, propagation="tie", rows=2)).notes
    assert any("The phase turns by" in note and "half" in note for note in notes)
    assert any("use fresnel, or a shorter distance" in note for note in notes)


def test_flats_after_the_scan_see_the_beam_as_it_is_then() -> None:
    world = replace(SMALL, monitor_drop=0.4, flat_drift=1.0, flats=3, flats_after=2)
    scan = simulate(world)
    assert (scan.info.flats, scan.info.flats_before) == (5, 3)
    flats = scan.flats()[:, 0] - 100
    assert flats.shape == (5, 64)
    assert flats[4].mean() / flats[0].mean() == pytest.approx(0.6, abs=0.02)
    # The ripples have moved by 6 px to the left.
    ripples = (flats / flats.mean(axis=1, keepdims=True))[:, 10:50]
    errors = [np.abs(ripples[4, : 40 - s] - ripples[0, s:]).mean() for s in range(12)]
    assert int(np.argmin(errors)) in (5, 6, 7)


def test_waves_in_two_dimensions_do_not_depend_on_the_block() -> None:
    world = replace(SMALL, rows=20, propagation="fresnel", attenuation=None, distance_m=0.02,
                    projections=2, photons=1e3, blur_px=0.5)  # fmt: skip
    whole = simulate(world).projections()
    np.testing.assert_array_equal(simulate(world).projections(rows=slice(17, 19)), whole[:, 17:19])
    # At the seam of two blocks the image goes on as inside of one.
    clean = simulate(replace(world, photons=None)).projections()
    steps = np.abs(np.diff(clean, axis=1)).mean(axis=(0, 2))
    assert steps[15] < 3 * np.median(steps)


def test_light_spreads_but_is_not_lost() -> None:
    frame = np.zeros((1, 41, 41), np.float32)
    frame[0, 20, 20] = 1
    spot = spread(frame, 1.0, 0.2)
    assert spot.sum() == pytest.approx(1, abs=0.02)
    line = spot[0, 20]
    assert line[20] == pytest.approx(0.8 / (2 * np.pi) + 0.2 * 0.6 / (2 * np.pi * 9), rel=0.05)
    assert line[26] > 50 * 0.8 * np.exp(-18) / (2 * np.pi)  # tails


def test_blur_ties_neighbouring_noise_together() -> None:
    flats = simulate(replace(SMALL, rows=6, photons=1e3, flats=80, blur_px=0.8)).flats()
    noise = flats - flats.mean(axis=0)
    across = (noise[..., 1:] * noise[..., :-1]).mean() / noise.var()
    along = (noise[:, 1:] * noise[:, :-1]).mean() / noise.var()
    assert across == pytest.approx(np.exp(-1 / (4 * 0.8**2)), abs=0.05)
    assert along == pytest.approx(across, abs=0.05)


def test_tiles_overlap_as_the_truth_says() -> None:
    whole = replace(SMALL, rows=12, columns=64, fill=0.8)
    field = mosaic(whole, across=2, down=2, overlap_px=6, stage_error_px=1.0)
    assert len(field.tiles) == 4
    np.testing.assert_array_equal(field.nominal_px, [[0, 0], [0, 58], [6, 0], [6, 58]])
    assert np.abs(field.offsets_px - field.nominal_px)[1:].min() > 0
    large = [field.whole.line_integrals(row) for row in range(field.whole.info.rows)]
    for tile, (row, column) in zip(field.tiles, field.offsets_px, strict=True):
        assert tile.truth_center + column == pytest.approx(field.whole.truth_center)
        seen = tile.line_integrals(4)
        at = row + 4
        low = int(np.floor(at))
        there = large[low] + (at - low) * (large[low + 1] - large[low])
        columns = np.arange(64) + column
        inside = (columns > 1) & (columns < 120)
        for angle in (0, 5):
            expected = np.interp(columns, np.arange(122), there[angle])
            assert np.abs(seen[angle] - expected)[inside].mean() < 0.02
    # One detector: the same columns respond otherwise in every tile.
    rings = [t.truth_rings(0).steady for t in mosaic(replace(whole, rings=1.0)).tiles]
    np.testing.assert_array_equal(rings[0], rings[1])


def test_energies_differ_as_the_materials_do() -> None:
    low, high = energies(replace(SMALL, energy_kev=15.0), [15.0, 30.0])
    wall = low.specimen.materials[1]
    expected = wall.attenuation_per_m(15.0) / wall.attenuation_per_m(30.0)
    ratio = low.line_integrals(0)[0, 20:44] / high.line_integrals(0)[0, 20:44]
    np.testing.assert_allclose(ratio, expected, rtol=0.02)  # gas in the pores is not the wall
    np.testing.assert_array_equal(low.labels(0), high.labels(0))
    assert not np.array_equal(low.projections(), high.projections())


def test_labels_move_by_the_displacement() -> None:
    world = replace(SMALL, rows=33, columns=96, deformation_px=3.0)
    rest, end = time_steps(world, steps=2)
    assert rest.world.deformation_px == 0
    before = np.stack([rest.labels(row) for row in range(33)])
    after = np.stack([end.labels(row) for row in range(33)])
    z, y, x = np.meshgrid(np.arange(8, 25), np.arange(16, 80, 2), np.arange(16, 80, 2),
                          indexing="ij")  # fmt: skip
    moved = end.displacement(z - 16.0, y - 47.5, x - 47.5)
    assert np.linalg.norm(moved, axis=0).max() > 1.5
    went = np.rint(np.stack([z, y, x]) + moved).astype(int)
    same_place = (before[z, y, x] == after[z, y, x]).mean()
    followed = (before[z, y, x] == after[went[0], went[1], went[2]]).mean()
    assert followed > 0.9
    assert 1 - followed < 0.5 * (1 - same_place)


def test_the_second_instrument_sees_the_specimen_turned_and_coarser() -> None:
    pair = second_modality(replace(SMALL, rows=16, columns=96, height_px=24.0))
    first, second = pair.first, pair.second
    shapes, there = first.specimen.shapes, second.specimen.shapes
    np.testing.assert_allclose(pair.in_second(shapes.center), there.center, atol=1e-9)
    np.testing.assert_allclose(shapes.axes @ pair.matrix.T, there.axes, atol=1e-9)
    assert abs(second.world.turned_deg) > 0.1
    assert np.linalg.det(pair.matrix) == pytest.approx(1 / 8)
    # What is air outside of the first is so in the second where the transform puts it.
    points = np.array([[60.0, 0.0, 0.0], [0.0, -60.0, 0.0], [0.0, 0.0, 0.0], [30.0, 10.0, 0.0]])
    x, y, _ = pair.in_second(points).T
    seen = second.labels(second.info.rows // 2, size=128)
    named = seen[np.rint(y + 63.5).astype(int), np.rint(x + 63.5).astype(int)]
    assert (named > 0).tolist() == [False, False, True, True]
    assert (second.info.probe, second.info.pixel_size_m) == ("neutron", pytest.approx(2e-6))


def test_neutrons_rank_materials_otherwise() -> None:
    from simulators.acquisition.neutrons import neutron_attenuation_per_m

    water, aluminium = MATERIALS["water"], MATERIALS["aluminium"]
    assert neutron_attenuation_per_m(water) > 10 * neutron_attenuation_per_m(aluminium)
    assert water.attenuation_per_m(30.0) < aluminium.attenuation_per_m(30.0)
    # Σ of aluminium at 1.8 Å: 6.03e22 atoms/cm³ of 1.734 b.
    assert neutron_attenuation_per_m(aluminium) == pytest.approx(10.4, rel=0.02)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"columns": 4, "rings": 2.0}, r"columns is 4, expected at least 8; rings is 2.0, expected "
                                       r"at most 1"),
        ({"center": 70.0}, r"center is 70 outside of 64 columns.*radius_px"),
        ({"photons": 1e4, "flux": 1e5}, r"photons is 10000 and flux 100000, expected one"),
        ({"filter": "copper"}, r"filter is 'copper' with filter_mm 0, expected a material"),
        ({"filter": "cheese", "filter_mm": 1.0}, r"filter is 'cheese', expected one of"),
        ({"spectrum": "laser"}, r"spectrum is 'laser', expected one of mono"),
        ({"probe": "neutron", "propagation": "tie"}, r"probe is 'neutron', expected spectrum"),
        ({"propagation": "fresnel", "distance_m": 90.0}, r"shorten distance_m"),
        ({"projections": 1.5}, r"projections is 1.5, expected a whole number"),
    ],
)  # fmt: skip
def test_nonsense_is_named(settings: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError, match=text):
        replace(SMALL, **settings)


def test_a_filter_that_stops_everything_is_named() -> None:
    thick = replace(SMALL, spectrum="tube", energy_kev=10.0, filter="tungsten", filter_mm=10.0)
    with pytest.raises(InputError, match=r"tungsten let nothing.*thinner filter"):
        simulate(thick)


def test_tiles_and_steps_that_cannot_be_are_named() -> None:
    with pytest.raises(InputError, match="overlap from 0 to below 64"):
        mosaic(SMALL, overlap_px=64)
    with pytest.raises(InputError, match="expected two steps at least"):
        time_steps(SMALL)
    with pytest.raises(InputError, match="No energies were given"):
        energies(SMALL, [])
