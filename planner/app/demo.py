"""``make demo``: a plan, a run and a picture, on a real scan where one is at hand."""

from __future__ import annotations

import os
import sys
from pathlib import Path

REQUEST = "Reconstruct this scan and get rid of the rings, within two minutes please."


def demo_scan(folder: Path) -> tuple[Path, str]:
    """A scan to show, and what it is."""
    data = os.environ.get("TOMOPLAN_DATA")
    if data:
        found = real_scan(Path(data))
        if found is not None:
            return found, f"a real scan from {data}"
    from simulators import World
    from simulators.writing import write_scan

    path = folder / "simulated.nxs"
    if not path.exists():
        world = World("foam", columns=384, rows=8, projections=360, photons=2e4, rings=0.6,
                      center=186.4, seed=7)  # fmt: skip
        write_scan(world, path)
    return path, "a simulated scan of a foam (set TOMOPLAN_DATA to a folder of real ones)"


def real_scan(folder: Path) -> Path | None:
    """A scan below a folder: the tooth of APS where it is, else the smallest that opens, has
    flats, views enough and nothing to warn of."""
    from metadata import TomoplanError, open_scan

    files = [p for p in folder.rglob("*") if p.suffix in (".h5", ".nxs", ".hdf", ".hdf5")]
    files.sort(key=lambda p: (p.name != "tooth_aps_dx.h5", p.stat().st_size))
    for path in files[:40]:
        try:
            with open_scan(path) as scan:
                info = scan.info
        except TomoplanError:
            continue
        if info.projections >= 150 and info.flats and not info.warnings:
            return path
    return None


def main(folder: Path) -> None:
    """Plan, run and draw; everything goes into ``folder``."""
    import h5py

    from metadata.whole_file import write_text
    from planner import service
    from planner.app.pictures import result_picture
    from planner.app.rendering import console, show_answer, show_record
    from toolbox.execution.progress import progress_bar

    folder.mkdir(parents=True, exist_ok=True)
    scan, what = demo_scan(folder)
    console.print(f"[bold]Scan:[/bold] {scan.name}, {what}")
    console.print(f"[bold]Request:[/bold] {REQUEST}")
    answer = service.plan(REQUEST, scan)
    show_answer(answer)
    if not answer.plans:
        sys.exit(1)
    plan_file = folder / "plan.yaml"
    write_text(plan_file, answer.best.pipeline.to_yaml())
    output = folder / "volume.h5"
    with progress_bar() as progress:
        record = service.run(answer.best, scan, output, overwrite=True, progress=progress)
    show_record(record)
    with h5py.File(output) as file:
        volume = file["/entry/data/data"][:]
    picture = folder / "demo.png"
    result_picture(service.inspect(scan), volume, answer.best.pipeline, picture)
    answer.best.pipeline.draw(folder / "pipeline.svg")
    console.print(f"Look at [bold]{picture}[/bold]; the plan is {plan_file}, the volume {output}.")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo"))
