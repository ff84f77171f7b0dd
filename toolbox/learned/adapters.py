"""Adapters that somebody trained over a backbone: the network, and what was kept of it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError, WorkError
from metadata.store_file import default_store_path
from toolbox.kinds import Domain
from toolbox.learned import backbone

if TYPE_CHECKING:
    import torch

START = "adapter_start"  # the model that says where adapters of slices begin
RANK = 8  # channels of an adapter's bottleneck
LORA_RANK = 2  # of what LoRA adds to the kernels of a convolution
HEAD = 32  # channels of the head
NEVER = -1e4  # logit of a class that no pixel shows
TILE, OVERLAP = 512, 64
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
CARD = {"name": str, "backbone": str, "backbone_sha256": str, "sha256": str, "values": list,
        "metrics": dict, "suits": dict, "data_source": str, "summary": str,
        "version": str}  # fmt: skip
Image = NDArray[np.float32]


# ---- the network ---------------------------------------------------------------------------------


class Tuning(StrEnum):
    """What is learned over a frozen backbone, beside a head; all of it adds nothing at first.

    ``adapters``: after each stage a bottleneck of 1 × 1 convolutions (Houlsby et al. 2019, ICML,
    2790). ``prompts``: one value for each channel after each stage, visual prompts that are added
    instead of put beside the image, since slices have any size (the variant "Add" of Jia et al.
    2022, ECCV, 709). ``lora``: a change of rank 2 of the kernels of each convolution of the blocks
    (Hu et al. 2022, ICLR). ``both``: adapters and LoRA.
    """

    ADAPTERS = "adapters"
    PROMPTS = "prompts"
    LORA = "lora"
    BOTH = "both"


TUNING = Tuning.ADAPTERS


def network(
    classes: int, base: torch.nn.Module | None = None, tuning: Tuning = TUNING
) -> torch.nn.Module:
    """A backbone (a fresh one where ``base`` is none) with adapters and a head: images
    ``n, 1, y, x`` → logits ``n, classes, y, x``.

    ``tuning`` says what the adapters are. peft brings all of transformers with it for the ten
    lines of LoRA, and has no adapters of whole stages. The head is two 3 × 3 convolutions and one
    of 1 × 1.
    """
    from torch import nn

    after = {Tuning.ADAPTERS: _bottleneck, Tuning.BOTH: _bottleneck, Tuning.PROMPTS: _prompt}

    class Adapted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            bare = base if base is not None else backbone.network()
            self.lora = nn.ModuleList(
                _low_ranks(bare) if tuning in (Tuning.LORA, Tuning.BOTH) else ()
            )
            self.backbone = bare
            self.adapters = nn.ModuleList(
                after[tuning](width) for width in backbone.STAGES if tuning in after
            )
            self.head = nn.Sequential(*_head(), nn.Conv2d(HEAD, classes, 1))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            features: Any = self.backbone.features  # type: ignore[union-attr]
            return self.head(features(backbone.shown(images), tuple(self.adapters)))

    return Adapted()


def start() -> torch.nn.Module:
    """Where adapters may begin: adapters and head as in :func:`network`, without its last layer.
    ``embed(base, images)`` gives what they make of images ``n, 1, y, x`` over a backbone,
    ``n, HEAD, y, x``; there a class lies about the mean of its pixels (prototypical networks:
    Snell, Swersky & Zemel 2017, NIPS, 4077), and ``sharpness`` says how near."""
    import torch
    from torch import nn

    class Start(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.adapters = nn.ModuleList(_bottleneck(width) for width in backbone.STAGES)
            self.head = nn.Sequential(*_head())
            self.sharpness = nn.Parameter(torch.zeros(1))  # logarithm

        def embed(self, base: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
            features: Any = base.features
            found: torch.Tensor = self.head(features(backbone.shown(images), tuple(self.adapters)))
            return found

    return Start()


def last_layer(
    embedded: torch.Tensor, said: torch.Tensor, classes: int, sharpness: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights ``class, channel`` and biases of the last layer that tells classes by how far a pixel
    lies from the mean of each, up to what all classes share: −s |f − p|² = 2 s p·f − s |p|² + ….
    ``embedded``: pixels ``n, channel``; ``said``: their classes (others than 0 to ``classes`` − 1
    are left out). A class of no pixel gets a bias that keeps it out."""
    import torch

    known = [embedded[said == number] for number in range(classes)]
    means = torch.stack([k.mean(0) if len(k) else embedded.new_zeros(HEAD) for k in known])
    there = torch.tensor([len(k) > 0 for k in known], device=embedded.device)
    s = sharpness.exp()
    biases = torch.where(there, -s * (means**2).sum(1), embedded.new_tensor(NEVER))
    return 2 * s * means, biases


