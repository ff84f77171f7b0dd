"""The generated training requests, how far they are from those that measure, and the training."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from metadata.errors import InputError
from planner.benchmarks.pairs import LATER, LOOKED_AT, UNSEEN, pairs
from planner.language.inputs import inputs_of
from planner.language.normal import normal
from planner.language.reader import LABELS, trained_reader
from planner.language.roles import Role
from planner.language.tokens import BUCKETS, pieces_of, tokens_of
from planner.language.training import train
from planner.language.training.example import unmarked
from planner.language.training.phrasebook import part_of
from planner.language.training.slots import Slots
from planner.language.training.writer import Writer, examples
from planner.language.vocabulary import vocabulary
from planner.task import Condition, Device, Goal, Intent, Priority

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "configs/training/understanding.yaml"
WEIGHTS = ROOT / "planner/language/weights"
DOCUMENTS = sorted(path.stem for path in (ROOT / "configs/language").glob("training_*.yaml"))


def test_the_text_is_varied_and_repeatable() -> None:
    made = examples(1200, seed=3)
    assert made == examples(1200, seed=3)
    assert made != examples(1200, seed=4)
    assert len({example.text for example in made}) > 1140
    assert {example.intent for example in made} == set(Intent)
    assert {goal for example in made for goal in example.goals} == set(Goal)
    assert {c for example in made for c in example.conditions} == set(Condition)
    assert {example.priority for example in made} == set(Priority)
    assert {example.device for example in made} == set(Device)
    assert all("{" not in example.text for example in made)
    marked = [span.role for example in made for span in unmarked(normal(example.marked))[1]]
    assert set(marked) == set(Role)


def test_marks_stay_around_what_they_mark() -> None:
    for example in examples(300, seed=9):
        text, spans = unmarked(example.marked)
        assert text == example.text
        for span in spans:
            assert text[span.start : span.stop].strip()


def test_pieces_forgive_a_letter_and_tell_words_apart() -> None:
    def numbers(text: str) -> set[int]:
        return {number for each in pieces_of(tokens_of(text)) for number in each}

    assert all(0 <= number < BUCKETS for number in numbers("reconstruct the tooth, 20 min, 重建"))
    shared = numbers("reconstruct") & numbers("reconstrukt")
    assert len(shared) >= 2
    assert not numbers("reconstruct") & numbers("shutter")


def _strings(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    else:
        for part in node.values() if isinstance(node, dict) else node:
            if isinstance(part, str | dict | list):
                yield from _strings(part)


def _runs(text: str, words: int = 5, signs: int = 7) -> set[str]:
    """Runs of words and of Chinese signs between the marks of a sentence."""
    found: set[str] = set()
    for part in re.split(r"\{\w*\}|[，。；：！？,.;:!?()（）“”]", text.lower()):
        split = re.findall(r"[a-z0-9']+", part)
        found |= {" ".join(split[i : i + words]) for i in range(len(split) - words + 1)}
        for run in re.findall(r"[\u3400-\u9fff]+", part):
            found |= {run[i : i + signs] for i in range(len(run) - signs + 1)}
    return found


@pytest.fixture(scope="module")
def learned() -> set[str]:
    return {run for name in DOCUMENTS for text in _strings(vocabulary(name)) for run in _runs(text)}


def test_the_pairs_use_no_wording_of_the_training_text(learned: set[str]) -> None:
    wordings = [
        text
        for name in (LATER, UNSEEN, LOOKED_AT)
        for entry in vocabulary(name)["pairs"]
        for text in (entry["en"], entry["zh"])
    ]
    assert len(wordings) > 600
    shared = {text: _runs(text) & learned for text in wordings}
    assert not {text: runs for text, runs in shared.items() if runs}
    held = {
        line.split("=")[0]
        for name in (UNSEEN, LOOKED_AT)
        for line in vocabulary(name)["names"]["s"]
    }
    taught = [unmarked(example.marked) for example in examples(600, seed=5)]
    said = {
        text[s.start : s.stop] for text, spans in taught for s in spans if s.role is Role.SPECIMEN
    }
    assert not said & held


def test_no_alternative_makes_a_wording_of_the_pairs() -> None:
    """Phrases with alternatives are compared as they come out, some ways each."""
    wordings = [
        run
        for name in (LATER, UNSEEN, LOOKED_AT)
        for entry in vocabulary(name)["pairs"]
        for text in (entry["en"], entry["zh"])
        for run in _runs(text)
    ]
    slots = Slots(random.Random(3))
    phrases = [text for name in DOCUMENTS for text in _strings(vocabulary(name)) if "|" in text]
    assert len(phrases) > 400
    made = {run for text in phrases for _ in range(12) for run in _runs(slots.chosen(text))}
    assert not made & set(wordings)


def test_of_long_lists_some_phrases_are_held_back() -> None:
    words = vocabulary("training_intents")["watch"]["en"]
    learned, held = part_of(words, held=False), part_of(words, held=True)
    assert learned
    assert held
    assert not set(learned) & set(held)
    assert set(learned) | set(held) == set(words)
    assert part_of(words[:4], held=True) == words[:4] == part_of(words[:4], held=False)
    first = set(vocabulary("training_goals")["segment"]["do"]["en"])
    assert first & set(Writer(held=True).goals["segment"]["do"]["en"]) < first


def test_another_process_writes_the_same_requests() -> None:
    code = (
        "import hashlib; from planner.language.training.writer import examples; "
        "print(hashlib.sha1(repr(examples(300, 7)).encode()).hexdigest())"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(told) == 1


def _signature(text: str) -> set[str]:
    plain = re.sub(r"[^a-z\u3400-\u9fff]", "", text.lower())
    return {plain[i : i + 4] for i in range(len(plain) - 3)}


def test_no_training_request_is_nearly_one_that_measures() -> None:
    if "TOMOPLAN_REQUESTS" not in os.environ:
        pytest.skip("TOMOPLAN_REQUESTS is not set")
    paths = [Path(os.environ["TOMOPLAN_REQUESTS"])]
    lines = [line for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    texts = [json.loads(line)["text"] for line in lines if line.strip()]
    for text in texts:
        # a few words everybody uses may recur, a sentence may not
        assert len(_runs(text, 8, 11) & _long_runs()) == 0, text
    wanted = [(text, _signature(text)) for text in texts]
    for example in examples(1500, seed=yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["seed"]):
        made = _signature(example.text)
        for text, signature in wanted:
            if len(signature) >= 8:  # "list tools" says nothing of whose wording it is
                both = len(made & signature)
                assert both < 0.6 * len(made | signature), (text, example.text)


def _long_runs() -> set[str]:
    documents = [vocabulary(name) for name in DOCUMENTS]
    return {run for each in documents for text in _strings(each) for run in _runs(text, 8, 11)}


@pytest.mark.parametrize("name", [LATER, UNSEEN, LOOKED_AT])
def test_there_are_five_hundred_pairs_that_say_the_same(name: str) -> None:
    made = pairs(name)
    assert len(made) >= 500
    assert len({pair.en for pair in made}) > 450
    assert len({pair.wording for pair in made}) >= 100
    assert made == pairs(name)
    assert {pair.task.intent for pair in made} == set(Intent)
    assert {goal for pair in made for goal in pair.task.goals} == set(Goal)
    assert {c for pair in made for c in pair.task.conditions} == set(Condition)
    assert all(
        re.search("[\u3400-\u9fff]", pair.zh) and "{" not in pair.en + pair.zh for pair in made
    )


def test_every_second_thing_may_be_an_everyday_one() -> None:
    usual, everyday = pairs(LATER), pairs(LATER, everyday=True)
    drawn = {line.split("=")[0] for line in vocabulary(LATER)["names"]["everyday"]}
    assert [a.wording for a in usual] == [b.wording for b in everyday]
    assert not {pair.task.specimen for pair in usual} & drawn
    share = np.mean([pair.task.specimen in drawn for pair in everyday if pair.task.specimen])
    assert share == 0.5


def test_the_shipped_reader_fits_its_card() -> None:
    card = json.loads((WEIGHTS / "understanding.json").read_text(encoding="utf-8"))
    assert card["outputs"]["labels"] == [str(name) for name in LABELS]
    assert card["config"] == yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    assert (WEIGHTS / "understanding.safetensors").stat().st_size < 4_000_000
    for name in ("version", "changelog", "task", "intended_use", "inputs", "outputs", "references"):
        assert card[name], name
    reading = trained_reader().read(inputs_of("please open the shutter"))
    assert sum(reading.intent.values()) == pytest.approx(1, abs=1e-5)
    assert max(reading.intent, key=lambda intent: reading.intent[intent]) == Intent.REFUSE
    np.testing.assert_allclose(reading.tags.sum(1), 1, atol=1e-5)


def test_training_learns_and_is_repeatable(tmp_path: Path) -> None:
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    config |= {"examples": 500, "validation": 50, "epochs": 12, "width": 16, "members": 1}
    config |= {"rate": 0.02, "batch": 32, "average": 0.8}
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    first = train(path, tmp_path / "a")
    second = train(path, tmp_path / "b")
    assert first["sha256"] == second["sha256"]
    shares = first["measured_on_generated_validation"]
    assert shares["intent"] > 0.75  # always "plan" would give 0.68
    assert shares["goals_exact"] > 0.15  # the commonest goals alone would give less
    weights = (tmp_path / "a" / "understanding.safetensors").read_bytes()
    assert weights == (tmp_path / "b" / "understanding.safetensors").read_bytes()


def test_a_setting_too_many_is_told(tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text("seed: 1\ncolour: blue\n", encoding="utf-8")
    with pytest.raises(InputError, match="should set exactly average, batch, decay"):
        train(path, tmp_path)
