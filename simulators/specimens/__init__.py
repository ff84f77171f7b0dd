"""Specimens as beamlines scan them: one family a file, found by itself."""

import importlib
import pkgutil

from simulators.specimens.specimen import FAMILIES, Family, Specimen, family, make_specimen

for _module in pkgutil.iter_modules(__path__):
    if _module.name not in ("gallery", "specimen"):
        importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["FAMILIES", "Family", "Specimen", "family", "make_specimen"]
