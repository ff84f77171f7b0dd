"""The part that trains what is told of the time to the limit."""

from __future__ import annotations

import numpy as np
import pytest

from metadata.drift.weighing import READ, Weighing, between
from metadata.drift.window import KEPT
from simulators.histories.level_windows import draw_levels
from simulators.training.command import shipped_settings
from simulators.training.half_way import half_way
from simulators.training.parts.weighing import Part, judged
from simulators.training.settings import Settings


def test_levels_are_read_now_and_drift() -> None:
    found = draw_levels(np.random.default_rng(3), 300)
    assert found.y.shape == found.there.shape == (len(found.left), KEPT)
    assert found.there[:, -1].all()
    assert ((found.over > 0) & (found.over < 1)).all()
    # The life ends where the limit is met, but for wander and noise.
    np.testing.assert_allclose(np.median(found.left / ((1 - found.over) * found.life)), 1, atol=0.1)


def test_judges_see_drifts_of_the_windows() -> None:
    found = judged(np.random.default_rng(4), 60)
    assert len(found["left"]) > 30
    assert found["read"].shape == (len(found["left"]), READ)
    bank, _ = between(found["read"])
    assert np.median(np.abs(bank[:, 1] - found["left"])) < 0.7
    assert found["counts"].min() > 0
    half = abs(found["over"] - 0.5) < 0.05
    assert found["counts"][half].min() > 4 * np.median(found["counts"][found["over"] > 0.8])


def test_what_numpy_runs_is_what_torch_trained() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    part = Part(Settings.read(shipped_settings("weighing")).options | {"windows": 20})
    network = part.network()
    with torch.no_grad():
        network.last.weight.normal_(0, 0.1)
    made = part.batch([part.example(np.random.default_rng(5))], np.random.default_rng(6))
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    with torch.no_grad():
        said = network(torch.from_numpy(made["read"])).numpy()
        loss = part.loss(network, {k: torch.from_numpy(v) for k, v in made.items()})
    np.testing.assert_allclose(np.log(Weighing(weights).days(made["read"])), said, atol=1e-4)
    assert torch.isfinite(loss)


def test_half_way_of_a_history() -> None:
    found = half_way(50001)
    assert found is not None
    assert found.left == pytest.approx(np.log(found.bank.days[1]), abs=2)
    assert found.read() is not None
    assert 0 < found.way < abs(found.limits.high - found.limits.low)
