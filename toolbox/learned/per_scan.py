"""What networks share that are trained on the very scan that they mend."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError, WorkError

if TYPE_CHECKING:
    import torch

FIRST, SECOND = 0.9, 0.999  # what moments keep from step to step
_listener: ContextVar[Callable[[float], None] | None] = ContextVar("training", default=None)


@contextmanager
def training_told_to(listener: Callable[[float], None]) -> Iterator[None]:
    """While inside, and on this thread, ``listener`` hears which part of a training is done."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def tell_training(done: float) -> None:
    """Say which part of a training is done, to whoever listens."""
    listener = _listener.get()
    if listener is not None:
        listener(done)


def seeded(make: Callable[[], torch.nn.Module], seed: int) -> torch.nn.Module:
    """A network with He's random weights and no biases, from its own random numbers: the same on
    any thread, and those of other threads stay as they are.

    He, Zhang, Ren & Sun 2015, ICCV, 1026 (the weights).
    """
    import torch
    from torch import nn

    generator = torch.Generator().manual_seed(seed)
    with torch.device("meta"):
        network = make()
    network.to_empty(device="cpu")
    for module in network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if name == "weight" and parameter.ndim > 1:
                nn.init.kaiming_normal_(parameter, nonlinearity="relu", generator=generator)
            elif name == "weight":  # of a normalisation
                nn.init.ones_(parameter)
            else:
                nn.init.zeros_(parameter)
    return network


class Adam:
    """Descent with moments, of all parameters of a network, with a rate given at each step.

    Kingma & Ba 2015, ICLR. That of torch loads its compiler at its first step, which takes
    seconds: as long as a hundred steps here.
    """

    def __init__(self, network: torch.nn.Module) -> None:
        import torch

        self._parameters = list(network.parameters())
        self._mean = [torch.zeros_like(p) for p in self._parameters]
        self._square = [torch.zeros_like(p) for p in self._parameters]
        self._steps = 0

    def step(self, loss: torch.Tensor, rate: float) -> None:
        """One step down the slope of ``loss``."""
        import torch

        slopes = torch.autograd.grad(loss, self._parameters)
        self._steps += 1
        late = 1 - FIRST**self._steps, 1 - SECOND**self._steps
        with torch.no_grad():
            for parameter, mean, square, slope in zip(
                self._parameters, self._mean, self._square, slopes, strict=True
            ):
                mean.lerp_(slope, 1 - FIRST)
                square.mul_(SECOND).addcmul_(slope, slope, value=1 - SECOND)
                size = (square / late[1]).sqrt_().add_(1e-8)
                parameter.addcdiv_(mean, size, value=-rate / late[0])


def packed(network: torch.nn.Module, *numbers: float) -> str:
    """Weights (float16) and some numbers beside them as text that a pipeline file can hold."""
    with_numbers = np.asarray(numbers, "<f4").tobytes()
    weights = [p.detach().cpu().numpy().astype("<f2").ravel() for p in network.parameters()]
    return base64.b64encode(with_numbers + np.concatenate(weights).tobytes()).decode("ascii")


def unpacked(network: torch.nn.Module, text: str, numbers: int) -> tuple[float, ...]:
    """Put weights from text that :func:`packed` wrote into a network; the numbers beside them.
    Raises :class:`InputError` where the text is of another network."""
    import torch

    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    count = sum(p.numel() for p in network.parameters())
    if len(data) != 4 * numbers + 2 * count:
        raise InputError(
            f"The trained network of a plan has {len(data)} bytes, expected "
            f"{4 * numbers + 2 * count}: it was cut, or it is of another version. Leave the "
            f"parameter `network` out: then a new one is trained on the scan."
        )
    first = np.frombuffer(data, "<f4", numbers)
    weights = torch.from_numpy(np.frombuffer(data, "<f2", offset=4 * numbers).astype(np.float32))
    at = 0
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(weights[at : at + parameter.numel()].view(parameter.shape))
            at += parameter.numel()
    return tuple(float(number) for number in first)


def mended(values: NDArray[np.float32]) -> tuple[NDArray[np.float32], int]:
    """A sinogram ``row, angle, col`` with what is not finite replaced by the mean of the other
    views at that column (0 where there are none), and how many values that were."""
    bad = ~np.isfinite(values)
    count = int(bad.sum())
    if not count:
        return values, 0
    kept = np.where(bad, 0, values)
    mean = kept.sum(axis=1) / np.maximum((~bad).sum(axis=1), 1)
    return np.where(bad, mean[:, None], values).astype(np.float32), count


def check_loss(loss: float, tool: str, step: int) -> None:
    """Raise :class:`WorkError` where a training ran away."""
    if not np.isfinite(loss):
        raise WorkError(
            f"The training of {tool} ran away at step {step} (its loss is {loss}), expected a "
            f"finite number. Look at the sinogram for values far beyond the rest (`zingers` takes "
            f"them out), or take another `seed`."
        )
