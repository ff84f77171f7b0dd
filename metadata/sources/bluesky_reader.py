"""Bluesky documents as samples: each number of each event is one of the metric of its name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from metadata.series import Limits, MetricInfo, Samples

NUMBERS = ("number", "integer", "boolean")
TOLERANCES = ("alarm", "warning")  # what must not be reached; `control` is how far a motor may go


@dataclass
class BlueskyReader:
    """Takes documents in the order in which a run gives them and says what they hold.

    Numbers of every stream count, those of the ``baseline`` too; each at the time of its event, as
    a device that stands still goes on being read. What a scan itself moves is left out. Tolerances
    come from ``limits`` of the data keys. Arrays, and data in files of their own, are no metrics.

    >>> reader = BlueskyReader()
    >>> key = {"source": "x", "dtype": "number", "shape": [], "units": "mA"}
    >>> _ = reader.take("descriptor", {"uid": "d", "run_start": "r", "data_keys": {"ring": key}})
    >>> event = {"descriptor": "d", "time": 5.0, "data": {"ring": 100.2}, "timestamps": {}}
    >>> [(s.metric, s.times.tolist(), s.values.tolist()) for s in reader.take("event", event)]
    [('ring', [5.0], [100.2])]
    """

    metrics: dict[str, MetricInfo] = field(default_factory=dict)
    unknown: int = 0  # events whose descriptor was never seen
    _moved: dict[str, frozenset[str]] = field(default_factory=dict)
    _keys: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _runs: dict[str, list[str]] = field(default_factory=dict)

    def take(self, name: str, document: Mapping[str, Any]) -> list[Samples]:
        """What one document says; nothing from those that hold no readings."""
        if name == "start":
            self._moved[document["uid"]] = _moved_by(document)
        elif name == "descriptor":
            self._describe(document)
        elif name == "event":
            return self._samples(document["descriptor"], [document["time"]],
                                 {k: [v] for k, v in document["data"].items()})  # fmt: skip
        elif name == "event_page":
            return self._samples(document["descriptor"], document["time"], document["data"])
        elif name == "bulk_events":
            return [
                s for events in document.values() for e in events for s in self.take("event", e)
            ]
        elif name == "stop":  # a run that has ended says nothing more
            self._moved.pop(document["run_start"], None)
            for uid in self._runs.pop(document["run_start"], ()):
                self._keys.pop(uid, None)
        return []

    def _describe(self, document: Mapping[str, Any]) -> None:
        run = document.get("run_start", "")
        moved = self._moved.get(run, frozenset())
        if document.get("name") == "baseline":
            moved = frozenset()
        chosen = []
        for name, key in document["data_keys"].items():
            if key.get("dtype") not in NUMBERS or any(key.get("shape") or ()):
                continue
            if name in moved or key.get("object_name") in moved:
                continue
            chosen.append(name)
            self.metrics[name] = MetricInfo(
                name, str(key.get("units") or ""), _limits(key), str(key.get("source") or "")
            )
        self._keys[document["uid"]] = tuple(chosen)
        self._runs.setdefault(run, []).append(document["uid"])

    def _samples(self, descriptor: str, times: Any, data: Mapping[str, Any]) -> list[Samples]:
        if descriptor not in self._keys:
            self.unknown += 1
            return []
        at = np.asarray(times, float)
        return [
            Samples.of(name, at, np.array([_number(v) for v in data[name]]),
                       self.metrics[name].unit)
            for name in self._keys[descriptor]
            if name in data
        ]  # fmt: skip


def _moved_by(start: Mapping[str, Any]) -> frozenset[str]:
    """Motors of the plan and the fields that it steps through."""
    found = set(start.get("motors") or ())
    for dimension in (start.get("hints") or {}).get("dimensions") or ():
        found.update(dimension[0])
    return frozenset(found)


def _limits(key: Mapping[str, Any]) -> Limits | None:
    said = key.get("limits") or {}
    for kind in TOLERANCES:
        given = said.get(kind) or {}
        low, high = (_number(given.get(side)) for side in ("low", "high"))
        low = -math.inf if math.isnan(low) else low
        high = math.inf if math.isnan(high) else high
        if low < high and (math.isfinite(low) or math.isfinite(high)):
            return Limits(low, high)
    return None


def _number(said: Any) -> float:
    try:
        return float(said)
    except (TypeError, ValueError):
        return math.nan
