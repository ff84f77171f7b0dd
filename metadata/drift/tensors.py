"""Files of tensors (safetensors), read by NumPy alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metadata.errors import WorkError

Floats32 = NDArray[np.float32]

DTYPES = {"F16": np.float16, "F32": np.float32, "F64": np.float64}


def tensors(path: Path) -> dict[str, Floats32]:
    """The tensors of a file by name; :class:`WorkError` where it holds none."""
    try:
        data = path.read_bytes()
        size = int.from_bytes(data[:8], "little")
        head = json.loads(data[8 : 8 + size])
        found = {}
        for name, about in head.items():
            if name != "__metadata__":
                a, b = about["data_offsets"]
                flat = np.frombuffer(data[8 + size + a : 8 + size + b], DTYPES[about["dtype"]])
                found[name] = flat.reshape(about["shape"]).astype(np.float32)
    except (OSError, ValueError, KeyError, TypeError) as error:
        what = path.stem
        raise WorkError(
            f"The weights {path} cannot be read ({error}). Install tomoplan again, or train "
            f"them: tomoplan train {what}."
        ) from error
    return found
