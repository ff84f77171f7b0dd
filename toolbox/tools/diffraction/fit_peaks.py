"""Peaks of a diffraction pattern."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError
from toolbox.card import Param, Port, ToolCard
from toolbox.kinds import DataKind, Domain, Split, Stage
from toolbox.tool import Cost, Tool
from toolbox.tools.diffraction.peak_shapes import Peak, fit_group, groups, snip
from toolbox.values import Pattern, Quantities, Quantity, Shape

LEAST_BINS = 16


@dataclass(frozen=True)
class FitPeaks(Tool):
    """Position, full width at half maximum and area of each peak, and its lattice spacing d.

    The background is clipped (SNIP); what stands more than ``prominence`` times the noise above it
    is a peak; peaks that overlap are fitted together as pseudo-Voigt functions. The table `peaks`
    has one line a peak, with standard errors of the fit; the values are those of the strongest.

    >>> tool, inputs = FitPeaks.example()
    >>> round(tool(**inputs).values["strongest_position"].value, 3)
    8.5
    """

    card = ToolCard(
        name="fit_peaks",
        title="fit of diffraction peaks",
        title_zh="衍射峰拟合",
        stage=Stage.DIFFRACTION,
        domain=Domain.PROJECTION,
        inputs={"pattern": Port(DataKind.PATTERN)},
        output=Port(DataKind.QUANTITIES),
        split=Split.WHOLE,
        references=(
            "Ryan et al. 1988, Nucl. Instrum. Methods B 34, 396 (SNIP)",
            "Wertheim, Butler, West & Buchanan 1974, Rev. Sci. Instrum. 45, 1369 (pseudo-Voigt)",
            "Bragg 1913, Proc. R. Soc. A 89, 248",
        ),
        limits="Symmetric peaks: the asymmetry of low angles and Kα doublets shift positions or "
        "come out as two peaks. Broad peaks next to each other may be taken for one. Errors are "
        "those of counting and fit, not of the calibration.",
        library="scipy",
        licence="BSD-3-Clause",
    )

    prominence: Annotated[float, Param("least height over the noise", "σ", low=1, high=1e6)] = 8.0
    background: Annotated[
        int, Param("half width of what is background, in steps of 2θ; 0: from the peaks", low=0)
    ] = 0
    low: Annotated[float, Param("2θ from which peaks are sought", "degree", low=0)] = 0.0
    high: Annotated[float, Param("2θ up to which", "degree", low=0)] = 180.0

    def __call__(self, *, pattern: Pattern) -> Quantities:  # type: ignore[override]
        chosen = (pattern.two_theta_deg >= self.low) & (pattern.two_theta_deg <= self.high)
        angle = pattern.two_theta_deg[chosen]
        if len(angle) < LEAST_BINS:
            raise InputError(
                f"fit_peaks was given {len(angle)} steps of 2θ between {self.low:g}° and "
                f"{self.high:g}°, expected at least {LEAST_BINS}. Widen the range, or integrate "
                f"with more bins."
            )
        rows: list[list[float]] = []
        for frame, (seen, sigma) in enumerate(
            zip(pattern.intensity[:, chosen], pattern.sigma[:, chosen], strict=True)
        ):
            for peak in self._peaks(angle, seen, sigma):
                d, error = _spacing(peak, pattern.wavelength_m)
                rows.append([frame, peak.position, peak.position_error, peak.width,
                             peak.width_error, peak.area, peak.area_error, peak.mixing, d,
                             error])  # fmt: skip
        names = ["frame", "two_theta_deg", "two_theta_error_deg", "fwhm_deg", "fwhm_error_deg",
                 "area", "area_error", "mixing", "d_angstrom", "d_error_angstrom"]  # fmt: skip
        if pattern.wavelength_m is None:
            rows, names = [r[:-2] for r in rows], [*names[:-2]]
        values = {"count": Quantity(float(len(rows)))}
        if rows:
            best = max(rows, key=lambda r: r[5])
            for key, at, unit in (
                ("position", 1, "degree"),
                ("fwhm", 3, "degree"),
                ("area", 5, ""),
            ):
                values[f"strongest_{key}"] = Quantity(
                    best[at], unit, best[at] - 1.96 * best[at + 1], best[at] + 1.96 * best[at + 1]
                )
            if pattern.wavelength_m is not None:
                values["strongest_d"] = Quantity(best[8], "angstrom", best[8] - 1.96 * best[9],
                                                 best[8] + 1.96 * best[9])  # fmt: skip
        columns = {n: [r[i] for r in rows] for i, n in enumerate(names)}
        return Quantities(values, {"peaks": columns})

    def _peaks(
        self, angle: NDArray[np.float64], seen: NDArray[np.float64], sigma: NDArray[np.float64]
    ) -> list[Peak]:
        from scipy.signal import find_peaks, peak_widths

        noise = np.maximum(sigma, float(np.median(sigma)) * 0.1 + 1e-30)
        calm = seen - snip(seen, self.background or max(4, len(seen) // 40))
        rough, _ = find_peaks(calm / noise, prominence=self.prominence)
        if not len(rough):
            return []
        widths = peak_widths(calm / noise, rough)[0]
        half = self.background or int(np.clip(4 * np.quantile(widths, 0.8), 4, len(seen) // 4))
        calm = seen - snip(seen, half)
        found, _ = find_peaks(calm / noise, prominence=self.prominence)
        if not len(found):
            return []
        widths = np.maximum(peak_widths(calm / noise, found)[0], 1.0)
        fitted = [fit_group(angle, calm, noise, found[g], widths[g])
                  for g in groups(found, widths)]  # fmt: skip
        return [peak for group in fitted for peak in group]

    def cost(self, **inputs: Shape) -> Cost:
        return Cost(1e6 + sum(s.voxels for s in inputs.values()), 16e6)  # peaks, not pixels, count

    @classmethod
    def example(cls) -> tuple[Self, dict[str, Any]]:
        angle = np.linspace(5, 15, 500)
        peak = 900 / (1 + ((angle - 8.5) / 0.08) ** 2) + 400 * np.exp(-(((angle - 12) / 0.1) ** 2))
        seen = np.random.default_rng(0).poisson(peak + 50 - angle).astype(float)
        return cls(), {"pattern": Pattern(angle, seen[None], np.sqrt(seen)[None], 4e-11)}


def _spacing(peak: Peak, wavelength: float | None) -> tuple[float, float]:
    """d in Å by Bragg's law, and its error from that of the position."""
    if wavelength is None:
        return float("nan"), float("nan")
    theta = np.deg2rad(peak.position) / 2
    d = wavelength * 1e10 / (2 * np.sin(theta))
    return float(d), float(d / np.tan(theta) * np.deg2rad(peak.position_error) / 2)
