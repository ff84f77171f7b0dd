"""The phrases of which training requests are written, from configs/language/training_*.yaml."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

from planner.language.vocabulary import vocabulary

HELD = 20
VARIETY = 3  # how much oftener a phrase with alternatives is drawn than one without
Words = dict[str, Any]


class Phrasebook:
    """All phrases, by what they say and by language.

    One phrase in HELD of each long list is kept for requests that measure (`held`), which use no
    other of it; short lists serve both.
    """

    def __init__(self, held: bool) -> None:
        self.text: Words = part_of(vocabulary("training_text"), held)
        self.goals: Words = part_of(vocabulary("training_goals"), held)
        self.conditions: Words = part_of(vocabulary("training_conditions"), held)
        self.asides: Words = part_of(vocabulary("training_asides"), held)
        self.intents: Words = part_of(vocabulary("training_intents"), held)
        self.frames: Words = part_of(vocabulary("training_frames"), held)
        self.wholes: Words = part_of(vocabulary("training_whole"), held)
        self.clauses: Words = part_of(vocabulary("training_clauses"), held)
        for name in ("training_orders", "training_asks"):
            for goal, orders in part_of(vocabulary(name), held).items():
                self.clauses[goal] += orders
        self._widen(part_of(vocabulary("training_variants"), held))
        for name in ("training_remarks", "training_hints", "training_notes", "training_words"):
            self._remember(part_of(vocabulary(name), held))
        told = (
            "training_stories", "training_letters", "training_tales", "training_troubles",
            "training_wants", "training_talk",
        )  # fmt: skip
        stories = [story for name in told for story in vocabulary(name)]
        for story in part_of(stories, held):
            _extend(self.wholes, {base: [{**story, "text": story[base]}] for base in ("en", "zh")})

    def _widen(self, more: Words) -> None:
        """Add the phrases with alternatives to those without, each as often as it has variety."""
        for goal, styles in more["goals"].items():
            for style, words in styles.items():
                _extend(self.goals[goal].setdefault(style, {"en": [], "zh": []}), words)
        for name, words in more["conditions"].items():
            _extend(self.conditions[name]["say"], words)
        for name, words in more["wishes"].items():
            _extend(self.asides["neutral" if name == "plain" else name], words)
        for name in ("distractors", "declined", "done"):
            _extend(self.asides[name], more[name])
        for style, words in more["frames"].items():
            for base, texts in words.items():
                self.frames[base][style] += texts
        for intent, words in more["intents"].items():
            _extend(self.intents[intent], words)
        _extend(self.wholes, more["wholes"])
        self.verbs = more["verbs"]

    def _remember(self, more: Words) -> None:
        """Add what is said in both languages with one meaning."""
        for name, pairs in more["conditions"].items():
            _extend(self.conditions[name]["say"], _by_language(pairs))
        for name, pairs in more["wishes"].items():
            words = self.asides["neutral" if name == "plain" else name]
            _extend(words, _by_language(pairs))
        _extend(self.asides["distractors"], _by_language(more["distractors"]))
        for intent, pairs in more["intents"].items():
            _extend(self.intents[intent], _by_language(pairs))


def _by_language(pairs: Sequence[dict[str, str]]) -> Words:
    return {base: [pair[base] for pair in pairs] for base in ("en", "zh")}


def _extend(words: Words, more: Words) -> None:
    for base, texts in more.items():
        words[base] += texts * VARIETY


def part_of(node: Any, held: bool) -> Any:
    """A vocabulary with the part of each long list that is learned or held."""
    if isinstance(node, dict):
        return {name: part_of(part, held) for name, part in node.items()}
    if not isinstance(node, list) or len(node) < HELD // 2:
        return list(node) if isinstance(node, list) else node
    chosen = [text for text in node if (zlib.crc32(str(text).encode()) % HELD == 0) == held]
    return chosen or list(node)
