"""Beer–Lambert: transmission to attenuation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from toolbox.card import Param, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.tool import Tool
from toolbox.values import Block


@dataclass(frozen=True)
class MinusLog(Tool):
    """−log of the transmission, axes ``angle, row, col``, giving the line integral of µ (no unit).

    Transmission at or below ``floor`` counts as ``floor``, so no pixel becomes infinite.

    >>> MinusLog().floor
    1e-06
    """

    card = ToolCard(
        name="minus_log",
        title="negative logarithm",
        title_zh="取负对数",
        stage=Stage.CORRECT,
        domain=Domain.PROJECTION,
        inputs={"projections": grey(DataKind.PROJECTIONS, GreyState.TRANSMISSION)},
        output=grey(DataKind.PROJECTIONS, GreyState.ATTENUATION),
        split=Split.ANY,
        references=("Kak & Slaney 1988, Principles of Computerized Tomographic Imaging, ch. 4",),
        limits="Beam hardening and scatter are not corrected.",
    )

    floor: Annotated[float, Param("lowest transmission believed", low=1e-12, high=0.5)] = 1e-6

    def __call__(self, *, projections: Block) -> Block:  # type: ignore[override]
        values = np.maximum(projections.values, np.float32(self.floor))
        np.log(values, out=values)
        np.negative(values, out=values)
        return projections.with_values(values, state=GreyState.ATTENUATION)
