"""What every detector of changes is: readings in, scores out, block by block."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Detector(Protocol):
    """``update`` takes readings in time order and gives each a score from 0 (usual) to 1 (does not
    happen by itself). A score depends on the readings until its own and not on how they were cut
    into blocks. ``values`` (n,), or (n, channels) for a detector of several."""

    def update(self, times: Floats, values: Floats) -> Floats: ...

    def to_state(self) -> dict[str, Any]: ...

    def restore(self, state: dict[str, Any]) -> None: ...
