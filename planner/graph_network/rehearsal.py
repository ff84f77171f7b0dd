"""What single steps do to the middle row of a scan: tried before any pipeline is chosen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.errors import TomoplanError
from planner.inspection import Inspection
from toolbox.kinds import DataKind, GreyState, Stage
from toolbox.metrics import circle_mask
from toolbox.recipe import Step
from toolbox.registry import known_tools, make_tool
from toolbox.values import Block, Center

Slice = NDArray[np.float32]
WIDEST = 256  # columns: a wider row is binned, its views as much
#: What is tried: cheap ones, at a setting that needs no tuning where there is one.
TRIED = (
    Step("zingers"),
    Step("paganin"),
    *(Step(f"stripe_{name}", {"strength": s}) for name, s in {
        "likely": 5, "fourier": 3, "all": 9, "sorting": 15, "wavelet": 9, "mean": 9,
        "fitting": 9, "differences": 9, "large": 25}.items()),
    Step("align_center_of_mass"),
    Step("align_cross_correlation"),
    Step("center_fourier"),
    Step("center_registration"),
    Step("fbp", {"filter": "ramp"}),
    Step("fbp", {"filter": "hann"}),
    Step("cgls", {"iterations": 5}),
    Step("denoise_gaussian", {"width": 0.8}),
    Step("denoise_gaussian", {"width": 2.5}),
    Step("denoise_median", {"radius": 1}),
    Step("denoise_tv", {"strength": 0.7}),
    Step("denoise_nlm", {"strength": 0.8}),
)  # fmt: skip
PLAIN = Step("fbp")
RESPONSE = 5  # numbers of a step: whether tried, and what :class:`Rehearsal` says
BANDS = ((0.01, 0.04), (0.04, 0.08), (0.08, 0.14), (0.14, 0.22), (0.22, 0.32), (0.32, 0.5))
CLASSES = (2, 3, 4)
SLICE = 3 + len(BANDS) + len(CLASSES) + 2
MOST = 0.9999  # correlations beyond it are taken for it


@dataclass(frozen=True, eq=False)
class Rehearsal:
    """``responses``: by tool, the settings tried and for each the gain in what the slices of even
    and odd views share (Fisher's z of their correlation), the change of the power of the slice's
    gradient, of the sinogram's stripes, and how much was changed (logarithms; of a centre: how far
    it lies from the consensus, px). ``slice``: what even and odd views share as a whole and by
    spatial frequency, how rough the slice is, how much of its variance 2, 3 and 4 grey levels
    explain, and its skewness and kurtosis.

    Both halves see the same specimen with noise and streaks of their own: what they share is
    signal (Frank & Al-Ali 1975; van Heel & Schatz 2005), so a step that raises it helps, whatever
    the truth is. Axis and stripes are the same in both, hence the other numbers.
    """

    responses: Mapping[str, tuple[tuple[Step, NDArray[np.float32]], ...]]
    slice: NDArray[np.float32]

    def of(self, step: Step) -> NDArray[np.float32]:
        """The response of a step: of the same settings, else of the first of its tool, else
        zeros."""
        tried = self.responses.get(step.tool, ())
        exact = [r for s, r in tried if s.parameters == step.parameters]
        if exact:
            return exact[0]
        return tried[0][1] if tried else np.zeros(RESPONSE, np.float32)


NOTHING = Rehearsal({}, np.zeros(SLICE, np.float32))


def rehearse(inspection: Inspection) -> Rehearsal:
    """Try the steps on an inspected scan of projections, on a sixth of a second of one core for
    256 columns; :data:`NOTHING` where there is no preview or no axis."""
    if inspection.preview is None or inspection.center is None:
        return NOTHING
    row, center = small(inspection.preview.attenuation, inspection.center)
    stage = _Stage(row, center)
    found: dict[str, list[tuple[Step, NDArray[np.float32]]]] = {}
    for step in TRIED:
        try:
            response = stage.response(step)
        except TomoplanError:
            continue  # a step that cannot work here says nothing, as one that was not tried
        kept = np.nan_to_num(np.array([1.0, *response], np.float32), posinf=5.0, neginf=-5.0)
        found.setdefault(step.tool, []).append((step, np.clip(kept, -8, 8)))
    return Rehearsal({t: tuple(r) for t, r in found.items()}, stage.summary())


def small(attenuation: Block, center: Center) -> tuple[Block, Center]:
    """The middle row with at most :data:`WIDEST` columns, and as many times fewer views."""
    at = len(attenuation.values) // 2
    values = attenuation.values[at : at + 1]
    factor = -(-values.shape[-1] // WIDEST)
    views, columns = (n // factor * factor for n in values.shape[1:])
    binned = np.nan_to_num(values[:, :views, :columns]).reshape(
        1, views // factor, factor, columns // factor, factor
    )
    angles = attenuation.geometry.angles_rad[:views].reshape(-1, factor).mean(axis=1)
    block = attenuation.with_values(
        np.ascontiguousarray(binned.mean(axis=(2, 4)), np.float32),
        rows=attenuation.rows[at : at + 1],
        frames=attenuation.frames[:views:factor],
        geometry=replace(attenuation.geometry, angles_rad=angles),
        monitor=None,
    )
    column, low, high = ((c + 0.5) / factor - 0.5 for c in (center.column, center.low, center.high))
    return block, Center(column, low, high)


class _Stage:
    """A row with what all tries are compared with."""

    def __init__(self, row: Block, center: Center) -> None:
        self.row, self.center = row, center
        self.whole = self.sliced(row)
        self.mask = circle_mask(self.whole.shape[-1])  # wider than the row of half acquisitions
        self.even, self.odd = (self.sliced(_half(row, k)) for k in (0, 1))
        self.shared = _z(self.even[self.mask], self.odd[self.mask])
        self.rough = self._roughness(self.whole)
        self.stripes = _stripes(row)

    def sliced(self, row: Block, step: Step = PLAIN) -> Slice:
        tool = make_tool(step.tool, step.parameters)
        return np.nan_to_num(tool(sinogram=row, center=self.center).values[0])

    def response(self, step: Step) -> tuple[float, float, float, float]:
        card = known_tools()[step.tool].card
        if card.stage is Stage.CENTER:
            found = _called(step, self.row)
            return 0.0, 0.0, 0.0, math.asinh(abs(found.column - self.center.column))
        if card.stage in (Stage.RECONSTRUCT, Stage.DENOISE):
            if card.stage is Stage.DENOISE:
                worked = _on_slice(step, self.even, self.row)
            else:
                worked = self.sliced(_half(self.row, 0), step)
            gain = _z(worked[self.mask], self.odd[self.mask]) - self.shared
            rougher = self._roughness(worked) - self.rough
            return gain, rougher, 0.0, self._changed(worked, self.even)
        if card.stage is Stage.ALIGN:
            shifts = _called(step, self.row)
            move = make_tool("apply_shifts", {})
            port = next(p for p, c in move.card.inputs.items() if c.kind.is_stack)
            kind = move.card.inputs[port].kind
            row = move(**{port: self.row.as_kind(kind), "shifts": shifts})
            row = row.as_kind(DataKind.SINOGRAM)
            halves = [self.sliced(_half(row, k))[self.mask] for k in (0, 1)]
            size = float(np.std(np.asarray(shifts.pixels)[:, 1]))
            return _z(*halves) - self.shared, 0.0, 0.0, math.asinh(size)
        row = _corrected(step, self.row).as_kind(DataKind.SINOGRAM)
        change = float(np.std(row.values - self.row.values) / (np.std(self.row.values) + 1e-9))
        rough = _differences(row.values) - _differences(self.row.values)
        return 0.0, rough, _stripes(row) - self.stripes, math.log(change + 1e-4) / 2

    def _roughness(self, image: Slice) -> float:
        inside = self.mask[:-1, :-1]
        power = np.diff(image, axis=0)[:, :-1] ** 2 + np.diff(image, axis=1)[:-1] ** 2
        return math.log(
            float(power[inside].mean()) / (float(image[self.mask].var()) + 1e-12) + 1e-6
        )

    def _changed(self, image: Slice, before: Slice) -> float:
        part = float(np.std((image - before)[self.mask]) / (before[self.mask].std() + 1e-12))
        return math.log(part + 1e-3)

    def summary(self) -> NDArray[np.float32]:
        inside = _smooth(self.whole)[self.mask].astype(np.float64)
        spread = (inside - inside.mean()) / (inside.std() + 1e-12)
        found = [self.shared, self.rough, self.stripes]
        found += _shared_by_frequency(self.even, self.odd, self.mask)
        found += explained(spread)
        found += [float((spread**3).mean()), math.log(float((spread**4).mean()) + 1e-6)]
        return np.nan_to_num(np.array(found, np.float32))


def _half(row: Block, first: int) -> Block:
    geometry = replace(row.geometry, angles_rad=row.geometry.angles_rad[first::2])
    return row.with_values(np.ascontiguousarray(row.values[:, first::2]),
                           frames=row.frames[first::2], geometry=geometry)  # fmt: skip


def _called(step: Step, row: Block) -> Any:
    tool = make_tool(step.tool, step.parameters)
    stacks = {p: row.as_kind(c.kind) for p, c in tool.card.inputs.items()
              if c.kind in (DataKind.PROJECTIONS, DataKind.SINOGRAM)}  # fmt: skip
    if tool.needs_tuning():
        tool = tool.tune(**stacks).tool
    return tool(**stacks)


def _corrected(step: Step, row: Block) -> Block:
    """The row after a step of attenuation or, around it, of transmission."""
    card = known_tools()[step.tool].card
    states = next(c for c in card.inputs.values() if c.kind.is_stack).states
    if GreyState.ATTENUATION in states or not states:
        return _called(step, row)
    through = row.with_values(np.exp(-row.values), state=GreyState.TRANSMISSION)
    found = _called(step, through)
    if found.state is GreyState.TRANSMISSION:
        values = -np.log(np.maximum(found.values, 1e-4))
        return found.with_values(values, state=GreyState.ATTENUATION)
    return found


def _on_slice(step: Step, image: Slice, row: Block) -> Slice:
    tool = make_tool(step.tool, step.parameters)
    volume = Block(image[None], DataKind.VOLUME, row.state, row.geometry, row.rows,
                   np.arange(len(image)))  # fmt: skip
    return np.nan_to_num(tool(volume=volume).values[0])


def _stripes(row: Block) -> float:
    from toolbox.stripes import stripe_energy

    return math.log(float(np.mean(stripe_energy(row.values))) + 1e-6)


def _differences(values: NDArray[np.float32]) -> float:
    return math.log(float(np.mean(np.diff(values, axis=-1) ** 2)) + 1e-9)


def _z(one: NDArray, other: NDArray) -> float:
    """Fisher's z of a correlation."""
    a, b = one - one.mean(), other - other.mean()
    found = float(a @ b) / (float(np.linalg.norm(a) * np.linalg.norm(b)) + 1e-12)
    return math.atanh(min(max(found, -MOST), MOST))


