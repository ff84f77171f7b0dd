"""Clocks that are wrong and values that are held, whatever the blocks they come in."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metadata.series import Mark, Samples
from metadata.sources.marking import Marker


def marks(samples: Samples, size: int = 10**9) -> list[Mark]:
    marker, found = Marker(), []
    for start in range(0, len(samples), size):
        found += marker.mark(samples[start : start + size]).marks.tolist()
        marker = Marker.from_json(json.loads(json.dumps(marker.to_json())))  # as after a restart
    return [Mark(m) for m in found]


def noise(count: int, decimals: int = 6) -> np.ndarray:
    return np.random.default_rng(1).normal(size=count).round(decimals)


@given(
    st.lists(st.tuples(st.integers(-3, 5), st.integers(0, 2)), min_size=1, max_size=300),
    st.integers(1, 40),
)
@settings(max_examples=60, deadline=None)
def test_blocks_do_not_matter(steps: list[tuple[int, int]], size: int) -> None:
    times = 1e9 + np.cumsum([s * (4e7 if s == 5 else 1.0) for s, _ in steps])
    samples = Samples.of("a", times, np.array([float(v) for _, v in steps]))
    assert marks(samples) == marks(samples, size)


@pytest.mark.parametrize("size", [1, 13, 10**9])
def test_a_held_reading(size: int) -> None:
    values = noise(400)
    values[200:300] = values[199]
    found = np.array(marks(Samples.of("a", np.arange(400.0), values), size))
    held = np.flatnonzero(found == Mark.DISCONNECTED)
    assert 200 < held[0] < 210
    assert held.tolist() == list(range(held[0], 300))


def test_what_is_read_in_coarse_steps_or_set_is_no_disconnect() -> None:
    coarse = np.round(noise(5000) * 0.4)
    assert set(marks(Samples.of("a", np.arange(5000.0), coarse))) == {Mark.GOOD}
    set_point = np.repeat([11.5, 12.0, 11.8, 11.5], 2000)
    assert set(marks(Samples.of("gap", np.arange(8000.0), set_point))) == {Mark.GOOD}
    dark = np.r_[noise(200), np.zeros(500)]  # switched off
    assert set(marks(Samples.of("beam", np.arange(700.0), dark))) == {Mark.GOOD}


def test_a_leap_is_believed_when_the_next_sample_agrees() -> None:
    year = 366 * 86400.0
    times = np.array([0.0, 1, 3 * year, 2, 3, 5 * year, 5 * year + 1, 5 * year + 2])
    found = marks(Samples.of("a", times, noise(8)))
    assert found == [Mark.GOOD, Mark.GOOD, Mark.MISTIMED, Mark.GOOD, Mark.GOOD, Mark.MISTIMED,
                     Mark.GOOD, Mark.GOOD]  # fmt: skip


def test_a_clock_that_began_in_the_future_is_given_up() -> None:
    times = np.r_[4e9, 1.7e9 + np.arange(30.0)]
    found = marks(Samples.of("a", times, noise(31)))
    assert found == [Mark.GOOD] + 9 * [Mark.MISTIMED] + 21 * [Mark.GOOD]


def test_what_was_marked_stays_and_good_times_rise() -> None:
    times = np.r_[np.arange(50.0), np.arange(20.0, 70.0)]
    samples = Samples.of("a", times, noise(100))
    samples.marks[10] = Mark.INVALID
    found = Marker().mark(samples)
    assert found.marks[10] == Mark.INVALID
    assert np.all(np.diff(found.times[found.marks == Mark.GOOD]) > 0)
    assert (found.marks[50:80] == Mark.MISTIMED).all()
    assert len(Marker().mark(samples[:0])) == 0
