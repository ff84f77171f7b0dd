"""Writes histories as NeXus logs (HDF5) or CSV, with the truth in a file of its own."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from metadata.errors import InputError
from metadata.whole_file import whole_file, write_text
from simulators.histories.metrics import METRICS
from simulators.histories.simulate import SimulatedHistory

CHUNK = 86400
CUE_EVERY = 4096
SUFFIXES = (".h5", ".hdf5", ".nxs", ".csv")


def write_history(history: SimulatedHistory, path: Path) -> Path:
    """Write the record as its suffix says (``.h5``, ``.hdf5``, ``.nxs``: NXlog groups; ``.csv``)
    in bounded memory; returns the path of the truth, ``PATH.truth.json``.

    Limits and the log book, which a tool may read, go into the HDF5 file, or beside the CSV
    as ``PATH.limits.yaml`` (``NAME: {low, high}``) and ``PATH.events.csv``.
    """
    if path.suffix not in SUFFIXES:
        raise InputError(
            f"{path} ends in {path.suffix or 'nothing'}; expected one of {', '.join(SUFFIXES)}, "
            f"which says how the history is written."
        )
    (_write_csv if path.suffix == ".csv" else _write_nexus)(history, path)
    truth = path.with_name(path.name + ".truth.json")
    write_text(truth, json.dumps(history.truth.to_json()) + "\n")
    return truth


def _write_nexus(history: SimulatedHistory, path: Path) -> None:
    """``/entry/NAME`` is an NXlog: ``time`` (s after ``@start``), ``value``, and every
    :data:`CUE_EVERY` samples a cue; low and high limits are attributes of ``value``, and where
    objectives move them NXlogs of their own (``NAME_low``, ``NAME_high``)."""
    start = datetime.fromtimestamp(history.settings.start, UTC).isoformat()
    with whole_file(path) as draft, h5py.File(draft, "w") as file:
        file.attrs["default"] = "entry"
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        entry["title"] = "Simulated instrument history"
        entry["start_time"] = start
        for name in history.names:
            log = _log(entry, name, METRICS[name].unit, start, CHUNK)
            log["description"] = METRICS[name].about
            rows = history.limits.get(name)
            if rows:
                value = log["value"]
                value.attrs["low_limit"], value.attrs["high_limit"] = rows[0][1:]
                if len(rows) > 1:
                    times = np.array([r[0] for r in rows]) - history.settings.start
                    for column, side in ((1, "low"), (2, "high")):
                        limit = _log(entry, f"{name}_{side}", METRICS[name].unit, start, 16)
                        _extend(limit, times, np.array([r[column] for r in rows]))
        for rows_ in history.chunks(CHUNK):
            for name, values in rows_.values.items():
                there = np.isfinite(values)
                _extend(entry[name], rows_.times[there] - history.settings.start, values[there])
        for name in history.names:
            log = entry[name]
            cues = np.arange(0, len(log["time"]), CUE_EVERY)
            log["cue_index"] = cues
            log["cue_timestamp_zero"] = log["time"][::CUE_EVERY]
            log["cue_timestamp_zero"].attrs.update({"units": "s", "start": start})
        book = entry.create_group("events")
        book.attrs["NX_class"] = "NXcollection"
        times = np.array([e.time for e in history.events]) - history.settings.start
        book["time"] = times
        book["time"].attrs.update({"units": "s", "start": start})
        text = h5py.string_dtype()
        book.create_dataset("kind", data=[e.kind for e in history.events], dtype=text)
        book.create_dataset("text", data=[e.text for e in history.events], dtype=text)


def _log(entry: Any, name: str, unit: str, start: str, chunk: int) -> Any:
    log = entry.create_group(name)
    log.attrs["NX_class"] = "NXlog"
    for field in ("time", "value"):
        log.create_dataset(field, (0,), np.float64, maxshape=(None,), chunks=(chunk,),
                           compression="gzip", shuffle=True)  # fmt: skip
    log["time"].attrs.update({"units": "s", "start": start})
    log["value"].attrs["units"] = unit
    return log


def _extend(log: Any, times: Any, values: Any) -> None:
    have, more = len(log["time"]), len(times)
    for field, new in (("time", times), ("value", values)):
        log[field].resize((have + more,))
        log[field][have:] = new


def _write_csv(history: SimulatedHistory, path: Path) -> None:
    """``time`` in unix s and a column a metric; empty where there was no reading."""
    with whole_file(path) as draft, draft.open("w", newline="", encoding="utf-8") as file:
        file.write(",".join(("time", *history.names)) + "\n")
        for rows in history.chunks(CHUNK):
            read = np.isfinite(np.stack(list(rows.values.values()))).any(axis=0)
            columns = [np.char.mod("%.3f", rows.times[read])]
            for values in rows.values.values():
                text = np.char.mod("%.9g", values[read])
                columns.append(np.where(np.isfinite(values[read]), text, ""))
            file.writelines(",".join(line) + "\n" for line in zip(*columns, strict=True))
    limits = [
        f"{name}: {{low: {rows[-1][1]:.9g}, high: {rows[-1][2]:.9g}}}\n"
        for name, rows in history.limits.items()
    ]
    write_text(path.with_name(path.name + ".limits.yaml"), "".join(limits))
    events = path.with_name(path.name + ".events.csv")
    with whole_file(events) as draft, draft.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("time", "kind", "text"))
        writer.writerows((f"{e.time:.3f}", e.kind, e.text) for e in history.events)
