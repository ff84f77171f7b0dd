"""Registration by grey values: similarity, gradient descent over resolutions, B-splines."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from toolbox.tools.register.phase_correlation import phase_shift
from toolbox.tools.register.resampling import shrunk

if TYPE_CHECKING:
    import SimpleITK as sitk

ENOUGH = 60_000  # voxels at which the similarity is measured
ENOUGH_BENDING, MOST_BENDING = 20_000, 40  # … for a B-spline, and how often at each resolution
TURN_SIDE, TURN_STEP = 48, 12.0  # voxels along the longest side, degrees between turns
TURN_SHARE = 0.7  # of the likeness without a turn, for a turned start to be tried
FIRST_SIDE = 96  # longest side at which a first shift is sought
BINS = 48


@contextmanager
def one_thread() -> Iterator[None]:
    """ITK on one thread: sums of several come in another order each time, and the descent then
    ends elsewhere in the last digits."""
    import SimpleITK as sitk

    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)


@dataclass(frozen=True, eq=False)
class Pair:
    """Two volumes (``z, y, x``) made ``factor`` times smaller, and how to compare them. Transforms
    take places of the full reference to the full moved volume, in px, ``x, y, z``."""

    reference: NDArray[np.float32]
    moved: NDArray[np.float32]
    factor: int
    similarity: str
    iterations: int
    seed: int

    @property
    def flat(self) -> bool:
        """Whether there is a single slice."""
        return self.reference.shape[0] == 1 or self.moved.shape[0] == 1

    @cached_property
    def images(self) -> tuple[sitk.Image, sitk.Image]:
        return self._image(self.reference), self._image(self.moved)

    def _image(self, values: NDArray[np.float32]) -> sitk.Image:
        import SimpleITK as sitk

        image = sitk.GetImageFromArray(values[len(values) // 2] if self.flat else values)
        count = image.GetDimension()
        image.SetSpacing([float(self.factor)] * count)
        image.SetOrigin([(self.factor - 1) / 2] * count)
        return image

    def identity(self) -> sitk.Transform:
        import SimpleITK as sitk

        return sitk.TranslationTransform(self.images[0].GetDimension())

    @cached_property
    def center(self) -> tuple[float, ...]:
        fixed = self.images[0]
        return fixed.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in fixed.GetSize()])

    def method(
        self, levels: bool, bending: bool = False, enough: int = ENOUGH
    ) -> sitk.ImageRegistrationMethod:
        """What compares the images; a B-spline bends by mean squares instead of correlation, for
        which every node would need all voxels."""
        import SimpleITK as sitk

        method = sitk.ImageRegistrationMethod()
        if self.similarity == "mutual_information":
            method.SetMetricAsMattesMutualInformation(BINS)
        elif bending:
            method.SetMetricAsMeanSquares()
        else:
            method.SetMetricAsCorrelation()
        method.SetInterpolator(sitk.sitkLinear)
        method.SetMetricUseFixedImageGradientFilter(False)
        method.SetMetricUseMovingImageGradientFilter(False)
        smallest = min(n for n in (*self.images[0].GetSize(), *self.images[1].GetSize()))
        depth = [f for f in (4, 2, 1) if smallest // f >= 12 or f == 1] if levels else [1]
        method.SetShrinkFactorsPerLevel(depth)
        method.SetSmoothingSigmasPerLevel([f / 2 if f > 1 else 0.0 for f in depth])
        method.SetSmoothingSigmasAreSpecifiedInPhysicalUnits(False)
        voxels = self.reference.size
        share = [min(1.0, enough / max(voxels / f**3, 1)) for f in depth]
        if min(share) < 1:
            method.SetMetricSamplingStrategy(method.RANDOM)
            method.SetMetricSamplingPercentagePerLevel(share, self.seed + 1)
        return method

    def likeness(self, transform: sitk.Transform) -> float:
        """The similarity, larger is better; −1 where hardly anything overlaps."""
        method = self.method(levels=False)
        method.SetInitialTransform(transform)
        try:
            return -float(method.MetricEvaluate(*self.images))
        except RuntimeError:  # all samples fall outside of the other volume
            return -1.0


def first_guesses(pair: Pair) -> list[tuple[sitk.Transform, str]]:
    """The most similar of some first shifts, and of some turns about z where that is not far less
    similar, each with what it is, in words."""
    import SimpleITK as sitk

    longest = max(*pair.reference.shape, *pair.moved.shape)
    coarse = max(1, -(-longest // FIRST_SIDE))
    small = [shrunk(v, coarse) for v in (pair.reference, pair.moved)]
    if pair.flat:
        small = [v[len(v) // 2][None] for v in small]
    middles = np.array(pair.moved.shape) - np.array(pair.reference.shape)
    shifts = {"no shift": np.zeros(3), "the middles": middles / 2 * pair.factor}
    for name, edges in (("grey values", False), ("edges", True)):
        shift, _ = phase_shift(small[0], small[1], edges)
        shifts[f"phase correlation of {name}"] = shift * coarse * pair.factor
    best, told, height = pair.identity(), "no shift", -np.inf
    for name, shift in shifts.items():
        offset = shift[::-1][: 2 if pair.flat else 3]
        transform = sitk.TranslationTransform(len(offset), [float(v) for v in offset])
        likeness = pair.likeness(transform)
        if likeness > height:
            amounts = ", ".join(f"{v:g}" for v in shift)
            best, height, told = transform, likeness, f"{name} ({amounts} px in z, y, x)"
    turned, likeness, turn = _turned_guess(pair)
    found = [(best, told)]
    if likeness > TURN_SHARE * height:
        found.append((turned, f"a turn of {turn:g}° about z and phase correlation"))
    return found


def _turned_guess(pair: Pair) -> tuple[sitk.Transform, float, float]:
    """The best start with a turn about z, as where a specimen was put on the stage again."""
    import SimpleITK as sitk
    from scipy.ndimage import rotate

    coarse = max(1, -(-max(*pair.reference.shape, *pair.moved.shape) // TURN_SIDE))
    fixed, moving = (shrunk(v, coarse) for v in (pair.reference, pair.moved))
    if pair.flat:
        fixed, moving = (v[len(v) // 2][None] for v in (fixed, moving))
    middles = [(np.array(v.shape) - 1) / 2 for v in (fixed, moving)]
    best: Any = (pair.identity(), -np.inf, 0.0)
    for degrees in np.arange(-180.0, 180.0, TURN_STEP):
        if degrees == 0:
            continue
        # the moved volume turned back about its middle, shifted to the reference
        back = rotate(moving, degrees, axes=(1, 2), reshape=False, order=1, mode="nearest")
        shift, _ = phase_shift(fixed, back, edges=True)
        turn = np.deg2rad(degrees)
        # scipy's rotation takes an output place p to R·(p − m) + m in the input
        linear = np.eye(3)
        linear[1:, 1:] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
        linear = _as_scipy(linear)
        offset = linear @ (shift - middles[1]) + middles[1]
        matrix = linear if not pair.flat else linear[1:, 1:]
        place = offset if not pair.flat else offset[1:]
        full = coarse * pair.factor
        begin = (full - 1) / 2  # of the middle of the first joined voxel
        place = place * full + begin - matrix @ np.full(len(place), begin)
        transform = sitk.AffineTransform(len(place))
        transform.SetMatrix([float(v) for v in matrix[::-1, ::-1].ravel()])
        transform.SetTranslation([float(v) for v in place[::-1]])
        likeness = pair.likeness(transform)
        if likeness > best[1]:
            best = transform, likeness, float(degrees)
    return best


def _as_scipy(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """The map from output to input places that ``scipy.ndimage.rotate`` makes for axes (1, 2)."""
    made = linear.copy()
    made[1:, 1:] = linear[1:, 1:].T
    return made


def refine(pair: Pair, start: sitk.Transform, model: str) -> tuple[sitk.Transform, tuple[str, ...]]:
    """The transform of a model (``shift``, ``rigid``, ``affine``) with the largest similarity near
    ``start``, and what is doubtful about it."""
    import SimpleITK as sitk

    flat = pair.flat
    if model == "shift":
        transform: Any = sitk.TranslationTransform(start)
    elif model == "rigid":
        transform = sitk.Euler2DTransform() if flat else sitk.Euler3DTransform()
        transform.SetCenter(pair.center)
        transform.SetMatrix(_linear(start), 1e-6)
        transform.SetTranslation(_offset(pair, start))
    else:
        transform = sitk.AffineTransform(2 if flat else 3)
        transform.SetCenter(pair.center)
        transform.SetMatrix(_linear(start))
        transform.SetTranslation(_offset(pair, start))
    method = pair.method(levels=True)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=float(pair.factor), minStep=1e-3, numberOfIterations=pair.iterations,
        relaxationFactor=0.6, gradientMagnitudeTolerance=1e-7,
    )  # fmt: skip
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetInitialTransform(transform, inPlace=True)
    try:
        method.Execute(*pair.images)
    except RuntimeError as error:
        return start, (f"The {model} registration broke off ({_reason(error)}): the first guess "
                       f"is kept.",)  # fmt: skip
    return transform, ()


def bend(
    pair: Pair, start: sitk.Transform, spacing: float, shape: tuple[int, int, int]
) -> tuple[sitk.Transform, dict[str, Any]]:
    """A B-spline after an affine map: the whole, and what it adds on a grid (see ``Transform``)."""
    import SimpleITK as sitk

    fixed = pair.images[0]
    mesh = [max(1, round(n * pair.factor / spacing)) for n in fixed.GetSize()]
    spline = sitk.BSplineTransformInitializer(fixed, mesh)
    method = pair.method(levels=True, bending=True, enough=ENOUGH_BENDING)
    method.SetOptimizerAsLBFGSB(
        gradientConvergenceTolerance=1e-6,
        numberOfIterations=min(pair.iterations, MOST_BENDING),
        maximumNumberOfFunctionEvaluations=min(pair.iterations, MOST_BENDING),
    )
    method.SetMovingInitialTransform(start)
    method.SetInitialTransform(spline, inPlace=True)
    method.Execute(*pair.images)
    whole = sitk.CompositeTransform([start, spline])
    step = [max(spacing / 4, 1.0)] * 3
    counts = [1 if n == 1 else int(np.ceil((n - 1) / s)) + 1
              for n, s in zip(shape, step, strict=True)]  # fmt: skip
    grid = np.zeros((*counts, 3), np.float32)
    for node in itertools.product(*map(range, counts)):
        place = [i * s for i, s in zip(node, step, strict=True)][::-1]
        place = place[:2] if pair.flat else place
        added = np.subtract(whole.TransformPoint(place), start.TransformPoint(place))
        grid[node][-len(place) :] = added[::-1]
    return whole, {"grid": grid, "spacing": tuple(step)}


def _linear(transform: sitk.Transform) -> list[float]:
    count = transform.GetDimension()
    zero = np.array(transform.TransformPoint([0.0] * count))
    rows = [np.array(transform.TransformPoint(list(e))) - zero for e in np.eye(count)]
    return [float(v) for v in np.stack(rows, axis=1).ravel()]


def _offset(pair: Pair, transform: sitk.Transform) -> list[float]:
    moved = transform.TransformPoint(pair.center)
    return [float(v) for v in np.subtract(moved, pair.center)]


def _reason(error: RuntimeError) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
