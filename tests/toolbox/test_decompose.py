"""Materials are told apart by their tabulated attenuations, and none is negative."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from metadata import InputError, open_scan
from planner import service
from tests.planner.situations import FixedCosts
from toolbox import Block, DataKind, Geometry, GreyState
from toolbox.execution import run
from toolbox.tools.decompose.decompose_materials import DecomposeMaterials
from toolbox.tools.decompose.mixtures import Material, read_materials, unmixed

ENERGIES = (8.2, 8.4, 9.5)  # keV, on both sides of the nickel edge


def fractions(size: int = 24) -> NDArray[np.float32]:
    """Parts of nickel oxide, carbon and iron (``material, z, y, x``) that add up to 1 or less."""
    z, y, x = np.indices((4, size, size)).astype(np.float32)
    nickel = 0.8 * ((x - 8) ** 2 + (y - 8) ** 2 < 30)
    iron = 0.3 * (np.hypot(x - 16, y - 15) < 4)
    carbon = 0.15 * (1 + np.sin(z + x / 3)) * (nickel == 0)
    return np.stack([nickel, carbon, iron]).astype(np.float32)


def volumes(amounts: NDArray[np.float32], tool: DecomposeMaterials, noise: float) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    pure = tool.pure(len(ENERGIES))
    seen = np.einsum("em,mzyx->ezyx", pure, amounts)
    seen += noise * seen.max() * rng.normal(size=seen.shape)
    return {
        f"volume_{i + 1}": Block(v.astype(np.float32), DataKind.VOLUME, GreyState.ATTENUATION,
                                 Geometry(np.zeros(1), *v.shape[::2], 5e-7, ENERGIES[i]),
                                 np.arange(len(v)))
        for i, v in enumerate(seen)
    }  # fmt: skip


def test_three_materials_come_out_of_three_energies() -> None:
    tool = DecomposeMaterials("NiO=6.67, C=2.23, Fe=7.88", energies_kev=ENERGIES, pixel_size_um=0.5)
    amounts = fractions()
    exact = tool(**volumes(amounts, tool, 0.0)).values
    np.testing.assert_allclose(exact, amounts, atol=2e-4)
    noisy = tool(**volumes(amounts, tool, 0.01)).values
    assert noisy.min() >= 0
    assert np.sqrt(((noisy - amounts)[0] ** 2).mean()) < 0.03  # the edge tells nickel


def test_energies_and_voxels_are_read_from_the_files_and_told() -> None:
    tool = DecomposeMaterials("NiO=6.67, C=2.23")
    known = DecomposeMaterials("NiO=6.67, C=2.23, Fe=7.88", energies_kev=ENERGIES,
                               pixel_size_um=0.5)  # fmt: skip
    tuned = tool.tune(**volumes(fractions(), known, 0.0))
    assert tuned.tool.parameters()["energies_kev"] == ENERGIES
    assert tuned.tool.parameters()["pixel_size_um"] == pytest.approx(0.5)
    assert "condition number" in tuned.notes[0]


def test_amounts_as_mass() -> None:
    known = {"energies_kev": ENERGIES, "pixel_size_um": 0.5}
    materials = "NiO=6.67, C=2.23, Fe=7.88"
    parts = DecomposeMaterials(materials, **known)
    given = volumes(fractions(), parts, 0.0)
    mass = DecomposeMaterials(materials, amount="density", **known)(**given).values
    np.testing.assert_allclose(mass[0], 6.67 * parts(**given).values[0], rtol=1e-5)


def test_the_solution_is_that_of_non_negative_least_squares() -> None:
    from scipy.optimize import nnls

    rng = np.random.default_rng(1)
    pure = rng.uniform(0.1, 2, (4, 3))
    seen = rng.normal(0.5, 1, (4, 200))
    ours = unmixed(seen, pure)
    theirs = np.stack([nnls(pure, column)[0] for column in seen.T], axis=1)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_materials_are_written_in_three_ways() -> None:
    found = read_materials("NiO=6.67, water, binder@1.5;0.9", 2)
    assert found[0] == Material("NiO", 6.67)
    assert found[1].density == 1.0
    assert found[2].per_m((8.0, 9.0)) == pytest.approx([150, 90])
    with pytest.raises(InputError, match="unobtainium"):
        read_materials("unobtainium")
    with pytest.raises(InputError, match="2 values for 3 energies"):
        read_materials("binder@1.5;0.9", 3)


def test_too_many_materials_are_refused() -> None:
    tool = DecomposeMaterials("NiO=6.67, C=2.23, Fe=7.88, Cu=8.96", energies_kev=ENERGIES,
                              pixel_size_um=0.5)  # fmt: skip
    with pytest.raises(InputError, match="4 materials"):
        tool.pure(3)


@pytest.mark.parametrize("text", ["separate nickel oxide from carbon", "把氧化镍和石墨分离开"])
def test_the_words_lead_to_maps(text: str, tmp_path: Path) -> None:
    tool = DecomposeMaterials("NiO=6.67, C=2.23, Fe=7.88", energies_kev=ENERGIES, pixel_size_um=0.5)
    amounts = fractions() * np.array([1, 1, 0], np.float32)[:, None, None, None]
    given = volumes(amounts, tool, 0.0)
    with h5py.File(tmp_path / "e.h5", "w") as file:
        for i, energy in enumerate(ENERGIES[:2]):
            file[f"e{i}"] = given[f"volume_{i + 1}"].values
            file[f"e{i}"].attrs.update({"energy_kev": energy, "pixel_um": 0.5})
        file["unknown"] = given["volume_1"].values
    scans = [open_scan(f"{tmp_path / 'e.h5'}::e{i}", content="volume") for i in range(2)]
    answer = service.plan(text, scans, costs=FixedCosts())
    assert answer.refusal is None
    pipeline = answer.best.pipeline
    run(pipeline, scans, tmp_path / "out.h5", memory_bytes=4e9)
    with h5py.File(tmp_path / "out.h5") as file:
        materials = file["entry/data/materials"]
        assert materials.attrs["materials"] == "NiO=6.67, C=2.23"
        assert list(materials.attrs["axes"]) == ["material", "z", "y", "x"]
        for found, truth in zip(materials[...], amounts, strict=False):
            assert np.corrcoef(found.ravel(), truth.ravel())[0, 1] > 0.95
    lost = open_scan(f"{tmp_path / 'e.h5'}::unknown", content="volume")
    refused = service.plan(text, [scans[0], lost], costs=FixedCosts())
    assert "energy" in (refused.refusal or "") or "能量" in (refused.refusal or "")
    same = service.plan(text, [scans[0], scans[0]], costs=FixedCosts())
    assert "8.2" in (same.refusal or "")


def test_nickel_in_battery_particles_stands_out(data: Path) -> None:
    """Optical density of a real radiograph below and above the nickel edge: nickel is where the
    density jumps, and nowhere negative; amounts are lengths in px."""
    with h5py.File(data / "txm" / "aps_nca_fov07_2energies.h5") as file:
        density = [
            -np.log(np.maximum(file[f"sample_soc01_{e}"][::4, ::4] / 35.0, 1)
                    / np.maximum(file[f"ref_soc01_{e}"][::4, ::4] / 35.0, 1))
            for e in (8250, 8353)
        ]  # fmt: skip
        pixel = float(file["sample_soc01_8250"].attrs["pixel_um"])
    given = {
        f"volume_{i + 1}": Block(d[None].astype(np.float32), DataKind.VOLUME,
                                 GreyState.ATTENUATION, Geometry(np.zeros(1), 1, d.shape[1]),
                                 np.arange(1))
        for i, d in enumerate(density)
    }  # fmt: skip
    tool = DecomposeMaterials("NiO=6.67, C=2.23", energies_kev=(8.25, 8.353), pixel_size_um=pixel)
    nickel = tool(**given).values[0, 0]
    jump = density[1] - density[0]
    assert nickel.min() >= 0
    assert np.corrcoef(nickel.ravel(), jump.ravel())[0, 1] > 0.9
    thickest = np.percentile(nickel, 99) * pixel
    assert 0.5 < thickest < 20  # µm of a particle some 10 µm thick
