"""What reconstructions share that fit a network to each row of a sinogram alone."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from toolbox.kinds import DataKind
from toolbox.operators.blocks import (
    as_tensor,
    as_volume,
    operator_for,
    projection_bytes,
    projection_work,
)
from toolbox.tool import Cost
from toolbox.tools.reconstruct.slices import SliceReconstruction
from toolbox.values import Block, Center, Shape

if TYPE_CHECKING:
    import torch

    from toolbox.operators.parallel_beam import ParallelBeam


WARM = 20  # steps until the full rate
FORGET = 0.95  # of the mean over the last steps, which is the result
LEAK = 0.05  # of what is below zero, where it is not to be


class FittedSlices(SliceReconstruction):
    """A slice reconstruction in which a network, new for each row, learns to give the slice whose
    projections are those measured. Rows do not know of each other: any slab gives the same."""

    steps: int
    seed: int
    non_negative: bool

    @abstractmethod
    def fit(self, A: ParallelBeam, y: torch.Tensor) -> torch.Tensor:
        """The slice ``1, y, x`` of one row ``1, angle, col`` behind the operator, in 1/px."""

    @abstractmethod
    def network_cost(self, shape: Shape, side: int) -> Cost:
        """Nominal operations of the networks in one step of one row, and the bytes they hold."""

    def descended(
        self, A: ParallelBeam, start: torch.Tensor, made: Callable[[], torch.Tensor],
        learn: Callable[[torch.Tensor, float], torch.Tensor],
    ) -> torch.Tensor:  # fmt: skip
        """Descent from a slice ``1, y, x``: the mean of the last steps. ``made``: what the network
        adds to the start, ``1, y, x``; ``learn``: takes one step by the slice, at so much of the
        full rate, and returns its loss."""
        import torch
        from torch import nn

        from toolbox.learned.per_scan import check_loss, tell_training

        mean = torch.zeros_like(start)
        weight = 0.0
        for step in range(self.steps):
            fall = 0.05 + 0.95 * float(np.cos(np.pi * step / (2 * self.steps)) ** 2)
            with torch.autocast(start.device.type, torch.bfloat16):
                added = made()
            x = start + added.float()
            if self.non_negative:
                x = nn.functional.leaky_relu(x, LEAK)
            x = x * A.circle
            loss = learn(x, min(1.0, (step + 1) / WARM) * fall)
            mean = FORGET * mean + (1 - FORGET) * x.detach()
            weight = FORGET * weight + 1 - FORGET
            if step % 10 == 0 or step + 1 == self.steps:
                check_loss(float(loss.detach()), self.card.name, step)
                tell_training(step / self.steps)
        found = mean / weight
        return found.clamp_min(0) if self.non_negative else found

    def __call__(self, *, sinogram: Block, center: Center) -> Block:  # type: ignore[override]
        import torch

        from toolbox.learned.per_scan import mended

        sinogram = sinogram.as_kind(DataKind.SINOGRAM)
        y = as_tensor(sinogram.with_values(mended(sinogram.values)[0]))
        # One thread: fitting makes much of the last digit, which the order of additions changes
        operator = operator_for(sinogram, center, self.size, precision=1e-4, threads=1)
        operator, y = operator.straightened(y)
        slices = [y.new_zeros((0, operator.size, operator.size))]
        for row in range(len(y)):
            here = slice(row, row + 1)
            if bool(y[here].abs().max() > 0):
                with _one_thread(), torch.enable_grad():
                    slices.append(self.fit(operator.for_rows(here), y[here].contiguous()))
            else:
                slices.append(y.new_zeros((1, operator.size, operator.size)))
        return as_volume(sinogram, torch.cat(slices))

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["sinogram"]
        side = self.size or shape.columns
        one = Shape(shape.frames, 1, shape.columns)
        network = self.network_cost(one, side)
        work = self.steps * (network.operations + 2 * projection_work(one, self.size))
        held = projection_bytes(one, self.size) + 4.0 * 6 * shape.frames * shape.columns
        return Cost(shape.rows * work, held + network.bytes)

    def tuning_cost(self, **inputs: Shape) -> Cost:
        """Only the side of a slice is found: nearly nothing."""
        shape = inputs["sinogram"]
        return Cost(float(shape.voxels), 4.0 * shape.voxels)

    def measured(
        self, sinogram: Block, center: Center, size: int
    ) -> tuple[dict[str, Any], list[str]]:
        from toolbox.learned.per_scan import mended

        _, bad = mended(sinogram.as_kind(DataKind.SINOGRAM).values)
        if not bad:
            return {}, []
        return {}, [
            f"{bad} values of the sample are not finite: the mean of the other views stands for "
            f"each."
        ]


@contextmanager
def _one_thread() -> Iterator[None]:
    """Torch on one thread inside: sums come in one order."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def whitened(residual: torch.Tensor) -> torch.Tensor:
    """A residual ``1, angle, col`` with the square root of the ramp laid on its columns: its
    squares then count all frequencies of a slice alike, where back-projection slows fine ones."""
    import torch

    length = 2 * residual.shape[-1]
    root = torch.fft.rfftfreq(length, device=residual.device).sqrt()
    root[0] = 0.5 / np.sqrt(length)  # the mean must move, too
    return torch.fft.irfft(torch.fft.rfft(residual, n=length) * root, n=length)


def grey_scale(slices: torch.Tensor) -> float:
    """A high grey level of a slice (the 99.5th percentile of what is there): the network's 1."""
    values = slices.abs().flatten().cpu().numpy()
    high = float(np.quantile(values[values > 0], 0.995)) if (values > 0).any() else 0.0
    return high or 1.0
