"""Phase retrieval from one distance for a sample of one material."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError
from toolbox.card import Param, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.tool import Cost, Tool
from toolbox.values import Block, Geometry, Shape

HC_KEV_M = 1.2398419843320026e-9  # Planck's constant times the speed of light


@dataclass(frozen=True)
class Paganin(Tool):
    """−log of the low-passed transmission, axes ``angle, row, col``: µ·thickness (no unit).

    The transmission is divided, in Fourier space, by ``1 + π (δ/β) λ d f²`` with wavelength λ,
    distance d and spatial frequency f in cycles per metre, which turns the fringes of free
    propagation back into absorption. What comes out has the scale of plain −log: the line integral
    of µ of the sample's material, so slices are µ in 1/px and the thickness is the value over µ.
    The mean transmission is kept.

    Energy, distance and pixel size left at ``None`` are those of the scan. With ``material`` (a
    chemical formula; its density cancels) δ/β is looked up for the energy, else ``delta_beta``
    counts. Raises InputError that names what the scan does not know.

    >>> round(Paganin.ratio("SiO2", 25.0))
    773
    """

    card = ToolCard(
        name="paganin",
        title="Paganin phase retrieval",
        title_zh="Paganin 相位恢复",
        stage=Stage.PHASE,
        domain=Domain.PROJECTION,
        inputs={"projections": grey(DataKind.PROJECTIONS, GreyState.TRANSMISSION)},
        output=grey(DataKind.PROJECTIONS, GreyState.PHASE),
        split=Split.ANGLES,
        references=("Paganin et al. 2002, J. Microsc. 206, 33",),
        limits="One material, one energy, near field (fringes of few pixels), parallel beam. Other "
        "materials in the sample are blurred or keep fringes. NaN and values at or below floor "
        "count as floor, NaN as the frame's median: one of them would spread over its frame.",
        library="scipy",
        licence="BSD-3-Clause",
    )

    delta_beta: Annotated[
        float,
        Param("refraction over absorption, δ/β; larger smooths more: too large blurs, too small "
              "leaves bright edges", low=0.0, high=1e5),
    ] = 200.0  # fmt: skip
    material: Annotated[
        str, Param("chemical formula that gives δ/β for the energy, such as SiO2; empty: none")
    ] = ""
    energy_kev: Annotated[
        float | None, Param("photon energy; empty: from the scan", unit="keV", low=0.1, high=1000)
    ] = None
    distance_m: Annotated[
        float | None, Param("sample to detector; empty: from the scan", unit="m", low=0, high=500)
    ] = None
    pixel_size_m: Annotated[
        float | None, Param("pixel in the sample; empty: from the scan", unit="m", low=1e-9, high=1)
    ] = None
    floor: Annotated[float, Param("lowest transmission believed", low=1e-12, high=0.5)] = 1e-6

    def __call__(self, *, projections: Block) -> Block:  # type: ignore[override]
        from scipy.fft import next_fast_len

        strength, pixel = self._physics(projections.geometry)
        angles, rows, columns = projections.values.shape
        # The response falls off as exp(−x/√(strength/4π²)); beyond a few lengths nothing is seen.
        reach = int(np.ceil(6 * np.sqrt(strength) / (2 * np.pi * pixel))) + 1
        pads = [(min(n, reach), next_fast_len(n + 2 * min(n, reach), real=True))
                for n in (rows, columns)]  # fmt: skip
        if rows == 1:
            pads[0] = (0, 1)
        divisor = _divisor((pads[0][1], pads[1][1]), pixel, strength)
        result = np.empty((angles, rows, columns), np.float32)
        for frame, out in zip(projections.values, result, strict=True):
            out[:] = self._retrieve(frame, pads, divisor)
        return projections.with_values(result, state=GreyState.PHASE)

    def _retrieve(
        self,
        frame: NDArray[np.float32],
        pads: list[tuple[int, int]],
        divisor: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        from scipy.fft import irfft2, rfft2

        lost = np.isnan(frame)
        if lost.any():
            middle = 1.0 if lost.all() else float(np.median(frame[~lost]))
            frame = np.where(lost, np.float32(middle), frame)
        frame = np.clip(frame, np.float32(self.floor), np.float32(1e6))
        (top, tall), (left, wide) = pads
        around = ((top, tall - top - frame.shape[0]), (left, wide - left - frame.shape[1]))
        padded = np.pad(frame, around, mode="symmetric")
        spectrum = rfft2(padded)
        spectrum /= divisor
        back = irfft2(spectrum, s=(tall, wide))
        inside = back[top : top + frame.shape[0], left : left + frame.shape[1]]
        return -np.log(np.maximum(inside, np.float32(self.floor)))

    def _physics(self, geometry: Geometry) -> tuple[float, float]:
        """π (δ/β) λ d in m², and the pixel in m."""
        energy = geometry.energy_kev if self.energy_kev is None else self.energy_kev
        distance = geometry.distance_m if self.distance_m is None else self.distance_m
        pixel = geometry.pixel_size_m if self.pixel_size_m is None else self.pixel_size_m
        known = {
            "the photon energy (energy_kev)": energy,
            "the distance from sample to detector (distance_m)": distance,
            "the pixel size (pixel_size_m)": pixel,
        }
        missing = [name for name, value in known.items() if not _usable(value)]
        if missing or energy is None or distance is None or pixel is None:
            raise InputError(
                f"Phase retrieval (paganin) needs {' and '.join(missing)}, which the scan does "
                f"not give. Set the parameter in brackets, or use minus_log, which needs none."
            )
        ratio = self.delta_beta
        if self.material:
            ratio = self.ratio(self.material, energy)
        return float(np.pi * ratio * HC_KEV_M / energy * distance), float(pixel)

    @staticmethod
    def ratio(material: str, energy_kev: float) -> float:
        """δ/β of a material at an energy; the density cancels.

        Raises InputError for a formula that cannot be read.
        """
        try:
            import xraydb
        except ImportError:
            raise InputError(
                f"Looking up δ/β of {material} needs the package xraydb. Install it, or give "
                f"delta_beta as a number and no material."
            ) from None
        try:
            delta, beta, _ = xraydb.xray_delta_beta(material, 1.0, 1000 * energy_kev)
        except (ValueError, KeyError, ZeroDivisionError) as error:
            raise InputError(
                f"The material {material!r} is not a chemical formula that xraydb can look up "
                f"({error}). Write one such as SiO2 or C6H10O5, or give delta_beta as a number."
            ) from None
        return float(delta / beta)

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["projections"]
        pixels = float(shape.rows * shape.columns)
        return Cost(100.0 * shape.frames * pixels, 90.0 * pixels)


def _usable(value: float | None) -> bool:
    return value is not None and bool(np.isfinite(value)) and value > 0


def _divisor(size: tuple[int, int], pixel: float, strength: float) -> NDArray[np.float32]:
    from scipy.fft import fftfreq, rfftfreq

    down = fftfreq(size[0], pixel)[:, None]
    across = rfftfreq(size[1], pixel)[None, :]
    return (1 + strength * (down**2 + across**2)).astype(np.float32)
