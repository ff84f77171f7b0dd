"""Weights from files into networks, checked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from metadata.errors import WorkError
from toolbox.devices import torch_device
from toolbox.learned.model_card import ModelCard, weights_folder

if TYPE_CHECKING:
    import torch


def trained(name: str, make: Callable[[], torch.nn.Module]) -> torch.nn.Module:
    """The network ``make()`` with the weights of model ``name``, on the device that work may use
    here, ready to infer; kept in memory. Raises :class:`WorkError` where the file is missing or
    is not the one that the model card was written for."""
    path = weights_folder() / f"{name}.safetensors"
    if not path.exists():
        raise WorkError(
            f"The weights of {name} are missing ({path}). Install tomoplan whole, or train them: "
            f"tomoplan train {name}."
        )
    return _trained(path, path.stat().st_mtime_ns, make, torch_device())


@lru_cache(maxsize=8)
def _trained(
    path: Path, changed: int, make: Callable[[], torch.nn.Module], device: str
) -> torch.nn.Module:
    import torch
    from safetensors.torch import load

    data = path.read_bytes()
    wanted = ModelCard.of(path.stem).weights.get(path.name)
    found = hashlib.sha256(data).hexdigest()
    if wanted != found:
        raise WorkError(
            f"The weights {path} have the checksum {found[:12]}…, their card says "
            f"{(wanted or 'nothing')[:12]}…: one of the two was changed. Restore both, or train "
            f"again: tomoplan train {path.stem}."
        )
    network = make()
    network.load_state_dict(load(data))
    network = network.eval().requires_grad_(False).to(device)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def infer(network: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    """The network on images ``n, channel, y, x`` in mixed precision (bfloat16), float32 out.

    Sums in another order change the last digits of bfloat16: call it with the same shapes where
    results have to be the same.
    """
    import torch

    kind = next(network.parameters()).device.type
    images = images.to(kind).to(memory_format=torch.channels_last)
    with torch.inference_mode(), torch.autocast(kind, torch.bfloat16):
        return network(images).float()
