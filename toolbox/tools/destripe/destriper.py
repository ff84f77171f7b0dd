"""What all ring removals share: rows one by one, NaN kept in their place, automatic strength."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from typing import Any, ClassVar, Self, cast

import numpy as np
from numpy.typing import NDArray

from toolbox.card import Param, Port, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.stripes import estimated_stripes, stripe_energy
from toolbox.tool import Cost, Tool, Tuned
from toolbox.values import Block, Shape

Sinogram = NDArray[np.float32]

AUTO = (
    "the strength that best removes stripes like those measured in the sample from the sample "
    "without them"
)
ENOUGH = 600  # projections of the sample that a trial looks at, about

# `tomoplan bench tools`: on a real scan whose specimen is wider than the field (I13 24737) some
# take its grey values for stripes
WITHIN_THE_FIELD = {"truncation": (0.0, 0.5)}


def stripe_card(
    name: str,
    title: str,
    title_zh: str,
    references: tuple[str, ...],
    limits: str,
    library: str = "tomoplan",
    licence: str = "Apache-2.0",
    suits: dict[str, tuple[float, float]] | None = None,
) -> ToolCard:
    """The card of a ring removal."""
    grey_values = (GreyState.TRANSMISSION, GreyState.ATTENUATION, GreyState.PHASE)
    return ToolCard(
        name=name,
        title=title,
        title_zh=title_zh,
        stage=Stage.DESTRIPE,
        domain=Domain.SINOGRAM,
        inputs={"sinogram": grey(DataKind.SINOGRAM, *grey_values)},
        output=Port(DataKind.SINOGRAM),
        split=Split.ROWS,
        references=references,
        limits=f"{limits} NaN are bridged and come out where they were.",
        library=library,
        licence=licence,
        bands=3,
        suits=suits or {},
    )


def widest(doc: str, auto: str = AUTO) -> Param:
    """What is said of a strength, which is a number of columns."""
    return Param(doc, unit="col", low=0, high=501, auto=auto)


class Destriper(Tool):
    """A ring removal: :meth:`clean` works on one row, axes ``angle, col``.

    ``strength`` is, for all of them, the width in columns of the widest stripe that is removed; 0
    leaves the data as they are; ``None`` finds it by trial, which is the default where it beats
    the best fixed strength over unseen worlds (``planner.benchmarks.destripe``). Values that are
    not finite are bridged while cleaning and come out where they were.
    """

    strengths: ClassVar[tuple[int, ...]] = (0, 1, 2, 3, 5, 9, 15, 25, 41)
    work: ClassVar[float] = 40.0  # nominal operations for one value
    scratch: ClassVar[float] = 10.0  # bytes for one value of a row
    reports = True
    strength: int | None

    @abstractmethod
    def clean(self, sinogram: Sinogram) -> Sinogram:
        """One row without its stripes, axes ``angle, col``, finite float32; a new array."""

    def __call__(self, *, sinogram: Block) -> Block:  # type: ignore[override]
        if self.strength is None:
            return cast(Block, self.tune(sinogram=sinogram).tool(sinogram=sinogram))
        if self.strength == 0 or sinogram.values.shape[1] < 2:
            return sinogram
        cleaned = np.empty(sinogram.values.shape, np.float32)
        for row, out in zip(sinogram.values, cleaned, strict=True):
            out[:] = self._clean_finite(row)
        return sinogram.with_values(cleaned)

    def _clean_finite(self, row: NDArray[Any]) -> Sinogram:
        row = np.ascontiguousarray(row, np.float32)
        if np.isfinite(row.sum(dtype=np.float64)):
            return self.clean(row)
        lost = ~np.isfinite(row)
        cleaned = self.clean(bridged(row, lost))
        cleaned[lost] = row[lost]
        return cleaned

    def tune(self, **inputs: Any) -> Tuned:
        """Choose the strength by trial (see :func:`best_strength`) unless it is given; say what
        it changes."""
        block: Block = inputs["sinogram"]
        sample = np.asarray(block.values)
        if self.strength is not None:
            fixed = f"strength {self.strength} (fixed, not by trial): {_change(self, sample)}"
            return Tuned(self, (fixed,))
        return best_strength(self, sample)

    def at(self, strength: int) -> Self:
        """The same tool with this strength."""
        return dataclasses.replace(cast(Any, self), strength=strength)

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["sinogram"]
        return Cost(self.work * shape.voxels, self.scratch * shape.frames * shape.columns)


def bridged(row: Sinogram, lost: NDArray[np.bool_]) -> Sinogram:
    """One row (axes ``angle, col``) with ``lost`` values drawn linearly between their neighbours in
    the column direction; projections that are lost whole take the column's mean."""
    filled = row.copy()
    columns = np.arange(row.shape[1])
    for angle in np.flatnonzero(lost.any(axis=1)):
        known = ~lost[angle]
        if known.any():
            filled[angle, lost[angle]] = np.interp(
                columns[lost[angle]], columns[known], row[angle, known]
            )
    gone = lost.all(axis=1)
    if gone.any():
        filled[gone] = filled[~gone].mean(axis=0) if not gone.all() else 0
    return filled


