"""Specimen and feature names in English text: noun phrases around known nouns, or by position."""

from __future__ import annotations

import re
from functools import lru_cache

from planner.language.chinese_names import Name
from planner.language.gazetteer import entries
from planner.language.vocabulary import pattern, vocabulary

_TOKEN = re.compile(r"[a-z][a-z0-9]*(?:[-/'][a-z0-9]+)*|[0-9]+[a-z]+\b|[^\sa-z]", re.ASCII)
_OF = pattern("of")
_TAKEN = pattern("taken")


def stem(word: str) -> str:
    """A word without its plural ending."""
    for ending, singular in (
        ("ies", "y"),
        ("ves", "f"),
        ("sses", "ss"),
        ("shes", "sh"),
        ("ches", "ch"),
        ("xes", "x"),
    ):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            return word[: -len(ending)] + singular
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


@lru_cache(maxsize=1)
def _stop() -> frozenset[str]:
    return frozenset(vocabulary("english")["stop"].split())


@lru_cache(maxsize=8)
def _heads(document: str, kinds: tuple[str, ...]) -> tuple[frozenset[str], frozenset[str]]:
    """Stems that may end a name, and stems that may stand before it."""
    heads: set[str] = set()
    before: set[str] = set(vocabulary("english")["modifiers"].split())
    for kind in kinds:
        for english, _ in entries(document, kind):
            words = [stem(word) for word in english.lower().split()]
            before.update(words)
            if kind != "materials":
                heads.add(words[-1])
    return frozenset(heads - _stop()), frozenset(before - _stop())


@lru_cache(maxsize=1)
def known_words() -> frozenset[str]:
    """All English words that the vocabularies of names hold, and the common ones."""
    words = vocabulary("english")
    found = {word for kind in ("stop", "modifiers", "verbs") for word in words[kind].split()}
    kinds = {"specimens": ("things", "materials", "forms"),
             "features": ("objects", "measures", "watched")}  # fmt: skip
    for document, names in kinds.items():
        for kind in names:
            for english, _ in entries(document, kind):
                found.update(stem(word) for word in english.lower().split())
    return frozenset(found)


def phrases(text: str, document: str, kinds: tuple[str, ...], widen: bool = True) -> list[Name]:
    """Noun phrases that end in a known noun, with the words before that belong to it.

    >>> kinds = ("things", "forms")
    >>> [name.english for name in phrases("the grey cast iron bar, please", "specimens", kinds)]
    ['grey cast iron bar']
    """
    heads, before = _heads(document, kinds)
    tokens = list(_TOKEN.finditer(text))
    words = [token.group() for token in tokens]
    found: list[Name] = []
    place = 0
    while place < len(words):
        if not _is_head(words[place], heads):
            place += 1
            continue
        last = place
        while last + 1 < len(words) and _is_head(words[last + 1], heads):
            last += 1
        first = place
        while first > 0 and place - first < 4 and _joins(words[first - 1], before, widen):
            first -= 1
        start, stop = tokens[first].start(), tokens[last].end()
        found.append(Name(text[start:stop], start, stop, document))
        place = last + 1
    return found


def _is_head(word: str, heads: frozenset[str]) -> bool:
    return stem(word) in heads or ("-" in word and stem(word.rsplit("-", 1)[1]) in heads)


def _joins(word: str, before: frozenset[str], widen: bool) -> bool:
    if stem(word) in before or word in before:
        return True
    plain = word not in _stop() and re.fullmatch(r"[a-z][a-z0-9/-]+", word) is not None
    return widen and plain and not word.endswith(("ed", "ing", "ly"))


def by_position(text: str) -> Name | None:
    """A specimen that no list knows: how a sentence opens, or what something is done to.

    >>> [by_position(text).english for text in ("quokka ear, 900 views", "a cut in the yurt rope")]
    ['quokka ear', 'yurt rope']
    """
    for number, sentence in enumerate(_SENTENCE.finditer(text)):
        start = sentence.start() + len(_GREETING.match(sentence.group())[0])  # type: ignore[index]
        words = _phrase_of(text[start : sentence.end()])
        after = text[start + len(words) : sentence.end()].lstrip()
        # later sentences open with much else, so there the phrase must stand alone
        closed = not after or after[0] in ",:;.(?!-"
        verb = words.split(" ")[0] in _verbs()
        part = number == 0 and _PART.match(after)
        if words and not verb and not part and len(words.split()) <= 4 and (closed or not number):
            return Name(words, start, start + len(words), "opening")
        if number == 0:
            for pattern_of in (_TAKEN, _OF):
                for found in pattern_of.finditer(text):
                    words = _phrase_of(found[1])
                    if words:
                        return Name(words, found.start(1), found.start(1) + len(words), "position")
    return None


def _phrase_of(text: str) -> str:
    """The longest beginning of `text` without stop words or, behind a noun, verbs."""
    kept: list[str] = []
    for word in re.split(r" +", text):
        plain = word.rstrip(",.;:!?)(")
        if plain in _stop() or not re.fullmatch(r"[a-z][a-z/'-]+", plain):
            break
        acts = plain.endswith(("ed", "ing", "ly")) or stem(plain) in _verbs()
        if kept and acts and plain not in _modifiers():
            break
        kept.append(plain)
        if plain != word:
            break
    return " ".join(kept)


_PART = re.compile(r"(?:all over |(?:scans?|data|radiographs|tomography),? )*(?:of|in|inside)\b")
_SENTENCE = re.compile(r"[^.;!?\s](?:[^.;!?]|\.(?=\S))*")
_GREETING = re.compile(
    r"(?:(?:hi|hello|hey|ok|okay|so|well|now|and|then|again|the|this|that|these|those|a|an|our|my|"
    r"some|one|1|sample|specimen|scan|of|it's|it is|here is|we have|me|for|about|another|same|"
    r"from|to|in|on|morning|all|dear)\b[ ,:]*)*",
    re.ASCII,
)


@lru_cache(maxsize=1)
def _verbs() -> frozenset[str]:
    return frozenset(vocabulary("english")["verbs"].split())


@lru_cache(maxsize=1)
def _modifiers() -> frozenset[str]:
    return frozenset(vocabulary("english")["modifiers"].split())


def is_noun(word: str) -> bool:
    """Whether a word can end a name: none that only says of what kind, how often or what happened.

    >>> [word for word in ("cracks", "frozen", "once", "moved") if is_noun(word)]
    ['cracks']
    """
    happened = word.endswith("ed") and not _verbs().isdisjoint((word[:-1], word[:-2]))
    return not happened and word not in _modifiers() and word not in _adverbs()


@lru_cache(maxsize=1)
def _adverbs() -> frozenset[str]:
    return frozenset(vocabulary("english")["adverbs"].split())


_OBJECT = pattern("object")


def objects_of_verbs(text: str) -> list[Name]:
    """What the verbs of labelling and counting act on."""
    found = []
    for match in _OBJECT.finditer(text):
        words = _phrase_of(match[1])
        if words:
            found.append(Name(words, match.start(1), match.start(1) + len(words), "object"))
    return found
