"""The real series that simulated ones are held against."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError

Values = NDArray[np.float64]

WANTED = ("SR_current", "barometer_mbar")


def ring_and_chambers(data: Path) -> dict[str, Values]:
    """PETRA III, beamline P09, point by point: ``time`` (unix s), ``current`` (mA), ``chamber``."""
    path = _there(data / "series" / "petra3_p09_ring_current.csv")
    table = np.genfromtxt(path, delimiter=",", names=True)
    return {"time": table["unix_time_s"], "current": table["ring_current_mA"],
            "chamber": table["ion_chamber_1_counts"]}  # fmt: skip


def per_scan(data: Path) -> dict[str, Values]:
    """APS 33-ID, a value a scan: ``time`` (s), ``current`` (mA), ``barometer`` (hPa)."""
    path = _there(data / "series" / "33id_spec.dat")
    names: dict[str, list[str]] = {}
    scans: list[dict[str, float]] = []
    for line in path.read_text(encoding="latin-1").splitlines():
        if found := re.match(r"#H(\d+) (.*)", line):
            names[found[1]] = found[2].split()
        elif line.startswith("#S "):
            scans.append({})
        elif line.startswith("#D ") and scans and "time" not in scans[-1]:
            moment = datetime.strptime(line[3:].strip(), "%a %b %d %H:%M:%S %Y")
            scans[-1]["time"] = moment.timestamp()
        elif (found := re.match(r"#V(\d+) (.*)", line)) and scans:
            pairs = zip(names.get(found[1], []), found[2].split(), strict=False)
            scans[-1].update({k: float(v) for k, v in pairs if k in WANTED})
    whole = [s for s in scans if len(s) == 3]
    return {"time": np.array([s["time"] for s in whole]),
            "current": np.array([s["SR_current"] for s in whole]),
            "barometer": np.array([s["barometer_mbar"] for s in whole])}  # fmt: skip


def _there(path: Path) -> Path:
    if not path.exists():
        raise InputError(
            f"There is no {path}; expected the folder of real data in the environment variable "
            f"TOMOPLAN_DATA."
        )
    return path
