"""Arrays and plain values as bytes and back, without pickle: what a monitor knows, to be kept."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

ARRAY, SPECIAL = "__array__", "__number__"


def freeze(state: Mapping[str, Any]) -> bytes:
    """A mapping of arrays, numbers, texts, None, and lists and mappings of them.

    Raises TypeError for anything else, and for keys that are no texts.

    >>> thawed = thaw(freeze({"a": np.arange(3.0), "b": [1, None, {"c": np.inf}]}))
    >>> thawed["a"].tolist(), thawed["b"]
    ([0.0, 1.0, 2.0], [1, None, {'c': inf}])
    """
    arrays: list[NDArray[Any]] = []
    text = json.dumps(_plain(state, arrays), ensure_ascii=False, allow_nan=False)
    file = io.BytesIO()
    packed = [np.frombuffer(text.encode(), np.uint8), *arrays]
    np.savez(file, *packed)
    return file.getvalue()


def thaw(data: bytes) -> dict[str, Any]:
    """What :func:`freeze` was given; tuples come back as lists."""
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        arrays = [file[f"arr_{n}"] for n in range(len(file.files))]
    return _rich(json.loads(arrays[0].tobytes().decode()), arrays[1:])


def _plain(value: Any, arrays: list[NDArray[Any]]) -> Any:
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        arrays.append(value)
        return {ARRAY: len(arrays) - 1}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return {SPECIAL: repr(value)}
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise TypeError(f"the keys {list(value)[:5]} are not all texts")
        return {key: _plain(one, arrays) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one, arrays) for one in value]
    raise TypeError(f"{type(value).__name__} cannot be kept")


def _rich(value: Any, arrays: list[NDArray[Any]]) -> Any:
    if isinstance(value, dict):
        if ARRAY in value:
            return arrays[value[ARRAY]]
        if SPECIAL in value:
            return float(value[SPECIAL])
        return {key: _rich(one, arrays) for key, one in value.items()}
    if isinstance(value, list):
        return [_rich(one, arrays) for one in value]
    return value
