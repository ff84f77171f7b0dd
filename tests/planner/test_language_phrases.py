"""The bilingual phrase table."""

from __future__ import annotations

import string

import pytest

from metadata.errors import InputError
from planner.language.phrases import say
from planner.language.vocabulary import vocabulary


def test_every_phrase_is_there_in_both_languages_with_the_same_places() -> None:
    for key, phrase in vocabulary("phrases").items():
        assert set(phrase) == {"en", "zh"}, key
        places = [
            {name for _, name, _, _ in string.Formatter().parse(text) if name}
            for text in phrase.values()
        ]
        assert places[0] == places[1], key


def test_mixed_requests_are_answered_in_chinese() -> None:
    assert say("refusal.empty", "mixed") == say("refusal.empty", "zh") != say("refusal.empty", "en")


def test_unknown_keys_and_missing_values_are_told() -> None:
    with pytest.raises(InputError, match=r"no phrase 'nonsense'.*phrases\.yaml"):
        say("nonsense", "en")
    with pytest.raises(InputError, match="Give a value for each"):
        say("refusal.unintelligible", "en")
