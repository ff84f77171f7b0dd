"""How far the search for a strength goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from toolbox import Block, Center, DataKind, Geometry, GreyState
from toolbox.operators.held_out import FEWEST, best_strength

if TYPE_CHECKING:
    import torch

    from toolbox.operators.parallel_beam import ParallelBeam

SIDE = 48


def ones(views: int) -> Block:
    """A sinogram that a slice of large values explains better than one of small ones."""
    values = np.ones((1, views, SIDE), np.float32)
    geometry = Geometry(np.arange(views) * np.pi / views, 1, SIDE)
    return Block(values, DataKind.SINOGRAM, GreyState.ATTENUATION, geometry, np.arange(1),
                 np.arange(views))  # fmt: skip


def search(views: int) -> tuple[float, float] | None:
    """The strength found from 0.001 on where the best is 0.02: a slice of the strength's value
    comes closest to the sinogram."""
    import torch

    def solve(A: ParallelBeam, y: torch.Tensor, strength: float) -> torch.Tensor:
        return torch.full((1, SIDE, SIDE), strength)

    middle = (SIDE - 1) / 2
    return best_strength(ones(views), Center(middle, middle, middle), None, solve, 1e-3)


def test_few_views_bind_the_search_to_one_step() -> None:
    found = search(FEWEST)
    assert found is not None
    assert found[0] == pytest.approx(1e-3 * 10**0.25)


def test_many_views_let_it_go_as_far_as_it_gets_better() -> None:
    found = search(SIDE)
    assert found is not None
    strength, gain = found
    assert 0.01 < strength < 0.06
    assert gain > 0


def test_too_few_views_say_nothing() -> None:
    assert search(FEWEST - 1) is None
