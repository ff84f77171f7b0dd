"""SARTConvNet: total variation and SART from a limited angle → the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulators.training.finishing import FIRST
from simulators.training.limited_angle import LimitedAnglePart
from toolbox.learned.weights import trained
from toolbox.tools.reconstruct import sartconvnet as tool
from toolbox.tools.reconstruct import tvconvnet

if TYPE_CHECKING:
    import torch


class Part(LimitedAnglePart):
    """Options as of every part of a limited angle."""

    name = "sartconvnet"
    tool = tool

    def network(self) -> torch.nn.Module:
        """Begun as TVConvNet, which sees filtered back-projection in place of SART."""
        network = tool.network()
        network.load_state_dict(trained(FIRST, tvconvnet.network).state_dict())
        return network

    def card(self) -> dict[str, Any]:
        return {
            "version": "0.3.0",
            "changelog": {
                "0.1.0": "begun from TVConvNet 0.2.0, trained on one core of a CPU",
                "0.2.0": "begun from 0.1.0; learns similarity after the grey levels are fitted, as "
                "it is measured, from five times as many slices, half of them of no family",
                "0.3.0": "begun from 0.2.0, with more contrast within these",
            },
            "task": "reconstruct slices from a limited angle",
            "intended_use": "absorption scans of 90 to 130 degrees; not where single pixels "
            "decide: what no view saw is guessed",
            **self.data(),
            "references": list(tool.SARTConvNet.card.references),
            "differences": "SART over ordered subsets begins at the total variation "
            "reconstruction, which stands beside it with the missing directions; the U-Net of "
            "FBPConvNet at a quarter of its channels, begun from TVConvNet's weights; structural "
            "similarity beside square errors as loss; slices of specimens mixed of several "
            "families beside those of one; nothing below zero",
        }
