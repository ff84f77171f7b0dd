"""Automatic strengths against the best fixed ones: `planner.benchmarks.automatic_strength`.

Total variation: worlds with specimens, doses, numbers of views and rings drawn at random, of seeds
that nothing was adjusted on. Half of them are 128 columns wide with 24 to 300 views, half are 192
to 224 wide with 60 to 120 views of the finely structured families that no training sees. The fixed
strength gets every advantage: it is the best one *for these very worlds*, found with their truth.
The automatic one is what the tool does by default. Quality is structural similarity to the truth
inside the circle, and the peak signal to noise in dB.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators import World, simulate
from simulators.training.attenuation import attenuation
from toolbox import Block, Center, make_tool
from toolbox.metrics import psnr, ssim_in_circle

STRENGTHS = tuple(float(f"{s:.3g}") for s in 10.0 ** np.arange(-2.75, -1.3, 0.25))
FIRST_UNSEEN = 1000
SPARSE_SEED = 606  # of worlds that neither training nor the search's limits have seen
FINE = ("trabecular_bone", "concrete", "integrated_circuit")
MEASURES = {"SSIM": ssim_in_circle, "PSNR, dB": psnr}


@dataclass(frozen=True, eq=False)
class Scanned:
    """What total variation is given, and the true slices (``z, y, x``)."""

    sinogram: Block
    center: Center
    truth: NDArray[np.float32]


def world(seed: int, columns: int = 128) -> World:
    """A world drawn at random: 24 to 300 views, 200 to 40 000 photons."""
    rng = np.random.default_rng([seed, 77])
    return World(
        specimen=str(rng.choice(["shepp_logan", "foam", "rock"])),
        columns=columns,
        rows=2,
        projections=int(np.exp(rng.uniform(np.log(24), np.log(300)))),
        photons=float(np.exp(rng.uniform(np.log(200), np.log(40000)))),
        rings=float(rng.choice([0.0, 0.0, 0.3])),
        attenuation=float(rng.uniform(0.8, 2.5)),
        seed=seed,
    )


def any_views(worlds: int, first: int) -> Iterator[Scanned]:
    """Worlds of 24 to 300 views."""
    for seed in range(first, first + worlds):
        scan = simulate(world(seed))
        center = Center(scan.truth_center, scan.truth_center, scan.truth_center)
        truth = np.stack([scan.truth(row) for row in range(scan.info.rows)])
        yield Scanned(attenuation(scan), center, truth)


def few_views(worlds: int, seed: int) -> Iterator[Scanned]:
    """Worlds of 60 to 120 views of fine structure, the axis known as well as it is found."""
    from simulators.training.parts.fbpconvnet import MEASURED, cases

    for one in cases(seed, worlds, FINE, MEASURED):
        yield Scanned(one.sinogram, one.center, one.truth[None])


def tv(worlds: int = 12, first: int = FIRST_UNSEEN, seed: int = SPARSE_SEED) -> dict[str, Any]:
    """Quality of total variation by fixed strengths, by the automatic one and by the best one of
    each world (oracle): for each kind of world and for all."""
    kinds = {
        "24 to 300 views": any_views(worlds, first),
        "60 to 120 views": few_views(worlds, seed),
    }
    found = {kind: [one_world(scan) for scan in scans] for kind, scans in kinds.items()}
    found["all"] = [row for rows in found.values() for row in rows]
    return {kind: summary(rows) for kind, rows in found.items()}


Row = dict[str, Any]


def one_world(scan: Scanned) -> Row:
    """Each measure (in the order of ``MEASURES``) of one world's slices, by strength."""
    given = {"sinogram": scan.sinogram, "center": scan.center}

    def quality(tool: Any) -> list[float]:
        volume = tool(**given).values
        return [measure(volume, scan.truth) for measure in MEASURES.values()]

    tuned = make_tool("tv", {}).tune(**given).tool
    return {
        "fixed": [quality(make_tool("tv", {"strength": s})) for s in STRENGTHS],
        "automatic": quality(tuned),
        "fbp": quality(make_tool("fbp", {"padding": "zero"})),
        "chosen": tuned.parameters()["strength"],
    }


def summary(rows: list[Row]) -> dict[str, Any]:
    """Means over worlds, for each measure."""
    from toolbox.tools.reconstruct.tv import FIXED_STRENGTH

    committed = int(np.argmin(np.abs(np.log(np.array(STRENGTHS) / FIXED_STRENGTH))))
    result: dict[str, Any] = {"worlds": len(rows), "chosen": [row["chosen"] for row in rows]}
    for place, measure in enumerate(MEASURES):
        table = np.array([row["fixed"] for row in rows])[:, :, place]
        automatic, plain = (np.array([r[n] for r in rows])[:, place] for n in ("automatic", "fbp"))
        best = int(table.mean(0).argmax())
        gain = automatic - table[:, best]
        result[measure] = {
            "automatic": float(automatic.mean()),
            "best_fixed": float(table[:, best].mean()),
            "best_fixed_strength": STRENGTHS[best],
            "committed_fixed": float(table[:, committed].mean()),
            "committed_fixed_strength": STRENGTHS[committed],
            "oracle": float(table.max(1).mean()),
            "fbp": float(plain.mean()),
            "share_of_worlds_better_than_fixed": float((gain > 0).mean()),
            "worst_loss": float(max(-gain.min(), 0.0)),
            "automatic_wins": bool(gain.mean() > 0),
        }
    return result


def run(worlds: int = 12, folder: Path | None = None, first: int = FIRST_UNSEEN) -> dict[str, Any]:
    """The result of every automatic strength measured here, by tool; ``worlds`` of each kind."""
    result = {"tv": tv(worlds, first)}
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "automatic_strength.json").write_text(json.dumps(result, indent=1))
    return result


def table(result: dict[str, Any]) -> str:
    """The comparison as text."""
    names = ("automatic", "best fixed", "committed", "best of each", "FBP", "better", "worst loss")
    lines = []
    for tool, kinds in result.items():
        lines.append(f"{tool + ', mean over worlds':<34}" + "".join(f"{n:>18}" for n in names))
        for kind, of_kind in kinds.items():
            for measure in MEASURES:
                row = of_kind[measure]
                best = f"{row['best_fixed']:.4f} at {row['best_fixed_strength']:g}"
                committed = f"{row['committed_fixed']:.4f} at {row['committed_fixed_strength']:g}"
                cells = (f"{row['automatic']:.4f}", best, committed, f"{row['oracle']:.4f}",
                         f"{row['fbp']:.4f}", f"{row['share_of_worlds_better_than_fixed']:.0%}",
                         f"{row['worst_loss']:.4f}")  # fmt: skip
                lines.append(f"{kind} ({of_kind['worlds']}), {measure:<14}"[:34].ljust(34)
                             + "".join(f"{c:>18}" for c in cells))  # fmt: skip
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--worlds", type=int, default=12, help="of each kind")
    parser.add_argument("--first", type=int, default=FIRST_UNSEEN, help="first seed")
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    result = run(arguments.worlds, arguments.folder, arguments.first)
    print(json.dumps(result) if arguments.json else table(result))


if __name__ == "__main__":
    main()
