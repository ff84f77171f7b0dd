"""The files and sources that a person names in a message: what the conversation may touch."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from planner.language.vocabulary import vocabulary

ENDINGS = ("h5", "hdf5", "hdf", "nxs", "nx5", "tif", "tiff", "txrm", "xrm", "npy", "csv", "json",
           "jsonl", "yaml")  # fmt: skip
RESULTS = (".h5", ".hdf5", ".nxs")
_QUOTED = re.compile(r"\"([^\"\n]+)\"|'([^'\n]+)'|“([^”\n]+)”|`([^`\n]+)`|「([^」\n]+)」")
_TOKEN = re.compile(r"[^\s\"'“”`「」，。；！？、：,;!?()（）<>]+")
# A path inside a run of Chinese, which has no spaces
_WITHIN = re.compile(rf"[A-Za-z0-9_~./\\+@%-]*\.(?:{'|'.join(ENDINGS)})(?![A-Za-z0-9])", re.I)
_ROOTED = re.compile(r"(?<![A-Za-z0-9_.~/-])(?:~|\.{1,2})?/[A-Za-z0-9_.+@%/-]+")
_ADDRESS = re.compile(
    r"[a-z][a-z0-9+]*://\S+|(?=[^\s]*[A-Za-z])[A-Za-z0-9_-]+(?::[A-Za-z0-9_{}.-]+)+"
)
NAME = "§"  # stands for a name in what is read further
REACH = 16  # characters before a name in which a word may say that it is to be written


@dataclass(frozen=True)
class Named:
    """What a message names: files that are there, files to be written, names of nothing, and
    addresses (of instruments); ``rest`` is the message with each name as ``NAME``."""

    files: tuple[Path, ...] = ()
    outputs: tuple[Path, ...] = ()
    missing: tuple[Path, ...] = ()
    addresses: tuple[str, ...] = ()
    rest: str = ""
    order: tuple[Path | str, ...] = ()  # all of them, as they stand in the message

    def spelled(self, label: Callable[[Path], str]) -> str:
        """The message with ``label`` of each file in the place of its name."""
        names = iter(self.order)
        return re.sub(
            NAME,
            lambda _: label(name) if isinstance(name := next(names), Path) else name,
            self.rest,
        )


def named_in(text: str, awaiting_output: bool = False) -> Named:
    """The files that a text names, as absolute paths; quoted names may hold spaces.

    ``awaiting_output``: the person was asked where the result goes, so that a name of nothing is
    the answer. What follows a word of writing (save, write, 存到 …) is to be written, and so is a
    name of nothing that follows "to" or "as".

    >>> named_in("reconstruct it, rings out/in").files
    ()
    >>> named_in("save it to /tmp/nothing/x.h5").outputs[0].name
    'x.h5'
    """
    files: list[Path] = []
    outputs: list[Path] = []
    missing: list[Path] = []
    addresses: list[str] = []
    order: list[Path | str] = []
    pieces, at = [], 0
    text = text.replace(NAME, " ")
    for start, stop, name in _candidates(text):
        path = Path(name).expanduser()
        if _ADDRESS.fullmatch(name) and not path.exists():
            addresses.append(name)
            order.append(name)
        else:
            path = path.absolute()
            order.append(path)
            before = text[max(0, start - REACH) : start].lower()
            new = path.suffix.lower() in RESULTS
            towards = re.search(vocabulary("conversation")["towards"], before)
            alone = text.strip(" \"'“”`.。") == name
            if re.search(vocabulary("conversation")["writing"], before) or (
                new and alone and awaiting_output
            ):
                outputs.append(path)
            elif path.exists():
                files.append(path)
            elif new and (awaiting_output or towards):
                outputs.append(path)
            else:
                missing.append(path)
        pieces += [text[at:start], NAME]
        at = stop
    pieces.append(text[at:])
    rest = "".join(pieces).strip()
    return Named(
        tuple(files), tuple(outputs), tuple(missing), tuple(addresses), rest, tuple(order)
    )  # fmt: skip


def _candidates(text: str) -> list[tuple[int, int, str]]:
    """Start, stop and name of everything that looks like a path or an address, in order."""
    found: list[tuple[int, int, str]] = []

    def take(start: int, stop: int, name: str) -> None:
        if not any(start < e and stop > s for s, e, _ in found):
            found.append((start, stop, name))

    for quoted in _QUOTED.finditer(text):
        name = next(g for g in quoted.groups() if g is not None).strip()
        if _looks_like_path(name):
            take(quoted.start(), quoted.end(), name)
    for address in _ADDRESS.finditer(text):
        take(address.start(), address.end(), address.group().rstrip(".,;"))
    for token in _TOKEN.finditer(text):
        name = token.group().rstrip(".:")
        if _looks_like_path(name):
            take(token.start(), token.start() + len(name), name)
            continue
        for inner in (*_WITHIN.finditer(name), *_ROOTED.finditer(name)):
            if _looks_like_path(inner.group()):
                take(token.start() + inner.start(), token.start() + inner.end(), inner.group())
    return sorted(found)


def _looks_like_path(name: str) -> bool:
    """Whether a word is a path: it is rooted or ends as data files do, or it is there."""
    if not name or len(name) > 1000 or "\0" in name or "://" in name:
        return False
    plain = name.isascii()
    if _ROOTED.fullmatch(name) or (_WITHIN.fullmatch(name) and plain):
        return True
    try:
        there = Path(name).expanduser().exists()
    except (OSError, RuntimeError, ValueError):
        return False
    # A bare word is a word, even where a folder has its name.
    return there and ("/" in name or "." in name)
