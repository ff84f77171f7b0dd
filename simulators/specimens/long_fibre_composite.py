"""Carbon-fibre laminate: plies of long parallel fibres in epoxy, each ply in its own direction.

Fibres are 5 to 7 µm thick and take 50 to 60 %; plies are some 0.13 mm; pores lie along the fibres,
mostly between plies (Garcea, Wang & Withers 2018, Compos. Sci. Technol. 156, 305).
"""

from __future__ import annotations

import numpy as np

from simulators.shapes import Shapes, along, boxes, ellipsoids, join, rods
from simulators.specimens.specimen import family

MATRIX, VOID, FIBRE = 1, 2, 3
WIDE, THICK = 0.82, 0.54  # half sides of the bar, as part of the radius


@family(
    "long_fibre_composite",
    en="long-fibre laminate",
    zh="长纤维层合板",
    phases=(("matrix", "epoxy"), ("void", "air"), ("fibre", "carbon fibre")),
    energy_kev=18.0,
    pixel_size_m=3.5e-7,
)
def long_fibre_composite(radius: float, height: float, rng: np.random.Generator) -> Shapes:
    """A bar of six plies along y at 0, ±45 or 90° to the axis, in the plane x–z."""
    plies = 6
    size = THICK * radius / plies
    thick = max(0.014 * radius, min(1.2, 0.05 * radius))
    tall = height / 2 + radius / 2
    parts = [boxes([[0, 0, 0]], [WIDE * radius, THICK * radius, tall], MATRIX)]
    first = rng.permutation(np.deg2rad([0.0, 90.0, 45.0, -45.0]))
    for ply, turn in enumerate(np.resize(first, plies)):
        middle = (2 * ply + 1 - plies) * size
        parts.append(_ply(middle, size, turn, thick, WIDE * radius, tall, height, rng))
        parts.append(_voids(middle - size, turn, thick, radius, height, rng))
    return join(parts)


def _ply(middle: float, size: float, turn: float, thick: float, wide: float, tall: float,
         height: float, rng: np.random.Generator) -> Shapes:  # fmt: skip
    """Fibres on a hexagonal net in the plane across them, each off its place, some missing."""
    part = rng.uniform(0.5, 0.58)
    pitch = thick * np.sqrt(2 * np.pi / (np.sqrt(3) * part))
    reach = wide * np.abs(np.cos(turn)) + (height / 2 + thick) * np.abs(np.sin(turn))
    rows = int((2 * size - 2 * thick) / (pitch * np.sqrt(3) / 2)) + 1
    number = int(2 * reach / pitch)
    y, s = np.meshgrid(np.arange(rows) - (rows - 1) / 2, np.arange(number) - (number - 1) / 2,
                       indexing="ij")  # fmt: skip
    s = (s + 0.5 * (np.arange(rows) % 2)[:, None]).ravel() * pitch
    y = y.ravel() * pitch * np.sqrt(3) / 2
    spare = pitch / 2 - thick
    keep = rng.random(len(s)) > 0.04
    s = s[keep] + rng.uniform(-1, 1, keep.sum()) * spare
    y = middle + y[keep] + rng.uniform(-1, 1, keep.sum()) * spare
    # the fibre's line, x = s cos + t sin and z = −s sin + t cos, as far as it is in the bar
    cos, sin = np.cos(turn), np.sin(turn)
    low, high = np.full_like(s, -1e9), np.full_like(s, 1e9)
    for start, rate, limit in ((s * cos, sin, wide - thick), (-s * sin, cos, tall)):
        if abs(rate) > 1e-6:
            middle_t, spare_t = -start / rate, limit / abs(rate)
            low, high = np.maximum(low, middle_t - spare_t), np.minimum(high, middle_t + spare_t)
        else:
            high = np.where(np.abs(start) <= limit, high, low)
    fits = high - low > thick
    s, y, low, high = s[fits], y[fits], low[fits], high[fits]
    ends = [np.stack([s * cos + t * sin, y, -s * sin + t * cos], axis=1) for t in (low, high)]
    return rods(ends[0], ends[1], thick, FIBRE)


def _voids(y: float, turn: float, thick: float, radius: float, height: float,
           rng: np.random.Generator) -> Shapes:  # fmt: skip
    """Long pores where two plies meet."""
    reach = 8 * thick
    number = rng.poisson(2 + 3 * (height + 2 * reach) / radius)
    places = np.stack(
        [rng.uniform(-0.7, 0.7, number) * radius, np.full(number, y),
         rng.uniform(-1, 1, number) * (height / 2 + reach)], axis=1,
    )  # fmt: skip
    places[:, 1] = np.clip(places[:, 1], -THICK * radius + 2.5 * thick, None)
    room = WIDE * radius - (8 * abs(np.sin(turn)) + 3) * thick
    places[:, 0] = np.clip(places[:, 0], -room, room)
    half = thick * np.stack([rng.uniform(1, 3, number), rng.uniform(0.8, 1.8, number),
                             rng.uniform(3, 8, number)], axis=1)  # fmt: skip
    direction = np.array([[np.sin(turn), 0.0, np.cos(turn)]])
    return ellipsoids(places, half, VOID, along(direction))
