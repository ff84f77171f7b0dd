"""SPEC files: what was set when each scan began, and what was counted during it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from metadata.errors import InputError
from metadata.series import MetricInfo, Samples, Times, Values
from metadata.sources.order import in_order
from metadata.sources.reread import RereadFile
from metadata.sources.source import Entry, beside_each_other, later
from metadata.sources.spec_scan import SpecScan, read_spec


class SpecFile(RereadFile):
    """Motors (``#P``) and quantities of the beamline (``#V``) once a scan, at its time; counters
    (``#L``) once a point. A counter and a setting of the same name are one metric; motors that are
    moved in a scan are left out of its points."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        self._names = list(_series(self._scans()))
        if not self._names:
            raise InputError(
                f"{path} is a SPEC file without scans. Expected lines #S with #V, #P or data below "
                f"them; check that it is the right file."
            )

    def metrics(self) -> dict[str, MetricInfo]:
        return {name: MetricInfo(name) for name in self._names}

    def _scans(self) -> Iterator[SpecScan]:
        with self.path.open(encoding="latin-1") as file:  # an Å or a µ may be written any way
            yield from read_spec(file)

    def _read(self, since: Mapping[str, float]) -> Iterator[Entry]:
        blocks = [
            later(in_order(Samples.of(name, times, values)), since)
            for name, (times, values) in _series(self._scans()).items()
        ]
        yield from beside_each_other([[block] for block in blocks if len(block)])


def is_spec(head: str) -> bool:
    """Whether the first lines of a file are those of SPEC."""
    keys = [line[:2] for line in head.splitlines() if line.strip()][:10]
    return bool(keys) and keys[0] in ("#F", "#E", "#S") and any(k in ("#D", "#S") for k in keys)


def _series(scans: Iterator[SpecScan]) -> dict[str, tuple[Times, Values]]:
    """Times and values of each metric, in the order of the file."""
    found: dict[str, tuple[list[Times], list[Values]]] = {}
    for scan in scans:
        for name, value in scan.settings.items():
            times, values = found.setdefault(name, ([], []))
            times.append(np.array([scan.start]))
            values.append(np.array([value]))
        if scan.labels:
            at, columns = scan.columns()
            for name, column in columns.items():
                times, values = found.setdefault(name, ([], []))
                times.append(at)
                values.append(column)
    return {
        n: (np.concatenate(times), np.concatenate(values)) for n, (times, values) in found.items()
    }
