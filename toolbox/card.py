"""What a tool says about itself: ports, parameters, card."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage

AXES = {
    DataKind.PROJECTIONS: "angle, row, col",
    DataKind.SINOGRAM: "row, angle, col",
    DataKind.VOLUME: "z, y, x",
    DataKind.LABELS: "z, y, x",
    DataKind.MATERIALS: "material, z, y, x",
    DataKind.SHIFTS: "angle, (row, col)",
}


@dataclass(frozen=True)
class Port:
    """A typed input or output. ``states``: grey-value states accepted (input) or the one produced
    (output); empty on an input: no grey values or any; empty on an output: as the first input."""

    kind: DataKind
    states: frozenset[GreyState] = frozenset()
    unit: str = ""
    dtype: str = "float32"
    optional: bool = False

    @property
    def axes(self) -> str:
        """Names of the axes, empty for what has none."""
        return AXES.get(self.kind, "")

    def accepts(self, kind: DataKind) -> bool:
        """Whether a kind fits; projections and sinogram are one stack in two orders."""
        pair = {DataKind.PROJECTIONS, DataKind.SINOGRAM}
        return kind == self.kind or {kind, self.kind} == pair


def grey(kind: DataKind, *states: GreyState, unit: str = "", optional: bool = False) -> Port:
    """A port for grey values in one of some states.

    >>> grey(DataKind.SINOGRAM, GreyState.ATTENUATION).axes
    'row, angle, col'
    """
    return Port(kind, frozenset(states), unit, "float32", optional)


@dataclass(frozen=True)
class Param:
    """What ``Annotated`` says of a tool's parameter; ``auto``: what ``None`` makes the tool do."""

    doc: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    auto: str = ""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a tool as the catalogue, the validator and the learners see it."""

    name: str
    type: Any
    default: Any
    about: Param

    def problem(self, value: Any) -> str | None:
        """Why a value cannot be used, in words, or None."""
        about = self.about
        if value is None:
            if about.auto or _allows_none(self.type):
                return None
            return f"{self.name} needs a value"
        if about.choices:
            if value not in about.choices:
                return f"{self.name} is {value!r}, expected one of {', '.join(about.choices)}"
            return None
        kinds = _plain_types(self.type)
        if bool in kinds:
            return None if isinstance(value, bool) else f"{self.name} is {value!r}, expected yes/no"
        if kinds & {int, float}:
            if isinstance(value, bool) or not isinstance(value, int | float):
                return f"{self.name} is {value!r}, expected a number"
            if not (value == value and abs(value) != float("inf")):
                return f"{self.name} is {value!r}, expected a finite number"
            if float not in kinds and value != int(value):
                return f"{self.name} is {value!r}, expected a whole number"
            if about.low is not None and value < about.low:
                return f"{self.name} is {value}, expected at least {about.low} {about.unit}".strip()
            if about.high is not None and value > about.high:
                return f"{self.name} is {value}, expected at most {about.high} {about.unit}".strip()
            return None
        if kinds and not isinstance(value, tuple(kinds)):
            return f"{self.name} is {value!r}, expected {' or '.join(k.__name__ for k in kinds)}"
        return None


def _plain_types(annotation: Any) -> set[type]:
    parts = typing.get_args(annotation) or (annotation,)
    return {p for p in parts if isinstance(p, type) and p is not type(None)}


def _allows_none(annotation: Any) -> bool:
    return type(None) in typing.get_args(annotation)


@cache
def parameters_of(tool: type) -> tuple[Parameter, ...]:
    """Parameters from the annotated ``__init__`` of a tool class."""
    hints = typing.get_type_hints(vars(tool).get("__init__", tool), include_extras=True)
    found = []
    for name, parameter in inspect.signature(tool).parameters.items():
        annotation = hints.get(name, Any)
        notes = getattr(annotation, "__metadata__", ())
        about = next((note for note in notes if isinstance(note, Param)), None)
        if about is None:
            raise TypeError(f"{tool.__name__}.{name} lacks Annotated[type, Param(...)]")
        found.append(Parameter(name, typing.get_args(annotation)[0], parameter.default, about))
    return tuple(found)


@dataclass(frozen=True)
class ToolCard:
    """What a tool is, what it needs and where it helps; the same fields for learned tools."""

    name: str
    title: str
    title_zh: str
    stage: Stage
    domain: Domain
    inputs: dict[str, Port]
    output: Port
    split: Split
    references: tuple[str, ...]
    limits: str
    library: str = "tomoplan"
    licence: str = "Apache-2.0"
    version: str = "1"
    halo: int = 0  # neighbouring rows needed on each side (Split.ROWS)
    bands: int = 5  # Split.SAMPLE, and what `tune` sees: how many bands of rows …
    band_rows: int = 1  # … of how many rows each; 0: all rows
    gpu: bool = False
    default_on: bool = True
    weights: dict[str, str] = field(default_factory=dict)  # file → sha256
    training_data: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    # scan traits (as the planner names them) between which the tool may be offered: where it was
    # measured to help
    suits: dict[str, tuple[float, float]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The card as plain values."""
        document = dataclasses.asdict(self)
        for port in (*document["inputs"].values(), document["output"]):
            port["states"] = sorted(port["states"])
        return document
