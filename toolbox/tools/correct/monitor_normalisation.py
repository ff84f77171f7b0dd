"""Correction for a beam whose strength changes, by the beam monitor."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from metadata.errors import InputError
from toolbox.card import Param, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.tool import Cost, Tool, Tuned
from toolbox.tools.correct.small_counts import small_counts
from toolbox.values import Block, Shape


@dataclass(frozen=True)
class MonitorNormalisation(Tool):
    """Divides each projection, axes ``angle, row, col``, by its monitor reading over ``reference``.

    Readings that are missing, not finite or not positive leave their projection as it is.
    Raises InputError for a scan without monitor.

    >>> MonitorNormalisation(reference=100.0).needs_tuning()
    False
    """

    card = ToolCard(
        name="monitor_normalisation",
        title="beam monitor normalisation",
        title_zh="束流监测归一化",
        stage=Stage.CORRECT,
        domain=Domain.PROJECTION,
        inputs={"projections": grey(DataKind.PROJECTIONS, GreyState.TRANSMISSION)},
        output=grey(DataKind.PROJECTIONS, GreyState.TRANSMISSION),
        split=Split.ANY,
        references=("Stock 2019, MicroComputed Tomography, 2nd ed., ch. 4",),
        limits="The whole frame changes by one factor. The monitor during the flats is not known: "
        "where the beam was stronger or weaker then, one constant factor of the transmission "
        "remains (air_normalisation takes it off). NaN stay where they are.",
        bands=1,
    )

    reference: Annotated[
        float | None,
        Param("monitor reading that counts as 1", low=0.0,
              auto="the median of the readings during the scan"),
    ] = None  # fmt: skip

    def tune(self, **inputs: Any) -> Tuned:
        if self.reference is not None:
            return Tuned(self)
        readings = _readings(inputs["projections"])
        usable = readings[np.isfinite(readings) & (readings > 0)]
        if not len(usable):
            raise InputError(
                "The monitor of this scan has no positive reading, so it cannot normalise the "
                "projections. Leave monitor_normalisation out, or use air_normalisation."
            )
        middle = float(np.median(usable))
        spread = 100 * float(np.ptp(usable)) / middle
        lost = len(readings) - len(usable)
        notes = [f"reference {middle:.6g}: the readings vary by {spread:.2g} %"]
        if lost:
            notes.append(f"{lost} readings are unusable: those projections stay as they are")
        return Tuned(dataclasses.replace(self, reference=middle), tuple(notes))

    def __call__(self, *, projections: Block) -> Block:  # type: ignore[override]
        if self.reference is None:
            tuned: Block = self.tune(projections=projections).tool(projections=projections)
            return tuned
        readings = _readings(projections)
        good = np.isfinite(readings) & (readings > 0) & (self.reference > 0)
        factor = np.where(good, self.reference / np.where(good, readings, 1), 1)
        values = projections.values * factor.astype(np.float32)[:, None, None]
        return projections.with_values(values, monitor=None)

    @classmethod
    def example(cls) -> tuple[MonitorNormalisation, dict[str, Any]]:
        counts = small_counts(fade=0.8)
        assert counts.flats is not None
        values = counts.values / counts.flats.mean(axis=0)
        block = counts.with_values(values, state=GreyState.TRANSMISSION, flats=None, darks=None)
        return cls(), {"projections": block}

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["projections"]
        return Cost(float(shape.voxels), 24.0 * shape.frames)


def _readings(block: Block) -> Any:
    if block.monitor is None:
        raise InputError(
            "monitor_normalisation needs a beam monitor (control/data in NXtomo), which this scan "
            "does not have. Leave the step out, or use air_normalisation where the projections "
            "show air beside the sample."
        )
    return np.asarray(block.monitor, np.float64)
