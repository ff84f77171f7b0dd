"""Training requests as numbers: inputs, labels and tags; meanings are kept between runs."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from planner.language.encoder import LAYERS, encoder
from planner.language.features import EMBEDDING
from planner.language.inputs import Inputs, inputs_of, meanings
from planner.language.normal import normal
from planner.language.reader import LABELS
from planner.language.roles import NAMES, TAGS, Span
from planner.language.tokens import Token
from planner.language.training.batches import read_all
from planner.language.training.example import Example, unmarked

Array = NDArray[np.float32]
SHARD = 500  # requests whose meanings are kept in one file


@dataclass(frozen=True)
class Lesson:
    """What is seen of one training request and what should be read from it.

    `labels` (len(LABELS),) are 0 or 1; `tags` (T,) are numbers of TAGS.
    """

    seen: Inputs
    labels: Array
    tags: NDArray[np.int64]


def lessons(made: Sequence[Example]) -> list[Lesson]:
    """The lessons of examples, in their order."""
    found = []
    for start in range(0, len(made), SHARD):
        some = made[start : start + SHARD]
        texts, spans = zip(*(unmarked(normal(e.marked)) for e in some), strict=True)
        seen = [inputs_of(text, embed=False) for text in texts]
        kept = _meanings(texts, [each.tokens for each in seen])
        for example, each, meaning, marks in zip(some, seen, kept, spans, strict=True):
            tags = _tags(each.tokens, marks)
            found.append(Lesson(replace(each, meaning=meaning), _labels(example), tags))
    return found


def _labels(example: Example) -> Array:
    said: Iterable[object] = (
        example.intent, *example.goals, *example.conditions, example.priority, example.device,
    )  # fmt: skip
    names = {(type(name), name) for name in said}
    return np.array([(type(name), name) in names for name in LABELS], np.float32)


def _tags(tokens: tuple[Token, ...], spans: tuple[Span, ...]) -> NDArray[np.int64]:
    tags = np.zeros(len(tokens), np.int64)
    for span in spans:
        first = span.role in NAMES
        for place, token in enumerate(tokens):
            if span.start <= token.start < span.stop:
                tags[place] = TAGS.index((span.role, first))
                first = False
    return tags


def _meanings(
    texts: Sequence[str], tokens: Sequence[tuple[Token, ...]]
) -> list[NDArray[np.float16]]:
    """What the tokens of texts mean, kept by texts in a folder of the temporary folder: the encoder
    takes most of the time, and so a second or an interrupted training goes on from there."""
    told = hashlib.sha1("\n".join([str(LAYERS), *texts]).encode(), usedforsecurity=False)
    folder = Path(tempfile.gettempdir()) / "tomoplan-meanings"
    path = folder / f"{told.hexdigest()}.npy"
    counts = [len(each) for each in tokens]
    if path.exists():
        kept: NDArray[np.float16] = np.load(path)
        if kept.shape == (sum(counts), EMBEDDING):
            return np.split(kept, np.cumsum(counts)[:-1])
    made = [
        meanings(seen, each).astype(np.float16)
        for seen, each in zip(read_all(encoder(), texts), tokens, strict=True)
    ]
    folder.mkdir(exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.npy")
    np.save(part, np.concatenate(made))
    part.replace(path)
    return made
