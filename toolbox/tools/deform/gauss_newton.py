"""Sub-pixel displacement and gradient of a window: inverse-compositional Gauss–Newton."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toolbox.tools.deform.window_search import Array, patch

SMALLEST_STEP = 1e-3  # px at the border of the window
DIVERGED = 6.0  # px from the start: the window is lost


@dataclass(frozen=True, eq=False)
class Matcher:
    """Matches windows of ``reference`` in a volume given by its cubic B-spline ``coefficients``
    (both ``z, y, x``), each window being shifted and strained evenly (first order).

    Baker & Matthews 2004, Int. J. Comput. Vis. 56, 221; Pan, Li & Tong 2013, Exp. Mech. 53, 1277
    (zero-mean normalised differences); three directions: Bay et al. 1999, Exp. Mech. 39, 217.
    """

    reference: Array
    coefficients: Array
    half: tuple[int, ...]
    iterations: int

    def match(
        self, place: NDArray[np.int_], start: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], float]:
        """The displacement of the window about a place (px) and the correlation there."""
        from scipy.ndimage import map_coordinates

        axes = [a for a in range(3) if self.reference.shape[a] > 1]
        inner = tuple(slice(1, -1) if a in axes else slice(None) for a in range(3))
        wide = patch(self.reference, place, tuple(h + (a in axes) for a, h in enumerate(self.half)))
        window = wide[inner].astype(np.float64)
        slopes = [np.gradient(wide, axis=a)[inner].ravel() for a in axes]
        offsets = np.indices(window.shape).reshape(3, -1)
        offsets = offsets - np.array(self.half)[:, None]
        # columns: for each component its shift, then its gradient along each axis
        steps = np.stack(
            [g * w for g in slopes for w in (1.0, *(offsets[a] for a in axes))], axis=1
        )
        window = window.ravel() - window.mean()
        strength = float(np.sqrt(window @ window))
        if strength == 0:
            return start, 0.0
        curvature = steps.T @ steps
        try:
            inverse = np.linalg.inv(curvature + 1e-9 * np.trace(curvature) * np.eye(len(curvature)))
        except np.linalg.LinAlgError:
            return start, 0.0
        count = len(axes)
        warp = np.eye(count + 1)
        warp[:count, count] = start[axes]
        local = np.vstack([offsets[axes], np.ones(offsets.shape[1])])
        best, likeness = start.astype(np.float64), -1.0
        for _ in range(self.iterations):
            spots = np.repeat(place[:, None].astype(np.float64), offsets.shape[1], axis=1)
            spots[axes] += (warp @ local)[:count]
            values = map_coordinates(self.coefficients, spots, order=3, mode="nearest",
                                     prefilter=False, output=np.float64)  # fmt: skip
            values -= values.mean()
            norm = float(np.sqrt(values @ values))
            if norm == 0:
                break
            here = float(values @ window) / (norm * strength)
            if here > likeness:
                likeness = here
                best = start.astype(np.float64)
                best[axes] = warp[:count, count]
            step = inverse @ (steps.T @ (values * (strength / norm) - window))
            increment = np.eye(count + 1)
            for row in range(count):
                part = step[row * (count + 1) : (row + 1) * (count + 1)]
                increment[row, count] = part[0]
                increment[row, :count] += part[1:]
            try:
                warp = warp @ np.linalg.inv(increment)
            except np.linalg.LinAlgError:
                break
            if np.abs(warp[:count, count] - start[axes]).max() > DIVERGED:
                break
            if np.abs(step.reshape(count, -1) @ np.r_[1.0, np.max(self.half) * np.ones(count)]
                      ).max() < SMALLEST_STEP:  # fmt: skip
                best = start.astype(np.float64)
                best[axes] = warp[:count, count]
                break
        return best, likeness
