"""Measured quality of a reconstruction, without a reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from toolbox.card import Port, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.tool import Cost, Tool
from toolbox.values import Block, Center, Geometry, Quantities, Shape


@dataclass(frozen=True)
class QualityReport(Tool):
    """Noise, rings, sharpness and streaks of some slices (axes ``z, y, x``), and, given their
    sinogram (``row, angle, col``) and axis, what of it they leave unexplained and how well
    reconstructions from even and from odd views agree.

    >>> tool, inputs = QualityReport.example()
    >>> sorted(tool(**inputs).values)[:4]
    ['contrast', 'halves_correlation', 'halves_resolution', 'noise']
    """

    card = ToolCard(
        name="quality_report",
        title="measured quality without a reference",
        title_zh="无参考质量评估",
        stage=Stage.QUALITY,
        domain=Domain.RECONSTRUCTION,
        inputs={
            "volume": grey(DataKind.VOLUME, GreyState.ATTENUATION, GreyState.PHASE),
            "sinogram": grey(
                DataKind.SINOGRAM, GreyState.ATTENUATION, GreyState.PHASE, optional=True
            ),
            "center": Port(DataKind.CENTER, optional=True),
        },
        output=Port(DataKind.QUANTITIES),
        split=Split.SAMPLE,
        references=(
            "Donoho & Johnstone 1994, Biometrika 81, 425 (noise)",
            "Saxton & Baumeister 1982, J. Microsc. 127, 127 (ring correlation of halves)",
            "Kak & Slaney 1988, Principles of Computerized Tomographic Imaging, ch. 7 (residual)",
        ),
        limits="Says how slices compare with others of the same sample, not how right they are: "
        "smoothing lowers the noise, and rings agree between halves of the views. Concentric "
        "parts count as rings, straight edges as streaks, noise as sharpness.",
    )

    def __call__(  # type: ignore[override]
        self, *, volume: Block, sinogram: Block | None = None, center: Center | None = None
    ) -> Quantities:
        from toolbox.quality.report import measure_quality

        return measure_quality(volume, sinogram, center)

    def cost(self, **inputs: Shape) -> Cost:
        from toolbox.operators.blocks import projection_bytes, projection_work

        volume = inputs["volume"]
        work, memory = 250.0 * volume.voxels, 40.0 * volume.frames * volume.columns
        if "sinogram" in inputs:
            # one projection and two back-projections of half the views
            work += 2.0 * projection_work(inputs["sinogram"], volume.columns)
            memory += projection_bytes(inputs["sinogram"], volume.columns)
            memory += 16.0 * inputs["sinogram"].voxels + 8.0 * volume.voxels
        return Cost(work, memory)

    @classmethod
    def example(cls) -> tuple[Self, dict[str, Any]]:
        """A disc, its exact sinogram, and slices that are the disc with noise."""
        size, views, radius = 48, 40, 15.0
        r = np.arange(size) - (size - 1) / 2
        disc = (np.add.outer(r**2, r**2) <= radius**2).astype(np.float32) * 0.05
        chord = 0.1 * np.sqrt(np.maximum(radius**2 - r**2, 0))
        rng = np.random.default_rng(6)
        values = disc + rng.normal(0, 0.002, (2, size, size))
        sinogram = np.broadcast_to(chord, (2, views, size)) + rng.normal(0, 0.01, (2, views, size))
        geometry = Geometry(np.pi * np.arange(views) / views, 2, size)
        rows = np.arange(2)
        axis = (size - 1) / 2
        return cls(), {
            "volume": Block(values.astype(np.float32), DataKind.VOLUME,
                            GreyState.ATTENUATION, geometry, rows),
            "sinogram": Block(sinogram.astype(np.float32), DataKind.SINOGRAM,
                              GreyState.ATTENUATION, geometry, rows, np.arange(views)),
            "center": Center(axis, axis, axis),
        }  # fmt: skip
