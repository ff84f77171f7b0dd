"""The backbone of the sinogram domain: one detector row over all angles, with noise and stripes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulators import World, simulate
from simulators.training.attenuation import attenuation
from simulators.training.masked import MaskedPart, Pair


class Part(MaskedPart):
    """Sinograms ``angle, col`` with stripes of every kind, zingers and jitter; truth: the line
    integrals where the views were meant to be taken."""

    domain = "sinogram"

    def draw(self, rng: np.random.Generator, families: Sequence[str]) -> World:
        width = self.width(rng)
        return World(
            specimen=str(rng.choice(list(families))),
            columns=width,
            rows=1,
            projections=int(width * rng.uniform(0.8, 1.5)),
            start_deg=float(rng.uniform(0, 180)),
            center=(width - 1) / 2 + float(rng.uniform(-0.05, 0.05)) * width,
            fill=float(rng.uniform(0.6, 1.0)),
            attenuation=float(rng.uniform(0.6, 2.5)),
            photons=float(10 ** rng.uniform(2.3, 5.0)),
            rings=float(rng.choice([0.0, 0.2, 0.6])),
            zingers=float(rng.choice([0.0, 0.0, 0.3])),
            seed=int(rng.integers(1 << 31)),
        )

    def pair(self, world: World, rng: np.random.Generator) -> Pair:
        scan = simulate(world)
        return Pair(
            np.asarray(attenuation(scan).values[0]), scan.line_integrals(0).astype(np.float32)
        )
