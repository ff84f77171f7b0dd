"""Opens any scan by looking at its content."""

from __future__ import annotations

from pathlib import Path

from metadata.errors import ScanError
from metadata.scan import Scan


def open_scan(path: str | Path) -> Scan:
    """Open a scan, whatever its format, by looking at its content."""
    from metadata.hdf5_file import open_hdf5
    from metadata.readers.data_exchange import is_data_exchange, open_data_exchange
    from metadata.readers.nxtomo import find_entry, open_nxtomo

    path = Path(path)
    if not path.exists():
        raise ScanError(f"{path} does not exist. Expected the path of a scan; check its spelling.")
    file = open_hdf5(path)
    if is_data_exchange(file):
        return open_data_exchange(file, path)
    entry = find_entry(file)
    if entry is not None:
        return open_nxtomo(file, path, entry)
    raise ScanError(f"{path} holds no scan that tomoplan knows.")
