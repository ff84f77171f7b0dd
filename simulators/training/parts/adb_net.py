"""ADB-Net: total variation, and views that a network adds, from few views → the truth."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from simulators.training.finishing import FIRST, FLOOR, FinishingPart, above
from simulators.training.missing_views import PSNR, Seeing
from simulators.training.part import Tensors
from simulators.training.parts.fbpconvnet import SUITS
from toolbox.learned.weights import trained
from toolbox.tools.denoise.fbpconvnet import narrowed
from toolbox.tools.reconstruct import adb_net as tool
from toolbox.tools.reconstruct import tvconvnet, view_network

if TYPE_CHECKING:
    import torch

SINOGRAM = "view_network"


class Part(FinishingPart):
    """Options as of every part that finishes slices. The branch of the sinogram stays as it is."""

    name = "adb_net"
    tool = tool
    kind = "sparse"
    figure = PSNR
    suits = SUITS

    @property
    def looks(self) -> Seeing:
        return partial(tool.looks, trained(SINOGRAM, view_network.network))

    def network(self) -> torch.nn.Module:
        """Begun as TVConvNet and the view network, between which attention lets nothing pass."""
        network = tool.network()
        known = trained(FIRST, tvconvnet.network).state_dict()
        network.slice.load_state_dict(narrowed(known, tool.WIDTHS[-1]))  # type: ignore[operator, union-attr]
        views = trained(SINOGRAM, view_network.network).state_dict()
        network.sinogram.load_state_dict(views)  # type: ignore[operator, union-attr]
        return network

    def loss(self, network: torch.nn.Module, batch: Tensors) -> torch.Tensor:
        """As of FBPConvNet: the logarithm of the mean square error of each crop."""
        found = above(network(batch["looks"]).float(), batch["zero"][:, None, None, None])
        square = ((found - batch["truth"]) ** 2).mean((1, 2, 3))
        return 0.5 * (square + FLOOR).log().mean()

    def card(self) -> dict[str, Any]:
        return {
            "version": "0.1.0",
            "changelog": {
                "0.1.0": "begun from TVConvNet 0.2.0 and the view network 0.1.0, trained on one "
                "core of a CPU"
            },
            "task": "reconstruct slices from few views",
            "intended_use": "absorption scans of 60 to 120 views over a half turn; not where "
            "single pixels decide: what lies between the views is guessed",
            **self.data("filtered back-projection, then what the view network gives (last)",
                        tool.LOOKS),
            "references": list(tool.ADBNet.card.references),
            "differences": "the branch of the sinogram is the view network as it was trained "
            "alone, of which back-projected views, not features, meet those of the slice; total "
            "variation beside filtered back-projection; the U-Net of FBPConvNet at a quarter of "
            "its channels, begun from TVConvNet; nothing below zero",
        }  # fmt: skip
