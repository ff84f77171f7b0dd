"""What the eye does not see in a squeezed sinogram, as pictures: stripes, noise, edges and places.

Each is :data:`SIDE` px square and made of pixels alone. Their grey values are kept comparable from
scan to scan (attenuation, parts of the width, logarithms), as how strong something is tells whether
it is there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SIDE = 64  # px of a picture
GREY = 3.0  # grey values end here
OPAQUE = 20.0  # no attenuation is more
MOST = 256  # views looked at
TINY = 1e-5
# Where grey values begin to be compressed:
FAINT = 0.002  # attenuation of a stripe
FEW = 3.0  # how many times as strong as others a stripe is
BESIDE = 0.1  # the same, by what views differ
MOVED = 0.2  # percent of the width that a view has moved
CHANGED = 0.01  # part of the mass

BLOCKS = 8  # of views, each looked at for stripes
WIDTHS = (3, 7, 21)  # columns among which a stripe stands out
STRIPED = 256  # columns looked at for stripes
PASSING = 3.0  # times the mean size of what stands out: more is cut
PARTS = 16  # a side, in which noise and places are measured
NORMAL = 0.6745  # median of the sizes of normal numbers
SECOND = np.sqrt(6.0)  # standard deviation of a second difference of white noise
REACH = 16  # px on either side of an edge
STEEPEST = 4  # edges of a view
EDGED = 16  # views whose edges are taken
SEGMENT = 128  # px of a spectrum
SEGMENTS = 16  # of a view at most
GROUPS = 8  # of views, each with a spectrum
LOW, SHARED = 16, 0.5  # frequencies that views share, and how much of their power
LEAST = 0.01  # part of the power that can be told to be shared
Image = NDArray[np.float32]


def gauges(row: Image, small: Image) -> Image:
    """``panel, y, x`` of a row of attenuation (``angle, col``) and of the same made narrow:
    :func:`stripes`, :func:`still`, :func:`noise`; :func:`places`, :func:`edges`,
    :func:`spectrum`."""
    row, small = (_attenuation(r) for r in (row, small))
    out = standing_out(row)
    made = (stripes(out[WIDTHS[1]]), still(out), noise(row), places(small), edges(row),
            spectrum(row))  # fmt: skip
    return np.clip(np.nan_to_num(np.stack(made)), -GREY, GREY).astype(np.float32)


def _attenuation(row: Image) -> Image:
    """Finite; what spans more than attenuation can is made to span 2."""
    row = np.nan_to_num(np.asarray(row, np.float32), posinf=10, neginf=0)
    low, high = np.quantile(row[:: len(row) // MOST + 1], (0.02, 0.98))
    if high - low > OPAQUE:
        row = (row - low) * np.float32(2 / (high - low))
    return row


def standing_out(row: Image) -> dict[int, Image]:
    """By how much pixels differ from the median of as many columns around them (:data:`WIDTHS`), in
    the middle of wide rows; of many views the means over some. What passes through (edges) is cut
    at some standard deviations, so that it leaves the mean over the views as it is."""
    from scipy.ndimage import median_filter

    left = max((row.shape[1] - STRIPED) // 2, 0)
    some = row[:, left : left + STRIPED]
    if len(some) > MOST:
        starts = np.linspace(0, len(some), MOST + 1)[:-1].astype(int)
        sizes = np.diff(np.append(starts, len(some)))[:, None].astype(np.float32)
        some = (np.add.reduceat(some, starts, axis=0) / sizes).astype(np.float32)
    return {width: _cut(some - median_filter(some, (1, width), mode="nearest")) for width in WIDTHS}


def _cut(out: Image) -> Image:
    """What lies farther from the median over its part of the scan than most is brought nearer."""
    most = np.float32(PASSING * np.abs(out).mean() + TINY)
    kept = []
    for part in np.array_split(out, min(BLOCKS, len(out))):
        middle = np.median(part, axis=0)
        kept.append(middle + np.clip(part - middle, -most, most))
    return np.concatenate(kept)


def stripes(out: Image) -> NDArray[np.floating]:
    """The mean of what stands out over each part of the scan (downwards), the strongest of some
    columns (across): above as attenuation, below by how much the others stand out."""
    means = np.stack([part.mean(axis=0) for part in np.array_split(out, min(BLOCKS, len(out)))])
    bulk = np.median(np.abs(means)) + TINY
    return _tall(np.concatenate([extremes(_compressed(means, FAINT), 1),
                                 extremes(_compressed(means / bulk, FEW), 1)]))  # fmt: skip


def still(out: dict[int, Image]) -> NDArray[np.floating]:
    """What stands out all the scan long, the strongest of some columns: for each of
    :data:`WIDTHS` the mean over the views as attenuation, by how much other columns stand out, by
    its own uncertainty, and by what views differ (the noise of a few flats remains a part of that
    of a view); at the bottom how far its sum over the views strays from an even one, as it does
    where a column is wrong for a part of the scan."""
    lines = []
    for one in out.values():
        steady = one.mean(axis=0)
        bulk = np.median(np.abs(steady)) + TINY
        spread = one.std(axis=0)
        error = spread / np.sqrt(len(one))
        lines += [_compressed(steady, FAINT), _compressed(steady / bulk, FEW),
                  _compressed(steady / (error + 0.3 * bulk), FEW),
                  _compressed(steady / (np.median(spread) + TINY), BESIDE)]  # fmt: skip
    one = out[WIDTHS[1]]
    strayed = np.ptp(np.cumsum(one - one.mean(axis=0), axis=0), axis=0)
    lines.append(_compressed(strayed / (np.median(strayed) + TINY), 1.0))
    return _tall(extremes(np.stack(lines), 1))


def noise(row: Image) -> NDArray[np.floating]:
    """Four maps of the noise, angles downwards: from one view to the next; from column to column;
    from one view to the next in means of four columns, which a blur leaves as it is; the first
    once more, but as measured. The others are brought to the open beam, where photons were as many
    as ``exp(attenuation)`` times. Decimal logarithm, 0 at one percent."""
    left = max((row.shape[1] - 2 * STRIPED) // 2, 0)
    row = row[:MOST, left : left + 2 * STRIPED]
    light = np.exp(-0.5 * np.clip(row, -0.5, 6.0))
    wide = row[:, : row.shape[1] - row.shape[1] % 4].reshape(len(row), -1, 4).mean(axis=-1)
    wide_light = np.exp(-0.5 * np.clip(wide, -0.5, 6.0))
    along, across = _second(row, 0), _second(row, 1)
    maps = (along * light[: len(along)], across * light[:, : across.shape[1]],
            2 * _second(wide, 0) * wide_light[: max(len(row) - 2, 1)], along)  # fmt: skip
    a, b, c, d = (np.log10(_sizes(np.abs(m)) + 1e-4) + 2 for m in maps)
    return np.block([[a, b], [c, d]])


def places(small: Image) -> NDArray[np.floating]:
    """Where views lie beside their neighbours. Above: how far each has moved beyond the mean motion
    of those around it, downwards over the scan (every other part of it), by part of the field
    across. Below, over the scan from left to right: the same of the whole view; the centre of mass
    beside the sine of one place; its leaps from view to view; the mass beside its mean. In parts of
    the width."""
    views, width = small.shape
    if views < 4:
        return np.zeros((SIDE, SIDE), np.float32)
    unit = 100.0 / width / MOVED
    whole, local = _moves(small)
    mass = np.maximum(small, 0).sum(axis=1)
    total = max(float(np.median(mass)), 1e-6)
    middle = (np.maximum(small, 0) * np.arange(width)).sum(axis=1) / np.maximum(mass, 0.1 * total)
    turn = np.linspace(0, 1, views)
    beside = middle - _fitted(middle, turn)
    leap = np.diff(middle)
    lines = (extremes(np.arcsinh(unit * whole)[None], 1), _means(np.arcsinh(unit * beside)),
             extremes(np.arcsinh(unit * (leap - _around(leap)))[None], 1),
             _means(np.arcsinh((mass / total - 1) / CHANGED)))  # fmt: skip
    above = np.repeat(extremes(np.arcsinh(unit * local), 0)[::2], SIDE // local.shape[1], axis=1)
    below = np.repeat(np.concatenate([np.atleast_2d(line) for line in lines]), 8, axis=0)
    return np.concatenate([above[: SIDE // 2], below]) / 2


def edges(row: Image) -> Image:
    """Profiles across edges, views downwards: the mean of the steepest ones of a view, dark to
    bright and as high as 1; beside it that of the two outermost, where waves leave the beam
    brighter than without a specimen."""
    views = np.linspace(0, len(row) - 1, min(len(row), EDGED)).astype(int)
    smooth = _smoothed(row[views])
    slope = np.gradient(smooth, axis=1)
    found = [np.concatenate([_profile(view, rise, _steepest(rise)),
                             _profile(view, rise, _outermost(view))])
             for view, rise in zip(smooth, slope, strict=True)]  # fmt: skip
    return _tall(np.stack(found))


def spectrum(row: Image) -> NDArray[np.floating]:
    """Frequencies to the right, up to half a cycle a pixel; downwards parts of the scan. Above the
    decimal logarithm of the power by frequency, low ones 0; below it the same of what neighbouring
    views share, which noise is not; in the lower half the part that they share. Pixels of a wide
    scan are put together until neighbouring views share half of the power of the lower
    frequencies: finer ones show noise alone."""
    width = row.shape[1]
    factor = 1
    power, shared = _powers(row)
    while shared[:, :LOW].mean() < SHARED and width // (2 * factor) >= SEGMENT:
        factor *= 2
        power, shared = _powers(row[:, : width - width % factor]
                                .reshape(len(row), -1, factor).mean(axis=-1))  # fmt: skip
    steep = np.log10(power * np.arange(1, SEGMENT // 2 + 1) ** 2)
    signal = steep + np.log10(np.maximum(shared, LEAST))
    lines = [line - line[:, 2:8].mean(axis=1, keepdims=True) for line in (steep, signal)]
    return np.concatenate([_tall(lines[0])[::4], _tall(lines[1])[::4], _tall(shared)[::2]])


def _powers(row: Image) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Power by frequency and the part of it that neighbouring views share, means over segments and
    over each of :data:`GROUPS` parts of the scan: ``part, frequency``."""
    width = row.shape[1]
    if width < SEGMENT:
        row = np.pad(row, ((0, 0), (0, SEGMENT - width)), mode="edge")
        width = SEGMENT
    count = min(max(2 * width // SEGMENT - 1, 1), SEGMENTS)
    starts = np.linspace(0, width - SEGMENT, count).astype(int)
    first = np.unique(np.linspace(0, max(len(row) - 2, 0), MOST // 2).astype(int))
    window = np.hanning(SEGMENT).astype(np.float32)
    powers, shares = [], []
    for group in np.array_split(first, min(GROUPS, len(first))):
        pair = [np.stack([row[np.minimum(group + k, len(row) - 1), s : s + SEGMENT]
                          for s in starts]) for k in (0, 1)]  # fmt: skip
        one, two = (np.fft.rfft((p - p.mean(axis=-1, keepdims=True)) * window)[..., 1:]
                    for p in pair)  # fmt: skip
        power = (np.abs(one) ** 2 + np.abs(two) ** 2).mean(axis=(0, 1)) / 2 + 1e-12
        powers.append(power)
        shares.append((one * two.conj()).real.mean(axis=(0, 1)) / power)
    return np.stack(powers), np.stack(shares)


def extremes(panel: NDArray[np.floating], axis: int) -> NDArray[np.floating]:
    """The largest of each of :data:`SIDE` parts along an axis, of either sign; parts of fewer
    pixels share them."""
    count = panel.shape[axis]
    if count <= SIDE:
        return panel.take((np.arange(SIDE) * count) // SIDE, axis)
    starts = np.floor(np.linspace(0, count, SIDE + 1)[:-1]).astype(int)
    high = np.maximum.reduceat(panel, starts, axis=axis)
    low = np.minimum.reduceat(panel, starts, axis=axis)
    return np.where(high > -low, high, low)


def _tall(panel: NDArray[np.floating]) -> NDArray[np.floating]:
    """Lines repeated until they fill the square."""
    return panel[(np.arange(SIDE) * len(panel)) // SIDE]


def _compressed(values: NDArray[np.floating], unit: float) -> NDArray[np.floating]:
    return np.arcsinh(values / unit) / 2


def _second(row: Image, axis: int) -> Image:
    if row.shape[axis] < 3:
        return np.zeros_like(row[:1])
    return np.diff(row, 2, axis=axis) / np.float32(SECOND)


def _sizes(values: Image) -> Image:
    """Standard deviations in parts of the square, ``SIDE / 2`` a side, from medians."""
    parts = [min(PARTS, count) for count in values.shape]
    high, wide = (count // n for count, n in zip(values.shape, parts, strict=True))
    cut = values[: parts[0] * high, : parts[1] * wide]
    each = cut.reshape(parts[0], high, parts[1], wide).swapaxes(1, 2)
    made = np.median(each.reshape(parts[0], parts[1], -1), axis=-1) / NORMAL
    half = np.arange(SIDE // 2)
    return made[(half * parts[0]) // len(half)][:, (half * parts[1]) // len(half)]


def _moves(small: Image) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Of each view but the first how far it has moved beyond what views around it do, px: the
    whole one, and by part of the field (``view, part``). Least squares to first order."""
    smooth = _smoothed(small)
    change = np.diff(smooth, axis=0)
    slope = np.gradient(0.5 * (smooth[1:] + smooth[:-1]), axis=1)
    quiet = np.median(np.abs(change)) ** 2 + 1e-8
    parts = [np.add.reduceat(v, np.linspace(0, small.shape[1], PARTS + 1)[:-1].astype(int), axis=1)
             for v in (-change * slope, slope * slope)]  # fmt: skip
    size = small.shape[1] / PARTS
    local = parts[0] / (parts[1] + 0.5 * quiet * size)
    whole = parts[0].sum(axis=1) / (parts[1].sum(axis=1) + 0.5 * quiet * small.shape[1])
    return whole - _around(whole), local - _around(local)


def _around(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Medians over seven neighbours along the first axis."""
    from scipy.ndimage import median_filter

    return np.asarray(median_filter(values, (7,) + (1,) * (values.ndim - 1), mode="nearest"))


def _fitted(middle: NDArray[np.floating], turn: NDArray[np.floating]) -> NDArray[np.floating]:
    """The path of one place, by least squares for some ranges of angles, as no header is seen: that
    which fits best."""
    best, least = middle, np.inf
    for half_turns in (0.5, 0.7, 0.85, 1.0, 2.0):
        phase = np.pi * half_turns * turn
        design = np.stack([np.ones_like(phase), np.cos(phase), np.sin(phase)], axis=1)
        made = design @ np.linalg.lstsq(design, middle, rcond=None)[0]
        left = float(np.abs(middle - made).mean())
        if left < least:
            best, least = made, left
    return best


def _means(line: NDArray[np.floating]) -> NDArray[np.floating]:
    """Means of :data:`SIDE` parts, or the nearest where there are fewer."""
    if len(line) <= SIDE:
        return line[(np.arange(SIDE) * len(line)) // SIDE]
    return np.array([part.mean() for part in np.array_split(line, SIDE)])


def _smoothed(row: Image) -> Image:
    """Along the columns, by 1, 2, 1."""
    sides = np.pad(row, ((0, 0), (1, 1)), mode="edge")
    return 0.25 * (sides[:, :-2] + sides[:, 2:]) + 0.5 * row


def _steepest(slope: Image) -> list[int]:
    left = np.abs(slope)
    left[:2] = left[-2:] = 0
    found = []
    for _ in range(STEEPEST):
        at = int(left.argmax())
        found.append(at)
        left[max(at - REACH // 2, 0) : at + REACH // 2 + 1] = 0
    return found


def _outermost(view: Image) -> list[int]:
    """Where a view first and last rises over a quarter of its span."""
    low, high = np.quantile(view, (0.02, 0.98))
    over = np.flatnonzero(view > low + 0.25 * (high - low))
    return [int(over[0]), int(over[-1])] if len(over) else [0]


def _profile(view: Image, slope: Image, at: list[int]) -> Image:
    """Mean profile over edges, turned to rise."""
    reach = np.arange(-REACH, REACH)
    found = []
    for place in at:
        rising = 1 if slope[place] >= 0 else -1
        line = view[np.clip(place + rising * reach, 0, len(view) - 1)]
        foot, top = np.median(line[:REACH]), np.median(line[REACH:])
        found.append((line - foot) / max(abs(float(top - foot)), 0.02))
    return np.clip(np.mean(found, axis=0), -GREY, GREY).astype(np.float32)
