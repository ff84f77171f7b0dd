"""What the first look and the tries show of each scan of an outcome table, kept beside it:
``python -m planner.graph_network.tried``."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError
from planner.graph_network.context import SEEN
from planner.graph_network.rehearsal import NOTHING, RESPONSE, TRIED, Rehearsal, rehearse
from planner.inspection import Inspection, inspect_scan
from planner.outcomes.draw import drawn
from planner.outcomes.jobs import PATIENCE, scans_of
from planner.outcomes.settings import SIMULATED

TABLE = SIMULATED.with_name("tried.h5")
FORMAT = "tomoplan-tried-1"
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Tried:
    """By the name of the scan: ``rehearsals``, and ``seen``, what the image model makes of it
    (nothing for scans looked at without that model)."""

    rehearsals: dict[str, Rehearsal]
    seen: dict[str, Floats]


def packed(found: Rehearsal) -> Floats:
    """The responses in the order of :data:`TRIED`, axes ``step, RESPONSE``; zeros: not tried."""
    rows = np.zeros((len(TRIED), RESPONSE), np.float32)
    for at, step in enumerate(TRIED):
        for known, response in found.responses.get(step.tool, ()):
            if known.parameters == step.parameters:
                rows[at] = response
    return rows


def unpacked(rows: Floats, slice_: Floats) -> Rehearsal:
    """The reverse of :func:`packed`."""
    found: dict[str, list] = {}
    for step, row in zip(TRIED, rows, strict=True):
        if row[0] > 0:
            found.setdefault(step.tool, []).append((step, row.astype(np.float32)))
    return Rehearsal({t: tuple(r) for t, r in found.items()}, slice_.astype(np.float32))


@cache
def tried(path: Path = TABLE) -> Tried:
    """The table; empty where there is none, for then nothing was tried."""
    import h5py

    if not path.exists():
        return Tried({}, {})
    try:
        with h5py.File(path) as file:
            if file.attrs.get("format") != FORMAT:
                raise KeyError("format")
            names = file["names"][:].tobytes().decode().split("\0")
            rows, slices, seen = (file[n][:] for n in ("responses", "slices", "seen"))
    except (OSError, KeyError) as error:
        raise InputError(
            f"{path} is no table of tries ({error}); expected an HDF5 file that "
            "`python -m planner.graph_network.tried` wrote."
        ) from None
    kept = {n: unpacked(r, s) for n, r, s in zip(names, rows, slices, strict=True)}
    looks = {n: v.astype(np.float32) for n, v in zip(names, seen, strict=True) if np.any(v)}
    return Tried(kept, looks)


def save(path: Path, names: Sequence[str], rehearsals: Sequence[Rehearsal],
         seen: Sequence[Floats]) -> None:  # fmt: skip
    """Write a table, replacing one that is there."""
    import h5py

    part = path.with_name(path.name + ".part")
    with h5py.File(part, "w") as file:
        file.attrs["format"] = FORMAT
        columns = {
            "names": np.frombuffer("\0".join(names).encode(), np.uint8),
            "responses": np.array([packed(r) for r in rehearsals], np.float16),
            "slices": np.array([r.slice for r in rehearsals], np.float16),
            "seen": np.array(seen, np.float16),
        }
        for name, values in columns.items():
            file.create_dataset(name, data=values, compression="gzip", shuffle=True)
    part.replace(path)


def inspected(number: int) -> tuple[str, Inspection]:
    """The first scan of an outcome table's task, by number, and its name there."""
    draw = drawn(number)
    scans, _ = scans_of(draw)
    return f"{draw.split}-{number:04d}", inspect_scan(scans[0], PATIENCE)


def looked_at(number: int) -> tuple[Rehearsal, Floats]:
    """What the tries and the image model show of a scan, by its number."""
    from planner.perception.recognition import embedding

    os.environ["TOMOPLAN_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
    _, inspection = inspected(number)
    found = embedding(inspection)
    return (rehearse(inspection) if inspection.preview else NOTHING,
            np.zeros(SEEN, np.float32) if found is None else found)  # fmt: skip


def main() -> None:
    """Look at the scans of the outcome table that are not in the table of tries yet."""
    from simulators.outcomes import Outcomes

    parser = argparse.ArgumentParser(prog="python -m planner.graph_network.tried")
    parser.add_argument("--table", type=Path, default=SIMULATED)
    parser.add_argument("--output", type=Path, default=TABLE)
    parser.add_argument("--anew", action="store_true", help="those that are known, too")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    given = parser.parse_args()
    old = Tried({}, {}) if given.anew else tried(given.output)
    scans = {s.name: int(s.document["number"]) for s in Outcomes.load(given.table)}
    nothing = np.zeros(SEEN, np.float32)
    found = {n: (r, old.seen.get(n, nothing)) for n, r in old.rehearsals.items() if n in scans}
    new = [name for name in scans if name not in found]
    with ProcessPoolExecutor(given.workers, get_context("spawn")) as pool:
        shown = pool.map(looked_at, [scans[name] for name in new])
        for count, (name, one) in enumerate(zip(new, shown, strict=True), 1):
            found[name] = one
            print(f"{count}/{len(new)} {name}", flush=True)
    ordered = [found[name] for name in scans]
    save(given.output, list(scans), [r for r, _ in ordered], [s for _, s in ordered])


if __name__ == "__main__":
    main()
