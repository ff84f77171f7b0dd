"""Block matching and collaborative filtering (BM3D) of one image, in numpy.

Written from the paper: Dabov, Foi, Katkovnik & Egiazarian 2007, IEEE Trans. Image Process. 16,
2080, in its two steps. Other than there: the step between blocks is 4 in both steps, the groups
hold 16 blocks always, blocks are transformed by a DCT in both steps, and no Kaiser window weighs
them. White noise of known standard deviation is assumed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
SIDE = 8  # of a block
STEP = 4  # between reference blocks
GROUP = 16  # blocks in a group
THRESHOLD = 2.7  # of the noise, for the transform coefficients of a group
AT_ONCE = 4096  # groups filtered together


def bm3d(image: Image, sigma: float, reach: int = 12) -> Image:
    """The image (axes ``y, x``) without white noise of standard deviation ``sigma``.

    ``reach``: how far (px) to look for blocks that look alike. Images smaller than a block come
    back as they are.

    >>> noisy = np.random.default_rng(0).normal(0, 1, (48, 48)).astype(np.float32)
    >>> bool(bm3d(noisy, 1.0).std() < 0.2)
    True
    """
    height, width = image.shape
    if sigma <= 0 or min(height, width) < SIDE:
        return np.array(image, np.float32)
    reach = min(reach, height - 1, width - 1)
    beyond = [(reach, reach + -length % STEP) for length in image.shape]
    noisy = np.pad(image.astype(np.float32), beyond, mode="symmetric")
    basic = _collaborate(noisy, sigma, reach, None)
    # beyond the image the first step leaves holes: mirror it again
    pilot = np.pad(basic[reach : reach + height, reach : reach + width], beyond, mode="symmetric")
    final = _collaborate(noisy, sigma, reach, pilot)
    return final[reach : reach + height, reach : reach + width]


def _collaborate(noisy: Image, sigma: float, reach: int, pilot: Image | None) -> Image:
    """One step: hard thresholding of groups, or Wiener filtering by a ``pilot`` image."""
    width = noisy.shape[1]
    places = _matches(noisy if pilot is None else pilot, reach)
    inside = (np.arange(SIDE)[:, None] * width + np.arange(SIDE)).ravel()
    dct, hadamard = _dct(), _hadamard()
    total, weights = np.zeros(noisy.size), np.zeros(noisy.size)
    for start in range(0, len(places), AT_ONCE):
        corners = places[start : start + AT_ONCE]
        at = corners[..., None] + inside  # group, member, pixel
        group = np.matmul(hadamard, noisy.ravel()[at] @ dct.T)
        if pilot is None:
            kept = np.abs(group) > THRESHOLD * sigma
            kept[:, 0, 0] = True  # the mean of a group is never noise alone
            group *= kept
            weight = 1.0 / np.maximum(np.count_nonzero(kept, axis=(1, 2)), 1)
        else:
            energy = np.matmul(hadamard, pilot.ravel()[at] @ dct.T) ** 2
            gain = energy / (energy + np.float32(sigma**2))
            group *= gain
            weight = 1.0 / np.maximum((gain**2).sum(axis=(1, 2)), 1e-6)
        blocks = (np.matmul(hadamard, group) @ dct) * weight[:, None, None]
        total += np.bincount(at.ravel(), blocks.ravel(), noisy.size)
        share = np.broadcast_to(weight[:, None], corners.shape)
        weights += np.bincount(corners.ravel(), share.ravel(), noisy.size)
    covered = np.zeros(noisy.size)  # each corner's weight holds for the pixels of its block
    for offset in inside:
        covered[offset:] += weights[: noisy.size - offset]
    return (total / np.maximum(covered, 1e-30)).reshape(noisy.shape).astype(np.float32)


def _matches(guide: Image, reach: int) -> NDArray[np.intp]:
    """Flat index of the corners of the ``GROUP`` blocks most like each reference block, itself
    among them; axes ``group, member``. References lie on a grid within ``reach`` of the border."""
    height, width = guide.shape[0] - 2 * reach, guide.shape[1] - 2 * reach
    middle = guide[reach : reach + height, reach : reach + width]
    moves = [(y, x) for y in range(-reach, reach + 1) for x in range(-reach, reach + 1)]
    down, across = (height - SIDE) // STEP + 1, (width - SIDE) // STEP + 1
    cells = SIDE // STEP
    at_row, at_column = reach + STEP * np.arange(down), reach + STEP * np.arange(across)
    corners = (at_row[:, None] * guide.shape[1] + at_column).ravel()
    jumps = np.array([y * guide.shape[1] + x for y, x in moves])
    found = np.empty((down * across, GROUP), np.intp)
    band = max(AT_ONCE // across, 1)  # rows of references at once, for the memory's sake
    for top in range(0, down, band):
        count = min(band, down - top)
        rows = slice(top * STEP, (top + count - 1) * STEP + SIDE)
        distance = np.empty((len(moves), count, across), np.float32)
        for index, (y, x) in enumerate(moves):
            moved = guide[reach + y + rows.start : reach + y + rows.stop,
                          reach + x : reach + x + width]  # fmt: skip
            apart = (middle[rows] - moved) ** 2
            # a block's sum from sums over cells of STEP × STEP pixels
            cell = apart.reshape(-1, STEP, width).sum(axis=1)
            cell = cell.reshape(len(cell), -1, STEP).sum(axis=2)
            distance[index] = sum(
                cell[i : i + count, j : j + across] for i in range(cells) for j in range(cells)
            )
        distance[len(moves) // 2] = -1  # a block is most like itself
        flat = distance.reshape(len(moves), -1)
        nearest = np.argpartition(flat, GROUP - 1, axis=0)[:GROUP]
        part = slice(top * across, (top + count) * across)
        found[part] = corners[part, None] + jumps[nearest.T]
    return found


def _dct() -> Image:
    """Orthonormal DCT-II of a block as one matrix, axes ``coefficient, pixel``."""
    k, n = np.arange(SIDE)[:, None], np.arange(SIDE)[None]
    matrix = np.cos(np.pi * (2 * n + 1) * k / (2 * SIDE)) * np.sqrt(2 / SIDE)
    matrix[0] = np.sqrt(1 / SIDE)
    return np.kron(matrix, matrix).astype(np.float32)


def _hadamard() -> Image:
    """Orthonormal Hadamard matrix of ``GROUP``: symmetric, its own inverse."""
    matrix = np.ones((1, 1))
    while len(matrix) < GROUP:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return (matrix / np.sqrt(GROUP)).astype(np.float32)
