"""The small network that tells the time to the limit beside the bank."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from metadata.drift.monitor import Monitor
from metadata.drift.sequence import READ, WEIGHTS, Sequence, features, shipped
from metadata.drift.settings import MonitorSettings
from metadata.drift.window import ROWS, bin_ages, pooling
from metadata.errors import WorkError
from metadata.series import Limits, MetricInfo, Samples

DAY = 86400.0


def test_the_shipped_weights_give_their_reference() -> None:
    kept = Sequence.read(WEIGHTS.with_name("time_to_limit.reference.safetensors"))._weights
    np.testing.assert_allclose(shipped().days(kept["input"]), kept["output"], rtol=0.02)
    card = json.loads(WEIGHTS.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["parameters"] < 200_000
    assert card["bytes"] == WEIGHTS.stat().st_size


def test_quantiles_are_in_order_whatever_is_read() -> None:
    read = np.random.default_rng(0).normal(0, 3, (50, ROWS, READ)).astype(np.float32)
    days = shipped().days(read)
    assert np.isfinite(days).all()
    assert (np.diff(days, axis=1) > 0).all()


def test_features_do_not_depend_on_unit_and_direction() -> None:
    rng = np.random.default_rng(1)
    y, present = rng.normal(0, 1, (4, ROWS)), (rng.random((4, ROWS)) < 0.8) * 1.0
    eras = np.cumsum(rng.random((4, ROWS)) < 0.05, axis=1)[:, ::-1] * 1.0
    one = features(y, present, eras, np.zeros(4), np.full(4, 8.0))
    other = features(5 - 3 * y, present, eras, np.full(4, 5.0), np.full(4, 5 - 24.0))
    np.testing.assert_allclose(one, other, atol=1e-5)
    assert (one[present == 0] == 0).all()


def test_nearer_the_limit_less_time_is_left() -> None:
    ages = pooling() @ bin_ages()
    half, late = (
        features(part * np.maximum(10 - ages, 0)[None], np.ones((1, ROWS)), np.zeros((1, ROWS)),
                 np.zeros(1), np.full(1, 10.0))
        for part in (0.5, 0.9)
    )  # fmt: skip
    assert shipped().days(late)[0, 1] < 0.6 * shipped().days(half)[0, 1]


def test_without_a_limit_there_is_nothing_to_ask_it() -> None:
    times = 1.7e9 + np.arange(0, 16 * DAY, 1800)
    days = (times - times[0]) / DAY
    values = np.random.default_rng(2).standard_normal(len(times)) + np.maximum(days - 10, 0)
    monitor = Monitor({"x": MetricInfo("x")})
    list(monitor.update([Samples.of("x", times, values)]))
    found = monitor.followers["x"].judge.forecast
    assert found is not None
    assert found.apart == ()
    assert np.isfinite(found.days).all()


def test_it_can_be_asked_and_changes_times_alone() -> None:
    times = 1.7e9 + np.arange(0, 16 * DAY, 1800)
    days = (times - times[0]) / DAY
    values = np.random.default_rng(2).standard_normal(len(times)) + np.maximum(days - 10, 0)
    said = []
    for network in (True, False):
        monitor = Monitor({"x": MetricInfo("x", "", Limits(-10, 10))},
                          MonitorSettings(network=network))  # fmt: skip
        [one] = monitor.update([Samples.of("x", times, values)])
        said.append(one)
    with_, without = said
    np.testing.assert_array_equal(with_.codes, without.codes)
    seen = np.isfinite(without.seconds)
    assert (np.isfinite(with_.seconds) == seen).all()
    assert not np.allclose(with_.seconds[seen], without.seconds[seen])


@pytest.mark.parametrize("data", [b"", b'\x10\0\0\0\0\0\0\0{"inp.weight": 1}', b"not weights"])
def test_a_file_that_holds_none_is_told(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "time_to_limit.safetensors"
    path.write_bytes(data)
    with pytest.raises(WorkError, match="tomoplan train time_to_limit"):
        Sequence.read(path)
