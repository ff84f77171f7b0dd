"""What a specimen is, and how a family of specimens is made known."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from metadata.errors import InputError
from simulators.materials import MATERIALS, Material
from simulators.shapes import Shapes

MARGIN_PX = 2.0  # more height than asked for: the finer rays of the outermost rows

Maker = Callable[[float, float, np.random.Generator], Shapes]


@dataclass(frozen=True)
class Specimen:
    """Shapes and what they are made of. ``materials[k]`` and ``labels[k]`` belong to material ``k``
    of the shapes; 0 is the air outside. ``energy_kev`` and ``pixel_size_m`` are typical of how
    beamlines scan such a specimen across some two thousand columns."""

    family: str
    shapes: Shapes
    materials: tuple[Material, ...]
    labels: tuple[str, ...]
    energy_kev: float
    pixel_size_m: float


@dataclass(frozen=True)
class Family:
    """A kind of specimen: names in English and Chinese, its phases, typical settings, its maker."""

    name: str
    en: str
    zh: str
    materials: tuple[Material, ...]
    labels: tuple[str, ...]
    energy_kev: float
    pixel_size_m: float
    make: Maker

    def specimen(self, radius_px: float, height_px: float, rng: np.random.Generator) -> Specimen:
        """One of the family inside a cylinder of ``radius_px`` about the axis, at all heights
        within ``height_px/2`` of the middle; only what touches them is made."""
        tall = height_px + 2 * MARGIN_PX
        shapes = self.make(radius_px, tall, rng).within(-tall / 2, tall / 2)
        return Specimen(self.name, shapes, self.materials, self.labels, self.energy_kev,
                        self.pixel_size_m)  # fmt: skip


FAMILIES: dict[str, Family] = {}


def family(
    name: str,
    *,
    en: str,
    zh: str,
    phases: Sequence[tuple[str, str | Material]],
    energy_kev: float,
    pixel_size_m: float,
) -> Callable[[Maker], Maker]:
    """Make a family known. ``phases`` are (label, material or its name), from material 1 on; the
    maker gets the radius and height in px and a generator, and returns the shapes."""
    made_of = [m if isinstance(m, Material) else MATERIALS[m] for _, m in phases]

    def register(make: Maker) -> Maker:
        FAMILIES[name] = Family(
            name,
            en,
            zh,
            (MATERIALS["air"], *made_of),
            ("outside", *(label for label, _ in phases)),
            energy_kev,
            pixel_size_m,
            make,
        )
        return make

    return register


def make_specimen(family: str, radius: float, height: float, seed: int = 0) -> Specimen:
    """A specimen of a family; the same arguments give the same specimen. Lengths in px.

    >>> rock = make_specimen("porous_rock", radius=60, height=4, seed=1)
    >>> rock.labels[:3]
    ('outside', 'pore', 'quartz grain')
    """
    if family not in FAMILIES:
        raise InputError(
            f"There is no specimen {family!r}; expected one of {', '.join(sorted(FAMILIES))}."
        )
    if not (radius >= 4 and height > 0):
        raise InputError(
            f"A specimen of radius {radius} px and height {height} px cannot be made; expected a "
            "radius of at least 4 px and a height above 0."
        )
    rng = np.random.default_rng([seed, zlib.crc32(family.encode())])
    return FAMILIES[family].specimen(float(radius), float(height), rng)
