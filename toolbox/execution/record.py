"""What ran, on what, how long, how much memory, how good: the row that learners train on."""

from __future__ import annotations

import dataclasses
import json
import platform
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from metadata.errors import InputError
from toolbox.execution.threads import cpu_count

PLACE = "/entry/reconstruction/record"  # in the output


@dataclass(frozen=True)
class RunRecord:
    """One run. Times in s, memory in bytes, the axis in px; survives a JSON round trip."""

    id: str
    time: str  # ISO-8601, UTC, the beginning
    pipeline: dict[str, Any]  # as asked
    tuned: dict[str, Any]  # with every parameter that was found
    scans: list[dict[str, Any]]  # path, fingerprint, info
    output: str | None
    seconds: float
    node_seconds: dict[str, float]  # summed over workers
    node_operations: dict[str, float]
    peak_bytes: int  # resident memory of the process at its highest during the run
    base_bytes: int  # … and before it
    workers: int = 1
    rows: list[int] | None = None  # first and last + 1, where only some were asked for
    task: dict[str, Any] | None = None
    notes: dict[str, list[str]] = field(default_factory=dict)  # per step: what was chosen, why
    versions: dict[str, str] = field(default_factory=dict)
    seeds: dict[str, int] = field(default_factory=dict)
    hardware: dict[str, Any] = field(default_factory=dict)
    quality: dict[str, float] = field(default_factory=dict)
    # What was measured, as {value, unit, low, high}; the tables stay in the output
    quantities: dict[str, dict[str, Any]] = field(default_factory=dict)
    center_px: dict[str, float] | None = None  # value, low, high; at the middle row
    tilt_deg: float | None = None  # of the axis in the plane of the detector
    overlap_px: float | None = None
    shifts_px: dict[str, float] | None = None  # sideways, that were taken out: rms, largest
    warnings: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def read(cls, path: str | Path) -> RunRecord:
        """The record in the output file of a run. Raises InputError where there is none."""
        import h5py

        try:
            with h5py.File(path) as file:
                return cls.from_json(json.loads(file[PLACE][()]))
        except (OSError, KeyError, ValueError, TypeError):
            raise InputError(
                f"{path} holds no record of a run. Expected a file that `tomoplan run` wrote "
                f"(HDF5, with {PLACE})."
            ) from None

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> RunRecord:
        """The record that :meth:`to_json` wrote; fields of later versions are passed over."""
        known = {f.name for f in dataclasses.fields(cls)}
        return cls(**{k: v for k, v in document.items() if k in known})


def hardware() -> dict[str, Any]:
    """The machine at hand."""
    import psutil

    found: dict[str, Any] = {
        "host": platform.node(),
        "processor": _processor(),
        "cpus": cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "gpus": [],
    }
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        found["gpus"] = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return found


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


BASE = ("tomoplan", "numpy", "h5py", "hdf5plugin", "scipy", "torch", "finufft")
EXTRA = re.compile(r";.*\bextra\b")


def versions(libraries: set[str]) -> dict[str, str]:
    """Versions of Python, of what every run stands on, of the libraries that tools name on their
    cards, and of what these require in turn."""
    from importlib.metadata import PackageNotFoundError, requires, version

    found = {"python": platform.python_version()}
    waiting, seen = [*BASE, *sorted(libraries)][::-1], set[str]()
    while waiting:
        name = waiting.pop()
        same = re.sub(r"[-_.]+", "-", name).lower()
        if same in seen:
            continue
        seen.add(same)
        try:
            found[name] = version(name)
            needed = [] if name in BASE else requires(name) or []
        except PackageNotFoundError:
            continue
        waiting += [_package(line) for line in needed if not EXTRA.search(line)]
    return dict(sorted(found.items()))


def _package(requirement: str) -> str:
    """The name in ``numba (>=0.58)``, as the index writes it."""
    return re.split(r"[^A-Za-z0-9._-]", requirement.strip(), maxsplit=1)[0]
