"""SPEC files: two real ones, and what is particular about the format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from metadata.errors import InputError
from metadata.sources import open_source
from metadata.sources.spec_file import SpecFile
from tests.metadata.sources.reading import joined

FILE = """#F test
#E 1700000000
#D Tue Nov 14 23:13:20 2023
#C a beamline  User = x
#O0 mono energy  table x
#H0  ring  fill

#S 1  ascan  th 0 1 2 0.5
#D Tue Nov 14 23:14:00 2023
#T 0.5  (Seconds)
#P0 25.5 -3
#V0 100.5 on
#N 4
#L th  table x  Seconds  det
@A 0 0 0\\
 0 0 1
0 1 0.5 10
@A 1 1
0.5 2 0.5 20
1 3 0.5
#S 2  mesh
#D Tue Nov 14 23:15:00 2023
#P0 25.6 -3
#V0 100.4 bad
#L th  Epoch  det
0 101 30
1 102.5 40
"""


def test_settings_points_and_times(tmp_path: Path) -> None:
    path = tmp_path / "a.spec"
    path.write_text(FILE)
    source = open_source(path)
    assert isinstance(source, SpecFile)
    found = joined(source.history())
    assert set(found) == {"mono energy", "table x", "ring", "fill", "det"}
    # Dates are an hour ahead of UTC here, which #E beside the first one tells.
    assert found["ring"].times.tolist() == [1700000040, 1700000100]
    assert found["ring"].values.tolist() == [100.5, 100.4]
    assert np.isnan(found["fill"].values).all()
    assert found["table x"].values.tolist() == [-3, -3]  # moved within a scan: left out
    assert found["det"].values.tolist() == [10, 20, 30, 40]
    assert found["det"].times.tolist() == [
        1700000040.5, 1700000041, 1700000101, 1700000102.5,
    ]  # fmt: skip
    assert set(joined(source.history(dict.fromkeys(found, 1700000050)))["det"].values) == {30, 40}


def test_a_file_without_scans(tmp_path: Path) -> None:
    path = tmp_path / "a.spec"
    path.write_text("#F a\n#E 5\n#D Tue Nov 14 23:13:20 2023\n")
    with pytest.raises(InputError, match=r"a\.spec is a SPEC file without scans.*#S with #V"):
        open_source(path)


def test_33id(data: Path) -> None:
    source = open_source(data / "series" / "33id_spec.dat")
    found = joined(source.history())
    assert not source.warnings
    current = found["SR_current"]
    assert len(current) == 106  # one a scan
    assert 90 < np.nanmin(current.values) < np.nanmax(current.values) < 110
    # The file began at 07:37:32 UTC, 02:37:32 at the beamline.
    assert 1058427452 < current.times[0] < 1058427452 + 120
    assert np.all(np.diff(current.times) >= 0)
    points = found["I00"]
    assert len(points) > 2000
    assert np.all(points.times >= current.times[0] - 1)


def test_jan_test(data: Path) -> None:
    found = joined(open_source(data / "series" / "03_06_JanTest.dat").history())
    assert len(found["barometer_mbar"]) == 62
    assert 990 < found["barometer_mbar"].values[0] < 1005
    assert {"mr", "DCM_energy", "USAXS_PD"} <= set(found)
