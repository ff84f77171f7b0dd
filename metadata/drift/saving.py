"""What a monitor knows as a flat dictionary of arrays, exact to the last bit, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

DOCUMENT = "document"
PLACE = "__array__"


def pack(state: Any) -> dict[str, NDArray[Any]]:
    """Nested dicts, lists, numbers, text and arrays as named arrays, for ``numpy.savez``.

    >>> unpack(pack({"a": [1, np.arange(2.0)], "b": float("inf")}))
    {'a': [1, array([0., 1.])], 'b': inf}
    """
    arrays: dict[str, NDArray[Any]] = {}

    def plain(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            name = f"array{len(arrays)}"
            arrays[name] = value
            return {PLACE: name}
        if isinstance(value, Mapping):
            return {str(k): plain(v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(v) for v in value]
        return value.item() if isinstance(value, np.generic) else value

    text = json.dumps(plain(state))
    return {**arrays, DOCUMENT: np.frombuffer(text.encode(), np.uint8)}


def unpack(packed: Mapping[str, NDArray[Any]]) -> Any:
    """What :func:`pack` was given (tuples have become lists)."""

    def rich(value: Any) -> Any:
        if isinstance(value, dict):
            if set(value) == {PLACE}:
                return np.array(packed[value[PLACE]])
            return {k: rich(v) for k, v in value.items()}
        return [rich(v) for v in value] if isinstance(value, list) else value

    return rich(json.loads(bytes(packed[DOCUMENT])))
