"""Slices on a finer grid that explain the measured ones."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray

from toolbox.card import Param, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.tool import Cost, Tool, Tuned
from toolbox.values import Block, Geometry, Shape

Image = NDArray[np.float32]
STATES = (GreyState.ATTENUATION, GreyState.PHASE)
# Early stopping keeps gentle structure; even regions with sharp borders ask for more steps
STEPS = (0, 15, 40)
TRIED, CUT, LEAST = 5, 256, 8  # slices of a trial, their most pixels a side, their least coarsened


@dataclass(frozen=True)
class SuperResolveTV(Tool):
    """Slices with ``factor`` × ``factor`` pixels for each one measured, axes ``z, y, x``, each
    slice alone (z stays as it is).

    The finer slice x has little total variation and, blurred by ``blur`` and averaged over the
    measured pixels, gives the measured slice y back: ½‖A x − y‖² + w·TV(x), w = ``strength`` ·
    ``sigma``, by a primal-dual method from cubic interpolation. Grey values, which are per pixel,
    are divided by ``factor`` as the pixels are.

    Unless ``iterations`` are given, a trial finds whether to solve it, to stop early (which keeps
    gentle structure) or to leave it at the interpolation: some slices are made as much coarser
    once more, and what is made of them is compared with them.

    >>> tool, inputs = SuperResolveTV.example()
    >>> tool(**inputs).values.shape
    (4, 48, 48)
    """

    card = ToolCard(
        name="super_resolve_tv",
        title="super-resolution by deblurring with total variation",
        title_zh="全变差去模糊超分辨",
        stage=Stage.SUPER_RESOLVE,
        domain=Domain.RECONSTRUCTION,
        inputs={"volume": grey(DataKind.VOLUME, *STATES)},
        output=grey(DataKind.VOLUME),
        split=Split.ROWS,
        references=(
            "Marquina & Osher 2008, J. Sci. Comput. 37, 367 (super-resolution with TV)",
            "Condat 2013, J. Optim. Theory Appl. 158, 460 (the algorithm)",
        ),
        version="2",
        limits="Sharpens borders between even regions; no new detail is measured: what is finer "
        "than the blur or below the noise stays lost, and gentle gradients turn into steps. The "
        "blur must be known: too much of it makes rims at borders. Not better than cubic "
        "interpolation where all structure is as fine as the pixels (fibres): a trial on the "
        "slices made coarser finds that in most such cases, and leaves it at interpolation. In the "
        "plane of the slice only: voxels come out longer along z.",
        library="scipy",
        licence="BSD-3-Clause",
        bands=5,
        # dB of PSNR over cubic interpolation, tests/toolbox/test_super_resolve.py makes them again
        metrics={
            "gain_db_over_cubic_spheres_low_noise": 2.9,
            "gain_db_over_cubic_spheres_middle_noise": 0.75,
            "gain_db_over_cubic_spheres_high_noise": 1.45,
            "gain_db_over_cubic_real_bone_middle_noise": 2.2,
            "gain_db_over_cubic_real_cement_middle_noise": 1.25,
            "gain_db_over_cubic_real_fibres_middle_noise": 0.0,
        },
    )

    factor: Annotated[int, Param("new pixels along each side of an old one", low=2, high=4)] = 2
    blur: Annotated[
        float, Param("standard deviation of the detector's blur", "old px", low=0, high=5)
    ] = 0.5
    strength: Annotated[float, Param("weight of total variation", "noise σ", low=0, high=20)] = 0.4
    sigma: Annotated[
        float | None,
        Param("noise of the slices, in their unit", low=0, auto="measured on a sample"),
    ] = None
    iterations: Annotated[
        int | None,
        Param("steps of the solver; 0 is cubic interpolation", low=0, high=2000,
              auto="0, 15 or 40: what serves the slices made coarser best"),
    ] = None  # fmt: skip

    def tune(self, *, volume: Block) -> Tuned:  # type: ignore[override]
        from toolbox.slice_noise import slice_sigma

        tool, notes = self, []
        if tool.sigma is None:
            tool = dataclasses.replace(tool, sigma=slice_sigma(volume))
            notes.append(f"noise {tool.sigma:.4g} measured on {len(volume.values)} slices")
        if tool.iterations is None:
            tool, note = tool._tried(volume)
            notes.append(note)
        return Tuned(tool, tuple(f"super_resolve_tv: {note}" for note in notes))

    def _tried(self, volume: Block) -> tuple[SuperResolveTV, str]:
        """With as many steps as serve the slices made coarser, and what came of the trial."""
        slices = [cut(s, self.factor) for s in volume.values[:: -(-len(volume.values) // TRIED)]]
        if min(slices[0].shape) < LEAST * self.factor:
            note = f"{max(STEPS)} steps: the slices are too small for a trial"
            return dataclasses.replace(self, iterations=max(STEPS)), note
        coarse = [self._coarser(one) for one in slices]
        tools = [dataclasses.replace(self, iterations=steps) for steps in STEPS]
        away = {
            tool.iterations: float(np.sqrt(np.mean([(tool._sharpen(c) - s) ** 2
                                                    for c, s in zip(coarse, slices, strict=True)])))
            for tool in tools
        }  # fmt: skip
        best = min(STEPS, key=lambda steps: away[steps])
        said = ", ".join(f"{value:.4g} after {steps}" for steps, value in away.items())
        note = f"{best} steps ({said} RMS from the slices made coarser; 0 is interpolation)"
        return dataclasses.replace(self, iterations=best), note

    def _coarser(self, measured: Image) -> Image:
        """A slice as the detector would see it from as much farther, with the noise it has now."""
        noise = np.random.default_rng(0).normal(size=measured.shape).astype(np.float32)
        kept = float(self._seen(noise).var())  # of the noise, in the mean over pixels
        found = self._seen(measured)
        more = float(self.sigma or 0.0) * np.sqrt(max(1 - kept, 0.0))
        return found + np.float32(more) * noise[: found.shape[0], : found.shape[1]]

    def __call__(self, *, volume: Block) -> Block:  # type: ignore[override]
        if self.sigma is None or self.iterations is None:
            return self.tune(volume=volume).tool(volume=volume)
        slices = volume.values
        made = np.empty((len(slices), *(n * self.factor for n in slices.shape[1:])), np.float32)
        for index, measured in enumerate(slices):
            made[index] = self._sharpen(measured)
        old = volume.geometry
        geometry = dataclasses.replace(
            old, columns=old.columns * self.factor,
            pixel_size_m=None if old.pixel_size_m is None else old.pixel_size_m / self.factor,
        )  # fmt: skip
        # grey values are per pixel, and pixels are now smaller
        return volume.with_values(made / self.factor, geometry=geometry)

    def _sharpen(self, measured: Image) -> Image:
        found = upsampled(measured, self.factor)
        scale = float(np.ptp(measured)) or 1.0
        weight = self.strength * float(self.sigma or 0.0) / scale
        target, found = measured / scale, found / scale
        dual = np.zeros((2, *found.shape), np.float32)
        # ‖A‖² = 1 / factor², so the data term is weighed up by factor² to have norm 1
        step, dual_step = 1.0 / (0.5 + 8 * 0.12), 0.12
        for _ in range(max(STEPS) if self.iterations is None else self.iterations):
            rest = self._seen(found) - target
            slope = self._back(rest) * self.factor**2
            before = found
            found = found - step * (slope - _divergence(dual))
            ahead = _gradient(2 * found - before)
            dual += dual_step * ahead
            dual /= np.maximum(1, np.sqrt((dual**2).sum(axis=0)) / max(weight, 1e-12))
        return (found * scale).astype(np.float32)

    def _seen(self, fine: Image) -> Image:
        """What the detector makes of a finer slice: blurred, then averaged."""
        return _averaged(self._blurred(fine), self.factor)

    def _back(self, coarse: Image) -> Image:
        """The adjoint of :meth:`_seen`."""
        spread = np.repeat(np.repeat(coarse, self.factor, 0), self.factor, 1)
        return self._blurred((spread / self.factor**2).astype(np.float32))

    def _blurred(self, fine: Image) -> Image:
        from scipy.ndimage import gaussian_filter

        if not self.blur:
            return fine
        return gaussian_filter(fine, self.blur * self.factor, mode="reflect", truncate=3.0)

    def output_shape(self, **inputs: Shape) -> Shape:
        given = inputs["volume"]
        return Shape(given.frames * self.factor, given.rows, given.columns * self.factor)

    def tuning_cost(self, **inputs: Shape) -> Cost:
        cost = self.cost(**inputs)  # of a trial: pixels are as many as those measured
        return Cost(cost.operations, 4 * cost.bytes)

    def cost(self, **inputs: Shape) -> Cost:
        made = self.output_shape(**inputs)
        steps = max(STEPS) if self.iterations is None else self.iterations
        return Cost(60.0 * (steps + 1) * made.voxels, 4.0 * made.voxels
                    + 48.0 * made.frames * made.columns)  # fmt: skip

    @classmethod
    def example(cls) -> tuple[Self, dict[str, Any]]:
        y, x = np.indices((24, 24)) - 11.5
        disc = (np.hypot(y, x) < 7.3).astype(np.float32)
        noise = np.random.default_rng(0).normal(0, 0.02, (4, 24, 24)).astype(np.float32)
        block = Block(disc + noise, DataKind.VOLUME, GreyState.ATTENUATION,
                      Geometry(np.zeros(24), 4, 24, 1e-6), np.arange(4))  # fmt: skip
        return cls(iterations=40), {"volume": block}


def upsampled(measured: Image, factor: int) -> Image:
    """Cubic interpolation at the middles of the new pixels, axes ``y, x``.

    >>> upsampled(np.ones((4, 4), np.float32), 2).shape
    (8, 8)
    """
    from scipy.ndimage import map_coordinates

    places = [(np.arange(n * factor) + 0.5) / factor - 0.5 for n in measured.shape]
    grid = np.stack(np.meshgrid(*places, indexing="ij"))
    return map_coordinates(measured, grid, order=3, mode="mirror", output=np.float32)


def cut(image: Image, factor: int) -> Image:
    """The middle of a slice, axes ``y, x``, a multiple of ``factor`` pixels a side.

    >>> cut(np.ones((300, 31), np.float32), 2).shape
    (256, 30)
    """
    sides = [min(n, CUT) // factor * factor for n in image.shape]
    first = [(n - side) // 2 for n, side in zip(image.shape, sides, strict=True)]
    return image[first[0] : first[0] + sides[0], first[1] : first[1] + sides[1]]


def _averaged(fine: Image, factor: int) -> Image:
    height, width = fine.shape
    return fine.reshape(height // factor, factor, width // factor, factor).mean((1, 3))


def _gradient(image: Image) -> Image:
    found = np.zeros((2, *image.shape), np.float32)
    found[0, :-1] = np.diff(image, axis=0)
    found[1, :, :-1] = np.diff(image, axis=1)
    return found


def _divergence(field: Image) -> Image:
    """The negative adjoint of :func:`_gradient`."""
    found = np.zeros(field.shape[1:], np.float32)
    found[:-1] += field[0, :-1]
    found[1:] -= field[0, :-1]
    found[:, :-1] += field[1, :, :-1]
    found[:, 1:] -= field[1, :, :-1]
    return found
