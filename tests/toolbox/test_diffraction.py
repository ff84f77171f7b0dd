"""Rings become a pattern, a pattern becomes peaks, and known crystals their lattice constants."""

from __future__ import annotations

import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from metadata import Content, InputError, open_scan
from planner import service
from tests.planner.situations import FixedCosts
from toolbox import Block, DataKind, Geometry, GreyState, Pattern
from toolbox.execution import run
from toolbox.execution.sources import ScanSource
from toolbox.tools.diffraction.azimuthal_integration import AzimuthalIntegration
from toolbox.tools.diffraction.fit_peaks import FitPeaks
from toolbox.tools.diffraction.peak_shapes import pseudo_voigt, snip
from toolbox.tools.diffraction.poni import Poni

CUBIC_F = (3, 4, 8, 11, 12, 16, 19, 20, 24, 27, 32, 35, 36, 40, 43, 44, 48)  # h² + k² + l²
CERIA, LAB6 = 5.41165, 4.15689  # Å, NIST SRM 674b and 660b


def lattice_constants(
    table: dict[str, list[float]], near: float, allowed: tuple[int, ...]
) -> NDArray[np.float64]:
    """The cubic lattice constant of each peak that is a reflection of the crystal."""
    found = []
    for d in table["d_angstrom"]:
        squares = (near / d) ** 2
        best = min(allowed, key=lambda n: abs(n - squares))
        if abs(best - squares) < 0.01 * squares:
            found.append(d * np.sqrt(best))
    return np.array(found)


def poni(path: Path, **changes: float) -> Path:
    values = {"PixelSize1": 1e-4, "PixelSize2": 1e-4, "Distance": 0.1, "Poni1": 6.4e-3,
              "Poni2": 6.4e-3, "Rot1": 0.0, "Rot2": 0.0, "Rot3": 0.0,
              "Wavelength": 4e-11} | changes  # fmt: skip
    path.write_text("# made by hand\n" + "".join(f"{k}: {v}\n" for k, v in values.items()))
    return path


def rings(place: Poni, angles: tuple[float, ...], size: int = 128) -> NDArray[np.float32]:
    """A picture of sharp rings at some 2θ (degrees), by the geometry itself at sub-pixels."""
    fine = (np.arange(4 * size) + 0.5) / 4
    seen = np.rad2deg(place.directions(fine, fine)[0])
    total = sum(1000 * np.exp(-0.5 * ((seen - a) / 0.05) ** 2) for a in angles)
    solid = place.directions(fine, fine)[2] ** 3
    return (total * solid + 20 * solid).reshape(size, 4, size, 4).mean((1, 3)).astype(np.float32)


def pictures(values: NDArray[np.float32]) -> Block:
    frames, rows, columns = values.shape
    return Block(values, DataKind.PROJECTIONS, GreyState.COUNTS,
                 Geometry(np.zeros(frames), rows, columns), np.arange(rows),
                 np.arange(frames))  # fmt: skip


@pytest.mark.parametrize("tilt", [{}, {"Rot1": 0.05, "Rot2": -0.03, "Rot3": 0.4}])
def test_rings_come_out_at_their_angles(tmp_path: Path, tilt: dict[str, float]) -> None:
    path = poni(tmp_path / "a.poni", **tilt)
    picture = rings(Poni.read(path), (1.5, 2.5, 3.2))
    pattern = AzimuthalIntegration(str(path), flip=False)(pictures=pictures(picture[None]))
    found = FitPeaks()(pattern=pattern).tables["peaks"]
    assert found["two_theta_deg"] == pytest.approx([1.5, 2.5, 3.2], abs=0.005)
    assert found["fwhm_deg"] == pytest.approx([0.118] * 3, rel=0.15)


