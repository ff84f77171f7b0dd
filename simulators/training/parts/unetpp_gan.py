"""UNet++ with an adversary: total variation and SART from a limited angle → the truth."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from simulators.training.adversary import Adversary
from simulators.training.limited_angle import LimitedAnglePart
from simulators.training.part import Tensors
from toolbox.learned.weights import trained
from toolbox.tools.reconstruct import sartconvnet
from toolbox.tools.reconstruct import unetpp_gan as tool

if TYPE_CHECKING:
    import torch

ADVERSARIAL = 0.01  # weight beside what the slices lack of similarity
FIRST = "sartconvnet"


class Part(LimitedAnglePart):
    """Options as of every part of a limited angle. The generator's loss is theirs and what an
    adversary says of the result; the adversary learns beside it."""

    name = "unetpp_gan"
    tool = tool
    beside = (FIRST,)

    def network(self) -> torch.nn.Module:
        """Begun as SARTConvNet, whose U-Net is the outermost path of this one: what the nested
        blocks add begins with no weight."""
        network = tool.network()
        tool.begin(network, trained(FIRST, sartconvnet.network))
        return network

    def loss(self, network: torch.nn.Module, batch: Tensors) -> torch.Tensor:
        found = network(batch["looks"])
        self._adversary.learn(found.detach(), batch["truth"])
        return self.distance(found, batch) - ADVERSARIAL * self._adversary.praise(found)

    @cached_property
    def _adversary(self) -> Adversary:
        return Adversary()

    @property
    def helpers(self) -> dict[str, Any]:
        """The adversary and its optimiser, kept in the checkpoints."""
        return self._adversary.helpers

    def card(self) -> dict[str, Any]:
        return {
            "version": "0.1.0",
            "changelog": {"0.1.0": "begun from SARTConvNet 0.1.0, trained on one core of a CPU"},
            "task": "reconstruct slices from a limited angle",
            "intended_use": "absorption scans of 90 to 130 degrees; of specimens unlike those it "
            "learned from nearer than total variation by PSNR and not as near by SSIM; not where "
            "single pixels decide: what no view saw is guessed",
            **self.data(),
            "references": list(tool.UNetPlusPlusGAN.card.references),
            "differences": "one network on slices instead of one on sinograms and one on slices; "
            "total variation, SART and the missing directions as input; half the channels of "
            "UNet++ and a quarter in the nested blocks, without deep supervision, begun from "
            "SARTConvNet; structural similarity and square errors as loss beside a small weight "
            "of the adversary, which has a hinge loss and spectral normalisation",
        }
