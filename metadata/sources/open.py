"""Opens any source of series by its content or its scheme."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from metadata import hdf5_file as h5
from metadata.errors import InputError
from metadata.sources.source import Source


def open_source(spec: str | Path, **options: Any) -> Source:
    """A source of series: a table of text (CSV) or a file with NXlog groups.

    Raises :class:`InputError` where it is none of these.
    """
    from metadata.sources.csv_file import CsvFile
    from metadata.sources.nxlog import NxLog

    path = Path(spec)
    if not path.exists():
        raise InputError(
            f"{spec} does not exist. Expected a file or a folder, or an address such as "
            f"ca://PV or archiver:http://HOST:17668/retrieval?pv=PV; check its spelling."
        )
    if h5.is_hdf5(path):
        return NxLog(path)
    return CsvFile(path, **options)
