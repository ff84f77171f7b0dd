"""An adversary: a small network that tells truths from results and learns beside the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

CHANNELS = (16, 32, 64, 64)
RATE = 4e-4


class Adversary:
    """Patches of images ``n, 1, y, x``, judged with a hinge loss: above 1 for the truth, below −1
    for results; spectral normalisation (Miyato et al. 2018, ICLR) keeps it smooth."""

    def __init__(self) -> None:
        import torch
        from torch import nn
        from torch.nn.utils.parametrizations import spectral_norm

        layers: list[nn.Module] = []
        inside = 1
        for channels in CHANNELS:
            layers += [spectral_norm(nn.Conv2d(inside, channels, 4, 2, 1)), nn.LeakyReLU(0.2)]
            inside = channels
        critic = nn.Sequential(*layers, spectral_norm(nn.Conv2d(inside, 1, 1)))
        device = "cuda" if torch.cuda.is_available() else "cpu"
        self._critic = critic.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._optimiser = torch.optim.Adam(self._critic.parameters(), RATE, betas=(0.5, 0.9))

    @property
    def helpers(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"critic": self._critic, "critic_optimiser": self._optimiser}

    def learn(self, found: torch.Tensor, true: torch.Tensor) -> None:
        """One step, from results and truths."""
        import torch

        self._critic.requires_grad_(True)
        said = self._critic(torch.cat([true, found.to(true.dtype)])).float()
        real, made = said.chunk(2)
        loss = (1 - real).clamp(min=0).mean() + (1 + made).clamp(min=0).mean()
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self._optimiser.step()

    def praise(self, found: torch.Tensor) -> torch.Tensor:
        """How true it finds results, from which they learn and it does not."""
        said: torch.Tensor = self._critic.requires_grad_(False)(found)
        return said.float().mean()
