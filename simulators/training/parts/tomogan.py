"""TomoGAN: slices of few photons → the truth, learned with an adversary."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from simulators.training.adversary import Adversary
from simulators.training.low_dose import Image, LowDosePart
from simulators.training.part import Tensors
from toolbox.tools.denoise import fbpconvnet
from toolbox.tools.denoise import tomogan as tool
from toolbox.tools.denoise.neighbour_mean import neighbour_mean

if TYPE_CHECKING:
    import torch

PERCEPTUAL, ADVERSARIAL = 0.02, 0.003  # weights beside the logarithm of the square error
LOOKED_AT, CROPS = 64, 2  # px of how many crops of a batch the two look at


class Part(LowDosePart):
    """The generator's loss is that of the square error, the distance of features, and what an
    adversary says of the result; the adversary learns beside it."""

    name = "tomogan"
    clean = staticmethod(tool.clean)

    def network(self) -> torch.nn.Module:
        """Begun as FBPConvNet."""
        network = tool.network()
        network.load_state_dict(self._looking.state_dict())
        return network

    def seen(self, volume: Image, at: int) -> Image:
        return neighbour_mean(volume, at, tool.REACH)

    def example_slices(self) -> Image:
        return tool.TomoGAN.example()[1]["volume"].values  # type: ignore[no-any-return]

    # ---- learning --------------------------------------------------------------------------

    def loss(self, network: torch.nn.Module, batch: Tensors) -> torch.Tensor:
        found = network(batch["slices"])
        truth = batch["truth"]
        seen, true = (v[:CROPS, :, :LOOKED_AT, :LOOKED_AT] for v in (found, truth))
        self._adversary.learn(seen.detach(), true)
        loss = self.distance(found, truth) - ADVERSARIAL * self._adversary.praise(seen)
        return loss + PERCEPTUAL * self._features_apart(seen, true)

    @cached_property
    def _adversary(self) -> Adversary:
        return Adversary()

    @property
    def helpers(self) -> dict[str, Any]:
        """The adversary and its optimiser, kept in the checkpoints."""
        return self._adversary.helpers

    def _features_apart(self, found: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
        """Mean square distance of what FBPConvNet's first three levels see in both, over the
        mean square of what they see in the truth."""
        import torch

        with torch.no_grad():
            wanted = self._levels(true)
        total = torch.zeros((), device=found.device)
        for own, other in zip(self._levels(found), wanted, strict=True):
            power = (other.float() ** 2).mean() + 1e-6
            total = total + ((own.float() - other.float()) ** 2).mean() / power
        return total / 3

    def _levels(self, image: torch.Tensor) -> list[torch.Tensor]:
        from torch.nn.functional import max_pool2d

        h, found = image, []
        for level, block in enumerate(self._looking.down[:3]):  # type: ignore[index, union-attr]
            h = block(max_pool2d(h, 2) if level else h)
            found.append(h)
        return found

    @cached_property
    def _looking(self) -> torch.nn.Module:
        from toolbox.learned.weights import trained

        return trained("fbpconvnet", fbpconvnet.network)

    def card(self) -> dict[str, Any]:
        return {
            "version": "0.2.0",
            "changelog": {
                "0.1.0": "FBPConvNet's weights trained further on slices of few photons, on half "
                "a core of a CPU; neighbouring slices as channels, which were hardly used",
                "0.2.0": "0.1.0 trained further on means over neighbouring slices; turned copies "
                "averaged",
            },
            "task": "take the noise of few photons out of reconstructed slices",
            "intended_use": "half-turn absorption scans with enough views and 100 to 4000 "
            "photons a pixel after filtered back-projection; not where single pixels decide",
            **self.data(),
            "references": list(tool.TomoGAN.card.references),
            "differences": "neighbouring slices averaged where they are alike; the U-Net of "
            "FBPConvNet, begun with its weights; log mean square of crops; its features "
            "instead of those of VGG; hinge loss and spectral normalisation instead of a "
            "Wasserstein distance with gradient penalty; small weights of both; AdamW with a "
            "moving average",
            "licence": "Apache-2.0",
        }
