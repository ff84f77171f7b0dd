"""Does an automatic strength beat its best fixed value over unseen worlds?
`python -m planner.benchmarks.automatic_strength`.

Total variation: worlds with specimens, doses, numbers of views and rings drawn at random, of seeds
that nothing was adjusted on. The fixed strength gets every advantage: it is the best one *for
these very worlds*, found with their truth. The automatic one is what the tool does by default.
Quality is structural similarity to the truth inside the circle.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from simulators import World, simulate
from toolbox import Block, Center, DataKind, Geometry, GreyState, make_tool
from toolbox.metrics import ssim_in_circle

STRENGTHS = tuple(float(f"{s:.3g}") for s in 10.0 ** np.arange(-3.5, -0.9, 0.25))
FIRST_UNSEEN = 1000


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


def tv(worlds: int = 12, first: int = FIRST_UNSEEN, columns: int = 128) -> dict[str, Any]:
    """Quality of total variation by fixed strengths, by the automatic one and by the best one of
    each world (oracle)."""
    by_strength, automatic, plain, chosen = [], [], [], []
    for seed in range(first, first + worlds):
        scan = simulate(world(seed, columns))
        center = Center(scan.truth_center, scan.truth_center, scan.truth_center)
        frames, rows = scan.projections(), np.arange(scan.info.rows)
        block = Block(frames, DataKind.PROJECTIONS, GreyState.COUNTS, Geometry.of(scan.info), rows,
                      np.arange(scan.info.projections), scan.flats(), scan.darks())  # fmt: skip
        attenuation = make_tool("minus_log", {})(
            projections=make_tool("flat_field", {})(projections=block)
        )
        given = {"sinogram": attenuation.as_kind(DataKind.SINOGRAM), "center": center}
        truth = np.stack([scan.truth(int(row)) for row in rows])

        def quality(tool: Any, given: Any = given, truth: Any = truth) -> float:
            return ssim_in_circle(tool(**given).values, truth)

        by_strength.append([quality(make_tool("tv", {"strength": s})) for s in STRENGTHS])
        tuned = make_tool("tv", {}).tune(**given).tool
        chosen.append(tuned.parameters()["strength"])
        automatic.append(quality(tuned))
        plain.append(quality(make_tool("fbp", {"padding": "zero"})))
    table = np.array(by_strength)
    best = int(table.mean(0).argmax())
    gain = np.array(automatic) - table[:, best]
    from toolbox.tools.reconstruct.tv import FIXED_STRENGTH

    committed = int(np.argmin(np.abs(np.log(np.array(STRENGTHS) / FIXED_STRENGTH))))
    return {
        "tool": "tv",
        "worlds": worlds,
        "first_seed": first,
        "automatic": float(np.mean(automatic)),
        "best_fixed": float(table[:, best].mean()),
        "best_fixed_strength": STRENGTHS[best],
        "committed_fixed": float(table[:, committed].mean()),
        "committed_fixed_strength": STRENGTHS[committed],
        "oracle": float(table.max(1).mean()),
        "fbp": float(np.mean(plain)),
        "share_of_worlds_worse_than_fixed": float((gain < -0.005).mean()),
        "worst_loss": float(-gain.min()),
        "automatic_wins": bool(np.mean(automatic) > table[:, best].mean()),
        "chosen": chosen,
    }


def run(worlds: int = 12, folder: Path | None = None, first: int = FIRST_UNSEEN) -> dict[str, Any]:
    """The result of every automatic strength measured here, by tool."""
    result = {"tv": tv(worlds, first)}
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "automatic_strength.json").write_text(json.dumps(result, indent=1))
    return result


def table(result: dict[str, Any]) -> str:
    """The comparison as text."""
    lines = []
    for name, row in result.items():
        lines += [
            f"{name}: SSIM over {row['worlds']} worlds (seeds from {row['first_seed']})",
            f"  automatic (default)        {row['automatic']:.4f}",
            f"  best fixed, {row['best_fixed_strength']:<8g}       {row['best_fixed']:.4f}",
            f"  committed fixed, {row['committed_fixed_strength']:<8g}  "
            f"{row['committed_fixed']:.4f}",
            f"  best of each world         {row['oracle']:.4f}",
            f"  filtered back-projection   {row['fbp']:.4f}",
            f"  worlds where automatic loses more than 0.005: "
            f"{100 * row['share_of_worlds_worse_than_fixed']:.0f} %, "
            f"at worst {max(row['worst_loss'], 0):.4f}",
        ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--worlds", type=int, default=12)
    parser.add_argument("--first", type=int, default=FIRST_UNSEEN, help="first seed")
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    result = run(arguments.worlds, arguments.folder, arguments.first)
    print(json.dumps(result) if arguments.json else table(result))


if __name__ == "__main__":
    main()
