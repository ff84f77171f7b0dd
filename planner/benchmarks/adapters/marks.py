"""``tomoplan bench marks``: what the backbones of sinograms and projections are worth where traces
of metal are marked in few of them, beside the same network from scratch and a pixel classifier.

What is done is kept in the folder of the results, as by ``tomoplan bench adapters``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.benchmarks.adapters.comparison import Done, three_ways
from planner.benchmarks.adapters.report import table
from simulators import SimulatedScan, World, simulate
from simulators.training.adapter.simulated_labels import Labelled
from simulators.training.attenuation import attenuation

WAYS = {
    "whole": "backbone, trained further",
    "adapter": "frozen backbone + adapters",
    "scratch": "the same network from scratch",
    "pixel_classifier": "pixel classifier",
}
PAGE = Path(__file__).parents[3] / "docs" / "marks_measured.md"


def run(output: Path, page: Path | None = None, config: Path | None = None) -> dict[str, Any]:
    """Measure all trials that are not yet in ``output``, and write the page."""
    import yaml

    config = config or Path(str(files("configs").joinpath("benchmarks", "marks.yaml")))
    settings = yaml.safe_load(config.read_text(encoding="utf-8"))
    how = {name: value for name, value in settings.items() if name != "domains"}
    rows = []
    for domain in settings["domains"]:
        done = Done(output / f"marks-{domain}.jsonl", how, f"backbone_{domain}")
        for seed in settings["seeds"]:
            for family in settings["families"]:
                name = _name(family, domain)
                if done.get(name, seed) is None:
                    both = marked(family, domain, seed, settings)
                    found = three_ways(*both, settings, seed, settings["rates"], domain)
                    done.add({"kind": "trial", "family": name, "seed": seed, **found})
                    print(f"{name}, {seed}: {found['iou']}", file=sys.stderr, flush=True)
        rows += [r for r in done.rows if r["kind"] == "trial"]
    result = {"settings": settings, "rows": rows}
    write_page(result, page or PAGE)
    print(table(result, WAYS, "whole"))
    return result


def marked(
    family: str, domain: str, seed: int, settings: Mapping[str, Any]
) -> tuple[Labelled, Labelled]:
    """Images of one specimen with metal in it and of another one of the family, both scanned
    alike, as attenuation; 1 where a ray goes through metal, else 0."""
    rng = np.random.default_rng([seed, *family.encode()])
    how = settings["scan"]
    common: dict[str, Any] = {
        "specimen": family,
        "columns": int(how["columns"]),
        "metal": float(how["metal"]),
        "photons": float(10 ** rng.uniform(*how["photons_log10"])),
        "attenuation": float(rng.uniform(1.0, 2.0)),
        "fill": float(rng.uniform(*how["fill"])),
    }

    def images(count: int, seed: int) -> Labelled:
        rows, views = (int(settings[name][domain]) for name in ("rows", "views"))
        by_row = domain == "sinogram"
        world = World(**common, seed=seed, rows=count * rows if by_row else rows,
                      projections=views if by_row else count * views)  # fmt: skip
        scan = simulate(world)
        found = np.asarray(attenuation(scan).values)  # row, angle, col
        marks = metal(scan) > float(settings["least_px"])
        if not by_row:
            found, marks = found.swapaxes(0, 1), marks.swapaxes(0, 1)
        return Labelled(tuple(np.ascontiguousarray(f) for f in found),
                        tuple(m.astype(np.int64) for m in marks))  # fmt: skip

    return images(settings["train"], seed), images(settings["test"], seed + 500_000)


def metal(scan: SimulatedScan) -> NDArray[np.float32]:
    """How far each ray goes through the specimen's strongest material, axes ``row, angle, col``,
    px."""
    strongest = int(np.argmax(scan.attenuation_per_px()))
    return np.stack([scan.path_lengths(row)[strongest] for row in range(scan.world.rows)])


def write_page(result: Mapping[str, Any], page: Path) -> None:
    """The page ``docs/marks_measured.md``."""
    settings, rows = result["settings"], result["rows"]
    said = []
    for domain in settings["domains"]:
        own = [r for r in rows if r["family"].endswith(f"{domain}s")]
        for way, words in (("whole", "trained further"), ("adapter", "frozen")):
            gains = [100 * (r["iou"][way] - r["iou"]["scratch"]) for r in own]
            time = np.mean([r["seconds"][way] / r["seconds"]["scratch"] for r in own])
            said.append(f"- {domain}s, {words}: {np.mean(gains):+.1f} points of IoU over the "
                        f"network from scratch ({min(gains):+.1f} to {max(gains):+.1f} in "
                        f"{len(gains)} trials), in {time:.2f} × its time")  # fmt: skip
    rates = ", ".join(f"{WAYS[way]} {rate:g}" for way, rate in settings["rates"].items())
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(
        "# Marked sinograms and projections, measured\n\n"
        "Written by `tomoplan bench marks`; settings in `configs/benchmarks/marks.yaml`.\n\n"
        f"{settings['train']} images of one simulated specimen with grains of metal in it, in "
        f"which the traces of the metal are marked, to train on; {settings['test']} of another one "
        f"of the family to measure on; {len(settings['seeds'])} seeds; families that the backbones "
        f"have not seen. All networks: the same images, augmentation, loss and "
        f"{settings['steps']} steps of {settings['batch']} crops of {settings['crop']} px; rates: "
        f"{rates}. IoU is the mean over what is marked and what is not; seconds are those of the "
        f"processor, training alone; gains are those of the backbone trained further, which is "
        f"what `tomoplan train adapter` does with such images, in points of IoU.\n\n"
        f"{table(result, WAYS, 'whole')}\n\n" + "\n".join(said) + "\n",
        encoding="utf-8",
    )


def _name(family: str, domain: str) -> str:
    return f"{family}, {domain}s"
