"""Outcomes in one HDF5 file: columns of nodes, scan after scan."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError
from simulators.outcomes.quality import MEASURES
from simulators.outcomes.tree import path_of, step_key
from toolbox.recipe import Recipe, Step

FORMAT = "tomoplan-outcomes-1"
COLUMNS = ("parent", "step", "seconds", "again", "peak_bytes", "failed")


@dataclass(frozen=True, eq=False)
class ScanOutcomes:
    """The tree of one scan, one entry a node; parents (−1: none) stand before their children.

    ``step``: index into ``steps``; ``seconds``: processor seconds of the node's own step on one
    thread, ``again`` of a second run (NaN: none); ``peak_bytes``: of its step, inputs included;
    ``quality``: by goal, NaN where no pipeline ends or a step failed; ``failed``.
    """

    name: str
    document: dict[str, Any]
    steps: Sequence[Step]
    parent: NDArray[np.int32]
    step: NDArray[np.int32]
    seconds: NDArray[np.float32]
    again: NDArray[np.float32]
    peak_bytes: NDArray[np.float32]
    failed: NDArray[np.bool_]
    quality: dict[str, NDArray[np.float32]]

    @property
    def goals(self) -> tuple[str, ...]:
        """The goals that are measured here."""
        return tuple(self.quality)

    @cached_property
    def complete(self) -> NDArray[np.intp]:
        """The nodes at which a pipeline ends and was measured."""
        known = np.any([np.isfinite(q) for q in self.quality.values()], axis=0)
        return np.flatnonzero(known)

    @cached_property
    def total_seconds(self) -> NDArray[np.float64]:
        """Seconds of the whole way to each node."""
        total = self.seconds.astype(np.float64)
        for node, parent in enumerate(self.parent):
            if parent >= 0:
                total[node] += total[parent]
        return total

    @cached_property
    def total_peak_bytes(self) -> NDArray[np.float64]:
        """Bytes at the peak of the whole way to each node."""
        peak = self.peak_bytes.astype(np.float64)
        for node, parent in enumerate(self.parent):
            if parent >= 0:
                peak[node] = np.fmax(peak[node], peak[parent])
        return peak

    @cached_property
    def main_quality(self) -> NDArray[np.float64]:
        """Quality at each node for the first of ``goals``; NaN where no pipeline ends."""
        return self.quality[self.goals[0]].astype(np.float64)

    def recipe(self, node: int) -> Recipe:
        """The steps from the first to a node."""
        return tuple(self.steps[self.step[n]] for n in path_of(self.parent, node))

    def children(self, node: int) -> NDArray[np.intp]:
        """The nodes right after one (−1: the first steps)."""
        return np.flatnonzero(self.parent == node)


@dataclass(frozen=True, eq=False)
class Outcomes:
    """All scans of a table, the steps that occur in it, and the versions of all tools.

    >>> outcomes = Outcomes.load("outcomes.h5")  # doctest: +SKIP
    >>> scan = outcomes[0]  # doctest: +SKIP
    >>> scan.recipe(scan.complete[0]), scan.total_seconds[scan.complete[0]]  # doctest: +SKIP
    """

    scans: tuple[ScanOutcomes, ...]
    steps: tuple[Step, ...]
    versions: dict[str, str]
    about: dict[str, Any]

    def __len__(self) -> int:
        return len(self.scans)

    def __getitem__(self, index: int) -> ScanOutcomes:
        return self.scans[index]

    def __iter__(self) -> Iterator[ScanOutcomes]:
        return iter(self.scans)

    def split(self, name: str) -> tuple[ScanOutcomes, ...]:
        """The scans whose document says ``split: name``."""
        return tuple(s for s in self.scans if s.document.get("split") == name)

    @cached_property
    def levels(self) -> tuple[tuple[str, int], ...]:
        """Tool and parameter level of each of ``steps``: levels count a tool's settings, the
        defaults first, in the order of their text."""
        by_tool: dict[str, list[str]] = {}
        for step in self.steps:
            by_tool.setdefault(step.tool, []).append(step_key(step))
        for keys in by_tool.values():
            keys.sort(key=lambda k: (bool(json.loads(k)["parameters"]), k))
        return tuple((s.tool, by_tool[s.tool].index(step_key(s))) for s in self.steps)

    def save(self, path: str | Path) -> None:
        """Write the table; a file that is there is replaced when the new one is whole."""
        import h5py

        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        index = {step_key(s): i for i, s in enumerate(self.steps)}
        part = path.with_name(path.name + ".part")
        with h5py.File(part, "w", track_order=True) as file:
            file.attrs["format"] = FORMAT
            file.attrs["about"] = json.dumps(self.about, ensure_ascii=False, sort_keys=True)
            _text(file, "steps", sorted(index, key=index.__getitem__))
            _text(file, "versions", [json.dumps(self.versions, sort_keys=True)])
            _text(file, "names", [s.name for s in self.scans])
            texts = [json.dumps(s.document, ensure_ascii=False, sort_keys=True) for s in self.scans]
            _text(file, "documents", texts)
            first = np.cumsum([0, *(len(s.parent) for s in self.scans)])
            _column(file, "first", first.astype(np.int64))
            nodes = file.create_group("nodes")
            for name in COLUMNS:
                _column(nodes, name, _joined([_stored(s, name, index) for s in self.scans]))
            goals = nodes.create_group("quality")
            for goal in MEASURES:
                columns = [s.quality.get(goal) for s in self.scans]
                if any(c is not None for c in columns):
                    filled = [np.full(len(s.parent), np.nan, np.float32) if c is None else c
                              for s, c in zip(self.scans, columns, strict=True)]  # fmt: skip
                    _column(goals, goal, _joined(filled))
        part.replace(path)

    @classmethod
    def load(cls, path: str | Path) -> Outcomes:
        """Read a table; raises InputError on a file that is none."""
        import h5py

        try:
            with h5py.File(path) as file:
                if file.attrs.get("format") != FORMAT:
                    raise KeyError("format")
                return cls._read(file)
        except (OSError, KeyError) as error:
            raise InputError(
                f"{path} is no table of outcomes ({error}); expected an HDF5 file that "
                f"`python -m planner.outcomes` wrote."
            ) from None

    @classmethod
    def _read(cls, file: Any) -> Outcomes:
        steps = tuple(_step(text) for text in _texts(file["steps"]))
        names = _texts(file["names"])
        documents = [json.loads(t) for t in _texts(file["documents"])]
        first = file["first"][:]
        columns = {name: file["nodes"][name][:] for name in COLUMNS}
        quality = {goal: file["nodes/quality"][goal][:] for goal in file["nodes/quality"]}
        scans = []
        for at, name in enumerate(names):
            here = slice(int(first[at]), int(first[at + 1]))
            measured = {g: q[here] for g, q in quality.items() if np.isfinite(q[here]).any()}
            scans.append(
                ScanOutcomes(
                    name, documents[at], steps, **{c: v[here] for c, v in columns.items()},
                    quality={g: measured[g] for g in MEASURES if g in measured},
                )
            )  # fmt: skip
        versions = json.loads(_texts(file["versions"])[0])
        return cls(tuple(scans), steps, versions, json.loads(file.attrs["about"]))

    @classmethod
    def joined(cls, parts: Sequence[Outcomes], about: Mapping[str, Any]) -> Outcomes:
        """Several tables as one, in the order given. The versions are those of the last; a scan
        that was run with others says so in its document (``versions``)."""
        index: dict[str, int] = {}
        scans: list[ScanOutcomes] = []
        known: dict[str, Step] = {}
        versions: dict[str, str] = {}
        held: list[dict[str, str]] = []
        for part in parts:
            versions |= part.versions
            keys = [step_key(s) for s in part.steps]
            for key, step in zip(keys, part.steps, strict=True):
                index.setdefault(key, len(index))
                known.setdefault(key, step)
            renumber = np.array([index[k] for k in keys], np.int32)
            scans += [_renumbered(s, renumber) for s in part.scans]
            held += [part.versions] * len(part.scans)
        steps = tuple(known[k] for k in index)
        scans = [
            ScanOutcomes(**{**vars_of(s), "steps": steps, "document": _told(s, own, versions)})
            for s, own in zip(scans, held, strict=True)
        ]
        return cls(tuple(scans), steps, versions, dict(about))


def _told(
    scan: ScanOutcomes, own: Mapping[str, str], versions: Mapping[str, str]
) -> dict[str, Any]:
    """The document of a scan with the versions that are not those of the table."""
    other = {name: v for name, v in own.items() if versions[name] != v}
    return scan.document | ({"versions": other} if other else {})


def vars_of(scan: ScanOutcomes) -> dict[str, Any]:
    """The fields of a scan's outcomes by name."""
    return {name: getattr(scan, name) for name in ScanOutcomes.__dataclass_fields__}


