"""The log beside a folder of frames: angles, beam monitor and settings, in two common shapes.

One line for each projection (``… Projection: 17 angle: 8.5 counts before: 100 counts_after: 250``),
or settings (``Rotation Step (deg)=0.2``).
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metadata.dates import iso_date
from metadata.found import Facts, RawAngles
from metadata.hdf5_file import as_number
from metadata.units import factor

LINE = re.compile(
    r"projection\W+(\d+)\W+angle\W+?([-+]?\d+(?:\.\d+)?)"
    r"(?:.*?counts[ _]before\W+(\d+(?:\.\d+)?).*?counts[ _]after\W+(\d+(?:\.\d+)?))?",
    re.IGNORECASE,
)
SETTING = re.compile(r"^\s*([A-Za-z][^=:()\[\]]*?)\s*(?:[(\[]([^)\]]*)[)\]])?\s*[=:]\s*(.+?)\s*$")


def find_log(folder: Path) -> Path | None:
    """A log in the folder or beside it that bears its name."""
    inside = sorted(f for f in folder.iterdir() if f.suffix.lower() in (".log", ".info"))
    texts = sorted(f for f in folder.glob("*.txt") if "log" in f.stem.lower())
    beside = [folder.with_name(f"{folder.name}{end}") for end in (".log", ".txt", "_log.txt")]
    found = [*inside, *texts, *(f for f in beside if f.is_file())]
    return found[0] if found else None


def read_log(path: Path, count: int) -> tuple[RawAngles | None, NDArray[np.float64] | None, Facts]:
    """Angles, monitor (counts gained during each projection) and settings, as far as they are
    there; what cannot be understood is left."""
    try:
        text = path.read_text("utf-8", "replace")
    except OSError:
        return None, None, Facts()
    lines = [m for m in map(LINE.search, text.splitlines()) if m]
    settings: dict[str, tuple[str | None, str]] = {}
    for line in text.splitlines():
        match = SETTING.match(line)
        if match:
            settings.setdefault(match[1].strip().lower(), (match[2], match[3]))
    angles = monitor = None
    if lines:
        angles = RawAngles(np.array([float(m[2]) for m in lines]), "deg", path.name)
        if len(lines) == count and all(m[3] and m[4] for m in lines):
            gained = np.array([float(m[4]) - float(m[3]) for m in lines])
            monitor = gained if np.all(gained > 0) else None
    else:
        step = _value(settings, "angle", "rotation step", "angle step", "step")
        if step:
            angles = RawAngles(np.arange(count, dtype=np.float64) * step, "rad", path.name)
    start = settings.get("start time") or settings.get("study date and time") or (None, "")
    end = settings.get("end time") or (None, "")
    return (
        angles,
        monitor,
        Facts(
            pixel_size_m=_value(settings, "length", "image pixel size", "pixel size", "pixelsize"),
            energy_kev=_value(settings, "energy", "energy"),
            distance_m=_value(settings, "length", "distance", "detector distance"),
            exposure_s=_value(settings, "time", "exposure", "exposure time"),
            start_time=iso_date(start[1]),
            end_time=iso_date(end[1]),
        ),
    )


def _value(settings: dict[str, tuple[str | None, str]], quantity: str, *names: str) -> float | None:
    """The first of some settings that has a number and a unit, in tomoplan's unit."""
    for name in names:
        unit, said = settings.get(name, (None, ""))
        match = re.match(r"([-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)\s*([^\d\s]*)", said)
        if match:
            scale = factor(quantity, match[2] or unit)
            value = as_number(match[1])
            if scale is not None and value:
                return value * scale
    return None
