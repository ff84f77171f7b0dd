"""A picture of every family: ``python -m simulators.specimens.gallery OUT.png``."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulators.projector import fractions
from simulators.specimens import FAMILIES, Specimen, make_specimen


def attenuation(specimen: Specimen, z: float, size: int) -> NDArray[np.float32]:
    """The slice at height ``z`` px in 1/m at the specimen's typical energy; axes ``y, x``."""
    parts = fractions(specimen.shapes, len(specimen.materials), z, size)
    values = [m.attenuation_per_m(specimen.energy_kev) for m in specimen.materials]
    return np.tensordot(np.array(values, dtype=np.float32), parts, axes=1)


def draw(path: Path, size: int = 384, seed: int = 1) -> Path:
    """Draw the middle slice of each family into a PNG: the square root of attenuation, black to
    white over its own range."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    names = sorted(FAMILIES)
    wide = 6
    rows = -(-len(names) // wide)
    figure = Figure(figsize=(2.2 * wide, 2.5 * rows), layout="constrained", dpi=80)
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, wide).ravel()
    for panel, name in zip(axes, names, strict=False):
        specimen = make_specimen(name, radius=0.48 * size, height=2, seed=seed)
        image = attenuation(specimen, 0.0, size)
        # the square root shows light matter beside metal
        panel.imshow(np.sqrt(image), cmap="gray", vmin=0, vmax=np.quantile(np.sqrt(image), 0.999))
        panel.set_title(FAMILIES[name].en, fontsize=8)
        panel.text(0.5, -0.02, f"{name}, {specimen.energy_kev:g} keV", fontsize=7, ha="center",
                   va="top", transform=panel.transAxes)  # fmt: skip
    for panel in axes:
        panel.axis("off")
    figure.savefig(path)
    with Image.open(path) as coloured:
        grey = coloured.convert("L")  # a quarter of the bytes
    grey.save(path, optimize=True)
    return path


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Expected the picture to write: python -m simulators.specimens.gallery OUT.png")
    print(draw(Path(sys.argv[1])))
