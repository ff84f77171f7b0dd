"""The laws behind the methods for the rotation axis."""

from __future__ import annotations

import numpy as np
import pytest

from toolbox.centering.evidence import Curves, Evidence, summits, weigh
from toolbox.centering.moments import air_margins, moment_curves
from toolbox.centering.pairs import correlation, half_turn_pairs, pairs_at_hand
from toolbox.centering.posterior import Posterior
from toolbox.centering.trust import TRUST
from toolbox.centering.views import textured, without_stripes
from toolbox.centering.wedge import wedge_curves

RNG = np.random.default_rng(3)


def test_pairs_of_unequal_angles() -> None:
    angles = np.deg2rad([0.0, 1.0, 2.5, 90.0, 180.1, 181.0, 184.0])
    assert half_turn_pairs(angles).tolist() == [[0, 4], [1, 5]]


def test_a_half_turn_without_its_end_has_pairs_that_are_short() -> None:
    short = pairs_at_hand(np.deg2rad(np.arange(0.0, 180.0, 2.0)))
    assert [pairs.tolist() for pairs in short][:2] == [[[0, 89]], [[0, 88], [1, 89]]]
    assert pairs_at_hand(np.deg2rad(np.arange(0.0, 120.0, 2.0))) == []


def test_correlation_is_highest_where_a_view_was_mirrored() -> None:
    view = RNG.standard_normal((1, 101)).astype(np.float32)
    places, value = correlation(view, view[:, ::-1].copy(), least=10)
    assert places[value[0, 0].argmax()] == 50
    assert value.max() == pytest.approx(1, abs=0.01)


def test_wedge_series_equals_the_energy_of_completed_sinograms() -> None:
    """All candidates by one series = the energy outside the wedge of each completed sinogram."""
    views, columns, radius = 60, 64, 20.0
    angles = np.arange(views) * np.pi / views
    sinogram = RNG.standard_normal((1, views, columns)).astype(np.float32)
    seen = textured(sinogram, angles, np.zeros(1), 1)
    curves = wedge_curves(seen, 25.0, 40.0, radius)
    assert curves is not None
    direct = [_energy_outside(seen.values[0], c, radius, seen.coarse) for c in curves.columns]
    series = curves.parts.sum(axis=0)
    assert np.corrcoef(series, -np.array(direct))[0, 1] == pytest.approx(1, abs=1e-4)


def _energy_outside(row: np.ndarray, axis: float, radius: float, coarse: float) -> float:
    length = 2 * row.shape[1]
    k = np.fft.rfftfreq(length)
    last = min(0.35, (len(row) - 12) / (2 * np.pi * 1.1 * radius))
    chosen = (k > max(0.5 / radius, 0.25 / coarse)) & (k < last)
    spectrum = np.fft.rfft(row, length, axis=1)[:, chosen]
    weight = 1 / (np.abs(spectrum) ** 2).mean(axis=0)
    about_axis = spectrum * np.exp(2j * np.pi * k[chosen] * axis)
    turn = np.fft.fft(np.concatenate([about_axis, about_axis.conj()]), axis=0)
    harmonics = np.abs(np.fft.fftfreq(len(turn), 1 / len(turn)))[:, None]
    outside = harmonics > 1.1 * 2 * np.pi * k[chosen][None] * radius + 8
    return float((np.abs(turn) ** 2 * outside * weight).sum())


def test_stripes_go_and_the_specimen_stays() -> None:
    angles = np.linspace(0, np.pi, 140, endpoint=False)
    columns = np.arange(120.0)
    path = 60 + 35 * np.sin(angles)
    specimen = np.exp(-0.5 * ((columns - path[:, None]) / 2) ** 2)[None].astype(np.float32)
    stripes = np.zeros(120, np.float32)
    stripes[[20, 47, 90]] = (0.5, -0.4, 0.3)
    noise = 0.3 * RNG.standard_normal(specimen.shape).astype(np.float32)
    cleaned = without_stripes(specimen + noise + stripes)
    left = np.abs((cleaned - specimen - noise).mean(axis=1)[0, [20, 47, 90]])
    assert left.max() < 0.15
    assert np.corrcoef((cleaned - noise).ravel(), specimen.ravel())[0, 1] > 0.95


