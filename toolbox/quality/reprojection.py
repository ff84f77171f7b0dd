"""Whether slices explain the sinogram that they were made from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from toolbox.values import Block, Center


def reprojection_residual(slices: NDArray[np.float32], sinogram: Block, center: Center) -> float:
    """RMS of what the projections of ``slices`` (axes ``z, y, x``, one for each row of the
    sinogram) leave unexplained, over the RMS of the sinogram about its mean, after one gain and
    offset for each row. 0: fully explained; noise that was taken out on purpose counts as
    unexplained, a sample wider than the field much so.
    """
    import torch

    from toolbox.operators.blocks import as_tensor
    from toolbox.quality.beam import beam_of

    operator = beam_of(sinogram, center, slices.shape[-1])
    measured = as_tensor(sinogram).cpu().numpy().astype(np.float64)
    grey = torch.from_numpy(np.array(slices, np.float32)).to(operator.device)
    again = operator(grey).cpu().numpy().astype(np.float64)
    left, whole = 0.0, 0.0
    for one, other in zip(again, measured, strict=True):
        a, b = one - one.mean(), other - other.mean()
        power = float((a * a).sum())
        gain = float((a * b).sum()) / power if power > 0 else 0.0
        left += float(((b - gain * a) ** 2).sum())
        whole += float((b * b).sum())
    return float(np.sqrt(left / whole)) if whole > 0 else 0.0
