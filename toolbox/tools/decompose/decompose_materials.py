"""How much of which material is in each voxel, from several energies."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError
from toolbox.card import Param, Port, ToolCard
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.tool import Cost, Tool, Tuned
from toolbox.tools.decompose.mixtures import read_materials, unmixed
from toolbox.values import Block, Geometry, Shape

AT_ONCE = 1 << 20  # voxels
MOST_ENERGIES = 6
PORTS = tuple(f"volume_{i + 1}" for i in range(MOST_ENERGIES))


@dataclass(frozen=True)
class DecomposeMaterials(Tool):
    """Amounts of named materials, axes ``material, z, y, x``, whose tabulated attenuations add up
    to that of each voxel at every energy as nearly as can be, none of them negative.

    The volumes show the same voxels, each at its own energy. An amount is the part of the voxel's
    volume that the material fills at its density (`fraction`; nothing makes the parts add up to 1,
    so what is left is air or something not named), or its mass in g/cm³ (`density`).

    >>> tool, inputs = DecomposeMaterials.example()
    >>> tool(**inputs).values[:, 0, 0, 0].round(2).tolist()
    [0.25, 0.5]
    """

    card = ToolCard(
        name="decompose_materials",
        title="decomposition into materials",
        title_zh="多能量材料分解",
        stage=Stage.DECOMPOSE,
        domain=Domain.RECONSTRUCTION,
        inputs={
            name: Port(DataKind.VOLUME, frozenset({GreyState.ATTENUATION}), optional=at > 1)
            for at, name in enumerate(PORTS)
        },
        output=Port(DataKind.MATERIALS),
        split=Split.ROWS,
        references=(
            "Lawson & Hanson 1974, Solving Least Squares Problems, ch. 23",
            "Elam, Ravel & Sieber 2002, Radiat. Phys. Chem. 63, 121 (attenuations, by xraydb)",
            "Alvarez & Macovski 1976, Phys. Med. Biol. 21, 733 (basis materials)",
        ),
        limits="Needs as many energies as materials or more, volumes that lie over each other "
        "(register_volumes before, where they do not), monochromatic beams and slices with right "
        "attenuations: beam hardening, phase fringes and rings become materials. Noise grows with "
        "the condition number that the notes tell: energies on both sides of an edge keep it low.",
        library="xraydb",
        licence="BSD-3-Clause",
    )

    materials: Annotated[
        str,
        Param("list of FORMULA=DENSITY (g/cm³), names, or NAME@attenuation at each energy (1/cm)"),
    ]
    amount: Annotated[
        str, Param("what is told of each material", choices=("fraction", "density"))
    ] = "fraction"
    energies_kev: Annotated[
        tuple[float, ...] | None,
        Param("energy of each volume in their order", "keV", auto="as the files say"),
    ] = None
    pixel_size_um: Annotated[
        float | None,
        Param("size of a voxel, for slices are in 1/px", "µm", low=1e-6, auto="as the files say"),
    ] = None

    def __post_init__(self) -> None:
        if self.energies_kev is not None:
            object.__setattr__(self, "energies_kev", tuple(float(e) for e in self.energies_kev))

    def tune(self, **volumes: Block) -> Tuned:
        """Energies and voxel size as the files say, and how well they tell the materials apart."""
        blocks = _in_order(volumes)
        energies = self.energies_kev or tuple(
            b.geometry.energy_kev for b in blocks if b.geometry.energy_kev
        )
        pixel = self.pixel_size_um
        if pixel is None and blocks[0].geometry.pixel_size_m:
            pixel = blocks[0].geometry.pixel_size_m * 1e6
        if len(energies) != len(blocks) or pixel is None:
            lost = "their voxel size" if len(energies) == len(blocks) else "all energies"
            raise InputError(
                f"decompose_materials was given {len(blocks)} volumes that do not say {lost}. Give "
                f"energies_kev (one a volume) and pixel_size_um, or put them into the files."
            )
        tool = dataclasses.replace(self, energies_kev=energies, pixel_size_um=pixel)
        pure = tool.pure(len(blocks))
        condition = float(np.linalg.cond(pure))
        names = [m.name for m in read_materials(self.materials)]
        return Tuned(
            tool,
            (
                f"decompose_materials: {', '.join(names)} at "
                f"{', '.join(f'{e:g}' for e in energies)} keV, voxels of {pixel:g} µm; noise "
                f"grows up to {condition:.3g}-fold (condition number)",
            ),
        )

    def __call__(self, **volumes: Block) -> Block:
        if self.energies_kev is None or self.pixel_size_um is None:
            return self.tune(**volumes).tool(**volumes)
        blocks = _in_order(volumes)
        shapes = {b.values.shape for b in blocks}
        if len(shapes) > 1:
            raise InputError(
                f"decompose_materials was given volumes of {sorted(shapes)} voxels (z, y, x), "
                f"expected one size. Bring them together first: register_volumes and "
                f"apply_transform."
            )
        pure = self.pure(len(blocks))
        shape = blocks[0].values.shape
        flat = [b.values.reshape(-1) for b in blocks]
        found = np.empty((pure.shape[1], flat[0].size), np.float32)
        for start in range(0, flat[0].size, AT_ONCE):
            part = slice(start, start + AT_ONCE)
            found[:, part] = unmixed(np.stack([f[part] for f in flat]), pure)
        if self.amount == "density":
            found *= self._densities()[:, None]
        return blocks[0].with_values(
            found.reshape(-1, *shape), kind=DataKind.MATERIALS, state=GreyState.ATTENUATION
        )

    def pure(self, count: int) -> NDArray[np.float64]:
        """Attenuation of each material at each energy in 1/px, axes ``energy, material``."""
        energies = self.energies_kev or ()
        named = read_materials(self.materials, count)
        if len(energies) != count or len(named) > count:
            raise InputError(
                f"decompose_materials was given {count} volumes, {len(energies)} energies and "
                f"{len(named)} materials, expected one energy a volume and no more materials than "
                f"that. Leave materials out, or measure at more energies."
            )
        assert self.pixel_size_um is not None
        return np.stack([m.per_m(energies) for m in named], axis=1) * self.pixel_size_um * 1e-6

    def _densities(self) -> NDArray[np.float32]:
        densities = [m.density for m in read_materials(self.materials)]
        if None in densities:
            raise InputError(
                "decompose_materials cannot tell densities of materials given by their "
                "attenuation. Give amount='fraction', or these materials as FORMULA=DENSITY."
            )
        return np.array(densities, np.float32)

    def cost(self, **inputs: Shape) -> Cost:
        size = next(iter(inputs.values()))
        count = len(read_materials(self.materials))
        voxels = size.voxels
        return Cost(10.0 * (2**count - 1) * count * voxels, 4.0 * (count - 1) * voxels
                    + 8.0 * min(voxels, AT_ONCE) * (4 * count + 2 * len(inputs)))  # fmt: skip

    @classmethod
    def example(cls) -> tuple[Self, dict[str, Any]]:
        tool = cls("iron=7.88, water", energies_kev=(20.0, 40.0), pixel_size_um=1.0)
        mixed = tool.pure(2) @ np.array([0.25, 0.5])
        geometry = Geometry(np.zeros(8), 4, 8, 1e-6)
        blocks = {
            port: Block(np.full((4, 8, 8), value, np.float32), DataKind.VOLUME,
                        GreyState.ATTENUATION, geometry, np.arange(4))
            for port, value in zip(PORTS, mixed, strict=False)
        }  # fmt: skip
        return tool, blocks


def _in_order(volumes: dict[str, Block]) -> list[Block]:
    return [volumes[name] for name in PORTS if name in volumes]
