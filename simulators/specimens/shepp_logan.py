"""The modified Shepp–Logan head: the best known phantom, not a specimen of any beamline.

Values of Toft 1996 (The Radon Transform, PhD thesis, Technical University of Denmark), contrast
raised for display. Its greys are densities of one material, water; ellipses are painted, so where
two of the small ones meet the later one counts (in the original their values add).
"""

from __future__ import annotations

import numpy as np

from simulators.materials import Material
from simulators.shapes import Shapes, ellipsoids, in_plane
from simulators.specimens.specimen import family

# (phase, a, b, x, y, phi in degrees), lengths as part of the radius, y upwards
_ELLIPSES = (
    (1, 0.69, 0.92, 0.0, 0.0, 0),
    (2, 0.6624, 0.874, 0.0, -0.0184, 0),
    (3, 0.21, 0.25, 0.0, 0.35, 0),
    (4, 0.11, 0.31, 0.22, 0.0, -18),
    (4, 0.16, 0.41, -0.22, 0.0, 18),
    (3, 0.046, 0.046, 0.0, 0.1, 0),
    (3, 0.046, 0.046, 0.0, -0.1, 0),
    (3, 0.046, 0.023, -0.08, -0.605, 0),
    (3, 0.023, 0.023, 0.0, -0.606, 0),
    (3, 0.023, 0.046, 0.06, -0.605, 0),
)


def _water(part: float) -> Material:
    return Material(f"water of {part} g/cm³", "H2O", part)


@family(
    "shepp_logan",
    en="Shepp–Logan head",
    zh="Shepp–Logan 头模",
    phases=(
        ("skull", _water(1.0)),
        ("brain", _water(0.2)),
        ("tumour", _water(0.3)),
        ("ventricle", _water(0.0)),
    ),
    energy_kev=25.0,
    pixel_size_m=5e-6,
)
def shepp_logan(radius: float, height: float, rng: np.random.Generator) -> Shapes:
    """The ellipses stand as tall ellipsoids, so slices differ a little with the height."""
    phase, a, b, x, y, phi = np.array(_ELLIPSES).T
    tall = np.full_like(a, 4 * height + radius)
    return ellipsoids(
        np.stack([x * radius, -y * radius, 0 * x], axis=1),
        np.stack([a * radius, b * radius, tall], axis=1),
        phase,
        in_plane(-np.deg2rad(phi)),
    )
