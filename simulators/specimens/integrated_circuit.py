"""A pillar of an integrated circuit: copper wires in layers, joined by vias, in silica.

Wires run one way in a layer and the other way in the next and grow with the distance from the
silicon; tungsten joins the lowest layer to the silicon (Holler et al. 2017, Nature 543, 402).
"""

from __future__ import annotations

import numpy as np

from simulators.shapes import Shapes, boxes, cylinders, join
from simulators.specimens.specimen import family

SILICA, SILICON, WIRE, CONTACT = 1, 2, 3, 4
STACK = (("silicon", 3.0), ("contact", 1.2), ("wire", 1.0), ("via", 0.8), ("wire", 1.0),
         ("via", 0.8), ("wire", 1.4), ("via", 1.2), ("wire", 2.0), ("via", 1.2))  # fmt: skip


@family(
    "integrated_circuit",
    en="integrated circuit",
    zh="集成电路",
    phases=(
        ("insulator", "silica"),
        ("silicon", "silicon"),
        ("copper wire", "copper"),
        ("tungsten contact", "tungsten"),
    ),
    energy_kev=9.5,
    pixel_size_m=1.5e-8,
)
def integrated_circuit(radius: float, height: float, rng: np.random.Generator) -> Shapes:
    """The rotation axis stands on the chip, so slices are its layers; the middle height is in the
    first layer of wires, and the stack repeats above and below."""
    unit = max(0.035 * radius, 1.2)  # half the pitch of the finest wires
    heights = np.array([thickness for _, thickness in STACK]) * 2 * unit
    period, first_wire = heights.sum(), heights[:2].sum() + heights[2] / 2
    tall = height / 2 + radius
    parts = [cylinders([[0, 0, 0]], [radius, radius, tall], SILICA)]
    lowest = int(np.floor((-height / 2 + first_wire) / period))
    highest = int(np.floor((height / 2 + first_wire) / period))
    for copy in range(lowest, highest + 1):
        bottom, wires = copy * period - first_wire, 0
        for (what, scale), thickness in zip(STACK, heights, strict=True):
            z, bottom = bottom + thickness / 2, bottom + thickness
            if abs(z) - thickness / 2 > height / 2:
                wires += what == "wire"
                continue
            half = thickness / 2
            if what == "silicon":
                parts.append(cylinders([[0, 0, z]], [radius, radius, half], SILICON))
            elif what == "wire":
                wires += 1
                pitch = 2 * unit * scale
                parts.append(_wires(radius, z, half, pitch, wires % 2 == 0, rng))
            else:
                which = CONTACT if what == "contact" else WIRE
                parts.append(_posts(radius, z, half, 0.45 * unit * scale, 2 * unit, which, rng))
    phi = rng.uniform(0, 2 * np.pi)  # aligned with no view
    c, s = np.cos(phi), np.sin(phi)
    return join(parts).turned([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def _wires(radius: float, z: float, half: float, pitch: float, across: bool,
           rng: np.random.Generator) -> Shapes:  # fmt: skip
    """Parallel wires on tracks, each cut at random, now and then a wide one or a pad."""
    pieces = []  # start, end, track, half width
    for track in np.arange(-radius + pitch, radius - pitch / 2, pitch):
        wide = pitch * (rng.uniform(0.25, 0.32) if rng.random() < 0.9 else 0.44)
        limit = np.sqrt(max((0.985 * radius) ** 2 - (abs(track) + wide) ** 2, 0.0))
        at = -limit
        while at < limit - pitch:
            end = min(at + pitch * rng.exponential(9) + pitch, limit)
            if rng.random() < 0.85 and end - at > pitch / 2:
                pieces.append((at, end, track, wide))
            at = end + pitch * rng.uniform(0.6, 2.5)
    start, end, middle, width = np.array(pieces).reshape(-1, 4).T
    flat = np.full(len(pieces), half)
    along_x = boxes(np.stack([(start + end) / 2, middle, 0 * flat + z], axis=1),
                    np.stack([(end - start) / 2, width, flat], axis=1), WIRE)  # fmt: skip
    return along_x.turned([[0, 1, 0], [1, 0, 0], [0, 0, 1]]) if across else along_x


def _posts(radius: float, z: float, half: float, thick: float, pitch: float, material: int,
           rng: np.random.Generator) -> Shapes:  # fmt: skip
    """Round vias on the crossings of tracks, a third of them there."""
    line = np.arange(-radius + pitch, radius - pitch / 2, pitch)
    x, y = (v.ravel() for v in np.meshgrid(line, line))
    there = (np.hypot(x, y) + thick < 0.97 * radius) & (rng.random(len(x)) < 0.3)
    places = np.stack([x[there], y[there], np.full(there.sum(), z)], axis=1)
    return cylinders(places, [thick, thick, half], material)
