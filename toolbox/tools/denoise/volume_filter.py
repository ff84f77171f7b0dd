"""What filters share that look at the same neighbourhood everywhere."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from toolbox.tool import Tool
from toolbox.values import Block


class VolumeFilter(Tool):
    """A tool that filters a volume, axes ``z, y, x``, over neighbouring slices where ``across``."""

    across: bool

    @abstractmethod
    def filtered(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """The values filtered, axes ``z, y, x``; a new array."""

    @abstractmethod
    def reach(self) -> int:
        """How far the neighbourhood goes, in px."""

    def __call__(self, *, volume: Block) -> Block:  # type: ignore[override]
        return volume.with_values(self.filtered(np.asarray(volume.values, np.float32)))

    def halo(self) -> int:
        return self.reach() if self.across else 0
