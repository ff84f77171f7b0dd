"""The one interface of everything that processes data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from toolbox.card import Parameter, ToolCard, parameters_of
from toolbox.values import Shape


@dataclass(frozen=True)
class Cost:
    """Work for one block: nominal operations (turned into seconds by a calibrated rate) and the
    bytes needed at the peak beside input and output."""

    operations: float
    bytes: float


@dataclass(frozen=True)
class Tuned:
    """A tool with all its parameters fixed from a sample, and what was chosen and why."""

    tool: Tool
    notes: tuple[str, ...] = ()


class Tool(ABC):
    """A step of a pipeline: a frozen dataclass of parameters with a card and a call.

    ``tool(**inputs)`` takes one value per input port of the card (blocks for stacks) and returns
    the output; it never changes its inputs and gives the same output for the same inputs.
    A parameter that is ``None`` is found by ``tune`` from a sample of the input.
    """

    card: ClassVar[ToolCard]

    @abstractmethod
    def __call__(self, **inputs: Any) -> Any:
        """Process one block (or the whole, by ``card.split``)."""

    reports: ClassVar[bool] = False  # ``tune`` says what the step changes, fixed or automatic

    def tune(self, **inputs: Any) -> Tuned:
        """Fix automatic parameters from a sample: ``card.bands`` bands of ``card.band_rows`` rows.

        The sample comes as for ``__call__``, its blocks holding non-contiguous rows.
        """
        return Tuned(self)

    def output_shape(self, **inputs: Shape) -> Shape:
        """Size of the output stack for input stacks of these sizes (after ``tune``)."""
        return next(iter(inputs.values()))

    def cost(self, **inputs: Shape) -> Cost:
        """Nominal work and temporary memory for stacks of these sizes; grows with each size."""
        shape = next(iter(inputs.values()))
        return Cost(float(shape.voxels), 4.0 * shape.voxels)

    def tuning_cost(self, **inputs: Shape) -> Cost:
        """The same of ``tune`` for a sample of these sizes."""
        return self.cost(**inputs)

    def halo(self) -> int:
        """Neighbouring rows needed on each side, with the parameters as they are."""
        return self.card.halo

    def needs_tuning(self) -> bool:
        """Whether a parameter is still to be found from the data."""
        return any(
            getattr(self, p.name) is None and p.about.auto for p in parameters_of(type(self))
        )

    def parameters(self) -> dict[str, Any]:
        """Parameter values, as they go into a pipeline file."""
        return {p.name: getattr(self, p.name) for p in parameters_of(type(self))}

    @classmethod
    def describe_parameters(cls) -> tuple[Parameter, ...]:
        return parameters_of(cls)

    @classmethod
    def example(cls) -> tuple[Self, dict[str, Any]] | None:
        """A small tool and inputs that show it at work; None: the contract tests make them from
        the ports."""
        return None
