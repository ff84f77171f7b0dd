"""Slices through a network on one scale of grey values, and back into their own unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch


def in_own_unit(
    net: torch.nn.Module, image: NDArray[np.float32], tile: int, overlap: int, multiple: int
) -> NDArray[np.float32]:
    """What a network of slices ``n, 1, y, x`` makes of one, axes ``y, x``: brought to one scale
    of grey values (:func:`toolbox.learned.grey_levels.grey_levels`), tile by tile
    (:func:`toolbox.learned.tiles.tiled`), and back."""
    import torch

    from toolbox.learned.grey_levels import grey_levels
    from toolbox.learned.tiles import tiled
    from toolbox.learned.weights import infer

    level, spread = grey_levels(image)
    scaled = (image - np.float32(level)) / np.float32(spread)

    def process(part: NDArray[np.float32]) -> NDArray[np.float32]:
        return infer(net, torch.from_numpy(part)[None, None])[0, 0].cpu().numpy()

    made = tiled(scaled, process, tile, overlap, multiple)
    return (made * np.float32(spread) + np.float32(level)).astype(np.float32)
