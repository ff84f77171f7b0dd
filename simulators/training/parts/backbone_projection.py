"""The backbone of the projection domain: radiographs of specimens at some angle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulators import World, simulate
from simulators.training.attenuation import attenuation
from simulators.training.masked import MaskedPart, Pair


class Part(MaskedPart):
    """Projections ``row, col`` with noise and columns that respond otherwise; truth: the line
    integrals. One angle of each specimen."""

    domain = "projection"

    def draw(self, rng: np.random.Generator, families: Sequence[str]) -> World:
        width = self.width(rng)
        return World(
            specimen=str(rng.choice(list(families))),
            columns=width,
            rows=int(self.options["crop"]),
            projections=1,
            start_deg=float(rng.uniform(0, 180)),
            fill=float(rng.uniform(0.6, 1.1)),
            attenuation=float(rng.uniform(0.6, 2.5)),
            photons=float(10 ** rng.uniform(2.0, 4.5)),
            rings=float(rng.choice([0.0, 0.2, 0.6])),
            seed=int(rng.integers(1 << 31)),
        )

    def pair(self, world: World, rng: np.random.Generator) -> Pair:
        scan = simulate(world)
        truth = np.stack([scan.line_integrals(row)[0] for row in range(world.rows)])
        return Pair(np.asarray(attenuation(scan).values[:, 0]), truth.astype(np.float32))
