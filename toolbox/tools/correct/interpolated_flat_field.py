"""Flat correction between flats taken before and after the projections."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any, cast

import numpy as np

from metadata.errors import InputError
from toolbox.card import Param, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.tool import Cost, Tool, Tuned
from toolbox.tools.correct.flat_field import (
    fill_along_columns,
    flats_of,
    mean_dark,
    robust_mean,
    usable,
)
from toolbox.tools.correct.small_counts import small_counts
from toolbox.values import Block, Shape


@dataclass(frozen=True)
class InterpolatedFlatField(Tool):
    """(projection − dark) / (beam − dark), axes ``angle, row, col``, the beam going linearly from
    the first ``flats_before`` flats to the others over the projections.

    How many came before is found in the order of the frames where the file tells it (NXtomo's
    image key). Raises InputError where it does not, and where the scan has no flats on one of the
    two sides.

    >>> InterpolatedFlatField(flats_before=10).flats_before
    10
    """

    card = ToolCard(
        name="interpolated_flat_field",
        title="flat field correction interpolated in time",
        title_zh="时间插值平场校正",
        stage=Stage.CORRECT,
        domain=Domain.PROJECTION,
        inputs={"projections": grey(DataKind.PROJECTIONS, GreyState.COUNTS)},
        output=grey(DataKind.PROJECTIONS, GreyState.TRANSMISSION),
        split=Split.ROWS,
        references=("Seibert, Boone & Lindfors 1998, Proc. SPIE 3336, 348",),
        limits="The beam is taken to fade evenly over the scan; one that jumps needs "
        "dynamic_flat_field or monitor_normalisation. NaN and pixels without beam are "
        "interpolated along the columns.",
    )

    flats_before: Annotated[
        int | None,
        Param("how many of the flats were taken before the projections", low=1,
              auto="from the order of the frames in the file"),
    ] = None  # fmt: skip

    def tune(self, *, projections: Block) -> Tuned:  # type: ignore[override]
        if self.flats_before is not None:
            return Tuned(self)
        flats, before = len(flats_of(projections)), projections.geometry.flats_before
        if before is None:
            raise InputError(
                f"Nothing tells which of the {flats} flats came before the projections: the order "
                f"of the frames is not in the file, or flats were taken among the projections. "
                f"Give flats_before, or use flat_field."
            )
        if not 0 < before < flats:
            raise InputError(
                f"All {flats} flats came {'before' if before else 'after'} the projections, so "
                f"there is nothing to interpolate between. Use flat_field."
            )
        told = f"{before} flats came before the projections, {flats - before} after."
        return Tuned(dataclasses.replace(self, flats_before=before), (told,))

    def __call__(self, *, projections: Block) -> Block:  # type: ignore[override]
        if self.flats_before is None:
            return cast(Block, self.tune(projections=projections).tool(projections=projections))
        flats = flats_of(projections)
        if self.flats_before >= len(flats):
            raise InputError(
                f"interpolated_flat_field was told that {self.flats_before} flats came before the "
                f"projections, but the scan has {len(flats)} in all, so none came after. Give a "
                f"smaller flats_before, or use flat_field."
            )
        dark = mean_dark(projections)
        before = robust_mean(flats[: self.flats_before]) - dark
        after = robust_mean(flats[self.flats_before :]) - dark
        good = usable(before, projections) & usable(after, projections)
        before[~good] = 1
        after[~good] = 1
        values = projections.values - dark
        for i, time in enumerate(np.linspace(0, 1, len(values), dtype=np.float32)):
            values[i] /= before + time * (after - before)
        fill_along_columns(values, good)
        return projections.with_values(values, state=GreyState.TRANSMISSION, flats=None, darks=None)

    @classmethod
    def example(cls) -> tuple[InterpolatedFlatField, dict[str, Any]]:
        block = small_counts(fade=0.8)
        return cls(), {"projections": block}

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["projections"]
        return Cost(5.0 * shape.voxels, 32.0 * shape.rows * shape.columns + shape.voxels)
