"""Path lengths by painting a slice on a fine grid and summing along rays: for the GPU.

Not exact like :mod:`simulators.projector`, but a third model beside it and the toolbox's operator:
a hard-edged grid ``fine`` times finer than the detector, sampled bilinearly along each ray.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulators.shapes import BOX, CYLINDER, ELLIPSOID, Shapes

if TYPE_CHECKING:
    import torch

BODIES = 16  # painted together
SAMPLES = 2**27  # grid samples held at once


def painted(shapes: Shapes, z: float, size: int, device: str = "cpu") -> torch.Tensor:
    """Material at the ``size × size`` points of a slice at height ``z`` px, ``uint8``; axes
    ``y, x``, points one ``shapes`` unit apart, origin in the middle ``(size − 1)/2``."""
    import torch

    near = shapes.within(z, z)
    line = torch.arange(size, device=device, dtype=torch.float32) - (size - 1) / 2
    top = torch.zeros((size, size), dtype=torch.int32, device=device)
    # q = (p − center) @ inverse(axes): affine in x and y at one height.
    inverse = np.linalg.inv(near.axes) if len(near) else np.zeros((0, 3, 3))
    start = (z * np.array([0.0, 0.0, 1.0]) - near.center)[:, None, :] @ inverse
    numbers = np.concatenate([inverse[:, :2], start], axis=1)
    maps = torch.as_tensor(numbers, device=device, dtype=torch.float32)
    kinds = torch.as_tensor(near.kind.astype(np.int64), device=device)
    for first in range(0, len(near), BODIES):
        part = slice(first, min(first + BODIES, len(near)))
        m = maps[part][:, :, :, None, None]
        q = m[:, 0] * line[None, None, None, :] + m[:, 1] * line[None, None, :, None] + m[:, 2]
        square = q * q
        kind = kinds[part][:, None, None]
        ball = square.sum(dim=1) <= 1
        can = (square[:, 0] + square[:, 1] <= 1) & (square[:, 2] <= 1)
        box = square.amax(dim=1) <= 1
        inside = ((kind == ELLIPSOID) & ball) | ((kind == CYLINDER) & can) | ((kind == BOX) & box)
        order = torch.arange(part.start + 1, part.stop + 1, device=device, dtype=torch.int32)
        top = torch.maximum(top, (inside * order[:, None, None]).amax(dim=0))
    material = np.concatenate([[0], near.material]).astype(np.uint8)
    return torch.as_tensor(material, device=device)[top.long()]


def rendered_lengths(shapes: Shapes, materials: int, theta: NDArray, u: NDArray, z: float,
                     size: int, fine: int = 3, device: str = "cpu") -> torch.Tensor:  # fmt: skip
    """Path lengths in px, axes ``material, angle, col`` as
    :func:`simulators.projector.path_lengths`, of level rays at one height ``z``; air is left at
    zero. ``size``: px across which the specimen lies about the axis; ``u`` (angle, col) ascends by
    1 px."""
    import torch

    grid = painted(shapes.scaled(fine), z * fine, size * fine, device)
    wanted = torch.arange(1, materials, device=device, dtype=torch.uint8)
    channels = (grid[None] == wanted[:, None, None]).float()[None]
    steps = torch.arange(size * fine, device=device, dtype=torch.float32) - (size * fine - 1) / 2
    offsets = (torch.arange(fine, device=device) + 0.5) / fine - 0.5
    across = torch.as_tensor(u, device=device, dtype=torch.float32)
    found = torch.zeros((materials, *u.shape), device=device)
    rays = u.shape[1] * fine * size * fine
    together = max(1, SAMPLES // (rays * max(materials - 1, 1)))
    for first in range(0, len(theta), together):
        part = slice(first, min(first + together, len(theta)))
        angle = torch.as_tensor(theta[part], device=device, dtype=torch.float32)[:, None, None]
        places = (across[part][:, :, None] + offsets).flatten(1)[:, :, None] * fine
        x = places * angle.cos() - steps * angle.sin()
        y = places * angle.sin() + steps * angle.cos()
        # With align_corners the ends −1 and 1 are the middles of the outermost points.
        at = torch.stack([x, y], dim=-1) * (2 / (size * fine - 1))
        stack = channels.expand(len(at), -1, -1, -1)
        seen = torch.nn.functional.grid_sample(stack, at, align_corners=True)
        summed = seen.sum(dim=-1).unflatten(-1, (u.shape[1], fine)).mean(dim=-1)
        found[1:, part] = summed.transpose(0, 1) / fine
    return found
