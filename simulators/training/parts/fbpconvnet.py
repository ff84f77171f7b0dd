"""FBPConvNet: slices of filtered back-projection from few views → the truth."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulators import World, simulate
from simulators.training.attenuation import attenuation
from simulators.training.compared import Kinds, compared
from simulators.training.crops import in_circle
from simulators.training.part import Arrays, Measured, Tensors
from toolbox.kinds import DataKind
from toolbox.metrics import psnr
from toolbox.registry import make_tool
from toolbox.tools.denoise import fbpconvnet as tool
from toolbox.values import Block, Center

if TYPE_CHECKING:
    import torch

VALIDATION, TEST, CHOICE = 101, 202, 303  # seeds of worlds kept apart from training
VIEWS = (60, 120)
STRENGTHS = (0.001, 0.0025, 0.006, 0.015, 0.04)  # of total variation, to choose from
SIGMAS = (0.7, 1.0, 1.4, 2.0, 2.8)  # of its denoiser
MEASURED = (192, 224)  # columns of the worlds that are measured
FLOOR = 1e-4  # of a crop's mean square error, of the spread's square: better does not count
NAME, MOST = "fbpconvnet", "fbpconvnet_all_copies"
# 60 views of 512 columns have 0.075 of the views that Crowther's criterion asks for, 120 of 192
# columns 0.4; a view missing here and there leaves the half turn covered
SUITS = {"view_sufficiency": (0.07, 0.4), "angular_coverage": (175.0, 180.0)}
KINDS: Kinds = {
    "60 to 80 views": lambda w: w.projections < 80,
    "80 to 100 views": lambda w: 80 <= w.projections < 100,
    "100 to 120 views": lambda w: w.projections >= 100,
    "under 10 000 photons": lambda w: (w.photons or 0) < 1e4,
    "over 10 000 photons": lambda w: (w.photons or 0) >= 1e4,
}
Image = NDArray[np.float32]


class Part:
    """``options``: ``families`` trained on, ``held_out`` ones for the test, ``crop`` px,
    ``columns`` from … to, numbers of worlds for ``validation``, for the ``choice`` of strengths
    and for the ``test``."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.families: tuple[str, ...] = tuple(options["families"])
        self.held_out: tuple[str, ...] = tuple(options["held_out"])

    # ---- examples --------------------------------------------------------------------------

    def example(self, rng: np.random.Generator) -> Arrays:
        world = draw(rng, self.families, tuple(self.options["columns"]))
        found = Case.of(world, rng)
        level, spread = tool.grey_levels(found.slice)
        return {name: ((image - level) / spread).astype(np.float16)
                for name, image in (("slice", found.slice), ("truth", found.truth))}  # fmt: skip

    def batch(self, examples: Sequence[Arrays], rng: np.random.Generator) -> Arrays:
        side = int(self.options["crop"])
        slices: list[NDArray[Any]] = []
        truths: list[NDArray[Any]] = []
        for one in examples:
            place = in_circle(rng, len(one["slice"]), side)
            turns, mirror = int(rng.integers(4)), rng.random() < 0.5
            for name, out in (("slice", slices), ("truth", truths)):
                part = np.rot90(one[name][place], turns)
                out.append(part[:, ::-1] if mirror else part)
        return {"slice": np.stack(slices)[:, None].astype(np.float32),
                "truth": np.stack(truths)[:, None].astype(np.float32)}  # fmt: skip

    # ---- learning --------------------------------------------------------------------------

    def network(self) -> torch.nn.Module:
        return tool.network()

    def loss(self, network: torch.nn.Module, batch: Tensors) -> torch.Tensor:
        """Logarithm of the mean square error of each crop, as PSNR counts it, so that the
        noisiest do not rule (the paper takes the mean square)."""
        error = (network(batch["slice"]) - batch["truth"]).float()
        return 0.5 * ((error**2).mean((1, 2, 3)) + FLOOR).log().mean()

    def validate(self, network: torch.nn.Module) -> dict[str, float]:
        """Decibels gained over filtered back-projection, on known families' other specimens."""
        gains = [c.psnr(tool.clean(network, c.slice)) - c.psnr(c.slice) for c in self._validation]
        return {"score": float(np.mean(gains)), "worst": float(np.min(gains))}

    @cached_property
    def _validation(self) -> list[Case]:
        return cases(VALIDATION, int(self.options["validation"]), self.families, (256, 256))

    # ---- what it is worth ------------------------------------------------------------------

    def measure(self, network: torch.nn.Module) -> Measured:
        """Against filtered back-projection and total variation (reconstruction and denoiser,
        each as it is by default and at the strength that is best on other worlds). It wins where
        it is better than all that take no longer: time is what a plan weighs against quality."""
        choice = cases(CHOICE, int(self.options["choice"]), self.families, MEASURED)
        fixed = {
            "tv_fixed": best(choice, STRENGTHS, lambda c, s: c.tv(s)),
            "denoise_tv_fixed": best(choice, SIGMAS, lambda c, s: c.denoise_tv(strength=s)),
        }
        contenders: dict[str, Callable[[Case], Image]] = {
            "fbp": lambda c: c.slice,
            "tv_automatic": lambda c: c.tv(None),
            "tv_fixed": lambda c: c.tv(fixed["tv_fixed"]),
            "denoise_tv_default": lambda c: c.denoise_tv(),
            "denoise_tv_fixed": lambda c: c.denoise_tv(strength=fixed["denoise_tv_fixed"]),
            NAME: lambda c: tool.averaged(network, c.slice, tool.FBPConvNet().copies),
            MOST: lambda c: tool.averaged(network, c.slice, len(tool.COPIES)),
        }
        rows = []
        seconds = dict.fromkeys(contenders, 0.0)
        for one in cases(TEST, int(self.options["test"]), self.held_out, MEASURED):
            figures = {}
            for name, find in contenders.items():
                began = time.process_time()
                figures[name] = one.psnr(find(one))
                seconds[name] += time.process_time() - began
            rows.append((one.world, figures))
            found = ", ".join(f"{n} {v:.2f}" for n, v in figures.items())
            print(f"{one.world.specimen}, {one.world.projections} views: {found}", flush=True)
        mean = {n: float(np.mean([f[n] for _, f in rows])) for n in contenders}
        metrics = {f"psnr_db_{n}": round(v, 2) for n, v in mean.items()}
        rivals = {n: v for n, v in mean.items() if n not in (NAME, MOST)}
        metrics |= {f"gain_db_over_{n}": round(mean[NAME] - v, 2) for n, v in rivals.items()}
        metrics |= {f"strength_{n}": v for n, v in fixed.items()}
        metrics |= {f"times_quicker_than_{n}": round(v / seconds[NAME], 2)
                    for n, v in seconds.items() if n in rivals}  # fmt: skip
        example = tool.FBPConvNet.example()
        assert example is not None
        image = example[1]["volume"].values[0]
        return Measured(
            metrics | {"scans": float(len(rows))},
            compared(rows, KINDS, NAME, sorted(set(rows[0][1]) - {NAME, MOST})),
            "dB of PSNR gained over the best conventional tool there",
            wins=all(mean[NAME] > v for n, v in rivals.items() if seconds[n] <= seconds[NAME]),
            suits=SUITS,
            reference={"input": image, "output": tool.clean(network, image)},
        )

    def card(self) -> dict[str, Any]:
        families = ", ".join(sorted(set(self.families)))
        return {
            "version": "0.6.0",
            "changelog": {
                "0.1.0": "first weights, trained small on one busy CPU core",
                "0.2.0": "eleven families instead of nine, a logarithmic loss, longer training "
                "(one continuation); on half a core of a CPU, so still small",
                "0.3.0": "0.2.0 trained further on thirteen families, two of them with straight "
                "edges; on half a core of a CPU",
                "0.4.0": "0.3.0 trained further with woven composites, too; turned copies averaged",
                "0.5.0": "0.4.0 trained further, on a whole core",
                "0.6.0": "0.5.0 trained further on larger crops",
            },
            "task": "remove streaks and noise from slices reconstructed from few views",
            "intended_use": "half-turn absorption scans of 60 to 120 views after filtered "
            "back-projection; not for limited angles, not where single pixels decide",
            "data_source": f"simulated specimens of the families {families}; held out of "
            f"training for the test: {', '.join(self.held_out)}",
            "data_type": "simulated counts with photon noise, corrected and reconstructed by the "
            "toolbox; truth: the specimen's attenuation",
            "inputs": {"slice": {"axes": "n, channel, y, x", "channels": 1, "dtype": "float32",
                                 "unit": "of the slice: brought to about -1 to 1 by its 2nd and "
                                 "98th percentile", "size": "any; tiles above 1024 px"}},
            "outputs": {"slice": {"axes": "n, channel, y, x", "channels": 1, "dtype": "float32",
                                  "unit": "as the input"}},
            "references": list(tool.FBPConvNet.card.references),
            "differences": "a quarter of the channels; log mean square of crops as loss; AdamW "
            "with a moving average; turned copies averaged; simulated specimens; grey levels set "
            "by each slice",
            "licence": "Apache-2.0",
        }  # fmt: skip


