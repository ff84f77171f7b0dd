"""Text cut into the pieces of a SentencePiece unigram vocabulary, with where each stands."""

from __future__ import annotations

from dataclasses import dataclass

SPACE = "\u2581"  # stands for the blank before a word
BEGIN, END, UNKNOWN = 0, 2, 3


@dataclass(frozen=True)
class Subword:
    """Piece `number` of the vocabulary for `start`:`stop` of the text."""

    number: int
    start: int
    stop: int


class Subwords:
    """The likeliest pieces of a text (Kudo, "Subword regularization", ACL 2018: Viterbi)."""

    def __init__(self, pieces: dict[str, tuple[int, float]], changed: dict[str, str]) -> None:
        """`pieces` tell number and log probability, `changed` what a sign is written as."""
        self.pieces = pieces
        self.changed = changed
        self.longest = max(map(len, pieces))
        self.odd = min(score for _, score in pieces.values()) - 10  # of an unknown sign

    def cut(self, text: str) -> list[Subword]:
        """The pieces of `text` in order; a blank belongs to the word behind it.

        >>> cutter = Subwords({"\u2581a": (5, -1.0), "b": (6, -2.0), "\u2581ab": (7, -2.5)}, {})
        >>> [(piece.number, piece.start, piece.stop) for piece in cutter.cut("ab b")]
        [(7, 0, 2), (3, 2, 3), (6, 3, 4)]
        """
        signs, places = self._signs(text)
        line = "".join(signs)
        best = [0.0] + [float("-inf")] * len(line)
        came: list[tuple[int, int]] = [(0, UNKNOWN)] * (len(line) + 1)
        for start in range(len(line)):
            here = best[start]
            for stop in range(start + 1, min(start + self.longest, len(line)) + 1):
                known = self.pieces.get(line[start:stop])
                if known is not None and here + known[1] > best[stop]:
                    best[stop], came[stop] = here + known[1], (start, known[0])
            if here + self.odd > best[start + 1]:
                best[start + 1], came[start + 1] = here + self.odd, (start, UNKNOWN)
        found: list[Subword] = []
        stop = len(line)
        while stop:
            start, number = came[stop]
            found.append(Subword(number, places[start], places[stop - 1] + 1))
            stop = start
        return found[::-1]

    def _signs(self, text: str) -> tuple[list[str], list[int]]:
        """The signs of a text as the vocabulary writes them, and where each comes from."""
        signs, places = [SPACE], [0]
        for place, sign in enumerate(text):
            for plain in self.changed.get(sign, sign):
                written = SPACE if plain == " " else plain
                if written == SPACE and signs[-1] == SPACE:
                    continue
                signs.append(written)
                places.append(place)
        return signs, places
