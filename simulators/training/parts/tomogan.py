"""TomoGAN: slices of few photons → the truth, learned with an adversary."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from simulators.training.low_dose import Image, LowDosePart
from simulators.training.part import Tensors
from toolbox.tools.denoise import fbpconvnet
from toolbox.tools.denoise import tomogan as tool
from toolbox.tools.denoise.neighbour_mean import neighbour_mean

if TYPE_CHECKING:
    import torch

PERCEPTUAL, ADVERSARIAL = 0.02, 0.003  # weights beside the logarithm of the square error
LOOKED_AT, CROPS = 64, 2  # px of how many crops of a batch the two look at
CRITIC_CHANNELS = (16, 32, 64, 64)
CRITIC_RATE = 4e-4


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
        self._teach(seen.detach(), true)
        critic = self.helpers["critic"].requires_grad_(False)
        loss = self.distance(found, truth) - ADVERSARIAL * critic(seen).float().mean()
        return loss + PERCEPTUAL * self._features_apart(seen, true)

    def _teach(self, found: torch.Tensor, true: torch.Tensor) -> None:
        """One step of the adversary: above 1 for the truth, below −1 for results."""
        import torch

        critic, optimiser = self.helpers["critic"], self.helpers["critic_optimiser"]
        critic.requires_grad_(True)
        said = critic(torch.cat([true, found.to(true.dtype)])).float()
        real, made = said.chunk(2)
        loss = (1 - real).clamp(min=0).mean() + (1 + made).clamp(min=0).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()

    @cached_property
    def helpers(self) -> dict[str, Any]:
        """The adversary and its optimiser, kept in the checkpoints."""
        import torch
        from torch import nn
        from torch.nn.utils.parametrizations import spectral_norm

        layers: list[nn.Module] = []
        inside = 1
        for channels in CRITIC_CHANNELS:
            layers += [spectral_norm(nn.Conv2d(inside, channels, 4, 2, 1)), nn.LeakyReLU(0.2)]
            inside = channels
        critic = nn.Sequential(*layers, spectral_norm(nn.Conv2d(inside, 1, 1)))
        device = "cuda" if torch.cuda.is_available() else "cpu"
        critic = critic.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimiser = torch.optim.Adam(critic.parameters(), CRITIC_RATE, betas=(0.5, 0.9))
        return {"critic": critic, "critic_optimiser": optimiser}

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
