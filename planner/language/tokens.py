"""Normal text cut into words, numbers and Chinese signs, and the hashed pieces that tell them."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

BUCKETS = 6144
LONGEST = 256  # of a longer request the beginning and the end are read

_TOKEN = re.compile(r"[a-z]+|\d+(?:\.\d+)?|[\u3400-\u9fff]|[^\s\ue000-\uf8ff]", re.ASCII)
_CUT = (160, LONGEST - 160)


@dataclass(frozen=True)
class Token:
    """`text` at `start`:`stop` of normal text."""

    text: str
    start: int
    stop: int


def tokens_of(text: str) -> tuple[Token, ...]:
    """The tokens of normal text, of long text the first and the last ones.

    >>> [token.text for token in tokens_of("30 nm 像素, please")]
    ['30', 'nm', '像', '素', ',', 'please']
    """
    found = tuple(Token(m.group(), m.start(), m.end()) for m in _TOKEN.finditer(text))
    return found if len(found) <= LONGEST else found[: _CUT[0]] + found[-_CUT[1] :]


def pieces_of(tokens: tuple[Token, ...]) -> list[list[int]]:
    """For each token the numbers, below BUCKETS, of what it is made of and of its neighbourhood.

    Words count whole, by their beginning and end (so that typing errors and endings cost little)
    and with the word before; Chinese signs alone and in twos and threes; numbers by their size.
    Hashing: Weinberger et al., ICML 2009.
    """
    words = [_word(token.text) for token in tokens]
    padded = ["^", *words, "$"]
    found = []
    for place, word in enumerate(words, 1):
        before, after = padded[place - 1], padded[place + 1]
        names = [word, f"{before} {word}"]
        if word[0] > "\u3000":
            names += [f"{word} {after}", f"{before} {word} {after}"]
        elif word.isalpha():
            names += [f"{word[:3]}*", f"{word[:5]}*", f"*{word[-4:]}"]
        found.append([zlib.crc32(name.encode()) % BUCKETS for name in names])
    return found


def _word(text: str) -> str:
    """Numbers are told by their size only."""
    if not text[0].isdigit():
        return text
    value = float(text)
    if "." in text:
        return "#.9" if value < 1 else "#9.9"
    for bound in (9, 31, 99, 170, 250, 360, 999):
        if value <= bound:
            return f"#{bound}"
    return "#"
