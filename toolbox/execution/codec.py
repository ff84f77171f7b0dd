"""Turns the small values of a run (axis, shifts, geometry …) into JSON and back, bit by bit."""

from __future__ import annotations

import dataclasses
import importlib
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np


def encode(value: Any, folder: Path, name: str) -> Any:
    """A JSON document of a value; its arrays go into files of ``folder`` that begin with ``name``.

    Knows plain values, containers, enumerations, arrays and dataclasses of these.
    """
    return _Encoder(folder, name).encode(value)


def decode(document: Any, folder: Path) -> Any:
    """The value that :func:`encode` wrote."""
    if isinstance(document, list):
        return [decode(item, folder) for item in document]
    if not isinstance(document, dict):
        return document
    if "array" in document:
        return np.load(folder / document["array"], allow_pickle=False)
    if "tuple" in document:
        return tuple(decode(item, folder) for item in document["tuple"])
    if "path" in document:
        return Path(document["path"])
    if "mapping" in document:
        return {decode(k, folder): decode(v, folder) for k, v in document["mapping"]}
    kind = _find(document["is"])
    if issubclass(kind, Enum):
        return kind(document["value"])
    fields = {k: decode(v, folder) for k, v in document["fields"].items()}
    return kind(**fields)


class _Encoder:
    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name, self.count = folder, name, 0

    def encode(self, value: Any) -> Any:
        if isinstance(value, Enum):
            return {"is": _where(type(value)), "value": value.value}
        if value is None or isinstance(value, bool | int | float | str):
            return value.item() if isinstance(value, np.generic) else value
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, np.ndarray):
            return {"array": self._save(value)}
        if isinstance(value, tuple):
            return {"tuple": [self.encode(v) for v in value]}
        if isinstance(value, list):
            return [self.encode(v) for v in value]
        if isinstance(value, dict):
            return {"mapping": [[self.encode(k), self.encode(v)] for k, v in value.items()]}
        if isinstance(value, Path):
            return {"path": str(value)}
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = {
                f.name: self.encode(getattr(value, f.name))
                for f in dataclasses.fields(value)
                if f.init
            }
            return {"is": _where(type(value)), "fields": fields}
        raise TypeError(
            f"{type(value).__name__} cannot travel between steps: use toolbox.values, a dataclass "
            f"of plain values and arrays, or an array"
        )

    def _save(self, value: np.ndarray) -> str:
        file = f"{self.name}-{self.count}.npy"
        self.count += 1
        np.save(self.folder / file, value, allow_pickle=False)
        return file


def _where(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _find(where: str) -> type:
    module, _, name = where.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    if not (
        isinstance(found, type) and (issubclass(found, Enum) or dataclasses.is_dataclass(found))
    ):
        raise TypeError(f"{where} is not a plain value")
    return found
