"""What denoisers of single slices share: noise measured once, strength fixed or calibrated."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray

from toolbox.card import Param
from toolbox.slice_noise import calibrate, removed, slice_sigma
from toolbox.tool import Tool, Tuned
from toolbox.values import Block

Sigma = Annotated[
    float | None, Param("noise of the slices, in their unit", low=0.0, auto="measured on a sample")
]


class SliceDenoiser(Tool):
    """A tool that takes a volume (axes ``z, y, x``) slice by slice to a volume.

    Its strength counts in standard deviations of the noise, so that one value fits all grey
    scales. Both are fixed by ``tune`` from a sample: all slabs are treated alike.
    """

    candidates: ClassVar[tuple[float, ...]]  # strengths that calibration tries
    strength: float | None
    sigma: float | None

    @abstractmethod
    def denoise(self, image: NDArray[np.float32], strength: float, sigma: float
                ) -> NDArray[np.float32]:  # fmt: skip
        """One slice, axes ``y, x``, with noise of standard deviation ``sigma`` > 0."""

    def denoise_slices(self, slices: NDArray[np.float32], strength: float, sigma: float) -> None:
        """Some slices in place, axes ``z, y, x``, each as by :meth:`denoise`."""
        for image in slices:
            image[...] = self.denoise(image, strength, sigma)

    def tune(self, *, volume: Block) -> Tuned:  # type: ignore[override]
        notes = []
        sigma, strength = self.sigma, self.strength
        if sigma is None:
            sigma = slice_sigma(volume)
            notes.append(f"noise of the slices measured: {sigma:.3g}")
        if strength is None:
            strength = self.candidates[len(self.candidates) // 2]
            if sigma > 0 and min(volume.values.shape[1:]) >= 16:
                strength = calibrate(volume, self.denoise, self.candidates, sigma)
                notes.append(f"strength {strength:g} predicts unseen pixels best")
            else:
                notes.append(f"strength {strength:g}: the sample shows no noise to calibrate on")
        if not notes:
            return Tuned(self)
        tool = dataclasses.replace(self, sigma=sigma, strength=strength)  # type: ignore[type-var]
        notes.append(removed(volume, tool(volume=volume)))
        return Tuned(tool, (f"{self.card.name}: {'; '.join(notes)}",))

    def __call__(self, *, volume: Block) -> Block:  # type: ignore[override]
        if self.strength is None or self.sigma is None:
            return self.tune(volume=volume).tool(volume=volume)
        result = np.array(volume.values, np.float32, order="C")
        if self.sigma > 0 and self.strength > 0:
            self.denoise_slices(result, self.strength, self.sigma)
        return volume.with_values(result)
