"""Paganin retrieval against the transport-of-intensity equation, solved for a disc by itself."""

import dataclasses

import numpy as np
import pytest

from metadata.errors import InputError
from toolbox.kinds import DataKind, GreyState
from toolbox.tools.phase.paganin import HC_KEV_M, Paganin
from toolbox.values import Block, Geometry

ENERGY, DISTANCE, PIXEL, RATIO = 20.0, 0.2, 1e-6, 400.0
RATIOS = (10, 100, 999)
MU = 300.0  # 1/m


def smooth_disc(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """A lens of 60 µm with a soft rim: its thickness in m, and the Laplacian of exp(−µ t), both by
    hand so that no Fourier transform enters: axes ``row, col``."""
    y, x = np.mgrid[:rows, :columns].astype(float)
    r2 = ((y - (rows - 1) / 2) ** 2 + (x - (columns - 1) / 2) ** 2) * PIXEL**2
    width2 = (13 * PIXEL) ** 2
    thickness = 60e-6 * np.exp(-r2 / (2 * width2))
    slope2 = thickness**2 * r2 / width2**2
    bend = thickness * (r2 / width2**2 - 2 / width2)
    return thickness, np.exp(-MU * thickness) * (MU**2 * slope2 - MU * bend)


def propagated(rows: int = 128, columns: int = 160) -> tuple[Block, np.ndarray]:
    """The intensity after free propagation, first order in the distance (TIE for one material):
    I = T − d δ/µ ∇²T, with δ/µ = (δ/β) λ / 4π."""
    thickness, laplacian = smooth_disc(rows, columns)
    wavelength = HC_KEV_M / ENERGY
    intensity = np.exp(-MU * thickness) - DISTANCE * RATIO * wavelength / (4 * np.pi) * laplacian
    geometry = Geometry(np.zeros(1), rows, columns, PIXEL, ENERGY, DISTANCE)
    block = Block(
        intensity[None].astype(np.float32), DataKind.PROJECTIONS, GreyState.TRANSMISSION, geometry,
        np.arange(rows), np.arange(1),
    )  # fmt: skip
    return block, thickness


def test_thickness_comes_back():
    block, thickness = propagated()
    result = Paganin(delta_beta=RATIO)(projections=block)
    assert result.state is GreyState.PHASE
    assert result.values.dtype == np.float32
    found = result.values[0] / MU
    plain = -np.log(block.values[0]) / MU
    worst = np.abs(found - thickness).max() / thickness.max()
    assert worst < 0.002
    assert np.abs(plain - thickness).max() / thickness.max() > 0.03


def test_the_mean_transmission_is_kept():
    block, _ = propagated()
    noisy = block.with_values(
        block.values + np.random.default_rng(0).normal(0, 0.05, block.values.shape).astype("f4")
    )
    filtered = np.exp(-Paganin(delta_beta=2000.0)(projections=noisy).values)
    assert filtered.mean() == pytest.approx(noisy.values.mean(), rel=2e-3)
    assert filtered.std() < noisy.values.std()


def test_an_even_field_stays_even_up_to_its_border():
    block, _ = propagated(33, 47)
    even = block.with_values(np.full_like(block.values, 0.7))
    np.testing.assert_allclose(Paganin()(projections=even).values, -np.log(0.7), rtol=1e-5)


def test_larger_ratio_smooths_more():
    block, _ = propagated()
    noise = np.random.default_rng(0).normal(1, 0.05, block.values.shape).astype(np.float32)
    spread = [
        Paganin(delta_beta=r)(projections=block.with_values(noise)).values.std() for r in RATIOS
    ]
    assert spread[0] > 2 * spread[1] > 4 * spread[2]


@pytest.mark.parametrize(
    ("missing", "parameter"),
    [("energy_kev", "energy_kev"), ("distance_m", "distance_m"), ("pixel_size_m", "pixel_size_m")],
)
def test_what_the_scan_does_not_say_is_named(missing, parameter):
    block, _ = propagated(16, 16)
    geometry = dataclasses.replace(block.geometry, **{missing: None})
    bare = dataclasses.replace(block, geometry=geometry)
    with pytest.raises(InputError, match=parameter) as caught:
        Paganin()(projections=bare)
    assert str(caught.value).count("_kev)") + str(caught.value).count("_m)") == 1
    given = Paganin(**{missing: getattr(block.geometry, missing)})
    np.testing.assert_array_equal(
        given(projections=bare).values, Paganin()(projections=block).values
    )


def test_a_material_gives_the_ratio():
    pytest.importorskip("xraydb")
    block, _ = propagated(32, 32)
    ratio = Paganin.ratio("SiO2", ENERGY)
    assert 200 < ratio < 1000
    np.testing.assert_allclose(
        Paganin(material="SiO2")(projections=block).values,
        Paganin(delta_beta=ratio)(projections=block).values,
    )
    with pytest.raises(InputError, match="chemical formula"):
        Paganin(material="granite!")(projections=block)


def test_one_nan_or_dead_pixel_does_not_spread():
    block, _ = propagated()
    holed = block.with_values(block.values.copy())
    holed.values[0, 20, 30] = np.nan
    result = Paganin(delta_beta=RATIO)(projections=holed).values
    whole = Paganin(delta_beta=RATIO)(projections=block).values
    assert np.isfinite(result).all()
    assert np.abs(result - whole).max() < 0.01
