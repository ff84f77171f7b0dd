"""Scans of few views or of a limited angle, for the tests of the networks that reconstruct them."""

from __future__ import annotations

from typing import Any

from simulators import World, simulate
from simulators.training.attenuation import attenuation
from toolbox.values import Block, Center


def scan(columns: int = 96, **settings: Any) -> tuple[Block, Center]:
    """A sinogram block of two rows, and its axis."""
    asked = {"projections": 60, "photons": 2e4, "seed": 4} | settings
    seen = simulate(World("foam", columns=columns, rows=2, **asked))
    column = seen.truth_center
    return attenuation(seen), Center(column, column, column)
