"""How a network compares with the conventional tools on each kind of world."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from simulators import World

Kinds = Mapping[str, Callable[[World], bool]]


def compared(
    rows: Sequence[tuple[World, dict[str, float]]], kinds: Kinds, own: str, rivals: Sequence[str]
) -> list[dict[str, Any]]:
    """For each family and each kind of world: the rival with the highest mean there, dB, and what
    ``own`` has more.

    >>> rows = [(World("foam"), {"net": 31.0, "tv": 30.0, "fbp": 25.0})]
    >>> compared(rows, {}, "net", ("tv", "fbp"))[0]["gain"]
    1.0
    """
    found = []
    names = [f"{family} (unseen family)" for family in sorted({w.specimen for w, _ in rows})]
    for name in [*names, *kinds]:
        some = [f for world, f in rows if _is_of(world, name, kinds)]
        if some:
            mean = {n: float(np.mean([f[n] for f in some])) for n in (own, *rivals)}
            best = max(rivals, key=lambda n: mean[n])
            found.append({"world": name, "scans": len(some), "conventional": best,
                          "conventional_db": round(mean[best], 2), "own_db": round(mean[own], 2),
                          "gain": round(mean[own] - mean[best], 2)})  # fmt: skip
    return found


def _is_of(world: World, name: str, kinds: Kinds) -> bool:
    if name in kinds:
        return kinds[name](world)
    return name.startswith(f"{world.specimen} (")
