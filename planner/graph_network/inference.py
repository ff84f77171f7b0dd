"""The trained graph network with NumPy alone: planning loads neither torch nor torch-geometric."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metadata.errors import WorkError
from planner.graph_network.context import ASKED
from planner.graph_network.encoding import KINDS, Arrays
from planner.graph_network.network import GIBI, MEMBERS, ROUNDS, WIDTH

WEIGHTS = Path(__file__).parent / "weights" / "graph_network.safetensors"
Floats = NDArray[np.float32]


class Predictor:
    """``graph_network`` as trained. ``tools``: those that it learned of, in order; ``goals``: what
    enough of its requests asked for; ``sees``: whether it was shown image embeddings."""

    def __init__(self, tensors: Mapping[str, Floats], tools: tuple[str, ...],
                 goals: frozenset[str] = frozenset(), sees: bool = False) -> None:  # fmt: skip
        self._w = {n: np.asarray(v, np.float32) for n, v in tensors.items()}
        self.tools, self.goals, self.sees = tools, goals, sees

    @property
    def stretch(self) -> tuple[float, float]:
        """The conformal factors of the two sides of the interval."""
        below, above = self._w["stretch"]
        return float(below), float(above)

    def __call__(self, graphs: Arrays, contexts: Floats, scan: NDArray[np.int64]) -> Floats:
        """As ``forward`` of :func:`planner.graph_network.network.network`: ``graph, OUTPUTS``."""
        w = self._w
        asked = np.clip((contexts[:, :ASKED] - w["mean"]) / w["spread"], -4, 4)
        about = np.concatenate([asked, contexts[:, ASKED:]], axis=1)
        found = [self._member(f"members.{at}.", graphs, about, scan) for at in range(MEMBERS)]
        return np.asarray(np.mean(found, axis=0), np.float32)

    def _member(self, m: str, graphs: Arrays, about: Floats, scan: NDArray[np.int64]) -> Floats:
        w, graph, edges = self._w, graphs["graph"], graphs["edges"]
        look = self._linear(f"{m}look", about[:, ASKED:])
        about = self._layers(f"{m}scan", np.concatenate([about[:, :ASKED], look], axis=1))
        light = self._linear(f"{m}light", about)[scan][graph]
        known = w[f"{m}tool.weight"][graphs["tools"]]
        h = self._layers(f"{m}node", np.concatenate([graphs["nodes"], known], axis=1))
        h = h * (1 + light[:, :WIDTH]) + light[:, WIDTH:]
        each = self._layers(f"{m}cost", h)
        each[graphs["nodes"][:, 0] > 0.5] = -12.0
        typed = np.eye(len(KINDS), dtype=np.float32)[graphs["kinds"]]
        for at in range(ROUNDS):
            one = self._round(f"{m}forth.{at}", h, edges[0], edges[1], typed)
            other = self._round(f"{m}back.{at}", h, edges[1], edges[0], typed)
            h = h + _normed(one + other, w[f"{m}norms.{at}.weight"], w[f"{m}norms.{at}.bias"])
        starts = np.searchsorted(graph, np.arange(len(scan)))
        ends = np.append(starts[1:], len(graph)) - 1
        score = self._linear(f"{m}attention", h)[:, 0]
        score = np.exp(score - np.maximum.reduceat(score, starts)[graph])
        weight = score / np.add.reduceat(score, starts)[graph]
        mean = np.add.reduceat(weight[:, None] * h, starts, axis=0)
        found = self._layers(f"{m}last", np.concatenate([mean, h[ends], graphs["rules"]], axis=1))
        middle = found[:, :1] + self._linear(f"{m}level", about)[scan]
        sides = np.logaddexp(found[:, 1:], 0) + 1e-3
        seconds = np.log10(np.add.reduceat(10.0 ** each[:, 0].astype(np.float64), starts))
        peak = np.maximum.reduceat(each[:, 1], starts) + GIBI
        return np.concatenate([middle, sides, seconds[:, None], peak[:, None]], 1).astype(
            np.float32
        )

    def _round(self, name: str, h: Floats, source: NDArray, target: NDArray, typed: Floats
               ) -> Floats:  # fmt: skip
        """GINE: what arrives at each node is summed and added to its own."""
        message = np.maximum(h[source] + self._linear(f"{name}.lin", typed), 0)
        arrived = np.zeros_like(h)
        if len(target):
            order = np.argsort(target, kind="stable")
            here, starts = np.unique(target[order], return_index=True)
            arrived[here] = np.add.reduceat(message[order], starts, axis=0)
        own = 1 + float(self._w.get(f"{name}.eps", np.zeros(1)).ravel()[0])
        return self._layers(f"{name}.nn", own * h + arrived)

    def _linear(self, name: str, x: Floats) -> Floats:
        return np.asarray(x @ self._w[f"{name}.weight"].T + self._w[f"{name}.bias"], np.float32)

    def _layers(self, name: str, x: Floats) -> Floats:
        return self._linear(f"{name}.2", _gelu(self._linear(f"{name}.0", x)))


@cache
def trained(path: Path = WEIGHTS) -> Predictor:
    """The network as shipped; WorkError where there is none."""
    from safetensors.numpy import load_file

    card = path.with_suffix(".json")
    if not (path.exists() and card.exists()):
        raise WorkError(
            f"There are no weights of the graph network at {path}. Train it: "
            "`tomoplan train graph_network`."
        )
    told = json.loads(card.read_text(encoding="utf-8"))
    return Predictor(load_file(path), tuple(told["tools"]), frozenset(told["goals"]), told["sees"])


def _gelu(x: Floats) -> Floats:
    """x Φ(x), Φ by Abramowitz & Stegun 7.1.26 (error below 2e-7)."""
    z = np.abs(x) * np.float32(1 / math.sqrt(2))
    t = 1 / (1 + np.float32(0.3275911) * z)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (
        -1.453152027 + t * 1.061405429))))  # fmt: skip
    erf = 1 - series * np.exp(-z * z)
    return np.asarray(0.5 * x * (1 + np.copysign(erf, x)), np.float32)


def _normed(x: Floats, scale: Floats, shift: Floats) -> Floats:
    centred = x - x.mean(axis=1, keepdims=True)
    spread = np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)
    return np.asarray(centred / spread * scale + shift, np.float32)
