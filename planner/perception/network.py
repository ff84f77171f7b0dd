"""The image-text network: pictures and sentences in one space."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.perception.pictures import SIDE

if TYPE_CHECKING:
    import torch

WIDTH, HEADS, LAYERS = 14, 7, (1, 2, 2, 1)
SEEN = 192  # numbers for a picture
SPACE = 128  # numbers of the common space
MEANING = 384  # of a sentence: planner.language.features.EMBEDDING
HIDDEN = 256


def network(tower: torch.nn.Module | None = None) -> torch.nn.Module:
    """CLIP (Radford et al. 2021) of a small ResNet tower, which sees the whole and the detail one
    after the other, and two layers over frozen multilingual sentence embeddings.

    ``tower``: pictures ``n, panel, y, x`` → ``n, SEEN``; None: :func:`image_tower`, which is
    open_clip's without its imports.
    """
    import torch
    from torch import nn

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tower = image_tower() if tower is None else tower
            self.seen = nn.Linear(2 * SEEN, SPACE)
            self.meant = nn.Sequential(
                nn.Linear(MEANING, HIDDEN), nn.GELU(), nn.LayerNorm(HIDDEN),
                nn.Linear(HIDDEN, SPACE),
            )  # fmt: skip
            self.scale = nn.Parameter(torch.tensor(2.7))  # log

        def look(self, pictures: torch.Tensor) -> torch.Tensor:
            """``n, picture, panel, y, x`` → unit vectors ``n, SPACE``."""
            some = pictures.flatten(0, 1).to(memory_format=torch.channels_last)
            found = self.tower(some).unflatten(0, (-1, 2)).flatten(1)
            return nn.functional.normalize(self.seen(found).float(), dim=-1)

        def read(self, meaning: torch.Tensor) -> torch.Tensor:
            """Sentence embeddings ``…, MEANING`` → unit vectors ``…, SPACE``."""
            return nn.functional.normalize(self.meant(meaning).float(), dim=-1)

    return Network()


def open_clip_tower() -> torch.nn.Module:
    """The image tower as open_clip builds it, for training."""
    from open_clip.modified_resnet import ModifiedResNet

    return ModifiedResNet(list(LAYERS), SEEN, HEADS, SIDE, WIDTH)


def image_tower() -> torch.nn.Module:
    """The same network with the same names of weights, from torch alone: importing open_clip
    takes longer than a plan may."""
    import torch
    from torch import nn

    def block(inside: int, planes: int, stride: int) -> nn.Module:
        return _Bottleneck(inside, planes, stride)

    class _Bottleneck(nn.Module):
        def __init__(self, inside: int, planes: int, stride: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(inside, planes, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(planes)
            self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(planes)
            self.avgpool = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
            self.conv3 = nn.Conv2d(planes, 4 * planes, 1, bias=False)
            self.bn3 = nn.BatchNorm2d(4 * planes)
            self.downsample: nn.Module | None = None
            if stride > 1 or inside != 4 * planes:
                self.downsample = nn.Sequential()
                self.downsample.add_module("-1", nn.AvgPool2d(stride))
                self.downsample.add_module("0", nn.Conv2d(inside, 4 * planes, 1, bias=False))
                self.downsample.add_module("1", nn.BatchNorm2d(4 * planes))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            h = self.bn1(self.conv1(x)).relu()
            h = self.bn3(self.conv3(self.avgpool(self.bn2(self.conv2(h)).relu())))
            return (h + (x if self.downsample is None else self.downsample(x))).relu()

    class AttentionPool(nn.Module):
        def __init__(self, side: int, size: int) -> None:
            super().__init__()
            self.positional_embedding = nn.Parameter(torch.randn(side**2 + 1, size) / size**0.5)
            self.q_proj, self.k_proj, self.v_proj = (nn.Linear(size, size) for _ in range(3))
            self.c_proj = nn.Linear(size, SEEN)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = x.flatten(2).transpose(1, 2)  # n, place, channel
            x = torch.cat([x.mean(1, keepdim=True), x], 1) + self.positional_embedding.to(x.dtype)
            q, k, v = (f(x).unflatten(-1, (HEADS, -1)).transpose(1, 2)
                       for f in (self.q_proj, self.k_proj, self.v_proj))  # fmt: skip
            mixed = nn.functional.scaled_dot_product_attention(q[:, :, :1], k, v)
            return self.c_proj(mixed.transpose(1, 2).flatten(2)[:, 0])

    class Tower(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            half = WIDTH // 2
            for at, (inside, outside, stride) in enumerate(
                ((3, half, 2), (half, half, 1), (half, WIDTH, 1)), 1
            ):
                conv = nn.Conv2d(inside, outside, 3, stride, padding=1, bias=False)
                setattr(self, f"conv{at}", conv)
                setattr(self, f"bn{at}", nn.BatchNorm2d(outside))
            self.avgpool = nn.AvgPool2d(2)
            inside = WIDTH
            for at, count in enumerate(LAYERS):
                planes = WIDTH * 2**at
                blocks = [block(inside, planes, 1 if at == 0 else 2)]
                blocks += [block(4 * planes, planes, 1) for _ in range(count - 1)]
                setattr(self, f"layer{at + 1}", nn.Sequential(*blocks))
                inside = 4 * planes
            self.attnpool = AttentionPool(SIDE // 32, inside)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for at in (1, 2, 3):
                x = getattr(self, f"bn{at}")(getattr(self, f"conv{at}")(x)).relu()
            x = self.avgpool(x)
            for at in range(len(LAYERS)):
                x = getattr(self, f"layer{at + 1}")(x)
            return self.attnpool(x)

    return Tower()
