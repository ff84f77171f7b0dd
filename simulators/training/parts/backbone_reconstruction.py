"""The backbone of the reconstruction domain: slices with the noise and streaks of their scans."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulators import World, simulate
from simulators.training.attenuation import attenuation
from simulators.training.masked import MaskedPart, Pair
from toolbox.registry import make_tool
from toolbox.values import Center


class Part(MaskedPart):
    """Filtered back-projections of many or few views, of much or little light; truth: the
    attenuation of the specimen."""

    domain = "reconstruction"

    def draw(self, rng: np.random.Generator, families: Sequence[str]) -> World:
        width = self.width(rng)
        return World(
            specimen=str(rng.choice(list(families))),
            columns=width,
            rows=1,
            projections=int(width * 10 ** rng.uniform(-0.6, 0.2)),
            start_deg=float(rng.uniform(0, 180)),
            fill=float(rng.uniform(0.6, 1.0)),
            attenuation=float(rng.uniform(0.6, 2.5)),
            photons=float(10 ** rng.uniform(2.3, 5.0)),
            rings=float(rng.choice([0.0, 0.0, 0.1, 0.4])),
            fringes=float(rng.choice([0.0, 0.0, 0.0, 0.2])),
            seed=int(rng.integers(1 << 31)),
        )

    def pair(self, world: World, rng: np.random.Generator) -> Pair:
        scan = simulate(world)
        column = scan.truth_center + float(rng.normal(0, 0.2))
        center = Center(column, column - 0.25, column + 0.25)
        volume = make_tool("fbp", {})(sinogram=attenuation(scan), center=center)
        return Pair(np.asarray(volume.values[0]), scan.truth(0))