def _smooth(image: Slice) -> Slice:
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(image, 1.0), np.float32)


def _shared_by_frequency(even: Slice, odd: Slice, mask: NDArray[np.bool_]) -> list[float]:
    """The correlation of both halves by spatial frequency (Fourier ring correlation)."""
    a, b = (np.fft.rfft2(np.where(mask, s - s[mask].mean(), 0)) for s in (even, odd))
    q = np.hypot(np.fft.fftfreq(len(even))[:, None], np.fft.rfftfreq(len(even)))
    found = []
    for low, high in BANDS:
        here = (q >= low) & (q < high)
        both = float((a[here] * b[here].conj()).real.sum())
        power = float(np.sqrt((np.abs(a[here]) ** 2).sum() * (np.abs(b[here]) ** 2).sum()))
        found.append(both / (power + 1e-12))
    return found


def explained(values: NDArray[np.float64]) -> list[float]:
    """The share of variance that some grey levels leave (the least, over a histogram)."""
    counts, edges = np.histogram(np.clip(values, -4, 4), bins=48)
    middles, weight = (edges[:-1] + edges[1:]) / 2, counts / max(counts.sum(), 1)
    mass, first, second = (np.concatenate([[0.0], np.cumsum(weight * middles**p)])
                           for p in (0, 1, 2))  # fmt: skip
    w = mass[None] - mass[:, None]
    within = second[None] - second[:, None] - (first[None] - first[:, None]) ** 2 / (w + 1e-12)
    within = np.where(np.triu(np.ones_like(w), 1) > 0, np.maximum(within, 0), np.inf)
    total = float(within[0, -1]) + 1e-12
    best, found = within[0], []
    for classes in range(2, max(CLASSES) + 1):
        best = (best[:, None] + within).min(axis=0)
        if classes in CLASSES:
            found.append(math.log(float(best[-1]) / total + 1e-3))
    return found
