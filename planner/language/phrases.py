"""What tomoplan says, in the language of the one who asked."""

from __future__ import annotations

from metadata.errors import InputError
from planner.language.translation import translate
from planner.language.vocabulary import vocabulary


def say(key: str, lang: str, **values: object) -> str:
    """The phrase `key` in English ("en") or Chinese ("zh", also used for "mixed").

    `values` fill the phrase's ``{name}`` places (format specifications are allowed); words among
    them are told in that language too. An unknown
    key and a missing value raise InputError: both are mistakes of the caller or of
    configs/language/phrases.yaml.

    >>> say("refusal.empty", "en")
    'The request is empty. Say what you want from the scan, in English or Chinese.'
    """
    table = vocabulary("phrases")
    if key not in table:
        raise InputError(
            f"There is no phrase {key!r} in configs/language/phrases.yaml; add it there in English "
            "(en) and Chinese (zh)."
        )
    phrase = table[key]["en" if lang == "en" else "zh"]
    told = {k: translate(v, lang) if isinstance(v, str) else v for k, v in values.items()}
    try:
        return phrase.format(**told).replace(" ，", "，")  # before a unit that begins so
    except (KeyError, IndexError, ValueError) as problem:
        raise InputError(
            f"The phrase {key!r} ({phrase!r}) cannot be filled with {sorted(values)}: {problem!r}. "
            "Give a value for each of its places."
        ) from None
