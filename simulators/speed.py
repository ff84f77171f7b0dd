"""How long simulated scans take: ``python -m simulators.speed [--memory]``.

Every case makes a world that was not made before, warm (compiled, libraries loaded), all in:
specimen, projections, flats and darks. The best of five counts, as other work on the machine only
ever adds; the processor's seconds hardly feel it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from simulators.simulated_scan import simulate
from simulators.world import World

SLICE = World("foam", columns=256, rows=1, projections=360, photons=1e4)
FIVE: dict[str, Any] = {"rings": 0.5, "zingers": 0.5, "jitter_px": 1.0, "flat_drift": 0.5,
                        "monitor_drop": 0.1}  # fmt: skip

CASES: dict[str, World] = {
    "foam, clean": SLICE,
    "foam, five faults": replace(SLICE, **FIVE),
    "porous rock, five faults": replace(SLICE, specimen="porous_rock", **FIVE),
    "foam, five faults, spectrum": replace(SLICE, spectrum="bending_magnet", **FIVE),
    "foam, five faults, blur": replace(SLICE, blur_px=0.6, blur_tails=0.1, **FIVE),
    "foam, five faults, Fresnel in 1-D": replace(SLICE, propagation="fresnel", attenuation=None,
                                                 **FIVE),
}  # fmt: skip

MEASURE_WRITING = """
import resource, sys
from pathlib import Path
from simulators.world import World
from simulators.writing import write_scan
size, rows, path = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
world = World("foam", columns=size, rows=rows, projections=size, photons=1e4, rings=0.5)
write_scan(world, path)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def seconds(world: World, times: int = 5) -> tuple[float, float]:
    """Best wall and processor time in s to make a scan of a world, each time with another seed."""
    found = []
    for number in range(times + 1):
        start, busy = time.perf_counter(), time.process_time()
        scan = simulate(replace(world, seed=world.seed + number))
        scan.projections(), scan.flats(), scan.darks()
        found.append((time.perf_counter() - start, time.process_time() - busy))
    walls, processor = zip(*found[1:], strict=True)  # the first warms up
    return min(walls), min(processor)


def measure(times: int = 5) -> list[dict[str, Any]]:
    """Each case with its wall and processor seconds."""
    found = []
    for name, world in CASES.items():
        wall, processor = seconds(world, times)
        found.append({"case": name, "seconds": wall, "processor_seconds": processor})
    return found


def writing_memory(size: int, rows: int) -> int:
    """Peak memory in bytes of a fresh process that writes a scan of ``size`` views, ``rows`` rows
    and ``size`` columns with its truth."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", MEASURE_WRITING, str(size), str(rows), f"{folder}/scan.nxs"],
            capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1],
        )  # fmt: skip
    return int(done.stdout)


def main() -> None:
    """Print the table."""
    print(f"256² slice, 360 views, on {os.cpu_count()} cores, warm, all in: seconds, of processor")
    for row in measure():
        print(f"{row['case']:36s} {row['seconds']:.3f}  {row['processor_seconds']:.3f}")
    if "--memory" in sys.argv:
        print("\nwriting to disk, peak memory of the process (views = columns)")
        for size, rows in ((256, 16), (256, 256), (512, 64), (1024, 4), (2048, 4), (2048, 160)):
            peak = writing_memory(size, rows) / 1e6
            print(f"{size:5d} × {rows:3d} rows × {size:5d}  {peak:.0f} MB")


if __name__ == "__main__":
    main()
