"""RED-CNN with self-attention: slices of few photons → the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulators.training.low_dose import Image, LowDosePart
from toolbox.tools.denoise import red_cnn as tool
from toolbox.tools.denoise.neighbour_mean import neighbour_mean

if TYPE_CHECKING:
    import torch


class Part(LowDosePart):
    """Worlds, loss and measures are those of all parts that clean slices of few photons."""

    name = "red_cnn"
    clean = staticmethod(tool.clean)

    def network(self) -> torch.nn.Module:
        return tool.network()

    def seen(self, volume: Image, at: int) -> Image:
        return neighbour_mean(volume, at, tool.REACH)

    def example_slices(self) -> Image:
        return tool.REDCNN.example()[1]["volume"].values  # type: ignore[no-any-return]

    def card(self) -> dict[str, Any]:
        return {
            "version": "0.2.0",
            "changelog": {
                "0.1.0": "first weights, trained small on one busy CPU core",
                "0.2.0": "0.1.0 trained further, as long again",
            },
            "task": "take the noise of few photons out of reconstructed slices",
            "intended_use": "half-turn absorption scans with enough views and 100 to 4000 "
            "photons a pixel after filtered back-projection; not where single pixels decide",
            **self.data(),
            "references": list(tool.REDCNN.card.references),
            "differences": "a sixth of the channels; borders kept; neighbouring slices averaged; "
            "self-attention between encoder and decoder; log mean square of crops as loss; AdamW "
            "with a moving average",
            "licence": "Apache-2.0",
        }
