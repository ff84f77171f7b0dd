"""The generated training text and the training of the heads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from metadata.errors import InputError
from planner.language.features import BUCKETS, hashed
from planner.language.heads import OUTPUTS, trained_heads
from planner.language.training import train
from planner.language.training_text import examples
from planner.task import Condition, Goal, Intent

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "configs/training/language.yaml"
WEIGHTS = ROOT / "planner/language/weights"


def test_the_text_is_varied_and_repeatable() -> None:
    made = examples(1500, seed=3)
    assert made == examples(1500, seed=3)
    assert made != examples(1500, seed=4)
    assert len({example.text for example in made}) > 1350
    assert {example.intent for example in made} == set(Intent)
    assert {goal for example in made for goal in example.goals} == set(Goal)
    assert {c for example in made for c in example.conditions} == set(Condition)
    assert all("{" not in example.text for example in made)


def test_hashed_words_forgive_a_letter_and_tell_meanings_apart() -> None:
    base = hashed("reconstruct the tooth quickly")
    assert base.shape == (BUCKETS,)
    assert float(base @ base) == pytest.approx(1, abs=1e-5)
    assert base @ hashed("reconstruct the tooth quickli") > 0.7
    assert base @ hashed("打开光闸") < 0.1


def test_the_shipped_heads_fit_their_card() -> None:
    heads = trained_heads()
    card = json.loads((WEIGHTS / "language.json").read_text(encoding="utf-8"))
    assert card["outputs"] == [str(name) for name in OUTPUTS]
    assert (WEIGHTS / "language.safetensors").stat().st_size < 4_000_000
    opinion = heads.opinion("please open the shutter")
    assert sum(opinion.intent.values()) == pytest.approx(1, abs=1e-5)
    assert max(opinion.intent, key=lambda intent: opinion.intent[intent]) == Intent.REFUSE


def test_training_learns_and_is_repeatable(tmp_path: Path) -> None:
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    config |= {"examples": 160, "validation": 40, "epochs": 24, "rate": 0.03, "hidden": 16}
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    first = train(path, tmp_path / "a")
    second = train(path, tmp_path / "b")
    assert first["sha256"] == second["sha256"]
    assert first["measured_on_generated_validation"]["intent"] > 0.7  # always "plan" would give 0.6
    weights = (tmp_path / "a" / "language.safetensors").read_bytes()
    assert weights == (tmp_path / "b" / "language.safetensors").read_bytes()
    assert np.isfinite(first["seconds"])


def test_a_setting_too_many_is_told(tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text("seed: 1\ncolour: blue\n", encoding="utf-8")
    with pytest.raises(InputError, match="should set exactly batch, decay"):
        train(path, tmp_path)
