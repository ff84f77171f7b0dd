"""The image side in numpy: loading torch would take longer than an inspection may."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
SMALL = 1e-5  # that batch normalisation adds to the variance
LOOKS = 2  # pictures that show the scan, of planner.perception.network; others follow them


class Tower:
    """open_clip's ``ModifiedResNet`` of bottlenecks with attention at its end, twice (``tower``
    for the pictures that show the scan, ``gauge`` for those made of its pixels), and the layer
    behind them, by the names of their weights.

    He et al. 2016, CVPR (ResNet); Radford et al. 2021 (its changes). Held equal to open_clip's by a
    test.
    """

    def __init__(self, weights: Mapping[str, Array], heads: int) -> None:
        self.weights = {name: np.asarray(w, np.float32) for name, w in weights.items()}
        self.heads = heads

    def look(self, pictures: Array) -> Array:
        """``n, picture, panel, y, x`` → unit vectors ``n, SPACE``."""
        found = [self._seen(pictures[:, :LOOKS], "tower"), self._seen(pictures[:, LOOKS:], "gauge")]
        x = self._linear(np.concatenate(found, axis=1), "seen")
        return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True))

    def _seen(self, pictures: Array, name: str) -> Array:
        """``n, picture, panel, y, x`` → ``n, numbers of all pictures``."""
        x = pictures.reshape(-1, *pictures.shape[2:]).transpose(0, 2, 3, 1)  # n, y, x, channel
        x = self._attended(self._features(np.asarray(x, np.float32), name), name)
        return x.reshape(len(pictures), -1)

    def _features(self, x: Array, name: str) -> Array:
        for at in (1, 2, 3):
            x = _relu(self._conv(x, f"{name}.conv{at}", f"{name}.bn{at}", 2 if at == 1 else 1))
        x = _halved(x)
        layer = 1
        while f"{name}.layer{layer}.0.conv1.weight" in self.weights:
            block = 0
            while f"{name}.layer{layer}.{block}.conv1.weight" in self.weights:
                x = self._bottleneck(x, f"{name}.layer{layer}.{block}", layer > 1 and block == 0)
                block += 1
            layer += 1
        return x

    def _bottleneck(self, x: Array, name: str, halve: bool) -> Array:
        h = _relu(self._conv(x, f"{name}.conv1", f"{name}.bn1"))
        h = _relu(self._conv(h, f"{name}.conv2", f"{name}.bn2"))
        h = self._conv(_halved(h) if halve else h, f"{name}.conv3", f"{name}.bn3")
        if f"{name}.downsample.0.weight" in self.weights:
            x = self._conv(_halved(x) if halve else x, f"{name}.downsample.0",
                           f"{name}.downsample.1")  # fmt: skip
        return _relu(h + x)

    def _attended(self, x: Array, name: str) -> Array:
        """The places' mean asks all places; several heads."""
        n, places = len(x), x.reshape(len(x), -1, x.shape[-1])
        x = np.concatenate([places.mean(axis=1, keepdims=True), places], axis=1)
        x = x + self.weights[f"{name}.attnpool.positional_embedding"]
        q, k, v = (self._headed(y, f"{name}.attnpool.{p}_proj")
                   for y, p in ((x[:, :1], "q"), (x, "k"), (x, "v")))  # fmt: skip
        likeness = np.einsum("nqhc,nkhc->nhqk", q, k) / np.sqrt(q.shape[-1])
        share = np.exp(likeness - likeness.max(axis=-1, keepdims=True))
        share /= share.sum(axis=-1, keepdims=True)
        mixed = np.einsum("nhqk,nkhc->nqhc", share, v).reshape(n, -1)
        return self._linear(mixed, f"{name}.attnpool.c_proj")

    def _headed(self, x: Array, name: str) -> Array:
        """``n, place, head, channel``."""
        return self._linear(x, name).reshape(*x.shape[:2], self.heads, -1)

    def _linear(self, x: Array, name: str) -> Array:
        return np.asarray(x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"])

    def _conv(self, x: Array, name: str, norm: str, step: int = 1) -> Array:
        """A convolution that keeps the size (by step), with the batch normalisation after it."""
        w = self.weights
        scale = w[f"{norm}.weight"] / np.sqrt(w[f"{norm}.running_var"] + SMALL)
        kernel = w[f"{name}.weight"] * scale[:, None, None, None]  # out, in, y, x
        side = kernel.shape[-1] // 2
        padded = np.pad(x, ((0, 0), (side, side), (side, side), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[2:], axis=(1, 2))
        windows = windows[:, ::step, ::step]  # n, y, x, in, ky, kx
        flat = windows.reshape(-1, kernel[0].size) @ kernel.reshape(len(kernel), -1).T
        shift = w[f"{norm}.bias"] - w[f"{norm}.running_mean"] * scale
        return np.asarray(flat.reshape(*windows.shape[:3], -1) + shift)


def _relu(x: Array) -> Array:
    return np.asarray(np.maximum(x, 0))


def _halved(x: Array) -> Array:
    """Means over 2 × 2 places."""
    n, height, width, channels = x.shape
    return x.reshape(n, height // 2, 2, width // 2, 2, channels).mean(axis=(2, 4))
