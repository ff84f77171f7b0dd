"""Total variation reconstruction finished by a U-Net (TVConvNet)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray

from toolbox.card import Param
from toolbox.kinds import DataKind
from toolbox.learned.grey_levels import grey_levels
from toolbox.learned.model_card import ModelCard
from toolbox.operators.blocks import solve_rows, solver_cost
from toolbox.operators.weights import missing_wedge
from toolbox.tool import Cost
from toolbox.tools.denoise import fbpconvnet
from toolbox.tools.reconstruct.slices import (
    Size,
    SliceReconstruction,
    TiltHalo,
    reconstruction_card,
)
from toolbox.values import Block, Center, Shape

if TYPE_CHECKING:
    import torch

    from toolbox.operators.parallel_beam import ParallelBeam

LOOKS = 4  # at a slice: total variation, filtered back-projection, where views are missing (2)
LEAST_SPREAD = 0.1  # of grey values, in parts of that of filtered back-projection
Looks = NDArray[np.float32]
MODEL = ModelCard.of("tvconvnet")


@dataclass(frozen=True)
class TVConvNet(SliceReconstruction):
    """Total variation reconstruction, then a U-Net that saw how it errs: ``row, angle, col`` to
    slices ``z, y, x`` in 1/px, each slice alone, from few views or a limited angle.

    x = t + U(t, f, w): the network U is told the total variation reconstruction t, which fits the
    data, the filtered back-projection f, which still has the fine structure that t lost, and
    which directions w no view saw. Grey values are brought to one scale first and back after.
    ``copies`` of it, turned and mirrored, are averaged.

    >>> TVConvNet().card.split.value, sorted(TVConvNet().card.weights)
    ('rows', ['tvconvnet.safetensors'])
    """

    card = dataclasses.replace(
        reconstruction_card(
            name="tvconvnet",
            title="total variation finished by a U-Net (TVConvNet)",
            title_zh="全变分重建加卷积网络（TVConvNet）",
            references=(
                "Bubba, Kutyniok, Lassas, März, Samek, Siltanen & Srinivasan 2019, Inverse "
                "Problems 35, 064002, doi 10.1088/1361-6420/ab10ca (a network completes what a "
                "sparse reconstruction cannot see)",
                "Jin, McCann, Froustey & Unser 2017, IEEE Trans. Image Process. 26, 4509, "
                "doi 10.1109/TIP.2017.2713099 (the network)",
            ),
            limits="Learned on simulated absorption scans of few views or of 90 to 130 degrees: "
            "what no view saw is guessed, fine structure may be invented or lost, and other "
            "faults (rings, a wrong axis) must be mended before. Differs from the papers: total "
            "variation instead of shearlets, the filtered back-projection beside it, the missing "
            "directions as two constant channels, a quarter of the channels of the U-Net. "
            f"{MODEL.summary}",
            gpu=True,
            library="torch",
            default_on=MODEL.wins,
            suits=MODEL.suits,
            metrics=MODEL.metrics,
        ),
        version=MODEL.version,
        weights=MODEL.weights,
        training_data=MODEL.training_data,
    )

    strength: Annotated[
        float | None,
        Param("weight of the total variation", "1", low=1e-12, high=1e6,
              auto="from the noise and the number of views"),
    ] = None  # fmt: skip
    iterations: Annotated[
        int,
        Param(
            "iterations of total variation; more where directions are missing", low=1, high=10000
        ),
    ] = 60
    copies: Annotated[
        int,
        Param("turned and mirrored copies of a slice to average", low=1,
              high=len(fbpconvnet.COPIES)),
    ] = 2  # fmt: skip
    size: Size = None
    tilt_halo: TiltHalo = None

    def __call__(self, *, sinogram: Block, center: Center) -> Block:  # type: ignore[override]
        from toolbox.learned.weights import trained

        net = trained("tvconvnet", network)
        strength = self.strength or usual_strength(sinogram)
        solver = partial(solve, net, strength=strength, iterations=self.iterations,
                         copies=self.copies)  # fmt: skip
        return solve_rows(sinogram, center, self.size, solver)

    def measured(
        self, sinogram: Block, center: Center, size: int
    ) -> tuple[dict[str, Any], list[str]]:
        if self.strength is not None:
            return {}, []
        strength = float(f"{usual_strength(sinogram):.3g}")
        return {"strength": strength}, [f"Strength {strength:g} suits noise and number of views."]

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


def solve(
    net: torch.nn.Module,
    A: ParallelBeam,
    y: torch.Tensor,
    strength: float,
    iterations: int,
    copies: int,
) -> torch.Tensor:
    """Slices ``z, y, x`` of some rows ``row, angle, col`` behind the operator."""
    import torch

    given, levels = looks(A, y, strength, iterations)
    found = [averaged(net, one, copies) * spread + level
             for one, (level, spread) in zip(given, levels, strict=True)]  # fmt: skip
    return torch.from_numpy(np.stack(found).astype(np.float32)).to(y.device) * A.circle


def looks(
    A: ParallelBeam, y: torch.Tensor, strength: float, iterations: int
) -> tuple[Looks, list[tuple[np.float32, np.float32]]]:
    """What the network is told of each row, axes ``row, look, y, x``, and the level and spread of
    grey values that were taken out."""
    from toolbox.operators.solvers import total_variation

    smooth = total_variation(A, y, strength, iterations, non_negative=True).cpu().numpy()
    sharp = A.fbp(y, "shepp-logan").cpu().numpy()
    share, middle = missing_wedge(A.angles_rad)
    found = np.empty((len(smooth), LOOKS, A.size, A.size), np.float32)
    levels = []
    for one, t, f in zip(found, smooth, sharp, strict=True):
        level, spread = (np.float32(v) for v in grey_levels(t))
        # Total variation may have smoothed all away
        spread = max(spread, np.float32(LEAST_SPREAD * grey_levels(f)[1]))
        one[0], one[1] = (t - level) / spread, (f - level) / spread
        one[2], one[3] = share * np.cos(2 * middle), share * np.sin(2 * middle)
        levels.append((level, spread))
    return found, levels


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


def network(width: int = fbpconvnet.WIDTH) -> torch.nn.Module:
    """The U-Net of :mod:`toolbox.tools.denoise.fbpconvnet` over all looks."""
    return fbpconvnet.network(width, LOOKS)