def _bottleneck(width: int) -> torch.nn.Module:
    from torch import nn

    up = nn.Conv2d(RANK, width, 1)
    nn.init.zeros_(up.weight)
    nn.init.zeros_(up.bias)  # type: ignore[arg-type]
    return nn.Sequential(nn.Conv2d(width, RANK, 1), nn.GELU(), up)


def _prompt(width: int) -> torch.nn.Module:
    import torch
    from torch import nn

    class Prompt(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.values = nn.Parameter(torch.zeros(1, width, 1, 1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.values

    return Prompt()


def _low_ranks(base: torch.nn.Module) -> list[torch.nn.Module]:
    """Changes of low rank, put into each convolution of the blocks of a backbone."""
    import torch
    from torch import nn
    from torch.nn.utils import parametrize

    class LowRank(nn.Module):
        """Kernels ``out, in, y, x`` plus up · down."""

        def __init__(self, kernels: torch.Tensor) -> None:
            super().__init__()
            outside, *rest = kernels.shape
            self.down = nn.Parameter(torch.randn(LORA_RANK, *rest) / np.sqrt(np.prod(rest)))
            self.up = nn.Parameter(torch.zeros(outside, LORA_RANK))

        def forward(self, kernels: torch.Tensor) -> torch.Tensor:
            return kernels + torch.einsum("or,riyx->oiyx", self.up, self.down)

    found: list[torch.nn.Module] = []
    for stage in (*base.down, *base.up):  # type: ignore[misc]
        for layer in [m for m in stage.modules() if isinstance(m, nn.Conv2d)]:
            found.append(LowRank(layer.weight))
            parametrize.register_parametrization(layer, "weight", found[-1])
    return found


def _head() -> list[torch.nn.Module]:
    from torch import nn

    return [nn.Conv2d(backbone.FEATURES, HEAD, 3, padding=1), nn.GELU(),
            nn.Conv2d(HEAD, HEAD, 3, padding=1), nn.GELU()]  # fmt: skip


def light(net: torch.nn.Module) -> dict[str, torch.nn.Parameter]:
    """The parameters of adapters and head, by name: what is trained and kept."""
    return {n: p for n, p in net.named_parameters() if not n.startswith("backbone.")}


def kept(net: torch.nn.Module, whole: bool) -> dict[str, torch.nn.Parameter]:
    """What is trained and kept: the light parameters, or with ``whole`` the backbone's too."""
    return dict(net.named_parameters()) if whole else light(net)


def shares(net: torch.nn.Module, image: Image) -> Image:
    """The part of each class in each pixel of a slice ``y, x``, axes ``class, y, x``."""
    import torch

    from toolbox.learned.grey_levels import grey_levels
    from toolbox.learned.tiles import tiled
    from toolbox.learned.weights import infer

    level, spread = grey_levels(np.nan_to_num(image))
    scaled = np.clip((np.nan_to_num(image) - level) / spread, -30, 30).astype(np.float32)
    seen: dict[bytes, Image] = {}  # tiles come once for each class

    def of_class(number: int) -> Image:
        def process(part: Image) -> Image:
            key = hashlib.sha256(part.tobytes()).digest()
            if key not in seen:
                found = infer(net, torch.from_numpy(part)[None, None])
                seen[key] = found.softmax(dim=1)[0].cpu().numpy()
            return seen[key][number]

        return tiled(scaled, process, TILE, OVERLAP, backbone.MULTIPLE)

    count = net.head[-1].out_channels  # type: ignore[index, union-attr]
    return np.stack([of_class(number) for number in range(int(count))])  # type: ignore[arg-type]


def frozen_backbone(domain: str) -> torch.nn.Module:
    """The backbone of a domain with its published weights. Raises InputError for a domain that
    there is none of, WorkError where its weights were not trained or were changed."""
    from toolbox.learned.model_card import weights_folder
    from toolbox.learned.weights import trained

    if domain not in backbone.DOMAINS:
        raise InputError(
            f"There is no backbone for {domain!r}; expected one of {', '.join(backbone.DOMAINS)}."
        )
    if not (weights_folder() / f"backbone_{domain}.safetensors").exists():
        there = [d for d in backbone.DOMAINS
                 if (weights_folder() / f"backbone_{d}.safetensors").exists()]  # fmt: skip
        raise WorkError(
            f"The backbone of the {domain} domain has no weights yet (there are some for: "
            f"{', '.join(there) or 'none'}). Train it first: tomoplan train backbone_{domain}."
        )
    return trained(f"backbone_{domain}", backbone.network)


def adapter_start(domain: str, tuning: Tuning = TUNING) -> torch.nn.Module | None:
    """Where adapters over the backbone of a domain begin (:func:`start`); None where nothing was
    learned of that, or over another version of the backbone, or where no adapters are learned."""
    if tuning not in (Tuning.ADAPTERS, Tuning.BOTH):
        return None
    from toolbox.learned.model_card import ModelCard, model_card
    from toolbox.learned.weights import trained

    backbones = ModelCard.of(f"backbone_{domain}").weights.values()
    if model_card(START).get("backbone_sha256") not in backbones:
        return None
    return trained(START, start)


# ---- what was trained ----------------------------------------------------------------------------


def adapters_folder() -> Path:
    """Where trained adapters lie: ``adapters`` beside the store (``TOMOPLAN_HOME``)."""
    return default_store_path().parent / "adapters"


def adapted(name: str, folder: Path) -> torch.nn.Module:
    """A trained adapter over its backbone, ready to infer; kept in memory. Raises
    :class:`WorkError` where weights, card or backbone are not those that belong together."""
    from toolbox.devices import torch_device

    path = folder / f"{name}.safetensors"
    data = checked_weights(path, read_card(path.with_suffix(".json")))
    return _adapted(path, data, torch_device())


@lru_cache(maxsize=4)
def _adapted(path: Path, data: bytes, device: str) -> torch.nn.Module:
    import copy

    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load

    from toolbox.learned.model_card import ModelCard

    card = read_card(path.with_suffix(".json"))
    base = frozen_backbone(card["backbone"])
    known = ModelCard.of(f"backbone_{card['backbone']}").weights
    if card["backbone_sha256"] not in known.values():
        raise WorkError(
            f"The adapter {path.stem} was trained on another version of the {card['backbone']} "
            f"backbone than the one that is installed. {_again(path)}"
        )
    net = network(len(card["values"]), copy.deepcopy(base), tuning_of(card))
    try:
        tensors = load(data)
    except SafetensorError as error:
        raise WorkError(f"The weights {path} hold no tensors ({error}). {_again(path)}") from None
    whole = card["backbone"] != Domain.RECONSTRUCTION
    wanted = {name: p.shape for name, p in kept(net, whole).items()}
    if {name: tensor.shape for name, tensor in tensors.items()} != wanted:
        raise WorkError(f"The weights {path} are those of another network. {_again(path)}")
    net.load_state_dict({n: t.float() for n, t in tensors.items()}, strict=False)
    net = net.eval().requires_grad_(False).to(device)
    return net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def tuning_of(card: Mapping[str, Any]) -> Tuning:
    """What an adapter's card says was learned; older ones say nothing."""
    return Tuning(card.get("tuning", TUNING))


def checked_weights(path: Path, card: dict[str, Any]) -> bytes:
    """The file of an adapter's weights; :class:`WorkError` where it is missing or not the one that
    the card was written for."""
    try:
        data = path.read_bytes()
    except OSError:
        raise WorkError(
            f"The weights of the adapter {path.stem} are missing ({path}). {_again(path)}"
        ) from None
    if hashlib.sha256(data).hexdigest() != card["sha256"]:
        raise WorkError(
            f"The weights {path} are not those that their card was written for: one of the two was "
            f"changed. {_again(path)}"
        )
    return data


def _again(path: Path) -> str:
    return (
        f"Train it again (tomoplan train adapter --name {path.stem}), or delete "
        f"{path.with_suffix('.json')}."
    )


def read_card(path: Path) -> dict[str, Any]:
    """The card of an adapter; raises :class:`WorkError` naming all that is wrong with it."""
    way_out = "Train the adapter again (tomoplan train adapter), or delete the file."
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WorkError(
            f"The card of an adapter {path} cannot be read: {error}. {way_out}"
        ) from None
    problems = ["it is no mapping"] if not isinstance(card, dict) else [
        f"{field} is {card.get(field)!r}" for field, kind in CARD.items()
        if not isinstance(card.get(field), kind)
    ]  # fmt: skip
    if not problems:
        values, suits = card["values"], card["suits"].values()
        if card["name"] != path.stem or not NAME.fullmatch(path.stem):
            problems.append(f"name is {card['name']!r}")
        if len(values) < 2 or not all(isinstance(v, int) and 0 <= v <= 255 for v in values):
            problems.append(f"values is {values!r}")
        if card.get("tuning", TUNING) not in list(Tuning):
            problems.append(f"tuning is {card['tuning']!r}")
        if card["backbone"] not in backbone.DOMAINS:
            problems.append(f"backbone is {card['backbone']!r}")
        if not all(isinstance(m, int | float) for m in card["metrics"].values()):
            problems.append(f"metrics is {card['metrics']!r}")
        if not all(isinstance(s, list) and len(s) == 2 for s in suits):
            problems.append(f"suits is {card['suits']!r}")
    if problems:
        raise WorkError(
            f"The card of an adapter {path} is damaged: {'; '.join(problems)}. {way_out}"
        )
    return dict(card)
