"""People's units, as files write them, to metres, radians, keV, seconds and milliamperes."""

from __future__ import annotations

import math

_LENGTH = {
    "m": 1.0, "meter": 1.0, "metre": 1.0, "meters": 1.0, "metres": 1.0,
    "cm": 1e-2, "mm": 1e-3, "millimeter": 1e-3, "millimetre": 1e-3,
    "um": 1e-6, "µm": 1e-6, "μm": 1e-6, "micron": 1e-6, "microns": 1e-6,
    "micrometer": 1e-6, "micrometre": 1e-6, "micrometers": 1e-6,
    "nm": 1e-9, "nanometer": 1e-9, "nanometre": 1e-9, "angstrom": 1e-10,
}  # fmt: skip
_ENERGY = {"kev": 1.0, "ev": 1e-3, "mev": 1e3, "gev": 1e6}
_TIME = {
    "s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0,
    "ms": 1e-3, "millisecond": 1e-3, "us": 1e-6, "µs": 1e-6, "min": 60.0,
}  # fmt: skip
_CURRENT = {"ma": 1.0, "a": 1e3, "ampere": 1e3, "milliampere": 1.0}
_ANGLE = {
    "rad": 1.0, "radian": 1.0, "radians": 1.0,
    "deg": math.pi / 180, "degree": math.pi / 180, "degrees": math.pi / 180, "°": math.pi / 180,
    "mrad": 1e-3, "urad": 1e-6, "µrad": 1e-6, "μrad": 1e-6,
    "mdeg": math.pi / 180e3, "millidegree": math.pi / 180e3, "millidegrees": math.pi / 180e3,
    "udeg": math.pi / 180e6, "µdeg": math.pi / 180e6, "μdeg": math.pi / 180e6,
    "arcmin": math.pi / 10800, "arcminute": math.pi / 10800, "arcminutes": math.pi / 10800,
    "arcsec": math.pi / 648e3, "arcsecond": math.pi / 648e3, "arcseconds": math.pi / 648e3,
    "turn": 2 * math.pi, "turns": 2 * math.pi, "rev": 2 * math.pi, "revs": 2 * math.pi,
    "revolution": 2 * math.pi, "revolutions": 2 * math.pi,
}  # fmt: skip
TABLES = {
    "length": _LENGTH,
    "energy": _ENERGY,
    "time": _TIME,
    "current": _CURRENT,
    "angle": _ANGLE,
}


def factor(quantity: str, unit: str | None) -> float | None:
    """What to multiply a number in ``unit`` by; None where the unit is unknown.

    ``quantity`` is one of length (m), energy (keV), time (s), current (mA), angle (rad).

    >>> factor("length", "microns")
    1e-06
    >>> factor("energy", "furlong") is None
    True
    """
    if not unit:
        return None
    return TABLES[quantity].get(unit.strip().lower())