def test_the_integral_is_that_of_the_counts(tmp_path: Path) -> None:
    path = poni(tmp_path / "a.poni", Distance=10.0)  # so far that all solid angles are alike
    seen = np.random.default_rng(0).poisson(50, (1, 128, 128)).astype(np.float32)
    pattern = AzimuthalIntegration(str(path), bins=40, flip=False)(pictures=pictures(seen))
    assert pattern.intensity.mean() == pytest.approx(50, rel=0.01)
    scatter = (pattern.intensity - 50) / pattern.sigma
    assert 0.6 < scatter.std() < 1.3


def test_gaps_do_not_count(tmp_path: Path) -> None:
    path = poni(tmp_path / "a.poni")
    picture = rings(Poni.read(path), (2.5,))
    broken = picture.copy()
    broken[40:50] = -2.0
    whole, holed = (AzimuthalIntegration(str(path), flip=False, bins=80)(
        pictures=pictures(p[None])) for p in (picture, broken))  # fmt: skip
    strong = whole.intensity[0] > 100
    np.testing.assert_allclose(holed.intensity[0][strong], whole.intensity[0][strong], rtol=0.05)


def test_the_side_that_rows_count_from_is_seen(tmp_path: Path) -> None:
    path = poni(tmp_path / "a.poni", Poni1=4e-3)
    picture = rings(Poni.read(path), (2.5,))
    tool = AzimuthalIntegration(str(path))
    assert tool.tune(pictures=pictures(picture[None])).tool.parameters()["flip"] is False
    tuned = tool.tune(pictures=pictures(picture[None, ::-1]))
    assert tuned.tool.parameters()["flip"] is True
    assert "bottom" in tuned.notes[0]


def test_a_geometry_that_lacks_something_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.poni"
    path.write_text("PixelSize1: 1e-4\nDistance: 0.1\n")
    with pytest.raises(InputError, match=r"pixelsize2.*poni1.*rot3"):
        Poni.read(path)
    newer = tmp_path / "b.poni"
    newer.write_text(
        "poni_version: 2\nDetector: Detector\n"
        'Detector_config: {"pixel1": 1.72e-4, "pixel2": 1.72e-4, "max_shape": null}\n'
        "Distance: 0.2\nPoni1: 0.08\nPoni2: 0.07\nRot1: 0\nRot2: 0\nRot3: 0\n"
    )
    assert Poni.read(newer).pixel_1 == 1.72e-4
    assert Poni.read(newer).wavelength is None


def test_peaks_are_recovered_with_honest_errors() -> None:
    angle = np.linspace(5, 25, 2000)
    truth = (400.0, 8.0, 0.12, 0.3, 900.0, 14.0, 0.10, 0.8, 500.0, 14.3, 0.10, 0.5)
    clean = pseudo_voigt(angle, *truth, 120.0, -3.0) + 300 * np.exp(-((angle / 9) ** 2))
    pulls = []
    for seed in range(6):
        seen = np.random.default_rng(seed).poisson(clean).astype(float)
        pattern = Pattern(angle, seen[None], np.sqrt(seen)[None], 4e-11)
        found = FitPeaks()(pattern=pattern).tables["peaks"]
        assert found["two_theta_deg"] == pytest.approx([8.0, 14.0, 14.3], abs=0.01)
        assert found["fwhm_deg"] == pytest.approx([0.12, 0.10, 0.10], rel=0.15)
        pulls += [(a - b) / e for a, b, e in zip(found["two_theta_deg"], (8.0, 14.0, 14.3),
                                                found["two_theta_error_deg"],
                                                strict=True)]  # fmt: skip
    assert 0.4 < np.std(pulls) < 2.0


def test_a_pattern_without_peaks_has_none() -> None:
    seen = np.random.default_rng(0).poisson(np.full(500, 100.0)).astype(float)
    found = FitPeaks()(pattern=Pattern(np.linspace(5, 25, 500), seen[None], np.sqrt(seen)[None]))
    assert found.values["count"].value == 0


def test_the_background_stays_under_the_peaks() -> None:
    angle = np.linspace(0, 10, 400)
    smooth = 50 + 20 * np.cos(angle / 3)
    peak = 500 * np.exp(-0.5 * ((angle - 5) / 0.05) ** 2)
    np.testing.assert_allclose(snip(smooth + peak, 12), smooth, rtol=0.03)


