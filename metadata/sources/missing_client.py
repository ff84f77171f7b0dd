"""What is said where the client library of a source is not installed."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from metadata.errors import InputError


def client(module: str, package: str, what: str) -> ModuleType:
    """A module of an optional package, or an error that says how to install it."""
    try:
        return import_module(module)
    except ImportError as error:
        raise InputError(
            f"{what} needs the package {package}, which is not installed here ({error}). Install "
            f"it with: pip install {package} (or pip install 'tomoplan[beamline]' for all of them)."
        ) from error
