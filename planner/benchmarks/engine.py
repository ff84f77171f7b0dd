"""What the engine costs over calling the tools directly, and the memory that it takes.

``python -m planner.benchmarks.engine [--big]``: each measurement runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from metadata.errors import WorkError
from metadata.scan import Frames, Scan
from metadata.scan_info import GreyState, ScanInfo
from toolbox.pipeline import Pipeline
from toolbox.tool import Tool
from toolbox.values import Block

ROUNDS = 5
MEMORY_CASES = (  # views, rows, columns, workers
    (600, 64, 512, 1),
    (900, 64, 1024, 2),
    (1800, 32, 2048, 2),
)
BIG = (1800, 4096, 2048)  # 30.2 GB as uint16
BIG_MEMORY = 4 << 30


class DiscScan(Scan):
    """A cylinder in a stack of any size, computed when asked for: 16-bit counts."""

    def __init__(self, projections: int, rows: int, columns: int) -> None:
        self.info = ScanInfo(
            Path(f"disc-{projections}-{rows}-{columns}"), "computed", projections, rows, columns,
            2, 2, "uint16", GreyState.COUNTS,
            np.linspace(0, np.pi, projections, endpoint=False),
        )  # fmt: skip
        u = (np.arange(columns) - (columns - 1) / 2) / columns
        path = 2 * np.sqrt(np.maximum(0.16 - u**2, 0))
        self._line = np.rint(100 + 40000 * np.exp(-2 * path)).astype(np.uint16)

    def projections(
        self, angles: slice | np.ndarray = slice(None), rows: slice = slice(None)
    ) -> Frames:
        views = np.arange(self.info.projections)[angles]
        height = len(range(*rows.indices(self.info.rows)))
        stored = np.broadcast_to(self._line, (len(views), height, len(self._line)))
        return stored.astype(np.float32)

    def flats(self, rows: slice = slice(None)) -> Frames:
        return self._field(rows, 40100)

    def darks(self, rows: slice = slice(None)) -> Frames:
        return self._field(rows, 100)

    def _field(self, rows: slice, value: float) -> Frames:
        height = len(range(*rows.indices(self.info.rows)))
        return np.full((2, height, self.info.columns), value, np.float32)


def pipeline(columns: int) -> Pipeline:
    """What is run: correction, a light ring removal, FBP about the middle."""
    steps = [("stripe_sorting", {"strength": 15}), ("fbp", _fbp(columns))]
    axis = ("known_center", {"column": (columns - 1) / 2})
    return Pipeline.chain(["flat_field", "minus_log", *steps], center=axis)


def big_pipeline(columns: int) -> Pipeline:
    """Correction and FBP of the middle of each slice: all the input, little output."""
    axis = ("known_center", {"column": (columns - 1) / 2})
    return Pipeline.chain(["flat_field", "minus_log", ("fbp", _fbp(256))], center=axis)


def _fbp(size: int) -> dict[str, Any]:
    return {"padding": "zero", "size": size, "tilt_halo": 0}


def run(big: bool = False) -> dict[str, Any]:
    """Measure, print a table to standard error, return the numbers."""
    from rich.console import Console
    from rich.table import Table

    found: dict[str, Any] = {"overhead": _child("overhead")}
    found["memory"] = [_child("memory", *case) for case in MEMORY_CASES]
    if big:
        found["big"] = _child("big")
    console = Console(stderr=True)
    table = Table("measurement", "engine", "directly", "ratio", box=None)
    cost = found["overhead"]
    for kind in ("wall_s", "cpu_s"):
        table.add_row(
            f"{kind}, {cost['scan']}, {cost['workers']} threads",
            f"{cost['engine'][kind]:.2f}", f"{cost['direct'][kind]:.2f}",
            f"{cost['ratio'][kind]:.3f}",
        )  # fmt: skip
    console.print(table)
    table = Table("memory, MiB", "predicted", "measured", "ratio", box=None)
    for case in found["memory"]:
        table.add_row(
            f"{case['scan']}, {case['workers']} threads", f"{case['predicted'] / 2**20:.0f}",
            f"{case['measured'] / 2**20:.0f}", f"{case['predicted'] / case['measured']:.2f}",
        )  # fmt: skip
    console.print(table)
    if big:
        told = found["big"]
        console.print(
            f"{told['scan_bytes'] / 1e9:.1f} GB scan: {told['peak_bytes'] / 2**30:.2f} GiB "
            f"resident at the most ({told['memory_bytes'] / 2**30:.0f} GiB allowed), "
            f"{told['seconds']:.0f} s"
        )
    return found


def _child(*words: Any) -> Any:
    """One measurement in a fresh process: memory is then its own."""
    done = subprocess.run(
        [sys.executable, "-m", "planner.benchmarks.engine", "--only", *map(str, words)],
        stdout=subprocess.PIPE, check=False, text=True,
    )  # fmt: skip
    if done.returncode:
        raise WorkError(f"Measuring {words[0]} failed; what it said stands above.")
    return json.loads(done.stdout.splitlines()[-1])


# ---- overhead ----------------------------------------------------------------------------


def measure_overhead() -> dict[str, Any]:
    """The same slabs by the engine and by a plain loop on as many threads, best of some rounds."""
    from toolbox.execution import run as execute
    from toolbox.execution.threads import cpu_count

    views, rows, columns = 900, 64, 1024
    steps, workers = pipeline(columns), cpu_count()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scan.h5"
        _write(DiscScan(views, rows, columns), path)
        out = Path(folder) / "out.h5"

        def engine() -> None:
            from metadata.open import open_scan

            with open_scan(path) as scan:
                execute(steps, [scan], out, workers=workers, overwrite=True, quality=False)

        def loop() -> None:
            _directly(path, steps, out, workers)

        engine()
        loop()  # both warm: imports, plans, file cache
        rounds = [(_timed(loop), _timed(engine)) for _ in range(ROUNDS)]
    direct = {k: min(r[0][k] for r in rounds) for k in ("wall_s", "cpu_s")}
    own = {k: min(r[1][k] for r in rounds) for k in ("wall_s", "cpu_s")}
    return {
        "scan": f"{views} views of {rows} x {columns}", "workers": workers, "rounds": ROUNDS,
        "direct": direct, "engine": own, "ratio": {k: own[k] / direct[k] for k in own},
    }  # fmt: skip


def _directly(path: Path, steps: Pipeline, out: Path, workers: int) -> None:
    """What a person would write: read, call, write, slab by slab."""
    import threading

    import h5py

    from metadata.open import open_scan
    from toolbox.execution.sources import ScanSource
    from toolbox.execution.threads import allow_threads, hold_threads
    from toolbox.kinds import DataKind
    from toolbox.values import Center

    names = ("flat_field", "minus_log", "stripe_sorting", "fbp")
    tools: list[Tool] = [steps.tool(n) for n in names]
    middle = steps.tool("known_center").parameters()["column"]
    axis, lock = Center(middle, middle, middle), threading.Lock()
    with open_scan(path) as scan, h5py.File(out, "w") as file:
        info, source = scan.info, ScanSource(scan)
        volume = file.create_dataset("data", (info.rows, info.columns, info.columns), "f4")
        height = -(-info.rows // (workers * 4))

        def slab(start: int) -> None:
            hold_threads()
            with lock:
                block: Block = source.take_rows(np.arange(start, min(start + height, info.rows)))
            block = tools[1](projections=tools[0](projections=block))
            block = tools[2](sinogram=block.as_kind(DataKind.SINOGRAM))
            done = tools[3](sinogram=block, center=axis)
            with lock:
                volume[start : start + height] = done.values

        with ThreadPoolExecutor(workers, initializer=lambda: allow_threads(1)) as pool:
            list(pool.map(slab, range(0, info.rows, height)))


def _timed(work: Callable[[], None]) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}


def _write(scan: Scan, path: Path) -> None:
    """A scan as a Data Exchange file, uncompressed."""
    import h5py

    with h5py.File(path, "w") as file:
        file["implements"] = "exchange:measurement"
        file["/exchange/data"] = scan.projections().astype(np.uint16)
        file["/exchange/data_white"] = scan.flats().astype(np.uint16)
        file["/exchange/data_dark"] = scan.darks().astype(np.uint16)
        file["/exchange/theta"] = np.rad2deg(scan.info.angles_rad)
        file["/exchange/theta"].attrs["units"] = "deg"


# ---- memory ------------------------------------------------------------------------------


def measure_memory(views: int, rows: int, columns: int, workers: int) -> dict[str, Any]:
    """Growth of resident memory during a run, and what was predicted."""
    from toolbox.execution import predict_peak_bytes
    from toolbox.execution import run as execute
    from toolbox.values import Shape

    steps, scan = pipeline(columns), DiscScan(views, rows, columns)
    memory = 8 << 30
    with tempfile.TemporaryDirectory() as folder:
        small = DiscScan(16, 2, 64)
        execute(pipeline(64), [small], Path(folder) / "warm.h5")  # imports are not the run's memory
        record = execute(steps, [scan], Path(folder) / "out.h5", workers=workers,
                         memory_bytes=memory)  # fmt: skip
    predicted = predict_peak_bytes(steps, [Shape(views, rows, columns)], workers, memory)
    return {
        "scan": f"{views} views of {rows} x {columns}", "workers": workers,
        "predicted": predicted, "measured": record.peak_bytes - record.base_bytes,
    }  # fmt: skip


def measure_big() -> dict[str, Any]:
    """A scan larger than memory, reconstructed whole (slices cut to their middle)."""
    from toolbox.execution import progress_bar
    from toolbox.execution import run as execute

    scan = DiscScan(*BIG)
    with tempfile.TemporaryDirectory() as folder, progress_bar() as bar:
        record = execute(big_pipeline(BIG[2]), [scan], Path(folder) / "out.h5",
                         memory_bytes=BIG_MEMORY, progress=bar)  # fmt: skip
    return {
        "scan_bytes": scan.info.bytes, "memory_bytes": BIG_MEMORY,
        "peak_bytes": _highest(), "seconds": record.seconds, "workers": record.workers,
    }  # fmt: skip


def _highest() -> int:
    """The highest resident memory of this process, as the kernel counted it."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise WorkError("The kernel does not tell the highest memory (VmHWM); this needs Linux.")


def main() -> None:
    """Print the numbers as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--big", action="store_true", help="also the 30 GB scan (minutes)")
    parser.add_argument("--only", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only is None:
        print(json.dumps(run(given.big)))
        return
    measures: dict[str, Callable[..., Any]] = {
        "overhead": measure_overhead, "memory": measure_memory, "big": measure_big
    }  # fmt: skip
    print(json.dumps(measures[given.only[0]](*map(int, given.only[1:]))))


if __name__ == "__main__":
    main()
