"""Writes what NXtomoproc asks for around the result: axes, units, program, parameters, plan."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from metadata.scan_info import Content, ScanInfo
from toolbox.execution.record import RunRecord
from toolbox.execution.sources import StoredStack
from toolbox.kinds import DataKind, GreyState, Stage
from toolbox.pipeline import SCAN, Pipeline
from toolbox.values import Center, Displacement, Pattern, Quantities, Shifts, Transform

if TYPE_CHECKING:
    import h5py

DATA = "/entry/data"
NAMES = {
    DataKind.VOLUME: "data",
    DataKind.PROJECTIONS: "data",
    DataKind.SINOGRAM: "data",
    DataKind.LABELS: "labels",
    DataKind.MATERIALS: "materials",
}
VALUES = {
    DataKind.SHIFTS: "shifts",
    DataKind.DISPLACEMENT: "displacement",
    DataKind.QUANTITIES: "quantities",
    DataKind.TRANSFORM: "transform",
    DataKind.PATTERN: "pattern",
    DataKind.CENTER: "center",
}


def places(pipeline: Pipeline, published: tuple[str, ...]) -> dict[str, str]:
    """Dataset of each published stack: the last volume is ``/entry/data/data``, others beside."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for node in reversed(published):
        name = NAMES[pipeline.kind_of(node)]
        if name in taken:
            name = node
        taken.add(name)
        found[node] = f"{DATA}/{name}"
    return found


@dataclass(frozen=True)
class Provenance:
    """All that goes into the file beside the values."""

    pipeline: Pipeline
    tuned: Pipeline
    stacks: Mapping[str, StoredStack]
    places: Mapping[str, str]
    values: Mapping[str, Any]
    scans: tuple[ScanInfo, ...]
    record: RunRecord

    def write(self, file: h5py.File) -> None:
        entry = _group(file, "/entry", "NXentry")
        file.attrs["default"] = "entry"
        entry.attrs["default"] = "data"
        entry["definition"] = "NXtomoproc"
        entry["title"] = self.scans[0].sample or Path(self.scans[0].path).stem
        data = _group(file, DATA, "NXdata")
        for node, place in self.places.items():
            if node in self.stacks:
                self._stack(node, file[place], self.stacks[node])
        self._values(data)
        signal = self._signal()
        if signal:
            data.attrs["signal"] = signal
            axes = data[signal].attrs.get("axes")
            if axes is not None:
                data.attrs["axes"] = axes
        self._axes(data, signal)
        self._reconstruction(file)
        self._sample(file)

    def _signal(self) -> str:
        """The last result that is an array."""
        names = {n: p.rpartition("/")[2] for n, p in self.places.items()}
        names |= {
            n: VALUES[self.pipeline.kind_of(n)]
            for n in self.values
            if self.pipeline.kind_of(n) in (DataKind.SHIFTS, DataKind.DISPLACEMENT)
        }
        return next((names[n] for n in reversed(self.pipeline.order) if n in names), "")

    def _stack(self, node: str, dataset: h5py.Dataset, stored: StoredStack) -> None:
        axes = {
            DataKind.VOLUME: ["z", "y", "x"],
            DataKind.LABELS: ["z", "y", "x"],
            DataKind.MATERIALS: ["material", "z", "y", "x"],
        }
        dataset.attrs["axes"] = axes.get(stored.kind, ["rotation_angle", "row", "column"])
        dataset.attrs["first_row"] = stored.first_row
        if stored.kind is DataKind.MATERIALS:
            told = self.tuned.node(node).parameters
            dataset.attrs["materials"] = str(told.get("materials", ""))
            dataset.attrs["units"] = "g/cm3" if told.get("amount") == "density" else ""
        if stored.kind is not DataKind.LABELS:
            dataset.attrs["state"] = stored.state.value
        if stored.kind is DataKind.VOLUME:
            pixels = stored.state in (GreyState.ATTENUATION, GreyState.PHASE)
            dataset.attrs["units"] = "1/px" if pixels else ""
            dataset.attrs["long_name"] = f"reconstructed {stored.state.value}"

    def _axes(self, data: h5py.Group, signal: str) -> None:
        stacks = [n for n in self.pipeline.order if n in self.places]
        node = next((n for n in stacks if self.places[n] == f"{DATA}/{signal}"), None)
        node = node or next(reversed(stacks), None)  # the signal is no stack: others lie beside
        if node is None:
            return
        stored, shape = self.stacks[node], self.stacks[node].values.shape
        pixel, unit = (stored.pixel_size_m or 1.0), ("m" if stored.pixel_size_m else "px")
        pitch = pixel * self._finer(node)
        if stored.storage_kind is DataKind.PROJECTIONS:
            angles = stored.along["angles"]
            _put(data, "rotation_angle", np.rad2deg(angles.read(0, angles.shape[0], 0)), "degree")
            _put(data, "row", np.arange(shape[1]) + stored.first_row, "px")
            _put(data, "column", np.arange(shape[2]), "px")
            return
        z, y, x = shape[-3:]
        _put(data, "z", (np.arange(z) + stored.first_row) * pitch, unit)
        _put(data, "y", (np.arange(y) - (y - 1) / 2) * pixel, unit)
        _put(data, "x", (np.arange(x) - (x - 1) / 2) * pixel, unit)
        if len(shape) == 4:
            _put(data, "material", np.arange(shape[0]), "")
        if stored.pixel_size_m:
            _put(data, "voxel_size", np.array([pitch, pixel, pixel]), "m")

    def _finer(self, node: str) -> int:
        """How many times smaller pixels are in the slice than slices are apart."""
        finer = 1
        while True:
            step = self.tuned.node(node)
            if step.tool != SCAN and self.tuned.tool(node).card.stage is Stage.SUPER_RESOLVE:
                finer *= int(step.parameters.get("factor", 1))
            before = [s for s in self.tuned.inputs_of(node).values()
                      if self.tuned.kind_of(s) is DataKind.VOLUME]  # fmt: skip
            if not before:
                return finer
            node = before[0]

    def _values(self, data: h5py.Group) -> None:
        for node in self.pipeline.order:
            if node not in self.values:
                continue
            kind, value = self.pipeline.kind_of(node), self.values[node]
            name = VALUES.get(kind, node)
            if isinstance(value, Quantities):
                _quantities(data, name, value)
            elif isinstance(value, Shifts):
                _put(data, name, value.pixels, "px")
                data[name].attrs["axes"] = ["rotation_angle", "row_column"]
                data[name].attrs["method"] = value.method
            elif isinstance(value, Center):
                continue  # under reconstruction
            elif isinstance(value, Displacement):
                _displacement(data, name, value)
            elif isinstance(value, Transform | Pattern):
                _fields(data, name, value)
            elif isinstance(value, np.ndarray):
                _put(data, name, value, "px" if kind is DataKind.DISPLACEMENT else "")
            elif hasattr(value, "values") and isinstance(value.values, np.ndarray):
                _put(data, name, value.values, "px" if kind is DataKind.DISPLACEMENT else "")
            else:
                _fields(data, name, value)

    def _reconstruction(self, file: h5py.File) -> None:
        group = _group(file, "/entry/reconstruction", "NXprocess")
        group["program"] = "tomoplan"
        group["version"] = self.record.versions.get("tomoplan", "")
        group["date"] = self.record.time
        group["plan"] = self.tuned.to_yaml()
        group["plan_as_asked"] = self.pipeline.to_yaml()
        group["record"] = json.dumps(self.record.to_json())
        if self.record.center_px:
            for name, value in self.record.center_px.items():
                key = "center" if name == "value" else f"center_{name}"
                _put(group, key, value, "px")
        if self.record.tilt_deg is not None:
            _put(group, "center_tilt", self.record.tilt_deg, "degree")
        if self.record.overlap_px is not None:
            _put(group, "overlap", self.record.overlap_px, "px")
        steps = _group(file, "/entry/reconstruction/parameters", "NXparameters")
        for at, name in enumerate(self.tuned.order):
            node = self.tuned.node(name)
            step = steps.create_group(name)
            step.attrs["NX_class"] = "NXparameters"
            step.attrs["order"] = at
            step["tool"] = node.tool
            if node.tool != SCAN:
                card = self.tuned.tool(name).card
                step["tool_version"] = card.version
                step["library"] = card.library
            for key, value in node.parameters.items():
                step[key] = (
                    json.dumps(value)
                    if isinstance(value, list | dict)
                    else ("automatic" if value is None else value)
                )
            notes = self.record.notes.get(name)
            if notes:
                step["notes"] = " ".join(notes)
            step["seconds"] = self.record.node_seconds.get(name, 0.0)

    def _sample(self, file: h5py.File) -> None:
        import h5py

        sample = _group(file, "/entry/sample", "NXsample")
        sample["name"] = self.scans[0].sample or ""
        raw = _group(file, "/entry/raw", "NXcollection")
        for at, info in enumerate(self.scans):
            name = "scan" if at == 0 else f"scan_{at + 1}"
            one = raw.create_group(name)
            one["path"] = str(info.path)
            one["format"] = info.format
            one["info"] = json.dumps(info.to_json())
            if info.content is Content.PROJECTIONS:
                _put(one, "rotation_angle", np.rad2deg(info.angles_rad), "degree")
            if Path(info.path).is_file() and h5py.is_hdf5(info.path):
                one["file"] = h5py.ExternalLink(str(Path(info.path).resolve()), "/")


