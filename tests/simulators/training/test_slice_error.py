"""What an error of views is in the slice: nearly the square error of what it comes from there."""

from __future__ import annotations

import numpy as np

from simulators.training.slice_error import slice_error
from toolbox.metrics import circle_mask
from toolbox.operators.parallel_beam import ParallelBeam


def test_it_goes_with_the_error_of_the_slice() -> None:
    import torch
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(0)
    A = ParallelBeam(np.linspace(0, np.pi, 120, endpoint=False), 64)
    ratios = []
    for width in (1.0, 2.0, 3.0):
        error = gaussian_filter(rng.normal(size=(1, 64, 64)), (0, width, width))
        error = np.asarray(error * circle_mask(64), np.float32)
        views = A(torch.from_numpy(error))
        ratios.append(float((error**2).mean()) / float(slice_error(views)[0]))
    assert max(ratios) < 1.2 * min(ratios)
