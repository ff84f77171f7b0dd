"""Whether a text says anything at all, before any reader is asked what."""

from __future__ import annotations

import re

from planner.language.encoder import encoder
from planner.language.english_names import known_words, stem
from planner.language.normal import CJK, normal
from planner.language.quantities import quantities_in
from planner.language.rules import evidence_of
from planner.language.subwords import SPACE

FEW_SIGNS = 2  # different letters, of which no text consists that is longer than LONG
LONG = 4  # letters; shorter texts may be answers
WHOLE = 4  # letters of a word that the encoder's vocabulary holds whole
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")


def intelligible(text: str) -> bool:
    """Whether a text has a word that is known: to the vocabularies, or as a whole to the encoder's.

    Texts in other scripts than Latin and Chinese are left to the reader.

    >>> intelligible("asdf qwer"), intelligible("a" * 5000), intelligible("recon pls")
    (False, False, True)
    """
    plain = normal(text[:1000])
    letters = [sign for sign in plain if sign.isalpha()]
    if not letters or (len(letters) > LONG and len(set(letters)) <= FEW_SIGNS):
        return False
    if len(letters) < LONG:  # hm
        return True
    if CJK.search(plain) or not "".join(letters).isascii():
        return True
    words = _WORD.findall(plain)
    known = known_words()
    pieces = encoder().subwords.pieces
    if any(word in known or stem(word) in known for word in words if len(word) > 1):
        return True
    if any(len(word) >= WHOLE and SPACE + word in pieces for word in words):
        return True
    rules = evidence_of(plain)
    return bool(rules.goals or rules.conditions or quantities_in(rules.clauses))
