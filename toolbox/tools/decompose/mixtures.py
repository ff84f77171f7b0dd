"""Materials by name and how they attenuate; mixtures without negative parts."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError

FORMULA = re.compile(r"^([A-Za-z0-9.()]+)=([0-9.]+)$")
GIVEN = re.compile(r"^([^@]+)@(.+)$")


@dataclass(frozen=True)
class Material:
    """A material by formula and density (g/cm³), or by its attenuation (1/cm) at each energy."""

    name: str
    density: float | None = None
    attenuation: tuple[float, ...] | None = None

    def per_m(self, energies_kev: tuple[float, ...]) -> NDArray[np.float64]:
        """Linear attenuation at some energies, 1/m (tables of xraydb, Elam et al. 2002).

        >>> bool(np.isclose(Material("H2O", 1.0).per_m((20.0,))[0], 81, rtol=0.03))
        True
        """
        if self.attenuation is not None:
            return np.array(self.attenuation) * 100
        import xraydb

        try:
            return np.array(
                [100 * xraydb.material_mu(self.name, 1e3 * e, self.density) for e in energies_kev]
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"decompose_materials does not know the material {self.name!r} ({error}). Give it "
                f"as FORMULA=DENSITY in g/cm³ (NiO=6.67), by a name that xraydb knows (water), or "
                f"as NAME@attenuation in 1/cm at each energy (iron@203;180)."
            ) from error


def read_materials(text: str, energies: int | None = None) -> tuple[Material, ...]:
    """Materials from a list such as ``NiO=6.67, water, binder@1.2;0.9``.

    >>> [m.name for m in read_materials("NiO=6.67, water")]
    ['NiO', 'water']
    """
    found = []
    for item in filter(None, (part.strip() for part in text.split(","))):
        given, formula = GIVEN.match(item), FORMULA.match(item)
        try:
            if given:
                values = tuple(float(v) for v in given[2].split(";"))
                if energies is not None and len(values) != energies:
                    raise ValueError(f"{len(values)} values for {energies} energies")
                found.append(Material(given[1].strip(), attenuation=values))
            elif formula:
                found.append(Material(formula[1], float(formula[2])))
            else:
                found.append(_by_name(item))
        except ValueError as error:
            raise InputError(
                f"decompose_materials was given the material {item!r} ({error}), expected "
                f"FORMULA=DENSITY in g/cm³ (NiO=6.67), a name that xraydb knows (water), or "
                f"NAME@attenuation in 1/cm at each energy (iron@203;180)."
            ) from None
    if not found:
        raise InputError(
            "decompose_materials was given no materials, expected a list such as `NiO=6.67, water`."
        )
    return tuple(found)


def _by_name(name: str) -> Material:
    import xraydb

    known = xraydb.find_material(name)
    if known is not None:
        return Material(known.name, known.density)
    try:
        return Material(xraydb.atomic_symbol(name), float(xraydb.atomic_density(name)))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError("not known, and without a density") from None


def unmixed(attenuation: NDArray[np.floating], pure: NDArray[np.float64]) -> NDArray[np.float32]:
    """The amounts ≥ 0 of pure materials (``energy, material``) whose sum is nearest to what was
    seen (``energy, value``), axes ``material, value``; values that are not finite give 0.

    Exact: the non-negative least squares solution is the best of the ordinary ones over subsets of
    the materials that have no negative part (Lawson & Hanson 1974, ch. 23).

    >>> unmixed(np.array([[3.0], [1.0]]), np.array([[1.0, 2.0], [1.0, -1.0]])).ravel().tolist()
    [1.6666666269302368, 0.6666666865348816]
    """
    seen = attenuation.astype(np.float64)
    count = pure.shape[1]
    best = np.zeros((count, seen.shape[1]))
    misfit = (seen**2).sum(axis=0)
    # orders of magnitude between energies or materials must not decide what fits
    for size in range(1, count + 1):
        for chosen in map(list, itertools.combinations(range(count), size)):
            part = pure[:, chosen]
            amounts = np.linalg.pinv(part) @ seen
            rest = ((seen - part @ amounts) ** 2).sum(axis=0)
            better = (amounts >= 0).all(axis=0) & (rest < misfit)
            best[:, better] = 0
            best[np.ix_(np.array(chosen), np.flatnonzero(better))] = amounts[:, better]
            misfit = np.where(better, rest, misfit)
    return best.astype(np.float32)
