"""Filtered back-projection against its peers: `python -m planner.benchmarks.reconstruction`.

All see the same sinograms in turns, in one process, so that a busy machine is busy for all; the
best of the repeats counts; CPU time, over all cores, is less moved by other work on the machine.
The first call of each (compiling, planning) is not counted. Quality is structural similarity to
the truth of a noiseless phantom: with the tool's own filter (Shepp–Logan), and with the plain
ramp that the peers use here (algotom's linear interpolation smooths about as much as the
Shepp–Logan filter does; its default, Hann, costs it more).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators import World, simulate
from toolbox.metrics import ssim_in_circle
from toolbox.operators.nufft import default_threads

SIZES = ((512, 720), (1024, 900), (2048, 1800))
ROWS = 4
SKIMAGE_UP_TO = 512  # columns up to which scikit-image's iradon is waited for

Slices = NDArray[np.float32]
Method = Callable[[Slices], Slices]  # `row, angle, col` → `row, y, x`


def tomoplan_fbp(angles: NDArray[np.float64], columns: int, filter: str = "shepp-logan") -> Method:
    """The tool's own path: one operator for all slabs."""
    import torch

    from toolbox.operators.parallel_beam import ParallelBeam

    operator = ParallelBeam(angles, columns)
    return lambda y: operator.fbp(torch.from_numpy(y), filter, "zero").numpy()


def bare_finufft(angles: NDArray[np.float64], columns: int) -> Method:
    """Filter, type-1 transform, nothing else: two rows as one complex row, padded to twice the
    width, upsampling 1.25, precision 1e-2."""
    import finufft
    from scipy import fft

    k = 2 * np.pi * np.fft.fftfreq(2 * columns)
    threads = default_threads()
    plan = finufft.Plan(1, (columns, columns), eps=1e-2, isign=1, dtype="complex64",
                        upsampfac=1.25, nthreads=threads)  # fmt: skip
    plan.setpts(
        np.outer(np.sin(angles), k).ravel().astype(np.float32),
        np.outer(np.cos(angles), k).ravel().astype(np.float32),
    )
    scale = np.abs(k) / (4 * columns * len(angles))
    response = (scale * np.exp(1j * k * (columns - 1) / 2)).astype(np.complex64)

    def reconstruct(y: Slices) -> Slices:
        slices = np.empty((len(y), columns, columns), np.float32)
        for row in range(0, len(y), 2):
            waves = fft.fft(y[row] + 1j * y[row + 1], n=2 * columns, axis=1, workers=threads)
            waves *= response
            pixels = plan.execute(waves.ravel())
            slices[row], slices[row + 1] = pixels.real, pixels.imag
        return slices

    return reconstruct


def algotom_fbp(angles: NDArray[np.float64], columns: int, filter: str | None = None) -> Method:
    """algotom on the CPU (numba, all cores); its y axis points up."""
    from algotom.rec.reconstruction import fbp_reconstruction

    def reconstruct(y: Slices) -> Slices:
        return np.stack(
            [
                fbp_reconstruction(
                    row, (columns - 1) / 2, angles=angles, ratio=None, filter_name=filter,
                    apply_log=False, gpu=False, ncore=default_threads(),
                )[::-1]
                for row in y
            ]
        )  # fmt: skip

    return reconstruct


def skimage_iradon(angles: NDArray[np.float64], columns: int) -> Method:
    """scikit-image on one core; its centre of rotation is column columns // 2."""
    from skimage.transform import iradon

    def reconstruct(y: Slices) -> Slices:
        return np.stack(
            [iradon(row.T, theta=-np.rad2deg(angles), filter_name="ramp", circle=True) for row in y]
        ).astype(np.float32)

    return reconstruct


def phantom(columns: int, views: int) -> tuple[Slices, Slices, NDArray[np.float64]]:
    """Noiseless sinogram ``angle, col`` and truth ``y, x`` of the Shepp–Logan head, and angles."""
    scan = simulate(World(columns=columns, rows=1, projections=views))
    return scan.line_integrals(0).astype(np.float32), scan.truth(0), scan.info.angles_rad