def test_ceria_on_a_pilatus_gives_its_lattice_constant(data: Path) -> None:
    """Against the NIST value, and peak by peak against an integration by another program."""
    folder = data / "xrd" / "CeO2_2D"
    with open_scan(folder / "CeO2_Pilatus1M.tif") as scan:
        assert scan.info.content is Content.IMAGES
        block = ScanSource(scan).take_frames(0, 1)
    tool = AzimuthalIntegration(str(folder / "CeO2_Pilatus1M.poni")).tune(pictures=block).tool
    pattern = tool(pictures=block)
    found = FitPeaks(low=5)(pattern=pattern).tables["peaks"]
    constants = lattice_constants(found, CERIA, CUBIC_F)
    assert len(constants) >= 15
    assert np.median(constants) == pytest.approx(CERIA, rel=2e-4)
    assert constants.std() < 1e-3
    other = np.loadtxt(folder / "CeO2_Pilatus1M.xy", comments="#")
    sigma = np.sqrt(np.maximum(other[:, 1], 1)) / 5
    theirs = FitPeaks(low=5)(
        pattern=Pattern(other[:, 0], other[None, :, 1], sigma[None], 4.066e-11)
    )
    ours = np.array(found["two_theta_deg"])
    for angle in theirs.tables["peaks"]["two_theta_deg"]:
        if abs(angle - 10.5) > 1:  # a weak foreign line
            assert np.abs(ours - angle).min() < 2e-3


def test_lanthanum_hexaboride_gives_its_lattice_constant(data: Path) -> None:
    with zipfile.ZipFile(data / "xrd" / "LaB6_11BM" / "11bmb_3844.fxye.zip") as archive:
        text = archive.read(archive.namelist()[0]).decode("latin-1")
    lines = [line.split() for line in text.splitlines() if line[:1] == " "]
    table = np.array([[float(v) for v in f] for f in lines if len(f) == 3])
    angle = table[:, 0] / 100  # GSAS writes hundredths of a degree
    assert 0 < angle[0] < 5 < 60 < angle[-1] < 90
    pattern = Pattern(angle, table[None, :, 1], table[None, :, 2], 0.413128e-10)
    found = FitPeaks(low=5, high=24, prominence=40)(pattern=pattern).tables["peaks"]
    primitive = tuple(n for n in range(1, 40) if n not in (7, 15, 23, 28, 31, 39))
    constants = lattice_constants(found, LAB6, primitive)
    assert len(constants) >= 10
    assert np.median(constants) == pytest.approx(LAB6, rel=5e-5)


@pytest.mark.parametrize("text", ["fit the diffraction peaks", "做衍射分析，拟合峰位"])
def test_the_words_lead_to_peaks(text: str, tmp_path: Path) -> None:
    import tifffile

    path = poni(tmp_path / "rings.poni")
    tifffile.imwrite(tmp_path / "rings.tif", rings(Poni.read(path), (1.5, 2.5, 3.2)))
    answer = service.plan(text, tmp_path / "rings.tif", costs=FixedCosts())
    assert answer.refusal is None
    pipeline = answer.best.pipeline
    assert [n.tool for n in pipeline.nodes] == ["scan", "azimuthal_integration", "fit_peaks"]
    with open_scan(tmp_path / "rings.tif") as scan:
        run(pipeline, [scan], tmp_path / "out.h5")
    with h5py.File(tmp_path / "out.h5") as file:
        peaks = file["entry/data/quantities/peaks"]
        assert peaks["two_theta_deg"][...] == pytest.approx([1.5, 2.5, 3.2], abs=0.005)
        assert file["entry/data/pattern/intensity"].ndim == 2
    path.unlink()
    with open_scan(tmp_path / "rings.tif", content="images") as scan:
        refused = service.plan(text, scan, costs=FixedCosts())
    assert "rings.poni" in (refused.refusal or "")