def _group(file: h5py.File, name: str, kind: str) -> h5py.Group:
    group = file.require_group(name)
    group.attrs["NX_class"] = kind
    return group


def _put(group: h5py.Group, name: str, value: Any, unit: str) -> None:
    if name in group:
        return
    group[name] = value
    group[name].attrs["units"] = unit


def _quantities(data: h5py.Group, name: str, value: Quantities) -> None:
    group = data.require_group(name)
    group.attrs["NX_class"] = "NXcollection"
    for key, quantity in value.values.items():
        _put(group, key, quantity.value, quantity.unit)
        for side in ("low", "high"):
            if getattr(quantity, side) is not None:
                group[key].attrs[side] = getattr(quantity, side)
    for key, table in value.tables.items():
        columns = group.require_group(key)
        for column, numbers in table.items():
            columns[column] = np.asarray(numbers)


def _displacement(data: h5py.Group, name: str, value: Displacement) -> None:
    """Vectors node by node, and beside them how they were found and where the nodes lie."""
    axes = ["z", "y", "x"]
    _put(data, name, value.vectors, "px")
    data[name].attrs["axes"] = [*(f"{name}_{a}" for a in axes), "."]
    data[name].attrs["components"] = axes
    data[name].attrs["method"] = value.method
    for part in ("correlation", "trusted"):
        _put(data, f"{name}_{part}", getattr(value, part), "")
    for axis in axes:
        _put(data, f"{name}_{axis}", getattr(value, axis), "px")


def _fields(data: h5py.Group, name: str, value: Any) -> None:
    import dataclasses

    group = data.require_group(name)
    if not dataclasses.is_dataclass(value):
        group["value"] = str(value)
        return
    for item in dataclasses.fields(value):
        part = getattr(value, item.name)
        if part is None:
            continue
        plain = isinstance(part, np.ndarray | int | float | str)
        group[item.name] = part if plain else json.dumps(part, default=str)
        if item.metadata.get("unit"):
            group[item.name].attrs["units"] = item.metadata["unit"]