def best_strength(tool: Destriper, sample: NDArray[Any]) -> Tuned:
    """The strength with the least error on a world made from the sample itself.

    In each row (axes ``row, angle, col``) the stripes are estimated and taken off; the same
    stripes, mirrored, are put on what is left. So their strength and widths are those of the data
    and what should come out is known. The error is taken after the ramp filter, which weighs it
    as a reconstruction does.
    """
    candidates = tool.strengths
    sample = sample[:, :: -(-sample.shape[1] // ENOUGH)]
    worlds = [w for row in sample if (w := _injected(row)) is not None]
    if not worlds:
        return Tuned(tool.at(0), ("no stripes above the noise: left as it is",))
    errors = np.array([_errors(tool, candidates, *world) for world in worlds])
    relative = (errors / errors[:, :1]).mean(axis=0)
    chosen = int(relative.argmin())
    best = tool.at(candidates[chosen])
    harm = float(np.mean([_harm(best, world[0]) for world in worlds]))
    note = (
        f"strength {candidates[chosen]} (of {', '.join(map(str, candidates))}): "
        f"{_change(best, sample)}, error of a trial with known stripes "
        f"{100 * np.sqrt(relative[chosen]):.0f} % of doing nothing, change where there were no "
        f"stripes {harm:.2g} of the noise"
    )
    return Tuned(best, (note,))


def _injected(row: NDArray[Any]) -> tuple[Sinogram, Sinogram] | None:
    """What a row may look like without stripes, and with other ones; None where none are seen."""
    row = np.ascontiguousarray(row, np.float32)
    if row.shape[0] < 4 or row.shape[1] < 8:
        return None
    if not np.isfinite(row).all():
        row = bridged(row, ~np.isfinite(row))
    stripes = estimated_stripes(row).astype(np.float32)
    if not stripes.any():
        return None
    clean = row - stripes
    return clean, clean + stripes[::-1]


def _errors(
    tool: Destriper, candidates: tuple[int, ...], clean: Sinogram, striped: Sinogram
) -> list[float]:
    found = []
    for strength in candidates:
        result = striped if strength == 0 else tool.at(strength).clean(striped)
        found.append(ramp_energy(result - clean))
    return found


def _change(tool: Destriper, sample: NDArray[Any]) -> str:
    """Stripes of a sample (axes ``row, angle, col``) before and after, in σ of a pixel's noise."""
    before = float(np.median(stripe_energy(sample)))
    after = float(np.median(stripe_energy(_all(tool, sample))))
    return f"stripes {before:.3g} → {after:.3g} σ of the noise"


def _harm(tool: Destriper, clean: Sinogram) -> float:
    from toolbox.noise import noise_sigma

    change = 0.0 if tool.strength == 0 else float(np.std(tool.clean(clean) - clean))
    return change / max(noise_sigma(clean, axes=(0, 1)), float(np.finfo(np.float32).eps))


def _all(tool: Destriper, sample: NDArray[Any]) -> NDArray[Any]:
    if tool.strength == 0:
        return sample
    return np.stack([tool._clean_finite(row) for row in sample])


def ramp_energy(difference: Sinogram) -> float:
    """Mean square of a sinogram (axes ``angle, col``) after the ramp filter of back-projection."""
    from scipy.fft import rfft, rfftfreq

    columns = difference.shape[1]
    spectrum = rfft(difference, n=2 * columns, axis=1) * rfftfreq(2 * columns).astype(np.float32)
    return float(np.mean(np.abs(spectrum) ** 2)) / columns
