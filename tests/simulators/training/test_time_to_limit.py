"""The part that trains the early warning's network, and the windows it learns on."""

from __future__ import annotations

import numpy as np
import pytest

from metadata.drift.sequence import READ, Sequence
from metadata.drift.window import ROWS
from simulators.histories.level_windows import draw_windows
from simulators.training.command import shipped_settings
from simulators.training.parts.time_to_limit import Part, interval_score
from simulators.training.settings import Settings


def test_windows_are_as_histories_are() -> None:
    found = draw_windows(np.random.default_rng(3), 600)
    assert len(found.left) > 500
    assert 3.5 < np.median(found.left) < 6.5
    assert np.quantile(found.left, 0.98) < 35
    assert 0.5 < (found.present > 0).mean() < 1
    # Most drifts are on their way to the limit and not there: the newest day of each.
    newest = np.array([y[p > 0][:4].mean() for y, p in zip(found.y, found.present, strict=True)])
    part = newest / found.limit
    assert 0.3 < np.median(part) < 0.75
    assert np.mean(part > 1.1) < 0.02


def test_the_same_seed_draws_the_same_windows() -> None:
    one, two = (draw_windows(np.random.default_rng(4), 20) for _ in range(2))
    np.testing.assert_array_equal(one.y, two.y)
    np.testing.assert_array_equal(one.left, two.left)


def test_what_numpy_runs_is_what_torch_trained() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    part = Part(Settings.read(shipped_settings("time_to_limit")).options | {"windows": 32})
    network = part.network()
    assert sum(p.numel() for p in network.parameters()) < 200_000
    made = part.batch([part.example(np.random.default_rng(5))], np.random.default_rng(6))
    assert made["read"].shape[1:] == (ROWS, READ)
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    with torch.no_grad():
        said = network(torch.from_numpy(made["read"])).numpy()
        loss = part.loss(network, {k: torch.from_numpy(v) for k, v in made.items()})
    np.testing.assert_allclose(np.log(Sequence(weights).days(made["read"])), said, atol=1e-4)
    assert torch.isfinite(loss)


def test_an_interval_that_misses_costs_twenty_times_what_it_misses_by() -> None:
    said = np.log([[1.0, 2.0, 4.0], [1.0, 2.0, 4.0]])
    left = np.log([2.0, 8.0])
    np.testing.assert_allclose(
        interval_score(said, left), np.log(4) + np.array([0, 20 * np.log(2)])
    )
