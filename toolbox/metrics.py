"""How good a reconstruction or a segmentation is, against a reference. Slices have axes ``y, x``
or ``z, y, x``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError
from toolbox.values import Transform

Image = NDArray[np.floating]
Labels = NDArray[np.integer] | NDArray[np.bool_]
INSIDE = 0.95  # of the radius: the rim of a reconstruction is no image of the sample
SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # weights of MS-SSIM, finest first


def circle_mask(size: int, radius: float = INSIDE) -> NDArray[np.bool_]:
    """The pixels of a square inside a circle with this part of the inscribed radius, ``y, x``."""
    r = np.arange(size) - (size - 1) / 2
    return np.add.outer(r**2, r**2) <= (radius * size / 2) ** 2


def affine_fit(image: Image, reference: Image, mask: NDArray[np.bool_] | None = None) -> Image:
    """The image with the gain and offset that bring it closest to the reference: grey levels of
    different methods differ by such, structure does not. float32.

    >>> affine_fit(np.array([[1.0, 2.0]]), np.array([[10.0, 30.0]]))
    array([[10., 30.]], dtype=float32)
    """
    mask = np.ones(image.shape[-2:], bool) if mask is None else mask
    a = image[..., mask].astype(np.float64).ravel()
    b = reference[..., mask].astype(np.float64).ravel()
    spread = a - a.mean()
    power = float(spread @ spread)
    gain = float(spread @ b) / power if power > 0 else 0.0
    return ((image - a.mean()) * gain + b.mean()).astype(np.float32)


def ssim_in_circle(volume: Image, reference: Image, radius: float = INSIDE) -> float:
    """Structural similarity inside the circle after an affine grey-level fit, in [0, 1].

    Wang et al. 2004, IEEE Trans. Image Process. 13, 600, with 7 × 7 windows; the range is that
    of the reference inside the circle. A negative mean counts as 0.
    """
    from skimage.metrics import structural_similarity

    volume, reference, mask = _pair(volume, reference, radius)
    fitted = affine_fit(volume, reference, mask)
    total = 0.0
    for image, truth in zip(fitted, reference, strict=True):
        _, local = structural_similarity(
            image, truth.astype(np.float32), data_range=_range(reference, mask), full=True
        )
        total += float(local[mask].mean())
    return max(total / len(fitted), 0.0)


def psnr(volume: Image, reference: Image, radius: float = INSIDE) -> float:
    """Peak signal to noise inside the circle after an affine grey-level fit, in dB; the peak is
    the range of the reference there."""
    volume, reference, mask = _pair(volume, reference, radius)
    error = (affine_fit(volume, reference, mask) - reference)[:, mask].astype(np.float64)
    mean_square = float(np.mean(error**2))
    if mean_square == 0:
        return float("inf")
    return float(10 * np.log10(_range(reference, mask) ** 2 / mean_square))


def ms_ssim(volume: Image, reference: Image, radius: float = INSIDE) -> float:
    """Structural similarity over five scales inside the circle, after an affine grey-level fit, in
    [0, 1]; the sides hold at least 176 px.

    Wang, Simoncelli & Bovik 2003, Asilomar Conf. Signals, 1398: contrast and structure at each
    scale, luminance at the coarsest, Gaussian windows of 11 px with σ = 1.5, means of 2 × 2 px
    between scales. A negative mean counts as 0.

    >>> image = np.random.default_rng(0).random((176, 176))
    >>> round(ms_ssim(image, image), 6)
    1.0
    """
    from scipy.ndimage import gaussian_filter

    shape = volume.shape
    volume, reference, mask = _pair(volume, reference, radius)
    scales = len(SCALES)
    if volume.shape[-1] < 11 * 2 ** (scales - 1):
        raise InputError(
            f"Slices of shape {shape} are too small to be compared over {scales} scales; expected "
            f"sides of at least {11 * 2 ** (scales - 1)} px."
        )
    span = _range(reference, mask)
    least = (0.01 * span) ** 2, (0.03 * span) ** 2  # keep quotients of nearly nothing finite
    a, b = affine_fit(volume, reference, mask).astype(np.float64), reference

    def window(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(gaussian_filter(values, (0, 1.5, 1.5), truncate=3.4))

    found = np.ones(len(a))
    for scale, weight in enumerate(SCALES):
        if scale:
            side = a.shape[-1] // 2
            a, b = (v[:, : 2 * side, : 2 * side].reshape(-1, side, 2, side, 2).mean((2, 4))
                    for v in (a, b))  # fmt: skip
            mask = circle_mask(side, radius)
        mean_a, mean_b = window(a), window(b)
        both = window(a * b) - mean_a * mean_b
        apart = window(a * a) - mean_a**2 + window(b * b) - mean_b**2
        local = (2 * both + least[1]) / (apart + least[1])
        if scale == scales - 1:
            local *= (2 * mean_a * mean_b + least[0]) / (mean_a**2 + mean_b**2 + least[0])
        found *= np.maximum(local[:, mask].mean(1), 0) ** weight
    return float(found.mean())


def fine_structure_correlation(
    volume: Image, reference: Image, scale_px: float = 4.0, radius: float = INSIDE
) -> float:
    """Pearson correlation inside the circle of what is finer than ``scale_px`` (each image minus
    its Gaussian blur of that σ), in [−1, 1]; 0 where either has no fine structure."""
    from scipy.ndimage import gaussian_filter

    volume, reference, mask = _pair(volume, reference, radius)
    parts = []
    for stack in (volume, reference):
        blurred = gaussian_filter(stack.astype(np.float32), (0, scale_px, scale_px))
        fine = (stack - blurred)[:, mask].astype(np.float64).ravel()
        parts.append(fine - fine.mean())
    power = float(np.linalg.norm(parts[0]) * np.linalg.norm(parts[1]))
    return float(parts[0] @ parts[1]) / power if power > 0 else 0.0


@dataclass(frozen=True, eq=False)
class RingCorrelation:
    """Fourier ring correlation of two slices: ``frequency`` in cycles per px, ``correlation``,
    the ``half_bit`` threshold, and the resolution in px by 1/7 and by half-bit (2 where it
    stays above the threshold, None where it starts below)."""

    frequency: NDArray[np.float64]
    correlation: NDArray[np.float64]
    half_bit: NDArray[np.float64]
    resolution_px: float | None
    resolution_half_bit_px: float | None


def fourier_ring_correlation(a: Image, b: Image) -> RingCorrelation:
    """Correlation of two independent reconstructions of one sample, ring by ring of frequencies.

    Thresholds 1/7 (Rosenthal & Henderson 2003) and half-bit (van Heel & Schatz 2005, J. Struct.
    Biol. 151, 250). A Hann window over the circle keeps its rim out; stacks are summed over z.
    """
    a, b, _ = _pair(a, b, 1.0)
    size = a.shape[-1]
    r = np.hypot(*np.meshgrid(*(2 * [np.arange(size) - (size - 1) / 2]))) / (size / 2)
    window = np.where(r < 1, np.cos(np.pi / 2 * np.minimum(r, 1)) ** 2, 0)
    spectra = []
    for stack in (a, b):
        level = (stack * window).sum((1, 2), keepdims=True) / window.sum()
        spectra.append(np.fft.fft2((stack - level) * window))
    ring = np.rint(
        size * np.hypot(*np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size)))
    ).astype(int)
    rings = size // 2

    def total(values: NDArray[np.float64]) -> NDArray[np.float64]:
        sums = np.bincount(ring.ravel(), values.sum(0).ravel(), ring.max() + 1)
        return sums[1:rings].astype(np.float64)

    cross = total((spectra[0] * spectra[1].conj()).real)
    power = np.sqrt(total(np.abs(spectra[0]) ** 2) * total(np.abs(spectra[1]) ** 2))
    correlation = np.divide(cross, power, out=np.zeros_like(cross), where=power > 0)
    # Windowing leaves fewer independent values in a ring than it has pixels.
    share = float((window**2).mean())
    count = np.sqrt(np.maximum(total(np.ones_like(a)) * share / 2, 1))
    half_bit = (0.2071 + 1.9102 / count) / (1.2071 + 0.9102 / count)
    frequency = np.arange(1, rings) / size
    return RingCorrelation(
        frequency,
        correlation,
        half_bit,
        _crossing(frequency, correlation, np.full_like(correlation, 1 / 7)),
        _crossing(frequency, correlation, half_bit),
    )


def _crossing(
    frequency: NDArray[np.float64],
    correlation: NDArray[np.float64],
    threshold: NDArray[np.float64],
) -> float | None:
    """The period in px at which the correlation, averaged over three rings, falls below."""
    smooth = np.convolve(np.pad(correlation, 1, mode="edge"), np.ones(3) / 3, mode="valid")
    below = np.flatnonzero((smooth < threshold)[2:]) + 2  # the first rings hold too few values
    if not len(below):
        return 2.0
    return None if below[0] == 2 else float(1 / frequency[below[0]])


def _pair(
    a: Image, b: Image, radius: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    if a.shape != b.shape or a.ndim not in (2, 3) or a.shape[-1] != a.shape[-2]:
        raise InputError(
            f"Slices of shape {a.shape} cannot be compared with a reference of shape {b.shape}; "
            f"expected square slices `y, x` or stacks `z, y, x` of one shape."
        )
    size = a.shape[-1]
    first, second = (np.asarray(v, np.float64).reshape(-1, size, size) for v in (a, b))
    return first, second, circle_mask(size, radius)


def _range(reference: NDArray[np.float64], mask: NDArray[np.bool_]) -> float:
    inside = reference[:, mask]
    spread = float(inside.max() - inside.min())
    if not spread > 0:
        raise InputError(
            f"The reference is {inside.flat[0]:g} everywhere inside the circle (or not finite); "
            f"expected an image with structure."
        )
    return spread


def mean_iou(labels: Labels, truth: Labels) -> float:
    """Intersection over union of each class of the truth with the same number in ``labels``,
    averaged over the classes of the truth, in [0, 1]; shapes alike, any axes.

    Reference: Everingham et al. 2015, Int. J. Comput. Vis. 111, 98.

    >>> mean_iou(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]))
    0.5833333333333333
    """
    if labels.shape != truth.shape:
        raise InputError(
            f"Labels of shape {labels.shape} cannot be compared with a truth of shape "
            f"{truth.shape}; expected the same shape."
        )
    found = []
    for name in np.unique(truth):
        here, there = labels == name, truth == name
        found.append(np.count_nonzero(here & there) / np.count_nonzero(here | there))
    return float(np.mean(found))


def mutual_information(a: Image, b: Image, bins: int = 48) -> float:
    """Mutual information of the grey values of two images at the same places, in nat; for two
    modalities, where no grey value of one is that of the other."""
    counts = np.histogram2d(np.ravel(a), np.ravel(b), bins)[0]
    joint = counts / max(counts.sum(), 1)
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    full = joint > 0
    return float((joint[full] * np.log(joint[full] / apart[full])).sum())


def transform_error(found: Transform, truth: Transform) -> float:
    """Mean distance, over the voxels of the reference, between where two transforms take them, px;
    the quality of a registration (goal register) is 1 / (1 + this).

    >>> transform_error(Transform(np.eye(4), (2, 2, 2)), Transform(np.eye(4), (2, 2, 2)))
    0.0
    """
    from toolbox.tools.register.resampling import moved_places

    total, count = 0.0, 0
    for z in range(truth.shape[0]):
        at = np.array([z], np.float64)
        apart = moved_places(found, at) - moved_places(truth, at)
        distance = np.sqrt((apart.astype(np.float64) ** 2).sum(axis=0))
        total, count = total + float(distance.sum()), count + distance.size
    return total / count


def end_point_error(
    vectors: NDArray[np.floating], truth: NDArray[np.floating], chosen: NDArray[np.bool_] | None
) -> tuple[float, float]:
    """Root mean square distance between displacements and the true ones (axes ``…, component``),
    in px, and the same over the root mean square of the truth less its mean (the part of the
    deformation that was missed: 0 is perfect, 1 as bad as knowing the mean motion only); the
    quality of a displacement (goal deform) is 1 less the second, at least 0.

    >>> end_point_error(np.zeros((2, 3)), np.array([[0, 0, 1.0], [0, 0, -1.0]]), None)
    (1.0, 1.0)
    """
    inside = np.ones(truth.shape[:-1], bool) if chosen is None else chosen
    apart, field = (vectors - truth)[inside], truth[inside]
    error = float(np.sqrt((apart.astype(np.float64) ** 2).sum(-1).mean()))
    spread = float(np.sqrt(((field - field.mean(axis=0)) ** 2).sum(-1).mean()))
    return error, error / spread if spread > 0 else float("inf") if error > 0 else 0.0
