"""Rotation axis by the Fourier double wedge."""

from __future__ import annotations

from dataclasses import dataclass

from toolbox.tools.center.axis_finder import AxisFinder, axis_card
from toolbox.values import Block, Center


@dataclass(frozen=True)
class CenterFourier(AxisFinder):
    """Rotation axis of a half turn: completed with its mirror image about the right axis, its
    spectrum is empty outside a double wedge.

    The energy outside is a Fourier series in the axis here, so all candidates cost one transform.
    Raises :class:`metadata.errors.InputError` for other scans than even half turns.

    >>> CenterFourier().card.split.value, CenterFourier().card.output.kind.value
    ('sample', 'center')
    """

    card = axis_card(
        name="center_fourier",
        title="axis by the sinogram's Fourier wedge",
        title_zh="傅里叶双楔形求轴",
        references=("Vo et al. 2014, Opt. Express 22, 19078 (double-wedge criterion)",),
        limits="Even half turns only; few views or a specimen far beyond the view blur the wedge. "
        "Planned only where it is named: some real scans were px off (`tomoplan bench tools`).",
        default_on=False,
    )
    views, work, scratch, together = 1000, 120.0, 64.0, 1

    def __call__(self, *, sinogram: Block) -> Center:  # type: ignore[override]
        from toolbox.centering import single

        return single.fourier(sinogram)
