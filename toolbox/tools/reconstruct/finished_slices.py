"""What reconstructions share whose total variation slices a network finishes: its looks, turned
copies, tiles."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray

from toolbox.card import Param
from toolbox.kinds import DataKind
from toolbox.learned.grey_levels import grey_levels
from toolbox.operators.blocks import solve_rows, solver_cost
from toolbox.operators.weights import missing_wedge
from toolbox.tool import Cost
from toolbox.tools.denoise import fbpconvnet
from toolbox.tools.reconstruct.slices import SliceReconstruction
from toolbox.values import Block, Center, Shape

if TYPE_CHECKING:
    import torch

    from toolbox.operators.parallel_beam import ParallelBeam

LOOKS = 4  # at a slice: total variation, one with finer structure, where views are missing (2)
LEAST_SPREAD = 0.1  # of grey values, in parts of that of the second look
Looks = NDArray[np.float32]
Levels = list[tuple[np.float32, np.float32]]  # level and spread of each slice's grey values
Strength = Annotated[
    float | None,
    Param("weight of the total variation", "1", low=1e-12, high=1e6,
          auto="from the noise and the number of views"),
]  # fmt: skip
Iterations = Annotated[
    int,
    Param("iterations of total variation; more where directions are missing", low=1, high=10000),
]
Copies = Annotated[
    int,
    Param("turned and mirrored copies of a slice to average", low=1, high=len(fbpconvnet.COPIES)),
]


class FinishedSlices(SliceReconstruction):
    """A slice reconstruction by total variation that a network finishes."""

    strength: float | None
    iterations: int
    copies: int

    def measured(
        self, sinogram: Block, center: Center, size: int
    ) -> tuple[dict[str, Any], list[str]]:
        if self.strength is not None:
            return {}, []
        strength = float(f"{usual_strength(sinogram):.3g}")
        return {"strength": strength}, [f"Strength {strength:g} suits noise and number of views."]

    def finish(
        self,
        network: Callable[[], torch.nn.Module],
        solve: Callable[..., torch.Tensor],
        sinogram: Block,
        center: Center,
    ) -> Block:
        """Slices by ``solve`` with the ``network`` of this tool's weights."""
        from toolbox.learned.weights import trained

        net = trained(self.card.name, network)
        strength = self.strength or usual_strength(sinogram)
        solver = partial(solve, net, strength=strength, iterations=self.iterations,
                         copies=self.copies)  # fmt: skip
        return solve_rows(sinogram, center, self.size, solver)

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["sinogram"]
        solving = solver_cost(shape, self.size, self.iterations, arrays=14)
        side = self.size or shape.columns
        inside = min(side, fbpconvnet.TILE) ** 2
        return Cost(
            solving.operations + 60_000.0 * self.copies * shape.rows * side**2,
            max(solving.bytes, 420.0 * inside),
        )


def usual_strength(sinogram: Block) -> float:
    """A strength for a sinogram's noise and number of views, near the best of simulated worlds:
    where the automatic strength of total variation begins its search."""
    from toolbox.operators.held_out import noise_level

    values = sinogram.as_kind(DataKind.SINOGRAM).values
    return float(np.clip(noise_level(values) / values.shape[1] ** 0.25, 1e-5, 1.0))


def looks_at(A: ParallelBeam, smooth: torch.Tensor, sharp: torch.Tensor) -> tuple[Looks, Levels]:
    """What a network is told of each row, axes ``row, look, y, x``: the total variation
    reconstruction, one with finer structure (both ``row, y, x``) and the missing directions; and
    the level and spread of grey values that were taken out."""
    share, middle = missing_wedge(A.angles_rad)
    found = np.empty((len(smooth), LOOKS, A.size, A.size), np.float32)
    levels = []
    for one, t, f in zip(found, smooth.cpu().numpy(), sharp.cpu().numpy(), strict=True):
        level, spread = (np.float32(v) for v in grey_levels(t))
        # Total variation may have smoothed all away
        spread = max(spread, np.float32(LEAST_SPREAD * grey_levels(f)[1]))
        one[0], one[1] = (t - level) / spread, (f - level) / spread
        one[2], one[3] = share * np.cos(2 * middle), share * np.sin(2 * middle)
        levels.append((level, spread))
    return found, levels


def finished(
    net: torch.nn.Module, A: ParallelBeam, given: Looks, levels: Levels, copies: int
) -> torch.Tensor:
    """Slices ``z, y, x`` in 1/px, from looks at them, ``row, look, y, x``."""
    import torch

    found = [averaged(net, one, copies) * spread + level
             for one, (level, spread) in zip(given, levels, strict=True)]  # fmt: skip
    return torch.from_numpy(np.stack(found).astype(np.float32)).to(A.device) * A.circle


def turned(image: Looks, turns: int, mirrored: bool) -> Looks:
    """Looks at a slice, axes ``look, y, x``, mirrored and then turned by quarters; so are the
    directions that they tell."""
    found = np.rot90(image[..., ::-1] if mirrored else image, turns, axes=(-2, -1)).copy()
    found[2] *= (-1.0) ** turns
    found[3] *= (-1.0) ** (turns + mirrored)
    return found


def averaged(net: torch.nn.Module, image: Looks, copies: int) -> NDArray[np.float32]:
    """The mean of what the network makes of turned and mirrored copies, axes ``look, y, x`` to
    ``y, x`` (as :func:`fbpconvnet.averaged`)."""
    total = np.zeros(image.shape[-2:], np.float32)
    for copy in fbpconvnet.COPIES[:copies]:
        back = np.rot90(clean(net, turned(image, copy, copy >= 4)), -copy)
        total += back[:, ::-1] if copy >= 4 else back
    return total / np.float32(copies)


def clean(net: torch.nn.Module, image: Looks) -> NDArray[np.float32]:
    """Looks at one slice, axes ``look, y, x``, through the network: ``y, x``. In single precision:
    mixed would make much of the last digits in which rows solved together differ."""
    import torch

    from toolbox.learned.tiles import tiled

    device = next(net.parameters()).device

    def process(part: Looks) -> NDArray[np.float32]:
        with torch.inference_mode():
            return net(torch.from_numpy(part)[None].to(device))[0, 0].cpu().numpy()

    return tiled(image, process, fbpconvnet.TILE, fbpconvnet.OVERLAP, fbpconvnet.MULTIPLE)
