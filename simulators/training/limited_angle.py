"""Scans of a limited angle, for the networks that finish their slices: a loss for structural
similarity, most of which is lost where slices are flat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulators.training.finishing import FLOOR, FinishingPart, above
from simulators.training.missing_views import SSIM
from simulators.training.part import Tensors

if TYPE_CHECKING:
    import torch

WINDOW = 7  # px, of the similarity, as it is measured
LEAST = (0.01, 0.03)  # of the range, of the similarity
SQUARE = 0.05  # weight of the logarithm of the square error beside the similarity


class LimitedAnglePart(FinishingPart):
    """What the parts of a limited angle share."""

    kind = "limited"
    figure = SSIM
    suits = {"angular_coverage": (85.0, 135.0)}  # noqa: RUF012 — read only

    def loss(self, network: torch.nn.Module, batch: Tensors) -> torch.Tensor:
        return self.distance(network(batch["looks"]), batch)

    def distance(self, found: torch.Tensor, batch: Tensors) -> torch.Tensor:
        """What crops ``n, 1, y, x`` lack of structural similarity inside the circle after the grey
        levels are fitted, as it is measured, and the logarithm of their mean square error."""
        truth, zero, inside = batch["truth"], batch["zero"][:, None, None, None], batch["inside"]
        found = above(found.float(), zero)
        square = ((found - truth) ** 2).mean((1, 2, 3))
        alike = structural_similarity(fitted(found, truth, inside), truth, batch["range"])
        rim = WINDOW // 2
        seen = inside[..., rim:-rim, rim:-rim]
        unlike = 1 - (alike * seen).sum((1, 2, 3)) / seen.sum((1, 2, 3))
        return (unlike + SQUARE * 0.5 * (square + FLOOR).log()).mean()

    def data(self, second: str = "what SART makes of it", channels: int = 4) -> dict[str, Any]:
        return super().data(second, channels)


def fitted(found: torch.Tensor, truth: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
    """Images ``n, 1, y, x`` with the gain and offset that bring each closest to its truth inside
    (:func:`toolbox.metrics.affine_fit`): an offset of a hundredth of the range takes most of the
    similarity of air."""
    count = inside.sum((1, 2, 3), keepdim=True)

    def mean(values: torch.Tensor) -> torch.Tensor:
        return (values * inside).sum((1, 2, 3), keepdim=True) / count

    off, wanted = found - mean(found), truth - mean(truth)
    gain = mean(off * wanted) / mean(off**2).clamp_min(FLOOR**2)
    return off * gain + mean(truth)


def structural_similarity(
    found: torch.Tensor, truth: torch.Tensor, span: torch.Tensor
) -> torch.Tensor:
    """The map of structural similarity of images ``n, 1, y, x`` whose truth spans so much (Wang et
    al. 2004, IEEE Trans. Image Process. 13, 600), with the windows it is measured with."""
    from torch.nn.functional import avg_pool2d

    def mean(values: torch.Tensor) -> torch.Tensor:
        return avg_pool2d(values, WINDOW, 1)

    unbiased = WINDOW**2 / (WINDOW**2 - 1)
    least = [(part * span[:, None, None, None]) ** 2 for part in LEAST]
    a, b = mean(found), mean(truth)
    both = unbiased * (mean(found * truth) - a * b)
    apart = unbiased * (mean(found**2) - a**2 + mean(truth**2) - b**2)
    return ((2 * a * b + least[0]) * (2 * both + least[1])) / (
        (a**2 + b**2 + least[0]) * (apart + least[1])
    )
