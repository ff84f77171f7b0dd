"""Training requests as numbers: inputs, labels and tags; embeddings are kept between runs."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from planner.language.features import EMBEDDING, embedded
from planner.language.inputs import Inputs, affordable, chunks_of, inputs_of
from planner.language.normal import normal
from planner.language.reader import LABELS
from planner.language.roles import NAMES, TAGS, Span
from planner.language.tokens import Token
from planner.language.training.example import Example, unmarked

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Lesson:
    """What is seen of one training request and what should be read from it.

    `labels` (len(LABELS),) are 0 or 1; `tags` (T,) are numbers of TAGS.
    """

    seen: Inputs
    labels: Array
    tags: NDArray[np.int64]


def lessons(made: Sequence[Example], embedded_share: float = 1.0) -> list[Lesson]:
    """The lessons of examples, in their order; the first `embedded_share` of them with meanings.

    Embeddings take most of the time, and the reader has to do without some at any rate.
    """
    kept = _Embeddings()
    found = []
    for number, example in enumerate(made, 1):
        text, spans = unmarked(normal(example.marked))
        seen = inputs_of(text, embed=False)
        parts = [part for _, part in chunks_of(seen.rules.clauses, text)]
        for place in affordable(parts) if number <= embedded_share * len(made) else ():
            seen.meaning[place] = kept.of(parts[place])
        found.append(Lesson(seen, _labels(example), _tags(seen.tokens, spans)))
        if number % 250 == 0 or number == len(made):
            kept.save()
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


class _Embeddings:
    """Embeddings by text, in a file of the temporary folder: an interrupted training goes on."""

    def __init__(self) -> None:
        self.path = Path(tempfile.gettempdir()) / "tomoplan-embeddings.npz"
        self.known: dict[str, Array] = {}
        self.saved = 0
        if self.path.exists():
            with np.load(self.path) as kept:
                if kept["vectors"].shape[1:] == (EMBEDDING,):
                    self.known = dict(zip(kept["keys"].tolist(), kept["vectors"], strict=True))
        self.saved = len(self.known)

    def of(self, text: str) -> Array:
        key = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        if key not in self.known:
            self.known[key] = embedded(text)
        return self.known[key]

    def save(self) -> None:
        if len(self.known) == self.saved:
            return
        part = self.path.with_suffix(".part.npz")
        np.savez(part, keys=np.array(list(self.known)), vectors=np.stack(list(self.known.values())))
        part.replace(self.path)
        self.saved = len(self.known)
