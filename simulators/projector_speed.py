"""How fast a detector row is projected: ``python -m simulators.projector_speed``.

All materials of one row of 256 columns, 360 views over half a turn, two rays a pixel, of every
family; the median of some repeats after a first call that loads the compiled loops.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

import numpy as np

from simulators.projector import path_lengths
from simulators.specimens import FAMILIES, make_specimen


@dataclass(frozen=True)
class Speed:
    """Of one family: bodies at the row, seconds to make the specimen (height 4 px) and to project
    the row; ``cpu_s`` is the processor time of all threads, which other work on the machine
    lengthens less."""

    family: str
    bodies: int
    make_s: float
    project_s: float
    cpu_s: float


def measure(columns: int = 256, views: int = 360, repeats: int = 5, threads: int | None = None
            ) -> list[Speed]:  # fmt: skip
    """The table, one entry a family."""
    theta = np.linspace(0, np.pi, views, endpoint=False)
    u = np.broadcast_to(np.arange(columns) - (columns - 1) / 2, (views, columns))
    z = np.zeros((views, columns))
    found = []
    for name in sorted(FAMILIES):
        makes, walls, cpus = [], [], []
        for repeat in range(repeats + 1):
            began = time.perf_counter()
            specimen = make_specimen(name, 0.48 * columns, 4, seed=1)
            made, cpu = time.perf_counter(), time.process_time()
            path_lengths(specimen.shapes, len(specimen.materials), theta, u, z, threads=threads)
            if repeat:
                makes.append(made - began)
                walls.append(time.perf_counter() - made)
                cpus.append(time.process_time() - cpu)
        found.append(Speed(name, len(specimen.shapes.within(0, 0)), statistics.median(makes),
                           statistics.median(walls), statistics.median(cpus)))  # fmt: skip
    return found


def table(found: list[Speed]) -> str:
    """As Markdown."""
    lines = ["| family | bodies | make, ms | project, ms | processor, ms |"]
    lines += ["|---|---|---|---|---|"]
    lines += [
        f"| {s.family} | {s.bodies} | {1e3 * s.make_s:.1f} | {1e3 * s.project_s:.0f} "
        f"| {1e3 * s.cpu_s:.0f} |"
        for s in found
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(measure()))
