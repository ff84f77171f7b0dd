"""Small parts of slices reconstructed at candidate axes, wherever they lie, at any slice size."""

from __future__ import annotations

import numpy as np

from toolbox.centering.views import Doubles, Floats, Views

HIGHEST = 0.45  # cycles per (binned) column kept
TOGETHER = 24  # patches transformed at a time: bounds memory


def patches(views: Views, columns: Doubles, places: Doubles, side: int) -> Floats:
    """Axes ``row, place, candidate, y, x``, each patch ``side`` px (binned) wide.

    ``columns``: candidate axes, px of the detector; ``places``: middles of the patches, axes
    ``place, (x, y)``, in binned px from the axis. Views are weighed by the root of the ramp, as
    the whole ramp would weigh the noise of the finest structure most, and each place is divided
    by its mean RMS over the candidates.
    """
    import finufft
    from scipy import fft

    length = fft.next_fast_len(int(1.5 * views.columns), real=True)
    k = fft.rfftfreq(length).astype(np.float32)
    chosen = np.flatnonzero((k > 0) & (k < HIGHEST))
    k = k[chosen]
    cos, sin = (f(views.angles_rad).astype(np.float32) for f in (np.cos, np.sin))
    x_wave, y_wave = (2 * np.pi * np.outer(part, k) for part in (cos, sin))
    plan = finufft.Plan(1, (side, side), n_trans=TOGETHER, eps=1e-2, isign=1, dtype="complex64",
                        upsampfac=1.25)  # fmt: skip
    plan.setpts(*(np.float32(wave.ravel()) for wave in (y_wave, x_wave)))
    # The transform's pixel of index 0 is the middle one
    turn = np.exp(2j * np.pi * np.outer(views.from_pixels(columns), k)).astype(np.complex64)
    shift = [np.exp(2j * np.pi * np.outer(x * cos + y * sin, k)).astype(np.complex64)
             for x, y in places]  # fmt: skip
    jobs = [(place, candidate) for place in range(len(places)) for candidate in range(len(columns))]
    found = np.empty((len(views.values), len(jobs), side, side), np.float32)
    waves = np.zeros((TOGETHER, len(cos), len(k)), np.complex64)
    for row, values in enumerate(views.values):
        spectrum = fft.rfft(values, length, axis=1)[:, chosen] * np.sqrt(k)
        for start in range(0, len(jobs), TOGETHER):
            some = jobs[start : start + TOGETHER]
            for slot, (place, candidate) in enumerate(some):
                np.multiply(spectrum, shift[place] * turn[candidate], out=waves[slot])
            images = plan.execute(waves.reshape(TOGETHER, -1))
            found[row, start : start + len(some)] = images[: len(some)].real
    found = found.reshape(len(found), len(places), len(columns), side, side)
    level = np.sqrt(np.mean(found**2, axis=(2, 3, 4), keepdims=True))
    return found / np.maximum(level, np.float32(1e-12))


def spread_places(count: int, radius: float, turn: float = 0.0) -> Doubles:
    """Places evenly over a disc about the axis, axes ``place, (x, y)``: Vogel's sunflower,
    Math. Biosci. 44 (1979) 179.

    >>> spread_places(4, 10.0).shape
    (4, 2)
    """
    index = np.arange(count) + 0.5
    angle = index * np.pi * (3 - np.sqrt(5)) + turn
    return (radius * np.sqrt(index / count) * np.stack([np.cos(angle), np.sin(angle)])).T
