"""What denoisers of single slices share: the noise, measured once for all slabs."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from toolbox.card import Param
from toolbox.slice_noise import removed, slice_sigma
from toolbox.tool import Tool, Tuned
from toolbox.values import Block

Sigma = Annotated[
    float | None, Param("noise of the slices, in their unit", low=0.0, auto="measured on a sample")
]


class SliceDenoiser(Tool):
    """A tool that takes a volume (axes ``z, y, x``) slice by slice to a volume.

    Its strength counts in standard deviations of the noise, so that one value fits all grey
    scales; the noise is fixed by ``tune`` from a sample, so that all slabs are treated alike.
    """

    strength: Any  # float, or None where the tool can find it
    sigma: float | None

    @abstractmethod
    def denoise(self, image: NDArray[np.float32], strength: float, sigma: float
                ) -> NDArray[np.float32]:  # fmt: skip
        """One slice, axes ``y, x``, with noise of standard deviation ``sigma`` > 0."""

    def denoise_slices(self, slices: NDArray[np.float32], strength: float, sigma: float) -> None:
        """Some slices in place, axes ``z, y, x``, each as by :meth:`denoise`."""
        for image in slices:
            image[...] = self.denoise(image, strength, sigma)

    def find_strength(self, volume: Block, sigma: float) -> tuple[float, str]:
        """The strength for a sample with this noise, and why; for tools whose ``strength`` may
        be None."""
        return float(self.strength), ""

    def tune(self, *, volume: Block) -> Tuned:  # type: ignore[override]
        notes = []
        sigma, strength = self.sigma, self.strength
        if sigma is None:
            sigma = slice_sigma(volume)
            notes.append(f"noise of the slices measured: {sigma:.3g}")
        if strength is None:
            strength, reason = self.find_strength(volume, sigma)
            notes.append(reason)
        if not notes:
            return Tuned(self)
        tool = dataclasses.replace(self, sigma=sigma, strength=strength)  # type: ignore[type-var]
        notes.append(f"at strength {strength:g} {removed(volume, tool(volume=volume))}")
        return Tuned(tool, (f"{self.card.name}: {'; '.join(notes)}",))

    def __call__(self, *, volume: Block) -> Block:  # type: ignore[override]
        if self.strength is None or self.sigma is None:
            return self.tune(volume=volume).tool(volume=volume)
        result = np.array(volume.values, np.float32, order="C")
        if self.sigma > 0 and self.strength > 0:
            self.denoise_slices(result, self.strength, self.sigma)
        return volume.with_values(result)
