"""Past runs on scans that look like this one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.perception.recognition import Recognition, recognise, shipped

if TYPE_CHECKING:
    from metadata.store import Store
    from planner.inspection import Inspection


@dataclass(frozen=True)
class SimilarRun:
    """``likeness``: cosine of the embeddings, at most 1; ``steps`` that the run took."""

    id: str
    time: str
    likeness: float
    scan: str
    request: str | None
    steps: tuple[str, ...]
    seconds: float
    quality: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def keep(store: Store, run: str, inspection: Inspection) -> None:
    """Keep with a run what its scan looks like."""
    model, found = shipped(), recognise(inspection)
    if model is not None and found is not None:
        store.add_appearance(run, model.version, found.embedding)


def nearest(store: Store, found: Recognition, limit: int = 5) -> list[SimilarRun]:
    """The runs on the scans that look most alike, the most alike first."""
    model = shipped()
    if model is None:
        return []
    kept = store.appearances(model.version)
    likeness = {run: float(vector @ found.embedding) for run, vector in kept.items()}
    best = sorted(likeness, key=lambda run: -likeness[run])[:limit]
    return [_of(store.run(run), likeness[run]) for run in best]


def _of(document: dict[str, Any], likeness: float) -> SimilarRun:
    nodes = (document.get("pipeline") or {}).get("nodes", [])
    scans = document.get("scans") or [{}]
    return SimilarRun(
        document["id"], document["time"], float(np.clip(likeness, -1, 1)),
        str(scans[0].get("path", "")), (document.get("task") or {}).get("text"),
        tuple(n["tool"] for n in nodes if n["tool"] != "scan"),
        float(document.get("seconds", 0.0)), dict(document.get("quality") or {}),
    )  # fmt: skip
