"""A multilayer ceramic capacitor: metal sheets in ceramic, joined at alternate ends by copper.

Electrodes of nickel about 1 µm thick lie between layers of barium titanate of 1 to 10 µm, every
second one reaching the other end; delaminations and voids beside electrodes are the usual faults
(Pan & Randall 2010, IEEE Electr. Insul. Mag. 26(3), 44).
"""

from __future__ import annotations

import numpy as np

from simulators.shapes import Shapes, boxes, ellipsoids
from simulators.specimens.specimen import family

CERAMIC, ELECTRODE, TERMINATION, VOID = 1, 2, 3, 4


@family(
    "multilayer_capacitor",
    en="multilayer ceramic capacitor",
    zh="多层陶瓷电容器",
    phases=(
        ("ceramic", "barium titanate"),
        ("electrode", "nickel"),
        ("termination", "copper"),
        ("void", "air"),
    ),
    energy_kev=60.0,
    pixel_size_m=1e-6,
)
def multilayer_capacitor(radius: float, height: float, rng: np.random.Generator) -> Shapes:
    """A block whose sheets stand along the axis, x through the stack before a turn of the whole,
    and a slight lean."""
    corner = rng.uniform(0.55, 1.0)  # direction of the block's corner
    half_x, half_y = 0.97 * radius * np.sin(corner), 0.97 * radius * np.cos(corner)
    tall = height / 2 + radius
    cap = half_y * rng.uniform(0.06, 0.16)
    pitch = max(half_x * rng.uniform(0.05, 0.16), min(4.0, 0.3 * half_x))
    thick = max(pitch * rng.uniform(0.2, 0.4), min(1.2, 0.4 * pitch))
    gap = half_y * rng.uniform(0.08, 0.2)  # of an electrode's end to the other termination
    body = boxes([[0, 0, 0]], [half_x, half_y, tall], TERMINATION) + boxes(
        [[0, 0, 0]], [half_x, half_y - cap, tall], CERAMIC
    )
    margin = half_x * rng.uniform(0.08, 0.2)
    x = np.arange(-half_x + margin, half_x - margin, pitch)
    side = np.where(np.arange(len(x)) % 2, 1.0, -1.0)
    long = half_y - cap / 2 - gap / 2
    places = np.stack([x + rng.normal(0, 0.03, len(x)) * pitch, side * (gap - cap) / 2,
                       0 * x], axis=1)  # fmt: skip
    half = np.broadcast_to([thick / 2, long, tall], (len(x), 3))
    turn = rng.uniform(0, 2 * np.pi)
    room = 0.05 * radius / (height + pitch)  # no more than keeps the ends inside
    lean = np.clip(rng.normal(0, 0.02), -room, room)
    c, s, up, over = np.cos(turn), np.sin(turn), np.cos(lean), np.sin(lean)
    whole = (
        body + boxes(places, half, ELECTRODE) + _voids(x, thick, pitch, long, radius, height, rng)
    )
    return whole.turned(np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
                        @ [[up, 0, over], [0, 1, 0], [-over, 0, up]])  # fmt: skip


def _voids(x: np.ndarray, thick: float, pitch: float, long: float, radius: float,
           height: float, rng: np.random.Generator) -> Shapes:  # fmt: skip
    """Breaks in electrodes and flat gaps beside them."""
    count = rng.poisson(3 * len(x) * (height + 4 * pitch) / radius)
    which = rng.integers(len(x), size=count)
    broken = rng.random(count) < 0.6
    places = np.stack([x[which] + np.where(broken, 0, 0.7 * thick),
                       rng.uniform(-0.9, 0.9, count) * long,
                       rng.uniform(-0.5, 0.5, count) * (height + 4 * pitch)], axis=1)  # fmt: skip
    wide = np.minimum(rng.uniform(0.3, 1.5, count) * pitch, 0.3 * long)
    places[:, 1] = np.clip(places[:, 1], wide - long, long - wide)
    half = np.stack([np.where(broken, 0.6, 0.25) * thick, wide, wide], axis=1)
    return ellipsoids(places, half, VOID)
