"""Every real file: the geometry it opens with, or what its error says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from metadata import GreyState, ScanError, open_scan, read_info

FOLDERS = ("projections", "conditions", "sinograms", "txm", "logs")


@dataclass(frozen=True)
class Opens:
    shape: tuple[int, int, int]  # projections, rows, columns
    references: tuple[int, int]  # flats, darks
    degrees: tuple[float, float]  # first, last angle
    state: GreyState = GreyState.COUNTS
    probe: str = "x-ray"
    assumed: bool = False
    says: tuple[str, ...] = ()


TRANSMISSION, ATTENUATION = GreyState.TRANSMISSION, GreyState.ATTENUATION
EXPECTED: dict[str, Opens | str] = {
    "projections/tooth_aps_dx.h5": Opens((181, 2, 640), (10, 10), (0, 179.0055)),
    "projections/i13_24737_nxtomo.nxs": Opens((91, 135, 160), (1, 1), (-88.2, 91.8)),
    "projections/tomobank_00076_rows01_dx.h5": Opens(
        (2000, 2, 2560), (10, 10), (0, 179.91), assumed=True, says=("no angles", "0 to 180°")
    ),
    "projections/tomobank_license.txt": "none of the formats",
    "conditions/haadf_tiltseries_raw.h5": Opens(
        (77, 256, 256), (0, 0), (-76, 76), ATTENUATION, "electron", says=("32768", "without -log")
    ),
    "conditions/htc2022_limited_angle_tv_recons.h5": "no tomography scan",
    "conditions/jitter_injected_flatcorrected.h5": Opens(
        (500, 1, 2400), (0, 0), (0, 179.64), TRANSMISSION, says=("flat-corrected",)
    ),
    "conditions/limited_angle_0_126.h5": Opens((350, 1, 2560), (10, 10), (0, 125.64)),
    "conditions/sparse_100proj.h5": Opens((100, 1, 2560), (10, 10), (0, 178.2)),
    "conditions/tile_left.h5": Opens((500, 1, 1500), (10, 10), (0, 179.64)),
    "conditions/tile_right.h5": Opens((500, 1, 1340), (10, 10), (0, 179.64)),
    "sinograms/i18_multimodal_stxm_xrf_xrd.nxs": Opens(
        (52, 7, 101), (0, 0), (-42, 217.0005), TRANSMISSION, says=("detector / monitor", "order")
    ),
    "sinograms/neutron_360.h5": Opens(
        (459, 1, 503), (0, 0), (0, 360), TRANSMISSION, "neutron", True, ("360°", "47027")
    ),
    "sinograms/neutron_360_halfacq_crop.h5": Opens(
        (459, 1, 298), (0, 0), (0, 360), TRANSMISSION, "neutron", True, ("360°", "47092")
    ),
    "txm/aps_nca_fov07_2energies.h5": "no tomography scan",
    "txm/mosaic_4x4_bin8.xrm": "mosaic of 4 x 4 tiles",
    "txm/ref_xanesocv_8250_0eV.xrm": "holds one image",
    "txm/txrm_test_chip_tomo.txrm": Opens((7, 256, 256), (0, 0), (-45.018, 44.986)),
    "logs/aps7bm_dxfile_metadata.h5": Opens(
        (11, 50, 50), (5, 5), (0, 0.5625), says=("6401 angles were planned", "1553")
    ),
    "logs/i12_112482_360scan.nxs": "pco1-112482.hdf",
    "logs/als832_prefect_flow_runs.csv": "none of the formats",
}


def test_every_file_is_listed(data: Path) -> None:
    found = {f"{f.parent.name}/{f.name}" for folder in FOLDERS for f in (data / folder).iterdir()}
    assert found == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_file(data: Path, name: str) -> None:
    expected = EXPECTED[name]
    if isinstance(expected, str):
        with pytest.raises(ScanError, match=expected):
            open_scan(data / name)
        return
    with open_scan(data / name) as scan:
        info = scan.info
        assert (info.projections, info.rows, info.columns) == expected.shape
        assert (info.flats, info.darks) == expected.references
        ends = np.rad2deg([info.angle_start_rad, info.angle_stop_rad])
        np.testing.assert_allclose(ends, expected.degrees, atol=2e-3)
        assert info.angles_rad.shape == (info.projections,)
        assert (info.state, info.probe, info.angles_assumed) == (
            expected.state,
            expected.probe,
            expected.assumed,
        )
        for words in expected.says:
            assert words in " ".join(info.warnings)
        middle = info.rows // 2
        line = scan.projections(rows=slice(middle, middle + 1))
        assert line.shape == (info.projections, 1, info.columns)
        assert line.dtype == np.float32
        assert np.isfinite(line).all()
        assert scan.flats().shape == (info.flats, info.rows, info.columns)
        one = scan.projections(np.array([info.projections - 1, 0]))
        np.testing.assert_array_equal(one[:, middle], line[[-1, 0], 0])


def test_transmission_is_scaled_to_the_air(data: Path) -> None:
    for name in ("neutron_360.h5", "neutron_360_halfacq_crop.h5"):
        with open_scan(data / "sinograms" / name) as scan:
            air = float(np.median(scan.projections()[..., -6:]))
            assert air == pytest.approx(1, abs=0.005)


def test_electron_counts_are_made_unsigned(data: Path) -> None:
    with open_scan(data / "conditions/haadf_tiltseries_raw.h5") as scan:
        assert scan.projections(slice(0, 77, 10)).min() >= 0


def test_facts_of_the_7bm_log(data: Path) -> None:
    info = read_info(data / "logs/aps7bm_dxfile_metadata.h5")
    assert info.pixel_size_m == pytest.approx(1.18063734e-6)
    assert info.exposure_s == pytest.approx(0.00800413)
    assert info.ring_current_ma == pytest.approx((101.72044726,) * 2)
    assert (info.start_time, info.end_time) == ("2020-09-25T12:41:57", "2020-09-25T12:43:25")
    assert info.rotation_axis_px is None  # 1553 belongs to the frames that were left out


def test_facts_of_a_scan_whose_frames_are_missing(data: Path) -> None:
    info = read_info(data / "logs/i12_112482_360scan.nxs")
    assert (info.projections, info.flats, info.darks) == (3601, 100, 50)
    assert (info.rows, info.columns) == (2160, 2560)
    assert np.rad2deg(info.angular_range_rad) == pytest.approx(360, abs=0.2)
    assert info.ring_current_ma == pytest.approx((297.4545,) * 2)
    assert info.exposure_s == pytest.approx(0.008)
    assert info.pixel_size_m is None
    assert info.distance_m is None
    assert info.rotation_axis_px is None
    assert "pco1-112482.hdf" in " ".join(info.warnings)


def test_facts_of_the_txrm(data: Path) -> None:
    with open_scan(data / "txm/txrm_test_chip_tomo.txrm") as scan:
        assert scan.info.energy_kev == pytest.approx(9.2, abs=1e-3)
        assert scan.info.pixel_size_m == pytest.approx(0.15579e-6, rel=1e-4)
        assert scan.info.exposure_s == 5
        monitor = scan.monitor()
        assert monitor is not None
        np.testing.assert_array_equal(monitor, [230, 228, 230, 231, 233, 232, 229])


def test_monitor_of_i13_belongs_to_the_projections(data: Path) -> None:
    with open_scan(data / "projections/i13_24737_nxtomo.nxs") as scan:
        monitor = scan.monitor()
        assert monitor is not None
        assert monitor.shape == (91,)
        scan.flats()
        assert "1 pixel of the flats is zero" in " ".join(scan.info.warnings)
