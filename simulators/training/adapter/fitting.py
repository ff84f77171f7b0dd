"""Trains a network that segments on a few labelled slices: adapters alone, or all of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from metadata.errors import WorkError
from simulators.training.adapter.labelled_slices import NOTHING
from toolbox.learned.grey_levels import grey_levels

if TYPE_CHECKING:
    import torch

RARE = 0.02  # classes with a smaller part of the pixels weigh no more than those with this
Image = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Schedule:
    """``steps`` of ``batch`` crops of ``crop`` px, fewer where ``minutes`` of wall clock pass
    first; AdamW at ``rate``, warm-up over a twentieth of the way, then a cosine to a hundredth."""

    steps: int = 300
    batch: int = 6
    crop: int = 64
    rate: float = 3e-3
    decay: float = 1e-2
    minutes: float = 5.0
    seed: int = 0


@dataclass(frozen=True)
class Trained:
    """How a training went."""

    steps: int
    seconds: float
    loss: float  # mean of its last tenth


def fit(
    net: torch.nn.Module,
    parameters: Iterable[torch.nn.Parameter],
    images: Sequence[Image],
    labels: Sequence[Labels],
    schedule: Schedule,
    tell: Callable[[float, float], None] = lambda done, loss: None,
) -> Trained:
    """Train some ``parameters`` of a network (images ``n, 1, y, x`` → logits) in place, on slices
    and the class of each of their pixels (−1: nothing is said). Cross-entropy, in which rare
    classes weigh more, plus a soft Dice loss. ``tell`` hears how much is done, and the loss."""
    import torch

    torch.manual_seed(schedule.seed)
    rng = np.random.default_rng(schedule.seed)
    seen = [scaled(image) for image in images]
    classes = 1 + max(int(said.max()) for said in labels)
    weights = torch.from_numpy(class_weights(labels, classes))
    learned = list(parameters)
    for parameter in net.parameters():
        parameter.requires_grad_(False)
    for parameter in learned:
        parameter.requires_grad_(True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = net.to(device).to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(learned, lr=schedule.rate, weight_decay=schedule.decay)
    began, losses = time.monotonic(), []
    for step in range(schedule.steps):
        way = max(step / schedule.steps, (time.monotonic() - began) / (60 * schedule.minutes))
        if way >= 1:
            break
        for group in optimiser.param_groups:
            rising = min(1.0, (way + 1 / schedule.steps) / 0.05)
            group["lr"] = schedule.rate * rising * (0.01 + 0.495 * (1 + math.cos(math.pi * way)))
        crops, said = batch(seen, labels, schedule, rng)
        given = torch.from_numpy(crops).to(device).to(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16):
            logits = net(given)
        loss = segmentation_loss(
            logits.float(), torch.from_numpy(said).to(device), weights.to(device)
        )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise WorkError(
                f"The loss became {value} at step {step}: nothing finite to learn from. Look at "
                f"the grey values of the slices."
            )
        optimiser.step()
        losses.append(value)
        tell(way, value)
    net.to("cpu").eval()
    last = losses[-max(len(losses) // 10, 1) :]
    return Trained(len(losses), time.monotonic() - began, float(np.mean(last)))


def batch(
    images: Sequence[Image], labels: Sequence[Labels], schedule: Schedule, rng: np.random.Generator
) -> tuple[Image, Labels]:
    """Crops ``n, 1, y, x`` with their classes ``n, y, x``: turned, mirrored, other grey levels and
    some noise. Each holds labelled pixels."""
    side = schedule.crop
    crops: list[Image] = []
    classes: list[Labels] = []
    while len(crops) < schedule.batch:
        at = int(rng.integers(len(images)))
        top, left = (int(rng.integers(max(n - side, 0) + 1)) for n in images[at].shape)
        said = labels[at][top : top + side, left : left + side]
        if not (said != NOTHING).any():
            continue
        image = images[at][top : top + side, left : left + side]
        short = [(0, side - n) for n in said.shape]
        turns, mirror = int(rng.integers(4)), rng.random() < 0.5
        image = np.rot90(np.pad(image, short, mode="symmetric"), turns)
        said = np.rot90(np.pad(said, short, constant_values=NOTHING), turns)
        if mirror:
            image, said = image[:, ::-1], said[:, ::-1]
        gain, level = math.exp(rng.normal(0, 0.1)), rng.normal(0, 0.1)
        noise = rng.normal(0, 0.1 * rng.random(), image.shape)
        crops.append((gain * image + level + noise).astype(np.float32))
        classes.append(said)
    return np.stack(crops)[:, None], np.stack(classes)


def scaled(image: Image) -> Image:
    """About −1 to 1 by the 2nd and 98th percentile."""
    level, spread = grey_levels(image)
    return np.clip((image - level) / spread, -30, 30).astype(np.float32)


def class_weights(labels: Sequence[Labels], classes: int) -> Image:
    """Of each class in the loss: by the root of how rare it is, 1 in the mean of the pixels."""
    said = np.concatenate([one[one != NOTHING] for one in labels])
    share = np.bincount(said, minlength=classes) / max(len(said), 1)
    weights = 1 / np.sqrt(np.maximum(share, RARE))
    return np.asarray(weights / (weights * share).sum(), np.float32)


def segmentation_loss(
    logits: torch.Tensor, said: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    """Weighted cross-entropy and soft Dice of logits ``n, class, y, x``; −1: nothing is said."""
    import torch
    from torch.nn import functional

    entropy = functional.cross_entropy(logits, said, weights, ignore_index=NOTHING)
    known = (said != NOTHING)[:, None]
    shares = logits.softmax(dim=1) * known
    truth = functional.one_hot(said.clamp(min=0), logits.shape[1]).permute(0, 3, 1, 2) * known
    both = (shares * truth).sum((0, 2, 3))
    total = (shares + truth).sum((0, 2, 3))
    present = truth.sum((0, 2, 3)) > 0
    dice = (1 - (2 * both + 1) / (total + 1))[present].mean()
    return torch.as_tensor(entropy + dice)
