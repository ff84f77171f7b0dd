"""How many bytes one metric takes while it is followed, and as it is written down."""

from __future__ import annotations

import gc
import pickle
import sys
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import numpy as np

SHARED = (type, ModuleType, FunctionType, BuiltinFunctionType)


def held(thing: Any) -> int:
    """Bytes of all that is reached from ``thing``: objects of Python, arrays, and the whole arrays
    that others look into. Code, classes and modules are not counted.

    >>> held(np.zeros(1000)[:10]) > 8000
    True
    """
    seen: set[int] = set()
    waiting, total = [thing], 0
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, SHARED):
            continue
        seen.add(id(one))
        total += sys.getsizeof(one)
        waiting += gc.get_referents(one)
        if isinstance(one, np.ndarray) and one.base is not None:
            waiting.append(one.base)
    return total


def written(state: Any) -> int:
    """Bytes of a state as it is written down."""
    return len(pickle.dumps(state))
