"""Slices of scans with few photons, for the parts that clean them: worlds, crops, measures."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulators import World, simulate
from simulators.training.attenuation import attenuation
from simulators.training.compared import Kinds, compared
from simulators.training.crops import in_circle
from simulators.training.part import Arrays, Measured, Tensors
from toolbox.learned.grey_levels import grey_levels
from toolbox.metrics import psnr, ssim_in_circle
from toolbox.registry import make_tool
from toolbox.values import Block, Center

if TYPE_CHECKING:
    import torch

VALIDATION, TEST, CHOICE = 105, 205, 305  # seeds of worlds kept apart from training
MEASURED = (224, 256)  # columns of the worlds that are measured
FLOOR = 1e-4  # of a crop's mean square error, of the spread's square: better does not count
ROWS = 5  # of the worlds
SHARES = (0.7, 0.15, 0.15)  # of crops with all neighbours, with some, with none
KINDS: Kinds = {
    "under 500 photons": lambda w: (w.photons or 0) < 500,
    "500 to 2000 photons": lambda w: 500 <= (w.photons or 0) < 2000,
    "over 2000 photons": lambda w: (w.photons or 0) >= 2000,
}
STRENGTHS: dict[str, tuple[str, tuple[float, ...]]] = {  # of conventional tools, to choose from
    "denoise_bm3d": ("strength", (1.4, 2.0, 2.8, 4.0, 5.6)),
    "denoise_tv": ("strength", (1.0, 1.4, 2.0, 2.8, 4.0)),
    "denoise_nlm": ("strength", (0.8, 1.1, 1.5, 2.0, 2.6)),
    "denoise_gaussian": ("width", (0.7, 1.0, 1.5, 2.0)),  # over neighbouring slices, too
    "denoise_median": ("radius", (1, 2)),  # likewise
}
Image = NDArray[np.float32]
Clean = Callable[["torch.nn.Module", Image, int], Image]  # a slice of a volume


def draw(rng: np.random.Generator, families: Sequence[str], columns: tuple[int, int]) -> World:
    """A believable half turn with enough views and few photons."""
    width = int(rng.integers(columns[0] // 16, columns[1] // 16 + 1)) * 16
    return World(
        specimen=str(rng.choice(list(families))),
        columns=width,
        rows=ROWS,
        projections=int(rng.uniform(0.6, 1.6) * width),
        start_deg=float(rng.uniform(0, 180)),
        center=(width - 1) / 2 + float(rng.uniform(-0.03, 0.03)) * width,
        fill=float(rng.uniform(0.6, 0.97)),
        attenuation=float(rng.uniform(0.6, 2.5)),
        photons=float(10 ** rng.uniform(2.0, 3.6)),
        blur_px=float(rng.uniform(0.2, 0.7)) if rng.random() < 0.3 else 0.0,
        seed=int(rng.integers(1 << 31)),
    )


@dataclass(frozen=True, eq=False)
class Case:
    """A simulated scan as the tools see it, ``sinogram`` with axes ``row, angle, col`` and its
    ``volume`` with axes ``z, y, x`` in 1/px, the axis known as well as it is found; ``slice`` and
    ``truth``, axes ``y, x``, are those of the middle row."""

    world: World
    sinogram: Block
    center: Center
    volume: Block
    truths: Image

    @classmethod
    def of(cls, world: World, rng: np.random.Generator) -> Case:
        scan = simulate(world)
        column = scan.truth_center + float(rng.normal(0, 0.1))
        center = Center(column, column - 0.25, column + 0.25)
        sinogram = attenuation(scan)
        volume = make_tool("fbp", {})(sinogram=sinogram, center=center)
        truths = np.stack([scan.truth(row) for row in range(world.rows)])
        return cls(world, sinogram, center, volume, truths.astype(np.float32))

    @property
    def slice(self) -> Image:
        return np.asarray(self.volume.values[ROWS // 2])

    @property
    def truth(self) -> Image:
        return self.truths[ROWS // 2]

    def psnr(self, image: Image) -> float:
        return psnr(image, self.truth)

    def denoised(self, name: str, strength: float | None) -> Image:
        """By a tool; ``None``: as it is by default. Only the slice and the neighbours that the
        tool asks for go into it."""
        given = {} if strength is None else {STRENGTHS[name][0]: strength}
        tool = make_tool(name, given)
        reach = min(tool.halo(), ROWS // 2)
        some = self.volume.values[ROWS // 2 - reach : ROWS // 2 + reach + 1]
        return np.asarray(tool(volume=self.volume.with_values(some)).values[reach])

    def denoised_alone(self, image: Image) -> Image:
        """An image in place of the slice, by BM3D as it is by default."""
        volume = self.volume.with_values(image[None])
        return np.asarray(make_tool("denoise_bm3d", {})(volume=volume).values[0])


def cases(seed: int, count: int, families: Sequence[str], columns: tuple[int, int]) -> list[Case]:
    """Cases of a seed: always the same, each family in turn."""
    rng = np.random.default_rng(seed)
    return [Case.of(draw(rng, [families[i % len(families)]], columns), rng) for i in range(count)]


class LowDosePart(ABC):
    """What the parts that clean slices share. ``options``: ``families`` trained on, ``held_out``
    ones for the test, ``crop`` px, ``columns`` from … to, numbers of worlds for ``validation``,
    for the ``choice`` of strengths and for the ``test``."""

    name: str  # of the tool
    clean: Clean  # a slice of a volume through the network

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.families: tuple[str, ...] = tuple(options["families"])
        self.held_out: tuple[str, ...] = tuple(options["held_out"])

    @abstractmethod
    def network(self) -> torch.nn.Module: ...

    @abstractmethod
    def card(self) -> dict[str, Any]: ...

    @abstractmethod
    def example_slices(self) -> Image:
        """A small volume for the reference beside the weights: of its middle slice."""

    # ---- examples --------------------------------------------------------------------------

    def example(self, rng: np.random.Generator) -> Arrays:
        """What the network sees of three rows, with all neighbours, with some on one side and
        with none; and the truth."""
        found = Case.of(draw(rng, self.families, tuple(self.options["columns"])), rng)
        volume = found.volume.values
        few = 1 + int(rng.integers(ROWS - 1))
        seen = (self.seen(volume, ROWS // 2), self.seen(volume[: few + 1], 0),
                self.seen(volume[-1:], 0))  # fmt: skip
        slices, truths = [], []
        for image, row in zip(seen, (ROWS // 2, 0, ROWS - 1), strict=True):
            level, spread = grey_levels(image)
            slices.append((image - level) / spread)
            truths.append((found.truths[row] - level) / spread)
        return {"slices": np.stack(slices).astype(np.float16),
                "truths": np.stack(truths).astype(np.float16)}  # fmt: skip

    def seen(self, volume: Image, at: int) -> Image:
        """What goes into the network of one slice of a volume, axes ``z, y, x``."""
        return np.asarray(volume[at], np.float32)

    def batch(self, examples: Sequence[Arrays], rng: np.random.Generator) -> Arrays:
        """Crops whose middle lies in the circle, turned and mirrored."""
        side = int(self.options["crop"])
        seen: list[NDArray[Any]] = []
        truths: list[NDArray[Any]] = []
        for one in examples:
            place = in_circle(rng, one["slices"].shape[-1], side)
            turns, mirror = int(rng.integers(4)), rng.random() < 0.5
            which = self.some_row(rng)
            for name, out in (("slices", seen), ("truths", truths)):
                part = one[name][which][place]
                part = np.rot90(part.astype(np.float32), turns)
                out.append(part[:, ::-1] if mirror else part)
        return {"slices": np.stack(seen)[:, None], "truth": np.stack(truths)[:, None]}

    @staticmethod
    def some_row(rng: np.random.Generator) -> int:
        """One of an example's three rows, mostly that with all neighbours."""
        return int(rng.choice(len(SHARES), p=SHARES))

    # ---- learning --------------------------------------------------------------------------

    def loss(self, network: torch.nn.Module, batch: Tensors) -> torch.Tensor:
        return self.distance(network(batch["slices"]), batch["truth"])

    @staticmethod
    def distance(found: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """Logarithm of the mean square error of each crop, as PSNR counts it, so that the
        noisiest do not rule."""
        return 0.5 * (((found.float() - truth) ** 2).mean((1, 2, 3)) + FLOOR).log().mean()

    def validate(self, network: torch.nn.Module) -> dict[str, float]:
        """Decibels gained over filtered back-projection, on known families' other specimens."""
        gains = [c.psnr(self.cleaned(network, c)) - c.psnr(c.slice) for c in self._validation]
        return {"score": float(np.mean(gains)), "worst": float(np.min(gains))}

    @cached_property
    def _validation(self) -> list[Case]:
        return cases(VALIDATION, int(self.options["validation"]), self.families, (192, 192))

    def cleaned(self, network: torch.nn.Module, case: Case) -> Image:
        """The middle slice by the network."""
        return type(self).clean(network, case.volume.values, ROWS // 2)

    def cleaned_alone(self, network: torch.nn.Module, case: Case) -> Image:
        """The middle slice by the network that is not shown its neighbours."""
        return type(self).clean(network, case.slice[None], 0)

    def seen_slice(self, case: Case) -> Image:
        """What the network sees of the middle slice."""
        return self.seen(case.volume.values, ROWS // 2)

    def beside(self, network: torch.nn.Module) -> dict[str, Callable[[Case], Image]]:
        """Learned tools that the network has to be better than, too, by name."""
        return {}

    def after(self, network: torch.nn.Module) -> dict[str, Callable[[Case], Image]]:
        """The network and another tool after it, by name."""
        return {}

    # ---- what it is worth ------------------------------------------------------------------

    def measure(self, network: torch.nn.Module) -> Measured:
        """Against the conventional denoisers of slices, each as it is by default and at the
        strength that is best on other worlds; beside FBPConvNet, BM3D helped by what goes into
        the network, and the network without neighbours."""
        known = cases(CHOICE, int(self.options["choice"]), self.families, MEASURED)
        contenders: dict[str, Callable[[Case], Image]] = {"fbp": lambda c: c.slice}
        fixed = {}
        for name, (_, strengths) in STRENGTHS.items():
            fixed[name] = best(known, strengths, name)
            contenders[name] = partial(by_tool, name, None)
            contenders[f"{name}_fixed"] = partial(by_tool, name, fixed[name])
        alone = f"{self.name}_without_neighbours"
        helped = "denoise_bm3d_of_what_the_network_sees"
        beside, after = self.beside(network), self.after(network)
        learned = ("fbpconvnet", alone, helped, *beside, *after)
        contenders["fbpconvnet"] = partial(by_tool, "fbpconvnet", None)
        contenders[helped] = lambda c: c.denoised_alone(self.seen_slice(c))
        contenders |= beside | after
        contenders[alone] = lambda c: self.cleaned_alone(network, c)
        contenders[self.name] = lambda c: self.cleaned(network, c)
        rows, seconds = [], dict.fromkeys(contenders, 0.0)
        for one in cases(TEST, int(self.options["test"]), self.held_out, MEASURED):
            figures = {}
            for name, find in contenders.items():
                began = time.perf_counter()
                image = find(one)
                seconds[name] += time.perf_counter() - began
                figures[name] = one.psnr(image)
                figures[f"ssim {name}"] = ssim_in_circle(image, one.truth)
            rows.append((one.world, figures))
            said = ", ".join(f"{n} {figures[n]:.2f}" for n in contenders)
            print(f"{one.world.specimen}, {one.world.photons:.0f} photons: {said}", flush=True)
        mean = {n: float(np.mean([f[n] for _, f in rows])) for n in rows[0][1]}
        rivals = [n for n in contenders if n not in (self.name, *learned)]
        metrics = {f"psnr_db_{n}": round(mean[n], 2) for n in contenders}
        metrics |= {f"ssim_{n}": round(mean[f"ssim {n}"], 4) for n in contenders}
        metrics |= {f"gain_db_over_{n}": round(mean[self.name] - mean[n], 2)
                    for n in contenders if n != self.name}  # fmt: skip
        metrics |= {f"strength_{n}_fixed": v for n, v in fixed.items()}
        metrics["time_over_denoise_bm3d"] = round(seconds[self.name] / seconds["denoise_bm3d"], 3)
        return Measured(
            metrics | {"scans": float(len(rows))},
            compared(rows, KINDS, self.name, rivals),
            "dB of PSNR gained over the best conventional denoiser of slices there",
            wins=mean[self.name] > max(mean[n] for n in (*rivals, *beside)),
            suits=SUITS,
            reference=self.reference(network),
        )

    def reference(self, network: torch.nn.Module) -> Arrays:
        """What lies beside the weights."""
        image = self.example_slices()
        return {"input": image, "output": type(self).clean(network, image, len(image) // 2)}

    def data(self) -> dict[str, Any]:
        """The fields of the card that say what was seen."""
        families = ", ".join(sorted(set(self.families)))
        axes = {"axes": "n, channel, y, x", "dtype": "float32"}
        return {
            "data_source": f"simulated specimens of the families {families}; held out of "
            f"training for the test: {', '.join(self.held_out)}",
            "data_type": "simulated counts of 100 to 4000 photons a pixel, corrected and "
            "reconstructed by the toolbox; truth: the specimen's attenuation",
            "inputs": {"slices": axes | {"channels": 1,
                                         "unit": "of the slice: brought to about -1 to 1 by its "
                                         "2nd and 98th percentile",
                                         "size": "any; tiles above 1024 px"}},
            "outputs": {"slice": axes | {"channels": 1, "unit": "as the input"}},
        }  # fmt: skip


# Enough views over a half turn, and noise to take out: 4000 photons behind an attenuation of 1
# leave 0.026 in a pixel of the sinogram, 100 behind one of 2 leave 0.27
SUITS = {
    "noise": (0.025, 0.5),
    "view_sufficiency": (0.35, 20.0),
    "angular_coverage": (175.0, 180.0),
}


def best(known: Sequence[Case], strengths: Sequence[float], name: str) -> float:
    """The strength of a tool with the highest mean PSNR on some cases."""
    return max(
        strengths, key=lambda s: float(np.mean([c.psnr(c.denoised(name, s)) for c in known]))
    )


def by_tool(name: str, strength: float | None, case: Case) -> Image:
    """The middle slice by a tool; ``None``: as it is by default."""
    if strength is None and name in STRENGTHS:
        strength = getattr(make_tool(name, {}), STRENGTHS[name][0])
    return _denoised(case, name, strength)


@lru_cache(maxsize=64)
def _denoised(case: Case, name: str, strength: float | None) -> Image:
    """As the default may be the strength that was chosen."""
    return case.denoised(name, strength)
