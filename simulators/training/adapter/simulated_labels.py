"""Labelled slices of simulated specimens, as a user would have them of a scan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators import SimulatedScan, World, simulate
from simulators.training.adapter.labelled_slices import NOTHING
from simulators.training.attenuation import attenuation
from toolbox.registry import make_tool
from toolbox.values import Center

APART = 3  # rows from one slice to the next


@dataclass(frozen=True, eq=False)
class Labelled:
    """Slices ``y, x`` and the class of each of their pixels (−1: too rare to be asked for)."""

    images: tuple[NDArray[np.float32], ...]
    labels: tuple[NDArray[np.int64], ...]

    @property
    def classes(self) -> int:
        return 1 + max(int(one.max()) for one in self.labels)


def labelled(
    family: str, seed: int, train: int, test: int, settings: Mapping[str, Any]
) -> tuple[Labelled, Labelled]:
    """``train`` slices of one specimen and ``test`` slices of another one of the family, both
    scanned alike, with noise and few views drawn from the seed. Materials that absorb alike are
    one class: nobody could tell them apart."""
    rng = np.random.default_rng([seed, *family.encode()])
    width = int(settings["columns"])
    common: dict[str, Any] = {
        "specimen": family,
        "columns": width,
        "projections": int(width * rng.uniform(*settings["views"])),
        "photons": float(10 ** rng.uniform(*settings["photons_log10"])),
        "attenuation": float(rng.uniform(1.0, 2.0)),
        "fill": float(rng.uniform(*settings["fill"])),
    }
    worlds = [World(**common, rows=APART * count, seed=seed + extra)
              for extra, count in ((0, train), (500_000, test))]  # fmt: skip
    sets = [_slices(simulate(world)) for world in worlds]
    asked = _asked(sets[0][1], float(settings["rarest"]))
    first, second = (
        Labelled(tuple(images), tuple(_numbered(m, asked) for m in mus)) for images, mus in sets
    )
    return first, second


def labelled_scan(scan: SimulatedScan, rarest: float) -> Labelled:
    """Every third slice of a scan; materials rarer than so large a part are not asked for."""
    images, mus = _slices(scan)
    asked = _asked(mus, rarest)
    return Labelled(tuple(images), tuple(_numbered(mu, asked) for mu in mus))


def _asked(mus: list[NDArray[np.float64]], rarest: float) -> list[float]:
    said = np.concatenate([mu.ravel() for mu in mus])
    return [float(v) for v in np.unique(said) if np.mean(said == v) >= rarest]


def _slices(scan: SimulatedScan) -> tuple[list[NDArray[np.float32]], list[NDArray[np.float64]]]:
    """Slices, and of each pixel the attenuation of its material, which tells the classes."""
    column = scan.truth_center
    center = Center(column, column, column)
    volume = make_tool("fbp", {})(sinogram=attenuation(scan), center=center)
    mu = np.round(scan.attenuation_per_px() / scan.attenuation_per_px().max(), 4)
    rows = range(APART // 2, scan.info.rows, APART)
    images = [np.asarray(volume.values[row]) for row in rows]
    return images, [mu[scan.labels(row)] for row in rows]


def _numbered(mu: NDArray[np.float64], asked: list[float]) -> NDArray[np.int64]:
    numbers = np.full(mu.shape, NOTHING, np.int64)
    for number, value in enumerate(asked):
        numbers[mu == value] = number
    return numbers
