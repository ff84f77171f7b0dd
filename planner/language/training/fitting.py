"""Fits the reader to lessons with torch; the network is the one of planner.language.reader."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.language.features import EMBEDDING
from planner.language.inputs import EVIDENCE, FLAGS, NAME_FLAGS
from planner.language.reader import CUTS, DILATIONS, LABELS, Reader
from planner.language.roles import TAGS
from planner.language.tokens import BUCKETS
from planner.language.training.material import Lesson
from planner.task import Intent

SUMMARY = 64
APART = 1000  # from seed to seed of the networks of a reader
LOUD = 1.5  # against words, whose pieces are of about this length
MEASURED = 1000  # requests that tell the spread of meanings
Array = NDArray[np.float32]
Tensors = dict[str, Any]


def fitted(lessons: Sequence[Lesson], config: dict[str, Any]) -> Reader:
    """A reader trained on lessons by AdamW, of as many networks as `members`, each with a seed of
    its own; the same lessons and settings give the same one."""
    made = [
        _member(lessons, config | {"seed": config["seed"] + APART * member})
        for member in range(config["members"])
    ]
    if len(made) == 1:
        return Reader(made[0])
    return Reader(
        {f"{place}.{name}": t for place, one in enumerate(made) for name, t in one.items()}
    )


def _member(lessons: Sequence[Lesson], config: dict[str, Any]) -> dict[str, NDArray[Any]]:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the order of sums, and so the weights, stay the same
    torch.manual_seed(config["seed"])
    mean, deviation = _spread_of([lesson.seen.meaning for lesson in lessons])
    tensors = _fresh(config["width"])
    shares = np.mean([lesson.labels for lesson in lessons], 0).clip(0.01, 0.99)
    with torch.no_grad():  # begin at what is usual
        tensors["out_bias"] += torch.from_numpy(np.log(shares / (1 - shares)))
    batches = config["epochs"] * -(-len(lessons) // config["batch"])
    optimiser = torch.optim.AdamW(
        tensors.values(), lr=config["rate"], weight_decay=config["decay"], fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, config["rate"], total_steps=batches, pct_start=0.15
    )
    averaged = {name: tensor.detach().clone() for name, tensor in tensors.items()}
    for epoch in range(config["epochs"]):
        lengths = np.array([len(lesson.seen.tokens) for lesson in lessons])
        for chosen in _batches(lengths, config["batch"], config["seed"] + epoch):
            batch = _batch([lessons[place] for place in chosen], mean, deviation)
            loss = _loss(_forward(tensors, batch, config), batch, config)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(tensors.values(), 2.0)
            optimiser.step()
            schedule.step()
            with torch.no_grad():
                for name, tensor in tensors.items():
                    averaged[name].lerp_(tensor, 1 - config["average"])
    torch.set_num_threads(threads)
    plain = {name: tensor.numpy() for name, tensor in averaged.items()}
    return {**plain, "mean": mean, "deviation": deviation}


def _spread_of(meanings: Sequence[NDArray[np.floating[Any]]]) -> tuple[Array, Array]:
    """Mean and scale (EMBEDDING,) that make the meaning of a token about LOUD long.

    With each number of unit variance, 384 weights that grow a step at a time drown the words.
    """
    stacked = np.concatenate(meanings[:MEASURED]).astype(np.float32)
    scale = (stacked.std(0) + 1e-4) * (EMBEDDING**0.5 / LOUD)
    return stacked.mean(0), scale.astype(np.float32)


def _fresh(width: int) -> Tensors:
    import torch

    def spread(rows: int, columns: int, scale: float | None = None) -> Any:
        return torch.randn(rows, columns) * (scale if scale is not None else rows**-0.5)

    tensors = {
        "table": spread(BUCKETS, width, 0.3),
        "flags": spread(FLAGS, width, 0.3),
        "meaning": spread(EMBEDDING, width, 0.3),
        "evidence": spread(EVIDENCE, width, 0.1),
        "bias": torch.zeros(width),
        "norm": torch.ones(width),
        "norm_bias": torch.zeros(width),
        "score": spread(width, len(LABELS), 0.1),
        "value": spread(width, len(LABELS), 0.03),
        "summary": spread(2 * width, SUMMARY),
        "summary_bias": torch.zeros(SUMMARY),
        "out": spread(SUMMARY, len(LABELS), 0.03),
        "out_bias": torch.zeros(len(LABELS)),
        "direct": torch.zeros(EVIDENCE, len(LABELS)),
        "tags": spread(width, len(TAGS), 0.03),
        "tags_bias": torch.zeros(len(TAGS)),
    }
    for layer in range(len(DILATIONS)):
        tensors[f"conv{layer}"] = spread(3 * width, width)
        tensors[f"conv{layer}_bias"] = torch.zeros(width)
        tensors[f"norm{layer}"] = torch.ones(width)
        tensors[f"norm{layer}_bias"] = torch.zeros(width)
    for tensor in tensors.values():
        tensor.requires_grad_()
    return tensors


def _batches(lengths: NDArray[np.int64], size: int, seed: int) -> list[NDArray[np.int64]]:
    """Batches of requests of like length, in any order."""
    chance = np.random.default_rng(seed)
    order = np.argsort(lengths + chance.uniform(0, 6, len(lengths)))
    parts = np.array_split(order, -(-len(order) // size))
    chance.shuffle(parts)
    return parts


def _batch(
    lessons: Sequence[Lesson], mean: NDArray[np.float32], deviation: NDArray[np.float32]
) -> Tensors:
    """Arrays padded to the longest request: pieces in bags by token, the rest (N, T, ...)."""
    import torch

    longest = max(len(lesson.seen.tokens) for lesson in lessons)
    count = len(lessons)
    pieces: list[int] = []
    sizes = np.zeros((count, longest), np.int64)
    flags = np.zeros((count, longest, FLAGS), np.float32)
    meanings = np.zeros((count, longest, EMBEDDING), np.float32)
    tags = np.full((count, longest), -100, np.int64)
    for row, lesson in enumerate(lessons):
        seen, size = lesson.seen, len(lesson.seen.tokens)
        for place, numbers in enumerate(seen.pieces):
            pieces += numbers
            sizes[row, place] = len(numbers)
        flags[row, :size] = seen.flags
        known = np.abs(seen.meaning).sum(1, keepdims=True) > 0
        meanings[row, :size] = np.where(known, (seen.meaning - mean) / deviation, 0)
        tags[row, :size] = lesson.tags
    return {
        "pieces": torch.tensor(pieces),
        "bags": torch.from_numpy(np.cumsum(sizes) - sizes.ravel()),
        "scale": torch.from_numpy(np.clip(sizes.ravel(), 1, None).astype(np.float32) ** -0.5),
        "flags": torch.from_numpy(flags),
        "meaning": torch.from_numpy(meanings),
        "tags": torch.from_numpy(tags),
        "evidence": torch.from_numpy(np.stack([lesson.seen.evidence for lesson in lessons])),
        "labels": torch.from_numpy(np.stack([lesson.labels for lesson in lessons])),
    }


def _forward(t: Tensors, batch: Tensors, config: dict[str, Any]) -> tuple[Any, Any]:
    """Logits of labels and tags, with what is hidden in training: words, rules, meanings."""
    import torch
    from torch.nn import functional

    inside = batch["tags"] >= 0
    count, longest = inside.shape
    words = functional.embedding_bag(batch["pieces"], t["table"], batch["bags"], mode="sum")
    words = (words * batch["scale"][:, None]).view(count, longest, -1)
    words = words * (torch.rand(count, longest, 1) > config["word_dropout"])
    ruled = (torch.rand(count, 1) > config["rule_dropout"]).float()
    flags = batch["flags"].clone()
    flags[..., :NAME_FLAGS] *= (torch.rand(count, 1, 1) > config["name_dropout"]).float()
    flags[..., NAME_FLAGS:] *= ruled[..., None]
    evidence = batch["evidence"] * ruled
    meaning = batch["meaning"]
    noise = config["meaning_noise"] * LOUD * EMBEDDING**-0.5
    meaning = meaning + noise * torch.randn_like(meaning)
    meaning = meaning * (torch.rand(count, 1, 1) > config["meaning_dropout"])
    x = words + flags @ t["flags"] + meaning @ t["meaning"]
    x = x + (evidence @ t["evidence"])[:, None] + t["bias"]
    width = x.shape[-1]
    x = functional.relu(functional.layer_norm(x, (width,), t["norm"], t["norm_bias"]))
    mask = inside[..., None]
    x = functional.dropout(x, config["dropout"])
    for layer, dilation in enumerate(DILATIONS):
        x = x * mask
        wide = functional.pad(x, (0, 0, dilation, dilation))
        three = [wide[:, k * dilation : k * dilation + longest] for k in range(3)]
        y = torch.cat(three, 2) @ t[f"conv{layer}"] + t[f"conv{layer}_bias"]
        y = functional.layer_norm(y, (width,), t[f"norm{layer}"], t[f"norm{layer}_bias"])
        x = x + functional.relu(y)
    x = functional.dropout(x, config["dropout"])
    score = (x @ t["score"]).masked_fill(~mask, -1e9)
    labels = (score.softmax(1) * (x @ t["value"])).sum(1)
    average = (x * mask).sum(1) / mask.sum(1)
    highest = x.masked_fill(~mask, -1e9).amax(1)
    summary = functional.relu(torch.cat([average, highest], 1) @ t["summary"] + t["summary_bias"])
    summary = functional.dropout(summary, config["dropout"])
    labels = labels + summary @ t["out"] + evidence @ t["direct"] + t["out_bias"]
    return labels, x @ t["tags"] + t["tags_bias"]


def _loss(logits: tuple[Any, Any], batch: Tensors, config: dict[str, Any]) -> Any:
    """Cross-entropies; goals, priority and device count only where the intent is to plan."""
    from torch.nn import functional

    labels, tags = logits
    wanted = batch["labels"]
    edges = [0, *CUTS.tolist(), len(LABELS)]
    plans = wanted[:, list(Intent).index(Intent.PLAN)] > 0.5

    def single(part: int, rows: Any = slice(None)) -> Any:
        a, b = edges[part], edges[part + 1]
        return functional.cross_entropy(
            labels[rows, a:b], wanted[rows, a:b], label_smoothing=config["smoothing"]
        )

    def several(part: int, rows: Any = slice(None)) -> Any:
        a, b = edges[part], edges[part + 1]
        soft = wanted[rows, a:b] * (1 - config["smoothing"]) + config["smoothing"] / 10
        return (
            functional.binary_cross_entropy_with_logits(labels[rows, a:b], soft, reduction="none")
            .sum(1)
            .mean()
        )

    loss = (
        single(0)
        + several(2)
        + 2 * functional.cross_entropy(tags.flatten(0, 1), batch["tags"].flatten())
    )
    if plans.any():
        loss = loss + several(1, plans) + single(3, plans) + single(4, plans)
    return loss
