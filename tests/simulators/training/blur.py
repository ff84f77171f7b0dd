"""A part that is learned in seconds: which 3 × 3 kernel blurred an image."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from simulators.training import Arrays, Measured, Tensors, train

KERNEL = np.array([[0, 1, 0], [1, 4, 1], [0, 1, 0]], np.float32) / 8
OPTIONS: dict[str, Any] = {"size": 10, "slow": 0.0, "plateau": False}


class Part:
    """Options: ``size`` px, ``slow`` seconds a loss takes, ``plateau``: a score that never gets
    better."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = OPTIONS | options

    def example(self, rng: np.random.Generator) -> Arrays:
        image = rng.normal(size=(self.options["size"],) * 2).astype(np.float32)
        return {"image": image, "blurred": blurred(image)}

    def batch(self, examples: Sequence[Arrays], rng: np.random.Generator) -> Arrays:
        sign = np.float32(rng.choice([-1, 1]))
        return {name: sign * np.stack([e[name] for e in examples])[:, None]
                for name in ("image", "blurred")}  # fmt: skip

    def network(self) -> Any:
        from torch import nn

        return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 1, 1))

    def loss(self, network: Any, batch: Tensors) -> Any:
        time.sleep(self.options["slow"])
        return ((network(batch["image"]) - batch["blurred"]).float() ** 2).mean()

    def validate(self, network: Any) -> dict[str, float]:
        return {"score": 0.0 if self.options["plateau"] else -self._error(network)}

    def measure(self, network: Any) -> Measured:
        error = self._error(network)
        spread = float(np.mean(np.square(self._known()["blurred"])))
        row = {"world": "noise", "conventional": "nothing", "gain": spread - error}
        image = self._known()["image"][:1]
        reference = {"input": image, "output": self._run(network, image)}
        metrics = {"error": error, "spread": spread}
        return Measured(metrics, [row], "squared error", wins=True, reference=reference)

    def card(self) -> dict[str, Any]:
        return {"version": "1", "data_source": "noise", "task": "blur"}

    def _known(self) -> Arrays:
        rng = np.random.default_rng(7)
        return self.batch([self.example(rng) for _ in range(8)], rng)

    def _run(self, network: Any, image: Any) -> Any:
        import torch

        with torch.inference_mode():
            return network(torch.from_numpy(image)).numpy()

    def _error(self, network: Any) -> float:
        known = self._known()
        return float(np.mean((self._run(network, known["image"]) - known["blurred"]) ** 2))


def blurred(image: Any) -> Any:
    """The image through the kernel, without its border."""
    from scipy.signal import convolve2d

    return convolve2d(image, KERNEL, mode="valid").astype(np.float32)


if __name__ == "__main__":  # for the test that kills a training: YAML, folder
    train("blur", Path(sys.argv[1]), resume="--resume" in sys.argv, folder=Path(sys.argv[2]),
          output=Path(sys.argv[2]), make=Part, quiet=True)  # fmt: skip
