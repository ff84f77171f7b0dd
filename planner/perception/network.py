"""The image-text network as it is trained: pictures and sentences in one space."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.perception.gauges import SIDE
from planner.perception.shown import SHOWN

if TYPE_CHECKING:
    import torch

HEADS, LAYERS = 8, (1, 1, 1, 1)
LOOKS, GAUGES = 2, 2  # pictures that show the scan, and that show what was made of its pixels
WIDTH, SEEN = 16, 192  # of the network for the former, and its numbers for a picture
GAUGE_WIDTH, GAUGED = 8, 96  # of that for the latter
SPACE = 128  # numbers of the common space
MEANING = 384  # of a sentence: planner.language.features.EMBEDDING
HIDDEN = 256
RARE = -1.6  # log odds of a condition before anything is seen


def network() -> torch.nn.Module:
    """CLIP (Radford et al. 2021) of two of open_clip's ResNets, of which one sees the whole and the
    detail one after the other and the smaller one what was made of single pixels, and two layers
    over frozen multilingual sentence embeddings.

    Beside what is learned it keeps what use needs and sentences decide: ``directions`` from a
    condition's absence to its presence, ``slope`` and ``offset`` that make odds of the way along
    them. :mod:`planner.perception.tower` is the image side without torch.
    """
    import torch
    from open_clip.modified_resnet import ModifiedResNet
    from torch import nn

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tower = ModifiedResNet(list(LAYERS), SEEN, HEADS, SIDE, WIDTH)
            self.gauge = ModifiedResNet(list(LAYERS), GAUGED, HEADS, SIDE, GAUGE_WIDTH)
            self.seen = nn.Linear(LOOKS * SEEN + GAUGES * GAUGED, SPACE)
            self.meant = nn.Sequential(
                nn.Linear(MEANING, HIDDEN), nn.GELU(), nn.LayerNorm(HIDDEN),
                nn.Linear(HIDDEN, SPACE),
            )  # fmt: skip
            self.scale = nn.Parameter(torch.tensor(2.7))  # log
            self.rarity = nn.Parameter(torch.full((len(SHOWN),), RARE))
            self.register_buffer("directions", torch.zeros(len(SHOWN), SPACE))
            self.register_buffer("slope", torch.ones(len(SHOWN)))
            self.register_buffer("offset", torch.zeros(len(SHOWN)))

        def look(self, pictures: torch.Tensor) -> torch.Tensor:
            """``n, picture, panel, y, x`` → unit vectors ``n, SPACE``."""
            found = [self._seen(self.tower, pictures[:, :LOOKS]),
                     self._seen(self.gauge, pictures[:, LOOKS:])]  # fmt: skip
            return nn.functional.normalize(self.seen(torch.cat(found, 1)).float(), dim=-1)

        @staticmethod
        def _seen(tower: nn.Module, pictures: torch.Tensor) -> torch.Tensor:
            some = pictures.flatten(0, 1).contiguous(memory_format=torch.channels_last)
            return tower(some).unflatten(0, (len(pictures), -1)).flatten(1)

        def read(self, meaning: torch.Tensor) -> torch.Tensor:
            """Sentence embeddings ``…, MEANING`` → unit vectors ``…, SPACE``."""
            return nn.functional.normalize(self.meant(meaning).float(), dim=-1)

    return Network()
