"""Networks that finish total variation slices of few views or of a limited angle: pairs of worlds,
crops, what they are worth."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from simulators import simulate
from simulators.simulated_scan import SimulatedScan
from simulators.training import missing_views, mixed_specimens
from simulators.training.attenuation import attenuation
from simulators.training.crops import in_circle
from simulators.training.missing_views import (
    ITERATIONS,
    PSNR,
    SSIM,
    Seeing,
    compared,
    contest,
    drawn_cases,
    is_better,
    seen,
    similarity,
)
from simulators.training.part import Arrays, Measured, Tensors
from simulators.training.parts.fbpconvnet import VALIDATION, Case, Image
from toolbox.learned.weights import trained
from toolbox.metrics import circle_mask
from toolbox.tools.reconstruct import finished_slices, tvconvnet
from toolbox.values import Block, Center

if TYPE_CHECKING:
    import torch

FIRST = "tvconvnet"
LEAST_SETTLED = 0.4  # of the iterations in use: examples have so many of them or more
FLOOR = 1e-4  # of a crop's mean square error, of the spread's square: better does not count
LEAST_RANGE = 0.05  # of a truth, of the spread: a slice may be empty
MOST_RANGE = 30.0  # as little is in few slices; others are drawn in place of these
LEAK = 0.1  # of what is below zero, in training
UNITS = ("dB of PSNR", "SSIM")


@dataclasses.dataclass(frozen=True, eq=False)
class Pair:
    """Two specimens in scans of the same views, which go through the operator together: the
    sinogram ``row, angle, col``, its axis known as well as it is found, and the truths
    ``row, y, x``."""

    sinogram: Block
    center: Center
    truths: Image

    @classmethod
    def drawn(
        cls,
        rng: np.random.Generator,
        families: Sequence[str],
        columns: tuple[int, int],
        kind: str,
        mixed: float = 0.0,
        light: float = mixed_specimens.LIGHT,
    ) -> Pair:
        """Specimens of the families; so large a part of them ``mixed`` of several, from ``light``
        on to 1 as dense."""
        first, other = (missing_views.draw(rng, families, columns, kind) for _ in range(2))
        first = dataclasses.replace(first, rows=2)
        second = dataclasses.replace(
            first, specimen=other.specimen, seed=other.seed, fill=other.fill,
            attenuation=other.attenuation,
        )  # fmt: skip
        specimens = [
            mixed_specimens.mixed(families, world.radius, world.height, rng, light)
            if rng.random() < mixed
            else None
            for world in (first, second)
        ]
        scans = [simulate(*one) for one in zip((first, second), specimens, strict=True)]
        return cls.of(scans, float(rng.normal(0, 0.1)))

    @classmethod
    def of(cls, scans: Sequence[SimulatedScan], off: float) -> Pair:
        blocks = [attenuation(scan) for scan in scans]
        values = np.stack([block.values[row] for row, block in enumerate(blocks)])
        truths = np.stack([scan.truth(row) for row, scan in enumerate(scans)])
        column = scans[0].truth_center + off
        center = Center(column, column - 0.25, column + 0.25)
        return cls(blocks[0].with_values(values), center, truths.astype(np.float32))


class FinishingPart(ABC):
    """What the parts share that finish slices of few views or of a limited angle. ``options``:
    ``families`` trained on, ``held_out`` ones for the test, ``crop`` px, ``columns`` from … to,
    the part of specimens ``mixed`` of several families and how ``light`` their lightest material
    may be beside the densest, numbers of worlds for ``validation``, for the ``choice`` of strengths
    and for the ``test``."""

    name: str  # of the tool
    tool: ModuleType
    kind: str  # of the worlds
    figure: int  # by which it is judged
    suits: Mapping[str, tuple[float, float]]
    beside: tuple[str, ...] = ()  # networks of this kind that are measured, too

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.families: tuple[str, ...] = tuple(options["families"])
        self.held_out: tuple[str, ...] = tuple(options["held_out"])

    @property
    def looks(self) -> Seeing:
        """What the network is told of rows."""
        return self.tool.looks  # type: ignore[no-any-return]

    @abstractmethod
    def network(self) -> torch.nn.Module: ...

    @abstractmethod
    def card(self) -> dict[str, Any]: ...

    # ---- examples --------------------------------------------------------------------------

    def example(self, rng: np.random.Generator) -> Arrays:
        """Looks ``row, look, y, x`` and truths ``row, y, x`` of two specimens, at a strength near
        the usual one; of each, the range of the truth and what zero is on its scale."""
        while True:
            found = self._example(rng)
            if found["range"].max() < MOST_RANGE:
                return found

    def _example(self, rng: np.random.Generator) -> Arrays:
        pair = Pair.drawn(rng, self.families, tuple(self.options["columns"]), self.kind,
                          float(self.options.get("mixed", 0.0)),
                          float(self.options.get("light", mixed_specimens.LIGHT)))  # fmt: skip
        most = ITERATIONS[self.kind]
        iterations = int(rng.integers(int(LEAST_SETTLED * most), most + 1))
        times = 10 ** rng.uniform(-0.3, 0.3)
        looks, levels = seen(self.looks, pair.sinogram, pair.center, iterations, times)
        level, spread = (np.array(values, np.float32) for values in zip(*levels, strict=True))
        inside = circle_mask(pair.truths.shape[-1])
        return {
            "looks": looks.astype(np.float16),
            "truths": ((pair.truths - level[:, None, None]) / spread[:, None, None]).astype(
                np.float16
            ),
            "range": np.maximum(np.ptp(pair.truths[:, inside], axis=1) / spread, LEAST_RANGE),
            "zero": -level / spread,
        }

    def batch(self, examples: Sequence[Arrays], rng: np.random.Generator) -> Arrays:
        """Crops whose middle lies in the circle, turned and mirrored, and what of them lies
        inside."""
        side = int(self.options["crop"])
        found: dict[str, list[Any]] = {
            "looks": [], "truth": [], "inside": [], "range": [], "zero": []
        }  # fmt: skip
        for one in examples:
            row = int(rng.integers(len(one["truths"])))
            place = in_circle(rng, one["truths"].shape[-1], side)
            turns, mirror = int(rng.integers(4)), bool(rng.random() < 0.5)
            truth = one["truths"][row][place]
            looks = finished_slices.turned(one["looks"][row][(..., *place)], turns, mirror)
            found["looks"].append(looks)
            inside = circle_mask(one["truths"].shape[-1])[place]
            for name, plane in (("truth", truth), ("inside", inside)):
                found[name].append(np.rot90(plane[:, ::-1] if mirror else plane, turns)[None])
            for name in ("range", "zero"):
                found[name].append(one[name][row])
        return {name: np.stack(values).astype(np.float32) for name, values in found.items()}

    # ---- learning --------------------------------------------------------------------------

    @abstractmethod
    def loss(self, network: torch.nn.Module, batch: Tensors) -> torch.Tensor: ...

    def validate(self, network: torch.nn.Module) -> dict[str, float]:
        """SSIM and decibels gained over the total variation that it begins with, on known
        families' other specimens."""
        gains = []
        for case, looks, level, spread in self._validation:
            image = np.maximum(self.tool.clean(network, looks) * spread + level, 0)
            first = looks[0] * spread + level
            gains.append((case.psnr(image) - case.psnr(first),
                          similarity(case, image) - similarity(case, first)))  # fmt: skip
        mean, worst = np.mean(gains, axis=0), np.min(gains, axis=0)
        return {"score": float(mean[self.figure]), "worst": float(worst[self.figure]),
                "decibels": float(mean[PSNR]), "similarity": float(mean[SSIM])}  # fmt: skip

    @cached_property
    def _validation(self) -> list[tuple[Case, Any, np.float32, np.float32]]:
        found = []
        count = int(self.options["validation"])
        long = ITERATIONS[self.kind]
        for case in drawn_cases(VALIDATION, count, self.families, (192, 192), self.kind):
            looks, levels = seen(self.looks, case.sinogram, case.center, long)
            found.append((case, looks[0], *levels[0]))
        return found

    # ---- what it is worth ------------------------------------------------------------------

    def measure(self, network: torch.nn.Module) -> Measured:
        """Against filtered back-projection and total variation (automatic, and at the strength
        that is best on other worlds), with TVConvNet and others of this kind beside, on the
        worlds that TVConvNet was measured on."""
        networks = {FIRST: _of(tvconvnet, trained(FIRST, tvconvnet.network))}
        for name in self.beside:
            module = _module(name)
            networks[name] = _of(module, trained(name, module.network))
        networks[self.name] = _of(self.tool, network)
        rows, metrics = contest([self.kind], self.options, networks)
        case = drawn_cases(VALIDATION, 1, self.families, (64, 64), self.kind)[0]
        looks = seen(self.looks, case.sinogram, case.center, 60)[0][0]
        return Measured(
            metrics,
            compared(rows, self.name, sorted(networks), self.figure),
            f"{UNITS[self.figure]} gained over the best conventional tool there",
            wins=is_better(metrics, self.name, self.kind),
            suits=dict(self.suits),
            reference={"input": looks, "output": self.tool.clean(network, looks)},
        )

    def data(self, second: str, channels: int = finished_slices.LOOKS) -> dict[str, Any]:
        """What the model cards say of the data, the second look named."""
        families = ", ".join(sorted(set(self.families)))
        return {
            "data_source": f"simulated specimens of the families {families}; held out of "
            f"training for the test: {', '.join(self.held_out)}",
            "data_type": "simulated counts with photon noise, corrected and reconstructed by the "
            "toolbox; truth: the specimen's attenuation",
            "inputs": {"looks": {"axes": "n, look, y, x", "channels": channels,
                                 "dtype": "float32", "unit": f"total variation reconstruction and "
                                 f"{second}, brought to about -1 to 1 by the 2nd and 98th "
                                 "percentile of the first; part of the half turn that is missing, "
                                 "times cosine and sine of twice its direction",
                                 "size": "any; tiles above 1024 px"}},
            "outputs": {"slice": {"axes": "n, channel, y, x", "channels": 1, "dtype": "float32",
                                  "unit": "as the first look"}},
            "licence": "Apache-2.0",
        }  # fmt: skip


def above(found: torch.Tensor, zero: torch.Tensor) -> torch.Tensor:
    """Slices without what is below zero, nearly: there a network still learns."""
    import torch

    return torch.where(found > zero, found, zero + LEAK * (found - zero))


def _of(tool: ModuleType, network: torch.nn.Module) -> missing_views.Finding:
    return lambda case, iterations: missing_views.reconstructed(tool, network, case, iterations)


def _module(name: str) -> ModuleType:
    import importlib

    return importlib.import_module(f"{finished_slices.__package__}.{name}")
