"""Materials by formula and density; what they do to X-rays comes from tabulated cross-sections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError


@dataclass(frozen=True)
class Material:
    """A homogeneous material; ``formula`` counts atoms (fractions allowed), ``density`` in g/cm³.

    >>> round(Material("water", "H2O", 1.0).attenuation_per_m(20.0))
    81
    """

    name: str
    formula: str
    density: float

    def attenuation_per_m(self, energy_kev: float) -> float:
        """Linear attenuation coefficient in 1/m, photo-electric absorption and both scatterings.

        Cross-sections of Elam, Ravel & Sieber 2002 (Radiat. Phys. Chem. 63, 121), read by xraydb.
        """
        return float(self.attenuations_per_m((energy_kev,))[0])

    def attenuations_per_m(self, energies_kev: Sequence[float] | NDArray[np.float64]
                           ) -> NDArray[np.float64]:  # fmt: skip
        """The same at several energies, in the time of one."""
        return self.density * _per_m(self.formula, tuple(float(e) for e in energies_kev))

    def delta(self, energy_kev: float) -> float:
        """Decrement δ of the refractive index ``n = 1 − δ + iβ``, from the scattering factors of
        Chantler 2000 (J. Phys. Chem. Ref. Data 29, 597), read by xraydb."""
        return self.density * _delta(self.formula, float(energy_kev))


# Both are in proportion to the density, and each takes milliseconds to tens of them to look up.
@lru_cache(maxsize=4096)
def _per_m(formula: str, energies_kev: tuple[float, ...]) -> NDArray[np.float64]:
    _check(energies_kev)
    found = _tables().material_mu(formula, 1000 * np.array(energies_kev), density=1.0)
    return 100 * np.asarray(found, dtype=np.float64)


@lru_cache(maxsize=4096)
def _delta(formula: str, energy_kev: float) -> float:
    _check((energy_kev,))
    return float(_tables().xray_delta_beta(formula, 1.0, 1000 * energy_kev)[0])


def _check(energies_kev: tuple[float, ...]) -> None:
    for energy in energies_kev:
        if not 1.0 <= energy <= 400.0:
            raise InputError(
                f"The energy {energy} keV is outside 1 to 400 keV, where the tables of attenuation "
                "and refraction hold; choose one inside."
            )


def _tables() -> ModuleType:
    try:
        import xraydb
    except ImportError as missing:
        raise InputError(
            "Attenuation of materials needs the package xraydb; install it with "
            "`pip install xraydb`, or the extra `tomoplan[all]`."
        ) from missing
    return xraydb


# Densities: CRC Handbook of Chemistry and Physics; minerals: Deer, Howie & Zussman, An Introduction
# to the Rock-Forming Minerals. Tissues: atoms from the mass fractions of ICRU Report 44 (1989).
MATERIALS: dict[str, Material] = {
    material.name: material
    for material in (
        Material("air", "N1.56O0.42Ar0.01", 0.001205),
        Material("water", "H2O", 1.0),
        Material("ice", "H2O", 0.93),
        # minerals
        Material("quartz", "SiO2", 2.65),
        Material("orthoclase", "KAlSi3O8", 2.56),
        Material("albite", "NaAlSi3O8", 2.62),
        Material("calcite", "CaCO3", 2.71),
        Material("dolomite", "CaMgC2O6", 2.85),
        Material("kaolinite", "Al2Si2O9H4", 2.60),
        Material("pyrite", "FeS2", 5.01),
        Material("zircon", "ZrSiO4", 4.65),
        Material("kerogen", "C100H100O8", 1.25),
        Material("catalyst alumina", "Al2O3", 1.3),  # porous
        # building
        Material("cement paste", "Ca3Si2O10H6", 1.95),
        Material("steel", "Fe", 7.87),
        # polymers, fibres and glass
        Material("polyurethane", "C10H8N2O2", 1.2),
        Material("polypropylene", "C3H6", 0.905),
        Material("polyamide", "C6H11NO", 1.14),
        Material("polyimide", "C22H10N2O5", 1.42),
        Material("epoxy", "C18H21NO3", 1.2),
        Material("carbon fibre", "C", 1.78),
        Material("e-glass", "Si0.9Al0.28Ca0.35Mg0.1B0.2O3", 2.58),
        Material("borosilicate glass", "Si1.35B0.37Na0.13Al0.05O3.4", 2.23),
        # batteries
        Material("nmc 622", "LiNi0.6Mn0.2Co0.2O2", 4.7),
        Material("carbon binder", "C10H2F2", 0.9),
        Material("electrolyte", "C12H16O12LiPF6", 1.25),
        # metals and chips
        Material("aluminium", "Al", 2.70),
        Material("silicon", "Si", 2.33),
        Material("al2cu", "Al2Cu", 4.34),
        Material("al5fesi", "Al5FeSi", 3.4),
        Material("copper", "Cu", 8.96),
        Material("tungsten", "W", 19.25),
        Material("gold", "Au", 19.3),
        Material("silica", "SiO2", 2.20),
        Material("barium titanate", "BaTiO3", 6.02),
        Material("nickel", "Ni", 8.91),
        Material("Ti-6Al-4V", "Ti0.862Al0.102V0.036", 4.43),
        # living things
        Material("bone mineral and collagen", "H3.37C1.29N0.30O2.72P0.333Ca0.561", 1.92),
        Material("adipose marrow", "H11.4C5.32N0.05O1.44", 0.95),
        Material("soft tissue", "H10.1C0.925N0.186O4.76P0.007S0.009", 1.06),
        Material("cell wall", "C6H10O5", 1.5),
        Material("starch", "C6H10O5", 1.5),
        Material("resin acid", "C20H30O2", 1.07),
        Material("chitin", "C8H13NO5", 1.4),
        Material("plant oil", "C57H104O6", 0.92),
        Material("protein", "C100H159N26O32S0.7", 1.35),
        Material("dried tissue", "C100H159N26O32S0.7", 0.6),
        Material("aleurone", "C100H160N20O45P2K1.5Mg1", 1.4),
        Material("germ", "C100H165N18O25P0.8", 1.15),
        Material("cytoplasm", "H10.4C0.9N0.2O4.7P0.02S0.01", 1.05),
        Material("chromatin", "H9.4C2.2N0.7O3.4P0.12", 1.15),
    )
}
