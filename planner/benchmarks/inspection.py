"""Seconds to inspect a large scan: 2048 × 2048 × 1800 in 16 bits, plain and compressed frames."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np

VIEWS, ROWS, COLUMNS = 1800, 2048, 2048


def run() -> dict[str, Any]:
    """Write a sparse file of which only the rows that a preview looks at hold data, inspect it
    twice (the second time libraries are loaded), and say how long each took."""
    from metadata import open_scan
    from planner.inspection import inspect_scan

    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="tomoplan-") as folder:
        path = Path(folder) / "large.h5"
        make_large_scan(path)
        for label in ("first", "warm"):
            with open_scan(path) as scan:
                begin = time.perf_counter()
                seen = inspect_scan(scan)
                found[label] = {
                    "seconds": time.perf_counter() - begin,
                    "views": seen.preview.views_read if seen.preview else 0,
                    "center": seen.traits.center_px.to_json() if seen.traits.center_px else None,
                }
    print(found)
    return found


def make_large_scan(path: Path) -> None:
    """A Data Exchange file, 15 GB by its shape, of which some rows are written."""
    from planner.preview import BAND_ROWS, spread_rows
    from simulators import World, simulate

    rows = spread_rows(ROWS, BAND_ROWS)
    world = World("foam", columns=COLUMNS, rows=len(rows), projections=VIEWS, photons=2e4,
                  rings=0.3, center=1030.3)  # fmt: skip
    scan = simulate(world)
    with h5py.File(path, "w") as file:
        file["implements"] = "exchange:measurement"
        data = file.create_dataset("exchange/data", (VIEWS, ROWS, COLUMNS), np.uint16)
        angles = file.create_dataset("exchange/theta", data=np.degrees(scan.info.angles_rad))
        angles.attrs["units"] = "degrees"
        flats = file.create_dataset("exchange/data_white", (5, ROWS, COLUMNS), np.uint16)
        darks = file.create_dataset("exchange/data_dark", (5, ROWS, COLUMNS), np.uint16)
        for index, row in enumerate(rows):
            one = slice(index, index + 1)
            data[:, row] = scan.projections(rows=one)[:, 0]
            flats[:, row] = scan.flats(one)[:5, 0]
            darks[:, row] = scan.darks(one)[:5, 0]
        middle = VIEWS // 2
        data[middle] = np.repeat(scan.projections(slice(middle, middle + 1))[:, -1:], ROWS, axis=1)


if __name__ == "__main__":
    run()
