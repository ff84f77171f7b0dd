"""The trained reader: what a request asks, and which of its words are names and limits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from planner.language.inputs import Inputs
from planner.task import Condition, Device, Goal, Intent, Priority

WEIGHTS = "understanding.safetensors"
LABELS = (*Intent, *Goal, *Condition, *Priority, *Device)
CUTS = np.cumsum([len(kind) for kind in (Intent, Goal, Condition, Priority)])
DILATIONS = (1, 2, 4)
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Reading:
    """Probabilities by name (those of intents, priorities and devices add up to one), and of the
    tags of each token (T, len(TAGS))."""

    intent: dict[Intent, float]
    goals: dict[Goal, float]
    conditions: dict[Condition, float]
    priority: dict[Priority, float]
    device: dict[Device, float]
    tags: Array


class Reader:
    """A dilated convolutional network over the tokens of a request, in numpy.

    Tokens are sums of hashed pieces, of flags that vocabularies raise and of what a frozen encoder
    makes of them in their place (planner.language.encoder); three residual convolutions of width
    3 and dilation 1, 2, 4 (Strubell et al., "Fast and accurate entity recognition with iterated
    dilated convolutions", EMNLP 2017) see 15 neighbours; each label looks at the tokens through an
    attention of its own (Lin et al., "A structured self-attentive sentence embedding", ICLR 2017)
    and at a summary of all; tags are read token by token. Several such networks from different
    beginnings are averaged (Hansen & Salamon, "Neural network ensembles", IEEE PAMI 1990).
    Differences from the papers: no iteration of the block, tags without a CRF, one attention a
    label.
    """

    def __init__(self, tensors: dict[str, NDArray[np.generic]]) -> None:
        """`tensors` of several networks, trained apart, have names such as "1.table"."""
        self.tensors = {name: np.asarray(t, np.float32) for name, t in tensors.items()}
        members = sorted({name.split(".")[0] for name in tensors if "." in name})
        self.members = [
            {name.removeprefix(f"{member}."): tensor for name, tensor in self.tensors.items()
             if name.startswith(f"{member}.")}
            for member in members
        ] or [self.tensors]  # fmt: skip

    def logits(self, seen: Inputs) -> tuple[Array, Array]:
        """Logits (len(LABELS),) of the request and (T, len(TAGS)) of its tokens: the means of the
        networks."""
        labels, tags = zip(*(self._logits(seen, member) for member in self.members), strict=True)
        return np.mean(labels, 0), np.mean(tags, 0)

    @staticmethod
    def _logits(seen: Inputs, t: dict[str, Array]) -> tuple[Array, Array]:
        words = np.stack([t["table"][p].sum(0) / np.sqrt(len(p)) for p in seen.pieces])
        known = np.abs(seen.meaning).sum(1, keepdims=True) > 0
        meaning = np.where(known, (seen.meaning - t["mean"]) / t["deviation"], 0)
        x = words + seen.flags @ t["flags"] + meaning @ t["meaning"]
        x += seen.evidence @ t["evidence"] + t["bias"]
        x = np.maximum(_normal(x, t["norm"], t["norm_bias"]), 0)
        for layer, dilation in enumerate(DILATIONS):
            wide = np.pad(x, ((dilation, dilation), (0, 0)))
            three = [wide[k * dilation : k * dilation + len(x)] for k in range(3)]
            y = np.concatenate(three, 1) @ t[f"conv{layer}"] + t[f"conv{layer}_bias"]
            x = x + np.maximum(_normal(y, t[f"norm{layer}"], t[f"norm{layer}_bias"]), 0)
        score = x @ t["score"]
        share = np.exp(score - score.max(0))
        labels = (share / share.sum(0) * (x @ t["value"])).sum(0)
        summary = np.maximum(
            np.concatenate([x.mean(0), x.max(0)]) @ t["summary"] + t["summary_bias"], 0
        )
        labels += summary @ t["out"] + seen.evidence @ t["direct"] + t["out_bias"]
        return labels, x @ t["tags"] + t["tags_bias"]

    def read(self, seen: Inputs) -> Reading:
        """What the reader makes of a request."""
        labels, tags = self.logits(seen)
        intent, goals, conditions, priority, device = np.split(labels, CUTS)
        return Reading(
            intent=dict(zip(Intent, _shares(intent).tolist(), strict=True)),
            goals=dict(zip(Goal, _chances(goals), strict=True)),
            conditions=dict(zip(Condition, _chances(conditions), strict=True)),
            priority=dict(zip(Priority, _shares(priority).tolist(), strict=True)),
            device=dict(zip(Device, _shares(device).tolist(), strict=True)),
            tags=_shares(tags),
        )


def _normal(x: Array, gain: Array, bias: Array) -> Array:
    """Layer normalisation over the last axis (Ba et al., 2016)."""
    centred = x - x.mean(-1, keepdims=True)
    out: Array = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * gain + bias
    return out


def _shares(logits: Array) -> Array:
    grown = np.exp(logits - logits.max(-1, keepdims=True))
    shares: Array = grown / grown.sum(-1, keepdims=True)
    return shares


def _chances(logits: Array) -> list[float]:
    chances: list[float] = (1 / (1 + np.exp(-np.clip(logits, -30, 30)))).tolist()
    return chances


@lru_cache(maxsize=1)
def trained_reader() -> Reader:
    """The reader that is shipped (planner/language/weights, with a card beside)."""
    from safetensors.numpy import load

    return Reader(load(files("planner.language").joinpath("weights", WEIGHTS).read_bytes()))
