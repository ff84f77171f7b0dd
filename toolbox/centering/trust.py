"""How far each method is to be believed, as simulated worlds showed (`tomoplan bench center`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Trust:
    """``half`` and ``rise``: prominence at which a method's maximum is as often true as false,
    and the scale (logistic) over which that changes; ``most``: how often it is true at best;
    ``widen``: real errors over its draws' spread; ``floor``: what no spread shows, px; ``steps``:
    the same in steps between its candidates."""

    half: float
    rise: float
    most: float
    widen: float
    floor: float
    steps: float = 0.0

    def right(self, prominence: float) -> float:
        """Probability that the maximum is the true one.

        >>> Trust(half=1.0, rise=0.5, most=0.9, widen=1.5, floor=0.2).right(1.0)
        0.45
        """
        return self.most / (1 + float(np.exp(-(prominence - self.half) / self.rise)))


TRUST = {
    "registration": Trust(0.5, 0.5, 0.97, 1.2, 0.2),
    "mirror": Trust(0.5, 0.5, 0.99, 3.0, 0.15),
    "overlap": Trust(0.5, 0.5, 0.99, 3.0, 0.15),
    "fourier": Trust(0.4, 0.4, 0.98, 1.8, 0.15),
    "moments": Trust(0.0, 0.5, 0.98, 2.0, 0.2),
    "survey": Trust(0.6, 0.6, 0.97, 1.5, 1.0, 0.5),
    "sharpness": Trust(0.6, 0.6, 0.97, 1.5, 0.15),
    "cnn_survey": Trust(0.5, 0.5, 0.97, 2.0, 1.5),
    "cnn": Trust(0.5, 0.5, 0.97, 2.0, 0.15),
}
