"""The card that denoisers of volumes share."""

from __future__ import annotations

from toolbox.card import ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage


def denoiser_card(
    name: str,
    title: str,
    title_zh: str,
    references: tuple[str, ...],
    limits: str,
    library: str = "tomoplan",
    licence: str = "Apache-2.0",
    halo: int = 0,
) -> ToolCard:
    """The card of a tool that takes a volume to a volume in slabs of slices."""
    return ToolCard(
        name=name,
        title=title,
        title_zh=title_zh,
        stage=Stage.DENOISE,
        domain=Domain.RECONSTRUCTION,
        inputs={"volume": grey(DataKind.VOLUME, GreyState.ATTENUATION, GreyState.PHASE)},
        output=grey(DataKind.VOLUME),
        split=Split.ROWS,
        references=references,
        limits=limits,
        library=library,
        licence=licence,
        halo=halo,
    )
