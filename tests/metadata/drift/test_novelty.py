"""What is new is told once, and what comes again is not."""

from __future__ import annotations

import numpy as np

from metadata.drift.detectors.ensemble import Ensemble
from metadata.drift.detectors.novelty import Novelty
from metadata.drift.detectors.tail import Tail


def test_the_second_time_a_value_is_known() -> None:
    rng = np.random.default_rng(0)
    row = rng.standard_normal(3000)
    row[[1500, 2500]] += 30.0
    novelty = Novelty()
    first, second = novelty.rarity(row)[0, [1500, 2500]]
    assert first > 4
    assert second < 0.8 * first


def test_a_part_of_the_cycle_that_does_not_come_is_new() -> None:
    rng = np.random.default_rng(1)
    rows = np.arange(4000)
    wave = np.where(rows % 40 < 10, 10.0, 0.0) + 0.2 * rng.standard_normal(4000)
    wave[3210:3290] = 5.0 + 0.2 * rng.standard_normal(80)  # between both levels: no new extreme
    novelty = Novelty()
    score = novelty.update(rows.astype(float), wave)
    assert score[3210:3230].max() > max(0.5, score[2000:3200].max())


def test_a_state_that_stays_is_said_once() -> None:
    rng = np.random.default_rng(2)
    row = rng.standard_normal(3000)
    row[2000:] += 15.0
    said = Ensemble().update(np.arange(3000.0), row) > 0.5
    assert said[2000:2016].any()
    assert said[2000:].sum() <= 4
    assert said[:2000].sum() <= 4


def test_noise_is_not_unusual() -> None:
    times = 900.0 * np.arange(3000.0)
    for seed in range(4):
        noise = np.random.default_rng(seed).standard_normal(3000)
        scores, said = Ensemble(days=1000.0).judge(times, noise)
        assert scores.max() < 0.65
        assert not said.any()


def test_what_was_often_nearly_as_rare_is_less_rare() -> None:
    ensemble, row = Ensemble(), np.zeros(64)
    row[30] = 4.0
    first = ensemble._again(row)[30]
    later = [ensemble._again(row)[30] for _ in range(20)][-1]
    assert first == 4.0
    assert np.isclose(later, 4.0 - 0.5 * np.log(20))  # nineteen before the last
    assert ensemble._again(2 * row)[30] == 8.0  # so much was never


def test_a_stream_that_begins_still_is_known_later() -> None:
    """Zeros first: what comes then is kept as finely as if it had always been so."""
    rng = np.random.default_rng(4)
    row = np.concatenate([np.zeros(300), 10 + rng.standard_normal(2700)])
    row[2800] = 40.0
    novelty = Novelty()
    tens = novelty.rarity(row)[0]
    assert tens[2800] > 3
    assert tens[1500:2800].max() < tens[2800]
    assert np.unique(novelty._kept[500:]).size > 1000


def test_a_tail_is_as_rare_as_it_says() -> None:
    rng = np.random.default_rng(3)
    tens = Tail().update(np.exp(rng.exponential(1.0, 40000)))[20000:]
    for many in (2, 3):  # one in a hundred, one in a thousand
        assert 0.4 < np.mean(tens > many) * 10**many < 2.0