def _renumbered(scan: ScanOutcomes, renumber: NDArray[np.int32]) -> ScanOutcomes:
    return ScanOutcomes(**{**vars_of(scan), "step": renumber[scan.step]})


def _stored(scan: ScanOutcomes, name: str, index: Mapping[str, int]) -> NDArray[Any]:
    if name != "step":
        return np.asarray(getattr(scan, name))
    renumber = np.array([index[step_key(s)] for s in scan.steps], np.int32)
    return renumber[scan.step]


def _joined(pieces: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(pieces) if pieces else np.empty(0, np.float32)


def _column(group: Any, name: str, values: NDArray[Any]) -> None:
    options: dict[str, Any] = {"compression": "gzip", "compression_opts": 9, "shuffle": True}
    group.create_dataset(name, data=values, **(options if values.size else {}))


def _text(group: Any, name: str, texts: Sequence[str]) -> None:
    # One block of bytes compresses; strings of their own lengths do not.
    block = np.frombuffer("\0".join(texts).encode(), np.uint8)
    _column(group, name, block)
    group[name].attrs["count"] = len(texts)


def _texts(dataset: Any) -> list[str]:
    if not dataset.attrs["count"]:
        return []
    return dataset[:].tobytes().decode().split("\0")


def _step(text: str) -> Step:
    found = json.loads(text)
    return Step(found["tool"], found["parameters"])
