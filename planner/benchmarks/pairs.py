"""Whether both languages are understood alike: translated requests in wordings never trained on.

The same task means the same intent, set of goals, set of conditions, limits (seconds, memory,
device) and priority, and specimens and features with the same head nouns once both languages are
said in English: synonyms of the lists count as one word, and so does what a dictionary has one
Chinese word for (planner.language.canonical.same_thing). `alike_by_lists` is the share of tasks
alike where the lists alone judge the names. Documents of such
requests: configs/language/pairs_later.yaml, written after the reader was trained and measured
twice; pairs_unseen.yaml, which nobody mends by but which more than one reader was measured on;
pairs.yaml, which was looked at when the reader was mended, like pairs_held.yaml, one in five of the
wordings last written for training.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from planner.language import understand
from planner.language.canonical import same_by_lists, same_thing
from planner.language.scoring import Scores, limits_agree
from planner.language.vocabulary import vocabulary
from planner.task import Condition, Device, Goal, Intent, Priority, Task

LATER = "pairs_later"  # written after the training
UNSEEN = "pairs_unseen"  # the document that nobody mends by
LOOKED_AT = "pairs"
HELD = "pairs_held"  # kept from the training text when it was last added to
DRAWS = 6  # requests made of a wording with places; one of a wording without
EVERYDAY = "everyday"  # names of things that lists may lack, where a document has some
SEED = 11
TARGET = 0.97
NAMES = ("specimen", "feature")
FIELDS: dict[str, Callable[[Task, Task], bool]] = {
    "intent": lambda a, b: a.intent == b.intent,
    "goals": lambda a, b: set(a.goals) == set(b.goals),
    "conditions": lambda a, b: set(a.conditions) == set(b.conditions),
    "limits": limits_agree,
    "priority": lambda a, b: a.priority == b.priority,
    "specimen": lambda a, b: same_thing(a.specimen, b.specimen),
    "feature": lambda a, b: same_thing(a.feature, b.feature),
}


@dataclass(frozen=True)
class Pair:
    """One request in both languages, what it says, and the number of its wording."""

    en: str
    zh: str
    task: Task
    wording: int


def pairs(name: str = UNSEEN, everyday: bool = False) -> list[Pair]:
    """The pairs of configs/language/<name>.yaml, its places filled; always the same ones. With
    `everyday` every second specimen is one of its everyday things, drawn at random.

    >>> len(pairs()) >= 500
    True
    """
    document = vocabulary(name)
    names = {kind: [line.split("=") for line in lines] for kind, lines in document["names"].items()}
    chance = random.Random(SEED)
    return [
        _filled(entry, names, number, chance, everyday and draw % 2 == 1)
        for number, entry in enumerate(document["pairs"])
        for draw in range(DRAWS if "{" in entry["en"] else 1)
    ]


def _filled(
    entry: dict[str, str],
    names: dict[str, list[list[str]]],
    number: int,
    chance: random.Random,
    everyday: bool,
) -> Pair:
    drawn = {kind: chance.choice(lines) for kind, lines in names.items()}
    if everyday:
        drawn["s"] = drawn[EVERYDAY]
    fields: dict[str, Any] = {"goals": [], "conditions": []}
    for word in entry["is"].split():
        name, _, value = word.partition("=")
        if name == "time":
            fields["max_seconds"] = float(value or drawn["t"][2])
        elif name == "memory":
            fields["max_memory_gib"] = float(value)
        else:
            _said(fields, name)
    fields.setdefault("intent", Intent.PLAN)
    feature = entry.get("feature")
    if feature is not None:
        fields["feature"] = drawn[feature][0] if feature in drawn else feature
    if "{s}" in entry["en"]:
        fields["specimen"] = drawn["s"][0]
    en, zh = (
        entry[language].format(**{kind: line[place] for kind, line in drawn.items()})
        for place, language in enumerate(("en", "zh"))
    )
    return Pair(en, zh, Task(**fields), number)


def _said(fields: dict[str, Any], name: str) -> None:
    for kind, field in ((Intent, "intent"), (Priority, "priority"), (Device, "device")):
        if name in list(kind):
            fields[field] = kind(name)
            return
    if name in list(Goal):
        fields["goals"].append(Goal(name))
    else:
        fields["conditions"].append(Condition(name))


def run_all() -> dict[str, dict[str, Any]]:
    """Every document measured, by name; that with everyday things also with these."""
    found = {name: run(name=name) for name in (LATER, UNSEEN, LOOKED_AT, HELD)}
    both = f"{LATER}, half of the things everyday ones"
    return {**found, both: {**run(pairs(LATER, everyday=True)), "document": both}}


def run(chosen: Sequence[Pair] | None = None, name: str = UNSEEN) -> dict[str, Any]:
    """Shares of pairs understood alike, whole tasks and field by field, and each language's scores.

    `unlike` names the wordings (by number) whose languages differ, with the fields that do.
    """
    made = list(chosen if chosen is not None else pairs(name))
    en = [understand(pair.en).task for pair in made]
    zh = [understand(pair.zh).task for pair in made]
    wanted = [pair.task for pair in made]
    same = {name: [f(a, b) for a, b in zip(en, zh, strict=True)] for name, f in FIELDS.items()}
    alike = [all(row) for row in zip(*same.values(), strict=True)]
    listed = [
        all(row) and same_by_lists(a.specimen, b.specimen) and same_by_lists(a.feature, b.feature)
        for row, a, b in zip(zip(*same.values(), strict=True), en, zh, strict=True)
    ]
    asked = [all(row) for row in zip(*(same[n] for n in same if n not in NAMES), strict=True)]
    unlike: dict[int, list[str]] = {}
    for place, pair in enumerate(made):
        if not alike[place]:
            unlike[pair.wording] = [name for name in same if not same[name][place]]
    return {
        "document": name,
        "pairs": len(made),
        "wordings": len({pair.wording for pair in made}),
        "alike": sum(alike) / len(made),
        "alike_by_lists": sum(listed) / len(made),
        "alike_but_for_names": sum(asked) / len(made),
        "target": TARGET,
        "alike_by_field": {name: sum(row) / len(made) for name, row in same.items()},
        "en": asdict(Scores.of(en, wanted)),
        "zh": asdict(Scores.of(zh, wanted)),
        "unlike": unlike,
    }


def table(result: dict[str, Any]) -> str:
    """The result as lines of text."""
    lines = [
        f"{result['document']}: {result['pairs']} pairs of {result['wordings']} wordings, the same "
        f"task in both languages {result['alike']:.3f}  (asked: {result['target']:.2f}), names of "
        f"specimen and feature apart {result['alike_but_for_names']:.3f}, by the lists' synonyms "
        f"alone {result['alike_by_lists']:.3f}",
        f"  {'':<18}{'alike':>8}{'en':>8}{'zh':>8}",
    ]
    for name, share in result["alike_by_field"].items():
        right = "".join(f"{result[language][name]:8.3f}" for language in ("en", "zh"))
        lines.append(f"  {name:<18}{share:8.3f}{right}")
    return "\n".join(lines)