def run(
    sizes: tuple[tuple[int, int], ...] = SIZES, repeats: int = 4, folder: Path | None = None
) -> dict[str, Any]:
    """Seconds per slice, ratios and quality for each ``(columns, views)``; with ``folder``, the
    numbers and a plot are kept there."""
    rows = []
    for columns, views in sizes:
        sinogram, truth, angles = phantom(columns, views)
        y = np.stack([sinogram * np.float32(1 - 0.1 * i) for i in range(ROWS)])
        methods: dict[str, tuple[Method, Slices, int]] = {
            "tomoplan": (tomoplan_fbp(angles, columns), y, repeats),
            "bare finufft": (bare_finufft(angles, columns), y, repeats),
            "algotom": (algotom_fbp(angles, columns), y[:1], 1 if columns > 1500 else 2),
        }
        if columns <= SKIMAGE_UP_TO:
            methods["skimage"] = (skimage_iradon(angles, columns), y[:1], 1)
        algotom_fbp(angles[:32], 32)(np.zeros((1, 32, 32), np.float32))  # compiles
        slices = {name: method(given)[0] for name, (method, given, _) in methods.items()
                  if name in ("tomoplan", "bare finufft")}  # fmt: skip
        wall: dict[str, list[float]] = {name: [] for name in methods}
        cpu: dict[str, list[float]] = {name: [] for name in methods}
        for turn in range(repeats):
            for name, (method, given, turns) in methods.items():
                if turn < turns:
                    start, start_cpu = time.perf_counter(), time.process_time()
                    found = method(given)
                    wall[name].append((time.perf_counter() - start) / len(given))
                    cpu[name].append((time.process_time() - start_cpu) / len(given))
                    slices.setdefault(name, found[0])
        slices["tomoplan, ramp"] = tomoplan_fbp(angles, columns, "ramp")(y[:1])[0]
        best = {name: min(values) for name, values in wall.items()}
        best_cpu = {name: min(values) for name, values in cpu.items()}
        rows.append(
            {
                "columns": columns,
                "views": views,
                "seconds_per_slice": best,
                "cpu_seconds_per_slice": best_cpu,
                "times_algotom": {n: best["algotom"] / s for n, s in best.items()},
                "of_bare_finufft": {n: s / best["bare finufft"] for n, s in best.items()},
                "times_algotom_cpu": {n: best_cpu["algotom"] / s for n, s in best_cpu.items()},
                "of_bare_finufft_cpu": {
                    n: s / best_cpu["bare finufft"] for n, s in best_cpu.items()
                },
                "ssim": {name: ssim_in_circle(image, truth) for name, image in slices.items()},
            }
        )
    result = {"threads": default_threads(), "repeats": repeats, "sizes": rows}
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "reconstruction.json").write_text(json.dumps(result, indent=1))
        plot(result, folder / "reconstruction.png")
    return result


def table(result: dict[str, Any]) -> str:
    """The ratios side by side, as text."""
    lines = [
        f"Filtered back-projection, warm, {result['threads']} threads, best of "
        f"{result['repeats']}; aims: 22 × algotom at 1024, 35 × at 2048, 1.15 of bare finufft.",
        f"{'':>14}  {'':<13}{'elapsed':^31}{'CPU':^31}",
        f"{'size, views':>14}  {'method':<13}"
        + 2 * f"{'ms a slice':>11}{'× algotom':>11}{'of bare':>9}"
        + f"{'SSIM':>9}",
    ]
    for row in result["sizes"]:
        for name in row["seconds_per_slice"]:
            numbers = "".join(
                f"{1e3 * row[f'{kind}seconds_per_slice'][name]:>11.1f}"
                f"{row[f'times_algotom{end}'][name]:>11.1f}"
                f"{row[f'of_bare_finufft{end}'][name]:>9.2f}"
                for kind, end in (("", ""), ("cpu_", "_cpu"))
            )
            lines.append(
                f"{row['columns']:>7}², {row['views']:>4}  {name:<13}{numbers}"
                f"{row['ssim'][name]:>9.4f}"
            )
        lines.append(f"{'':>14}  with the plain ramp: {row['ssim']['tomoplan, ramp']:.4f}")
    return "\n".join(lines)


def plot(result: dict[str, Any], path: Path) -> None:
    """Seconds a slice by size, one line for each method, on logarithmic axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    names = dict.fromkeys(n for row in result["sizes"] for n in row["seconds_per_slice"])
    for name in names:
        points = [(row["columns"], row["seconds_per_slice"][name]) for row in result["sizes"]
                  if name in row["seconds_per_slice"]]  # fmt: skip
        axes.loglog(*zip(*points, strict=True), marker="o", label=name)
    axes.set_xlabel("columns")
    axes.set_ylabel("seconds a slice")
    axes.legend()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--repeats", type=int, default=4)
    arguments = parser.parse_args()
    result = run(repeats=arguments.repeats, folder=arguments.folder)
    print(json.dumps(result) if arguments.json else table(result))


if __name__ == "__main__":
    main()
