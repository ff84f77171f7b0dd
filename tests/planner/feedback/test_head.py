"""That choices are learned from as Bradley–Terry has it, and mistakes forgiven."""

from __future__ import annotations

import numpy as np
import pytest

from planner.feedback.aspects import ASPECTS, aspects_of
from planner.feedback.head import Head, trained
from planner.feedback.looks import LOOKS, load
from planner.feedback.raters import choices, seeing_rater

COUNT = len(ASPECTS)


def plain_head() -> Head:
    features = 3 * COUNT
    return Head(np.zeros(COUNT), np.ones(COUNT), np.zeros((2, COUNT)), np.zeros(features),
                np.eye(features))  # fmt: skip


def some_choices(flipped: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Sixty pairs of which the one with less noise was taken."""
    rng = np.random.default_rng(1)
    pairs = rng.normal(size=(60, 2, COUNT))
    order = np.argsort(pairs[:, :, 0], axis=1)
    better, worse = (pairs[np.arange(60), order[:, i]] for i in (0, 1))
    better[:flipped], worse[:flipped] = worse[:flipped].copy(), better[:flipped].copy()
    return better, worse


def test_the_prompt_follows_the_choices() -> None:
    head = plain_head()
    better, worse = some_choices()
    prompt = head.tuned(better, worse)
    assert (head.chance(better, worse, prompt) > 0.5).mean() > 0.9
    assert (head.chance(worse, better, prompt) < 0.5).mean() > 0.9
    assert (head.chance(better, worse, head.nobody) == 0.5).all()


def test_a_tenth_of_mistakes_does_not_turn_it() -> None:
    head = plain_head()
    better, worse = some_choices(flipped=6)
    prompt = head.tuned(better, worse)
    assert (head.chance(better[6:], worse[6:], prompt) > 0.5).mean() > 0.9
    assert (head.chance(better[:6], worse[:6], prompt) < 0.5).mean() > 0.6


def test_no_choices_leave_the_general_taste() -> None:
    head = trained()
    nothing = np.empty((0, COUNT))
    assert (head.tuned(nothing, nothing) == head.nobody).all()


def test_the_tuned_prompt_is_a_maximum() -> None:
    head = trained()
    looks = [look for look in load(LOOKS) if look.split != "train"]
    rng = np.random.default_rng(2)
    said = choices(seeing_rater(rng, looks), looks, 50, rng, 0.1)
    prompt = head.tuned(said.better, said.worse)

    def posterior(at: np.ndarray) -> float:
        chance = 0.05 + 0.9 * head.chance(said.better, said.worse, at)
        return float(np.log(chance).sum() - at @ at / 2)

    best = posterior(prompt)
    for _ in range(20):
        assert posterior(prompt + 0.05 * rng.normal(size=head.size)) < best


def test_what_was_not_measured_counts_as_usual() -> None:
    head = trained()
    known = aspects_of({"noise_of_contrast": 0.2}, 10.0, 1e9)
    assert np.isnan(known[1])
    assert np.isfinite(head.worth(known, head.nobody))


@pytest.mark.parametrize("seed", range(3))
def test_fifty_choices_foretell_unseen_ones(seed: int) -> None:
    """A weak floor for one rater; the bench says what it is for many."""
    head = trained()
    looks = [look for look in load(LOOKS) if look.split != "train"]
    rng = np.random.default_rng(seed)
    rater = seeing_rater(rng, looks)
    said = choices(rater, looks[::2], 50, rng, 0.1)
    tests = choices(rater, looks[1::2], 200, rng)
    prompt = head.tuned(said.better, said.worse)
    assert (head.chance(tests.better, tests.worse, prompt) > 0.5).mean() > 0.7


def test_a_tenth_of_the_choices_is_flipped() -> None:
    looks = load(LOOKS)[:4]
    rater = seeing_rater(np.random.default_rng(3), looks)
    straight = choices(rater, looks, 50, np.random.default_rng(4))
    flipped = choices(rater, looks, 50, np.random.default_rng(4), 0.1)
    assert int((straight.better != flipped.better).any(axis=1).sum()) == 5