def draw(rng: np.random.Generator, families: Sequence[str], columns: tuple[int, int]) -> World:
    """A sparse half turn of a believable specimen, its noise drawn."""
    width = int(rng.integers(columns[0] // 16, columns[1] // 16 + 1)) * 16
    return World(
        specimen=str(rng.choice(list(families))),
        columns=width,
        rows=1,
        projections=int(rng.integers(VIEWS[0], VIEWS[1] + 1)),
        start_deg=float(rng.uniform(0, 180)),
        center=(width - 1) / 2 + float(rng.uniform(-0.03, 0.03)) * width,
        fill=float(rng.uniform(0.6, 0.97)),
        attenuation=float(rng.uniform(0.6, 2.5)),
        photons=float(10 ** rng.uniform(3.3, 5.0)),
        rings=float(rng.choice([0.0, 0.0, 0.0, 0.05])),
        seed=int(rng.integers(1 << 31)),
    )


@dataclass(frozen=True, eq=False)
class Case:
    """A simulated scan as the tools see it: slice and truth with axes ``y, x`` in 1/px, the axis
    known as well as it is found."""

    world: World
    sinogram: Block
    center: Center
    slice: Image
    truth: Image

    @classmethod
    def of(cls, world: World, rng: np.random.Generator) -> Case:
        scan = simulate(world)
        sinogram = attenuation(scan)
        column = scan.truth_center + float(rng.normal(0, 0.1))
        center = Center(column, column - 0.25, column + 0.25)
        volume = make_tool("fbp", {})(sinogram=sinogram, center=center)
        return cls(world, sinogram, center, volume.values[0], scan.truth(0).astype(np.float32))

    def psnr(self, image: Image) -> float:
        return psnr(image, self.truth)

    def tv(self, strength: float | None, iterations: int = 60) -> Image:
        """Total variation reconstruction."""
        tool = make_tool("tv", {"strength": strength, "iterations": iterations})
        return np.asarray(tool(sinogram=self.sinogram, center=self.center).values[0])

    def denoise_tv(self, **parameters: float | None) -> Image:
        """Total variation denoising of the slice."""
        volume = self.sinogram.with_values(self.slice[None], kind=DataKind.VOLUME)
        return np.asarray(make_tool("denoise_tv", parameters)(volume=volume).values[0])


def cases(seed: int, count: int, families: Sequence[str], columns: tuple[int, int]) -> list[Case]:
    """Cases of a seed: always the same, each family in turn."""
    rng = np.random.default_rng(seed)
    return [Case.of(draw(rng, [families[i % len(families)]], columns), rng) for i in range(count)]


def best(
    known: Sequence[Case], strengths: Sequence[float], find: Callable[[Case, float], Image]
) -> float:
    """The strength with the highest mean PSNR on some cases."""
    return max(strengths, key=lambda s: float(np.mean([c.psnr(find(c, s)) for c in known])))
