"""Softwood: long hollow cells in radial files, thin-walled in spring and thick-walled in summer.

Tracheids of spruce are 20 to 40 µm wide and 2 to 4 mm long, with walls of 2 to 3 µm in earlywood
and 5 to 8 µm in latewood; rays run from pith to bark, resin canals along the grain (Fengel &
Wegener, Wood, 1984, ch. 2). The density of the wall itself is 1.5 g/cm³.
"""

from __future__ import annotations

import numpy as np

from simulators.shapes import Shapes, boxes, cylinders, ellipsoids, rods
from simulators.specimens.specimen import family

WALL, LUMEN, RESIN = 1, 2, 3


@family(
    "wood",
    en="softwood",
    zh="针叶木材",
    phases=(("cell wall", "cell wall"), ("lumen", "air"), ("resin", "resin acid")),
    energy_kev=12.0,
    pixel_size_m=5e-7,
)
def wood(radius: float, height: float, rng: np.random.Generator) -> Shapes:
    """The grain is along the axis, the radial direction is x before a turn of the whole."""
    tall = height / 2 + radius
    pitch = max(radius * rng.uniform(0.062, 0.09), min(4.5, 0.4 * radius))
    x, y, half_x, half_y = _files(0.98 * radius, pitch, rng)
    lumens = _tracheids(x, y, half_x, half_y, pitch, height, rng)
    canals = rng.poisson(3)
    away, turn = radius * rng.uniform(0.1, 0.8, canals), rng.uniform(0, 2 * np.pi, canals)
    away = np.minimum(away, radius - 1.3 * pitch)
    places = np.stack([away * np.cos(turn), away * np.sin(turn), 0 * away], axis=1)
    canal = cylinders(places, [1.25 * pitch, 1.25 * pitch, tall], RESIN)
    bore = cylinders(places, [0.85 * pitch, 0.85 * pitch, tall], LUMEN)
    body = cylinders([[0, 0, 0]], [radius, radius, tall], WALL)
    rays = _rays(0.97 * radius, pitch, height, rng)
    phi = rng.uniform(0, 2 * np.pi)
    c, s = np.cos(phi), np.sin(phi)
    return (body + lumens + rays + canal + bore).turned([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def _files(radius: float, pitch: float, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Middles and half widths of the lumens of all cells, file by file."""
    ring, phase = radius * rng.uniform(0.7, 1.2), rng.uniform(0, 1)
    found: list[np.ndarray] = []
    for y in np.arange(-radius + pitch / 2, radius, pitch):
        at = -radius + pitch * rng.uniform(0, 1)
        while at < radius:
            season = (at / ring + phase) % 1.0  # 0 spring … 1 end of summer
            late = np.clip((season - 0.65) / 0.25, 0, 1)
            long = pitch * (1.15 - 0.6 * late) * rng.uniform(0.9, 1.1)
            wall = pitch * (0.08 + 0.1 * late)
            half = np.array([long / 2 - wall, pitch / 2 - wall])
            place = np.array([at + long / 2, y + rng.normal(0, 0.02) * pitch])
            at += long
            if min(half) > 0.06 * pitch and np.hypot(*(np.abs(place) + half)) < radius:
                found.append(np.concatenate([place, half]))
    return tuple(np.array(found).T)


def _tracheids(x: np.ndarray, y: np.ndarray, half_x: np.ndarray, half_y: np.ndarray, pitch: float,
               height: float, rng: np.random.Generator) -> Shapes:  # fmt: skip
    """The cells of a file one above the other, each a long cylinder with tapering ends."""
    parts = []
    length = 60 * pitch
    start = -height / 2 - length * rng.uniform(0, 1, len(x))
    while (start < height / 2).any():
        long = length * rng.uniform(0.8, 1.2, len(x))
        met = (start + long > -height / 2) & (start < height / 2)
        places = np.stack([x, y, start + long / 2], axis=1)[met]
        half = np.stack([half_x, half_y, long / 2 - 2 * pitch], axis=1)[met]
        summer = half_x[met] < 0.3 * pitch  # wide spring cells are nearly rectangular
        parts.append(cylinders(places[summer], half[summer], LUMEN))
        parts.append(boxes(places[~summer], half[~summer], LUMEN))
        for sign in (-1, 1):
            tips = places + np.array([0, 0, sign]) * half[:, 2:]
            taper = np.stack([half[:, 0], half[:, 1], np.full(len(half), 1.7 * pitch)], axis=1)
            parts.append(ellipsoids(tips, taper, LUMEN))
        start = start + long
    whole = parts[0]
    for part in parts[1:]:
        whole = whole + part
    return whole.within(-height / 2, height / 2)


def _rays(radius: float, pitch: float, height: float, rng: np.random.Generator) -> Shapes:
    """Rows of ray cells along x, some ten high, each a thin tube."""
    high = 10 * pitch * 0.7
    number = rng.poisson(0.012 * 2 * radius * (height + high) / (0.7 * pitch**2) / 10 + 1)
    y = rng.uniform(-0.9, 0.9, number) * radius
    z = rng.uniform(-1, 1, number) * (height + high) / 2
    cells = np.arange(10) - 4.5
    ys = np.repeat(y, 10)
    zs = (z[:, None] + cells * 0.7 * pitch).ravel()
    limit = np.sqrt(np.maximum(radius**2 - (np.abs(ys) + pitch) ** 2, 0))
    start = np.stack([-limit, ys, zs], axis=1)[limit > pitch]
    end = start * [-1, 1, 1]
    wall = rods(start, end, 0.42 * pitch, WALL)
    return wall + rods(start * [0.995, 1, 1], end * [0.995, 1, 1], 0.24 * pitch, LUMEN)
