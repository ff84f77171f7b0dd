"""One spelling for what is written in many: widths, dashes, typing errors, number words."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from planner.language.numerals import digits_for_words
from planner.language.vocabulary import vocabulary

CJK = re.compile(r"[\u3400-\u9fff]")
LATIN_WORD = re.compile(r"[A-Za-z][A-Za-z-]{2,}")
WORD = re.compile(r"[a-z]{5,}", re.ASCII)
_CORRECTION = re.compile(r"[(][^()]*(?:打错|手误|错别字|\btypo\b|\bi mean\b)[^()]*[)]")
_SIGNS = str.maketrans(
    {"–": "-", "—": "-", "−": "-", "‐": "-", "‑": "-", "’": "'", "‘": "'", "“": '"', "”": '"',
     "、": ",", "×": "x", "µ": "u", "μ": "u", "～": "~", "〜": "~", "…": ".", "⇒": "=>", "→": "->"}
)  # fmt: skip


def normal(text: str) -> str:
    """`text` in lower case with plain signs, numbers as digits and frequent typing errors repaired.

    >>> normal("Recosntruct it within ten minutes")
    'reconstruct it within 10 minutes'
    >>> normal("给你四十分钟")
    '给你40分钟'
    """
    plain = text.translate(_SIGNS)
    plain = unicodedata.normalize("NFKC", plain.replace("½", ".5").replace("°C", "degC"))
    plain = plain.translate(_SIGNS).replace("℃", "degc").lower()
    for wrong, right in vocabulary("spelling")["replace"].items():
        plain = plain.replace(wrong, right)
    plain = re.sub("一圈(?:一)?圈", "圈圈", plain).replace("noon", "12:00")
    plain = _CORRECTION.sub(" ", plain)
    plain = re.sub(r"\bteh\b", "the", plain, flags=re.ASCII)
    return digits_for_words(WORD.sub(_repaired, plain))


def language_of(text: str) -> str:
    """ "en", "zh" or "mixed": mixed is Chinese with English words that are not mere names or units.

    English sentences that hold some Chinese words are English: who wrote them is told in English.

    >>> language_of("先 denoise 再给 volume"), language_of("用 U-Net 分割"), language_of("segment")
    ('mixed', 'zh', 'en')
    >>> language_of("please reconstruct the 泡沫铝 scan")
    'en'
    """
    chinese = len(CJK.findall(text))
    latin = [word for word in LATIN_WORD.findall(text) if word.lower() not in UNITS]
    if not chinese:
        return "en"
    linked = sum(word.lower() in LINKS for word in re.findall(r"[A-Za-z]+", text))
    if linked and 2 * len(latin) >= chinese:  # about two signs make a Chinese word
        return "en"
    words = [word for word in latin if word.islower()]
    return "mixed" if len(words) >= 2 or len(words) * 8 > chinese else "zh"


UNITS = frozenset({"kev", "min", "mins", "sec", "hour", "pixel", "px", "gib"})
# Words that only an English sentence needs
LINKS = frozenset(
    ("the", "a", "an", "of", "in", "to", "and", "with", "for", "is", "are", "it", "my", "our",
     "please", "this", "that", "from", "on")
)  # fmt: skip


@lru_cache(maxsize=1)
def _known() -> tuple[frozenset[str], frozenset[str]]:
    spelling = vocabulary("spelling")
    return frozenset(spelling["words"].split()), frozenset(spelling["leave"].split())


@lru_cache(maxsize=1)
def _shapes() -> dict[str, str]:
    """Sorted letters, and the word with one letter dropped, to the known word."""
    shapes: dict[str, str] = {}
    for word in _known()[0]:
        shapes.setdefault("".join(sorted(word)), word)
        for place in range(1, len(word)):
            shapes.setdefault(word[:place] + word[place + 1 :], word)
    return shapes


def _repaired(found: re.Match[str]) -> str:
    word = found.group()
    known, leave = _known()
    if word in known or word in leave:
        return word
    for ending in ("s", "ed", "ing", "d"):
        if word.endswith(ending) and word[: -len(ending)] in known:
            return word
    shapes = _shapes()
    if word in shapes and len(shapes[word]) > len(word):  # one letter is missing
        return shapes[word]
    if len(word) < 6:
        return word
    swapped = shapes.get("".join(sorted(word)))
    if swapped is not None and sum(a != b for a, b in zip(word, swapped, strict=True)) == 2:
        return swapped
    for place in range(1, len(word)):  # one letter too many, or one wrong
        shorter = word[:place] + word[place + 1 :]
        if shorter in known:
            return shorter
        if len(word) >= 8 and shorter in shapes and len(shapes[shorter]) == len(word):
            return shapes[shorter]
    return word