def test_summit_lies_between_candidates() -> None:
    columns = np.arange(10.0)
    assert summits(columns, -((columns - 4.3) ** 2)[None])[0] == pytest.approx(4.3)


def test_tilted_curves_line_up() -> None:
    columns = np.arange(0.0, 40.0, 0.5)
    heights = np.array([-10.0, 0.0, 10.0])
    parts = np.stack([-((columns - 20 - 0.2 * h) ** 2) for h in heights])
    straight = Curves("fourier", columns, parts, heights).tilted(0.2)
    assert summits(columns, straight.parts[:, 10:-10]) + 5 == pytest.approx(20.0, abs=0.1)


def _evidence(method: str, column: float, sigma: float, prominence: float) -> Evidence:
    columns = np.arange(0.0, 100.0, 0.5)
    draws = column + sigma * np.random.default_rng(1).standard_normal(200)
    return Evidence(method, column, prominence, columns, np.zeros_like(columns), draws)


def test_agreement_narrows_and_disagreement_is_kept() -> None:
    flat = Posterior.flat(0, 99)
    agreed = flat.given([_evidence("fourier", 40, 0.2, 5), _evidence("registration", 40.1, 0.2, 5)])
    low, high = agreed.interval()
    assert high - low < 2
    torn = flat.given([_evidence("fourier", 40, 0.2, 5), _evidence("registration", 60, 0.2, 5)])
    low, high = torn.interval()
    assert low < 41
    assert high > 59
    assert len(torn.clusters(gap=2)) == 2


def test_little_prominence_says_little() -> None:
    flat = Posterior.flat(0, 99)
    low, high = flat.given([_evidence("sharpness", 40, 0.2, 0.0)]).interval()
    assert high - low > 40


def test_every_method_trusts_more_where_the_maximum_stands_out_more() -> None:
    for name, trust in TRUST.items():
        rising = [trust.right(z) for z in (0.0, 1.0, 2.0, 5.0)]
        assert rising == sorted(rising), name
        assert rising[-1] <= trust.most <= 1


def test_resampling_shows_an_ambiguity() -> None:
    columns = np.arange(100.0)
    bump = -np.minimum(np.abs(columns - 30), 10.0)
    other = -np.minimum(np.abs(columns - 70), 10.0)
    parts = np.stack([bump, bump, bump, other, other, other]) + 1e-3 * RNG.random((6, 1))
    one = weigh(Curves("fourier", columns, parts, np.zeros(6)), 300, RNG, 15.0)
    assert one.prominence < 1
    assert min((np.abs(one.draws - c) < 2).mean() for c in (30, 70)) > 0.2


def _with_stripes(width: float, axis: float) -> tuple[np.ndarray, np.ndarray]:
    """Two discs over 120°, with steady noise of each column (``row, angle, col``) and angles."""
    rng = np.random.default_rng(3)
    angles, at = np.deg2rad(np.arange(0.0, 120.0)), np.arange(200.0)
    values = rng.normal(0, 0.03, 200)[None] + rng.normal(0, 0.02, (120, 200))
    for x, y, radius in ((0.4, 0.0, 0.5), (-0.3, 0.5, 0.3)):
        away = at - axis - width * (x * np.cos(angles) + y * np.sin(angles))[:, None]
        inside = np.maximum((width * radius) ** 2 - away**2, 0)
        values += 2 * np.sqrt(inside) / width
    return values[None].astype(np.float32), angles


def test_centres_of_mass_rest_on_all_the_air_beside_the_specimen() -> None:
    values, angles = _with_stripes(50.0, 104.3)
    curves = moment_curves(values, angles, np.zeros(1), 60.0, 140.0)
    assert curves is not None
    assert curves.columns[curves.parts.sum(axis=0).argmax()] == pytest.approx(104.3, abs=0.5)
    left, right = air_margins(values[0])
    assert left > 30
    assert right > 30


def test_centres_of_mass_say_nothing_of_a_specimen_that_touches_an_end() -> None:
    values, angles = _with_stripes(80.0, 50.0)
    assert moment_curves(values, angles, np.zeros(1), 40.0, 140.0) is None
