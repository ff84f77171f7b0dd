"""What is told of the time to the limit, out of what bank and sequence say."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from metadata.drift.forecast import Forecast, guess
from metadata.drift.normal import Normal
from metadata.drift.sequence import features as view_of
from metadata.drift.tensors import tensors
from metadata.drift.weighing import (
    READ,
    WEIGHTS,
    Weighing,
    between,
    features,
    shipped_weighing,
)
from metadata.drift.window import ROWS, bin_ages, pooling
from metadata.errors import WorkError

SURE = replace(guess(1), odds=40.0, moved=40.0, age=5.0, days=(3.0, 5.0, 8.0))
NORMAL = Normal(1.0, 0.7, 0, 0.0)


def view(part: float = 0.5) -> np.ndarray:
    """A ramp since ten days that is at such a part of the way to a limit at 10."""
    ages = pooling() @ bin_ages()
    level = part * np.maximum(10 - ages, 0)
    return view_of(level[None], np.ones((1, ROWS)), np.zeros((1, ROWS)), np.zeros(1),
                   np.full(1, 10.0))[0]  # fmt: skip


def read(bank: Forecast, network: tuple[float, float, float], part: float = 0.5) -> np.ndarray:
    return features(bank, NORMAL, 1.0, 10.0, np.array(network), view(part))


def told(bank: Forecast, network: tuple[float, float, float], part: float = 0.5) -> np.ndarray:
    return shipped_weighing().days(read(bank, network, part)[None])[0]


def test_the_shipped_weights_give_their_reference() -> None:
    kept = tensors(WEIGHTS.with_name("weighing.reference.safetensors"))
    np.testing.assert_allclose(shipped_weighing().days(kept["input"]), kept["output"], rtol=0.02)
    card = json.loads(WEIGHTS.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["parameters"] < 20_000
    assert card["bytes"] == WEIGHTS.stat().st_size
    assert card["wins"]


def test_features_hold_what_bank_and_sequence_say() -> None:
    found = read(SURE, (2.0, 4.0, 9.0))
    assert found.shape == (READ,)
    bank, sequence = between(found[None])
    np.testing.assert_allclose(np.exp(bank[0]), SURE.days, rtol=1e-5)
    np.testing.assert_allclose(np.exp(sequence[0]), [2.0, 4.0, 9.0], rtol=1e-5)


def test_an_untrained_network_says_the_geometric_mean() -> None:
    zeros = {"first.weight": np.zeros((4, READ)), "first.bias": np.zeros(4),
             "second.weight": np.zeros((4, 4)), "second.bias": np.zeros(4),
             "last.weight": np.zeros((3, 4)), "last.bias": np.zeros(3)}  # fmt: skip
    said = Weighing({n: w.astype(np.float32) for n, w in zeros.items()})
    days = said.days(read(SURE, (2.0, 4.0, 9.0))[None])[0]
    np.testing.assert_allclose(days, np.sqrt(np.array(SURE.days) * [2.0, 4.0, 9.0]), rtol=1e-4)


def test_both_count() -> None:
    assert told(SURE, (3.0, 5.0, 8.0))[1] > 1.1 * told(SURE, (1.8, 3.0, 5.0))[1]
    later = replace(SURE, days=(6.0, 10.0, 16.0))
    assert told(later, (3.0, 5.0, 8.0))[1] > 1.1 * told(SURE, (3.0, 5.0, 8.0))[1]


def test_the_interval_is_wider_where_less_is_sure() -> None:
    unsure = replace(SURE, odds=1.5, moved=1.5)
    sure, open_ = (np.log(told(one, (2.0, 5.0, 12.0))) for one in (SURE, unsure))
    assert sure[2] - sure[0] < open_[2] - open_[0]


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_the_unit_does_not_matter(scale: float) -> None:
    normal = Normal(scale, 0.7 * scale, 0, 0.0)
    found = features(SURE, normal, scale, 10 * scale, np.array([2.0, 4.0, 9.0]), view())
    np.testing.assert_allclose(found, read(SURE, (2.0, 4.0, 9.0)), atol=1e-5)


def test_quantiles_are_in_order_whatever_is_read() -> None:
    rng = np.random.default_rng(0)
    days = shipped_weighing().days(rng.normal(0, 3, (200, READ)).astype(np.float32))
    assert np.isfinite(days).all()
    assert (np.diff(days, axis=1) > 0).all()


def test_a_file_that_holds_none_says_how_to_train_it(tmp_path: Path) -> None:
    path = tmp_path / "weighing.safetensors"
    path.write_bytes(b"not weights")
    with pytest.raises(WorkError, match="tomoplan train weighing"):
        Weighing.read(path)
