"""The frozen encoder over many texts at once, by torch in short floats: three times as quick."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.language.encoder import Encoder, Seen, framed

BATCH = 48  # texts


def read_all(encoder: Encoder, texts: Sequence[str]) -> list[Seen]:
    """What `encoder.read` gives for each text, to about three digits."""
    import torch

    cut = [encoder.pieces(text) for text in texts]
    tensors = {name: torch.from_numpy(t).bfloat16() for name, t in encoder.tensors.items()}
    order = sorted(range(len(texts)), key=lambda place: len(cut[place]))
    found: dict[int, Seen] = {}
    with torch.no_grad():
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            numbers = [framed(cut[place]) for place in chosen]
            states = _states(encoder, tensors, numbers)
            for row, place in enumerate(chosen):
                found[place] = Seen(cut[place], states[row, 1 : len(cut[place]) + 1])
    return [found[place] for place in range(len(texts))]


def _states(encoder: Encoder, t: dict[str, Any], numbers: list[list[int]]) -> NDArray[np.float32]:
    import torch
    from torch.nn import functional

    longest = max(map(len, numbers))
    inside = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in numbers]).bool()
    filled = [row + [0] * (longest - len(row)) for row in numbers]
    x = torch.from_numpy(encoder.embedded(np.array(filled))).bfloat16()
    size = encoder.width // encoder.heads
    blocked = torch.where(inside, 0.0, float("-inf")).bfloat16()[:, None, None]

    def linear(x: Any, name: str) -> Any:
        return functional.linear(x, t[name + ".w"].T, t[name + ".b"])

    def normal(x: Any, name: str) -> Any:
        return functional.layer_norm(
            x, (encoder.width,), t[name + ".w"], t[name + ".b"], encoder.slack
        )

    for layer in range(encoder.layers):
        name = f"l{layer}."
        q, k, v = (
            linear(x, name + part).view(*x.shape[:2], encoder.heads, size).transpose(1, 2)
            for part in "qkv"
        )
        seen = functional.scaled_dot_product_attention(q, k, v, blocked)
        x = normal(x + linear(seen.transpose(1, 2).reshape(x.shape), name + "ao"), name + "aln")
        wide = functional.gelu(linear(x, name + "fi"))
        x = normal(x + linear(wide, name + "fo"), name + "oln")
    states: NDArray[np.float32] = x.float().numpy()
    return states
