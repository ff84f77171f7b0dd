"""What an EPICS Archiver Appliance answers, in JSON or CSV, as samples."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from metadata.errors import InputError
from metadata.series import Limits, Mark, MetricInfo, Samples
from metadata.sources.order import in_order

INVALID = 3  # severity of a value that the record itself calls invalid
# Severities that the older channel archivers use for "Archive_Disabled", "Repeat",
# "Est_Repeat", "Archive_Off" and "Disconnected", where the value says nothing
NO_READING = (3848, 3856, 3872, 3904, 3968)
ALARMS = (("LOLO", "HIHI"), ("LOW", "HIGH"))


class TornAnswer(ValueError):
    """An answer that ends before its end."""


def parse_json(text: str) -> list[tuple[MetricInfo, Samples]]:
    """The metrics of a retrieval answer; a bare ``NaN`` may stand in it.

    >>> data = '[{"secs": 5, "nanos": 0, "val": NaN}]'
    >>> [(info, samples)] = parse_json('[{"meta": {"name": "A", "EGU": "mA"}, "data": %s}]' % data)
    >>> info.unit, samples.marks.tolist() == [Mark.INVALID]
    ('mA', True)
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise TornAnswer(f"it is no JSON: {error}") from error
    try:
        infos = [_info(entry.get("meta") or {}) for entry in document]
        return [
            (info, _samples(info, entry.get("data") or []))
            for info, entry in zip(infos, document, strict=True)
        ]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"The answer of the archiver is no list of channels with samples ({error!r}). Expected "
            f"that of data/getData.json of an Archiver Appliance; check the address."
        ) from error


def parse_csv(text: str, name: str) -> Samples:
    """Lines ``secs,val,severity,status,nanos`` without a header."""
    rows = []
    for line in text.splitlines():
        cells = line.split(",")
        try:
            # A text value may itself hold commas.
            rows.append((float(cells[0]) + float(cells[-1]) / 1e9, ",".join(cells[1:-3]),
                         int(cells[-3])))  # fmt: skip
        except (ValueError, IndexError):
            if line.strip():
                raise TornAnswer(f"a line is no sample: {line[:80]!r}") from None
    times = np.array([row[0] for row in rows])
    values = np.array([_value(row[1]) for row in rows])
    marks = np.array([_mark(row[2], v) for row, v in zip(rows, values, strict=True)], np.uint8)
    return in_order(Samples(name, times, values, marks))


def _info(meta: Mapping[str, Any]) -> MetricInfo:
    limits = None
    for low, high in ALARMS:
        below, above = (_value(meta.get(side)) for side in (low, high))
        if below < above:
            limits = Limits(below, above)
            break
    unit = str(meta.get("EGU") or "").strip()
    return MetricInfo(str(meta.get("name", "")), unit, limits, str(meta.get("DESC") or ""))


def _samples(info: MetricInfo, data: Sequence[Mapping[str, Any]]) -> Samples:
    times: list[float] = []
    values: list[float] = []
    marks: list[Mark] = []
    for row in data:
        time = float(row["secs"]) + float(row.get("nanos") or 0) / 1e9
        value = _value(row.get("val"))
        mark = _mark(int(row.get("severity") or 0), value)
        fields = row.get("fields") or {}
        lost = _value(fields.get("cnxlostepsecs"))
        regained = _value(fields.get("cnxregainedepsecs"))
        if lost > 0 and (not times or lost > times[-1]) and lost < time:
            # Between these two the archive shows the last value on; it was not read.
            times.append(lost)
            values.append(np.nan)
            marks.append(Mark.DISCONNECTED)
        if mark == Mark.GOOD and (
            regained > 0 or str(fields.get("startup", "")).lower() == "true" or
            str(fields.get("resume", "")).lower() == "true"
        ):  # fmt: skip
            mark = Mark.RESTARTED
        times.append(time)
        values.append(value)
        marks.append(mark)
    block = Samples(info.name, np.array(times, float), np.array(values, float),
                    np.array(marks, np.uint8), info.unit)  # fmt: skip
    return in_order(block)


def _mark(severity: int, value: float) -> Mark:
    if severity in NO_READING:
        return Mark.DISCONNECTED
    return Mark.INVALID if severity >= INVALID or math.isnan(value) else Mark.GOOD


def _value(said: Any) -> float:
    """A number, or NaN for what is none (texts, waveforms, nothing)."""
    if isinstance(said, list):
        said = said[0] if len(said) == 1 else None
    try:
        return float(said)
    except (TypeError, ValueError):
        return math.nan
