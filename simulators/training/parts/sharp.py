"""SHARP: noisy sinograms with rings → the truth; and SHARP without each of its modules."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from simulators import World, simulate
from simulators.training.attenuation import attenuation
from simulators.training.compared import Kinds, compared
from simulators.training.part import Arrays, Measured, Tensors
from toolbox.kinds import DataKind
from toolbox.metrics import ms_ssim, psnr
from toolbox.operators.blocks import solve_rows
from toolbox.registry import make_tool
from toolbox.tools.reconstruct import sharp as tool
from toolbox.values import Block, Center

if TYPE_CHECKING:
    import torch

VALIDATION, TEST, CHOICE = 111, 211, 311  # seeds of worlds kept apart from training
COLUMNS, VIEWS = 256, 1200  # of the worlds, as published
BINNED = 400  # views that are learned from: means of neighbours
FLOOR = 1e-4  # of a slice's mean square error, of the spread's square: better does not count
PHOTONS = (2.0, 3.4)  # powers of ten
STRIPES = ("stripe_sorting", "stripe_regularised", "stripe_all")
STRENGTHS = {"tv": (0.0025, 0.006, 0.015, 0.04, 0.1), "denoise_bm3d": (1.0, 1.4, 2.0, 2.8, 4.0)}
NAME = "sharp"
OWN = {variant: NAME if variant == "whole" else f"{NAME}_{variant}" for variant in tool.VARIANTS}
# SHARP's table as published, at 1200 projections; SART there is SIRT here
PUBLISHED = {
    "fbp": (0.1036, 19.69, 0.834),
    "sirt": (0.0990, 20.09, 0.839),
    NAME: (0.0724, 22.86, 0.845),
}
KINDS: Kinds = {
    "under 300 photons": lambda w: (w.photons or 0) < 300,
    "300 to 1000 photons": lambda w: 300 <= (w.photons or 0) < 1000,
    "over 1000 photons": lambda w: (w.photons or 0) >= 1000,
}
# As drawn: 2500 photons behind an attenuation of 0.6 leave 0.025 in a pixel of the sinogram
SUITS = {
    "noise": (0.025, 0.5),
    "view_sufficiency": (0.9, 20.0),
    "angular_coverage": (175.0, 180.0),
}
Image = NDArray[np.float32]
Choice = TypeVar("Choice", str, float)


def draw(rng: np.random.Generator, families: Sequence[str]) -> World:
    """A half turn of a believable specimen with few photons, four in five with rings."""
    return World(
        specimen=str(rng.choice(list(families))),
        columns=COLUMNS,
        rows=1,
        projections=VIEWS,
        center=(COLUMNS - 1) / 2 + float(rng.uniform(-0.03, 0.03)) * COLUMNS,
        fill=float(rng.uniform(0.6, 0.97)),
        attenuation=float(rng.uniform(0.6, 2.5)),
        photons=float(10 ** rng.uniform(*PHOTONS)),
        rings=float(rng.uniform(0.1, 1.0)) * float(rng.random() < 0.8),
        seed=int(rng.integers(1 << 31)),
    )


@dataclass(frozen=True, eq=False)
class Case:
    """A simulated scan of one row as the tools see it; ``truth`` ``y, x`` in 1/px, the axis known
    as well as it is found."""

    world: World
    sinogram: Block
    center: Center
    truth: Image

    @classmethod
    def of(cls, world: World, rng: np.random.Generator) -> Case:
        scan = simulate(world)
        column = scan.truth_center + float(rng.normal(0, 0.1))
        center = Center(column, column - 0.25, column + 0.25)
        return cls(world, attenuation(scan), center, scan.truth(0).astype(np.float32))

    def psnr(self, image: Image) -> float:
        return psnr(image, self.truth)

    def by(self, name: str, stripes: str = "", **settings: Any) -> Image:
        """A slice by a reconstruction, of a sinogram freed of stripes by a tool or as it is."""
        sinogram = self.sinogram
        if stripes:
            remover = make_tool(stripes, {}).tune(sinogram=sinogram).tool
            sinogram = remover(sinogram=sinogram)
        found = make_tool(name, settings)(sinogram=sinogram, center=self.center)
        return np.asarray(found.values[0])

    def denoised(self, stripes: str, strength: float) -> Image:
        """Free of stripes, then by filtered back-projection and BM3D."""
        slices = self.by("fbp", stripes)[None]
        volume = self.sinogram.with_values(slices, kind=DataKind.VOLUME)
        bm3d = make_tool("denoise_bm3d", {"strength": strength})
        return np.asarray(bm3d(volume=volume).values[0])


def cases(seed: int, count: int, families: Sequence[str]) -> list[Case]:
    """Cases of a seed: always the same, each family in turn."""
    rng = np.random.default_rng(seed)
    return [Case.of(draw(rng, [families[i % len(families)]]), rng) for i in range(count)]


def reconstructed(network: torch.nn.Module, case: Case) -> Image:
    """What the tool gives with a network."""
    found = solve_rows(case.sinogram, case.center, None, partial(tool.solve, network))
    return np.asarray(found.values[0])


class Part:
    """``options``: ``families`` trained on, ``held_out`` ones for the test, numbers of worlds for
    ``validation``, for the ``choice`` of strengths and for the ``test``."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.families: tuple[str, ...] = tuple(options["families"])
        self.held_out: tuple[str, ...] = tuple(options["held_out"])

    # ---- examples --------------------------------------------------------------------------

    def example(self, rng: np.random.Generator) -> Arrays:
        """The views, neighbours averaged, ``angle, col``, the axis, and the truth per width."""
        found = Case.of(draw(rng, self.families), rng)
        lines = found.sinogram.values[0].reshape(BINNED, -1, COLUMNS).mean(1)
        return {
            "views": lines.astype(np.float16),
            "center": np.float32(found.center.column),
            "truth": (found.truth * COLUMNS).astype(np.float16),
        }

    def batch(self, examples: Sequence[Arrays], rng: np.random.Generator) -> Arrays:
        """Whole slices; all of a batch are turned and mirrored alike."""
        return {
            "views": np.stack([one["views"] for one in examples]).astype(np.float32),
            "center": np.stack([one["center"] for one in examples]),
            "truth": np.stack([one["truth"] for one in examples])[:, None].astype(np.float32),
            "turned": np.array([rng.integers(4), rng.integers(2)]),
        }

    # ---- learning --------------------------------------------------------------------------

    def network(self) -> torch.nn.Module:
        return tool.network()

    def loss(self, network: torch.nn.Module, batch: Tensors) -> torch.Tensor:
        """The logarithm of the mean square error of each slice, as PSNR counts it, summed over
        the variants: each learns for itself, from the same examples."""
        import torch

        from toolbox.operators.parallel_beam import ParallelBeam

        views, truth = batch["views"], batch["truth"] / COLUMNS
        # Each mean of neighbours stands for the angle in its middle
        angles = np.linspace(0, np.pi, VIEWS, endpoint=False).reshape(BINNED, -1).mean(1)
        A = ParallelBeam(angles, COLUMNS, batch["center"].double().cpu().numpy(),
                         device=views.device.type)  # fmt: skip
        turns, mirrored = (int(v) for v in batch["turned"])

        def turn(images: torch.Tensor) -> torch.Tensor:
            images = torch.rot90(images, turns, (-2, -1))
            return images.flip(-1) if mirrored else images

        total = views.new_zeros(())
        for one in network.children():
            looks = tool.looks(one, A, views)
            scales = [tool.scale(image) for image in looks.detach().cpu().numpy()]
            level = torch.from_numpy(np.stack([level for level, _ in scales])).to(views.device)
            spread = views.new_tensor([float(s) for _, s in scales])[:, None, None, None]
            given = turn((looks - level) / spread)
            wanted = turn((truth - level[:, :1]) / spread)
            made = one(given.contiguous(memory_format=torch.channels_last))
            error = ((made - wanted) * A.circle) ** 2
            total = total + 0.5 * (error.mean((1, 2, 3)) + FLOOR).log().mean()
        return total / len(tool.VARIANTS)

    def validate(self, network: torch.nn.Module) -> dict[str, float]:
        """Decibels gained over filtered back-projection by each variant, on known families' other
        specimens; their mean decides."""
        found = {}
        for name, one in network.named_children():
            gains = [case.psnr(reconstructed(one, case)) - plain
                     for case, plain in self._validation]  # fmt: skip
            found[name] = float(np.mean(gains))
        return {"score": float(np.mean(list(found.values()))), **found}

    @cached_property
    def _validation(self) -> list[tuple[Case, float]]:
        known = cases(VALIDATION, int(self.options["validation"]), self.families)
        return [(case, case.psnr(case.by("fbp"))) for case in known]

    # ---- what it is worth ------------------------------------------------------------------

    def measure(self, network: torch.nn.Module) -> Measured:
        """SHARP's table: filtered back-projection, SIRT, SHARP and its ablations; beside them what
        a person would do by hand: a softer filter, stripes removed, then total variation or BM3D,
        tool and strength those that are best on other worlds."""
        known = cases(CHOICE, int(self.options["choice"]), self.families)
        stripes = _best(known, ("", *STRIPES), lambda c, s: c.by("fbp", s, filter="hann"))
        tv = _best(known, STRENGTHS["tv"], lambda c, s: c.by("tv", stripes, strength=s))
        bm3d = _best(known, STRENGTHS["denoise_bm3d"], lambda c, s: c.denoised(stripes, s))
        contenders: dict[str, Callable[[Case], Image]] = {
            "fbp": lambda c: c.by("fbp"),
            "sirt": lambda c: c.by("sirt"),
            "fbp_hann": lambda c: c.by("fbp", stripes, filter="hann"),
            "bm3d_fixed": lambda c: c.denoised(stripes, bm3d),
            "tv_fixed": lambda c: c.by("tv", stripes, strength=tv),
        }
        for variant, one in network.named_children():
            contenders[OWN[variant]] = partial(reconstructed, one)
        rows: list[tuple[World, dict[str, float]]] = []
        similar: dict[str, list[float]] = {name: [] for name in contenders}
        unseen = cases(TEST, int(self.options["test"]), self.held_out)
        for case in unseen:
            figures = {}
            for name, find in contenders.items():
                image = find(case)
                figures[name] = case.psnr(image)
                similar[name].append(ms_ssim(image, case.truth))
            rows.append((case.world, figures))
            said = ", ".join(f"{n} {v:.2f}" for n, v in figures.items())
            print(f"{case.world.specimen}, {case.world.photons:.0f} photons: {said}", flush=True)
        seconds = {name: _seconds(find, unseen[0]) for name, find in contenders.items()}
        metrics: dict[str, float] = {"scans": float(len(rows)), "strength_tv_fixed": tv,
                                     "strength_bm3d_fixed": bm3d}  # fmt: skip
        for name in contenders:
            values = np.array([figures[name] for _, figures in rows])
            metrics[f"rmse_{name}"] = round(float(np.mean(10 ** (-values / 20))), 4)
            metrics[f"psnr_db_{name}"] = round(float(values.mean()), 2)
            metrics[f"ms_ssim_{name}"] = round(float(np.mean(similar[name])), 4)
            metrics[f"time_over_fbp_{name}"] = round(seconds[name] / seconds["fbp"], 2)
        print(f"Stripes: {stripes or 'left'}.\n{table(metrics, list(contenders))}", flush=True)
        rivals = [name for name in contenders if name not in OWN.values()]
        views = example_views()
        return Measured(
            metrics,
            compared(rows, KINDS, NAME, rivals),
            "dB of PSNR gained over the best conventional way there",
            wins=all(metrics[f"psnr_db_{NAME}"] > metrics[f"psnr_db_{name}"] for name in rivals),
            suits=SUITS,
            reference={"input": views, "output": tool.clean(network, views)},
        )

    def card(self) -> dict[str, Any]:
        families = ", ".join(sorted(set(self.families)))
        return {
            "version": "0.1.0",
            "changelog": {"0.1.0": "first weights, trained small on one core of a CPU"},
            "task": "reconstruct slices from sinograms with much noise and rings",
            "intended_use": "half-turn absorption scans with enough views, few photons and steady "
            "rings; not where single pixels decide: fine structure is guessed",
            "data_source": f"simulated specimens of the families {families}; held out of "
            f"training for the test: {', '.join(self.held_out)}",
            "data_type": "simulated counts of 100 to 2500 photons a pixel behind columns that "
            "respond unevenly, corrected by the toolbox; truth: the specimen's attenuation",
            "inputs": {"sinogram": {"axes": "n, angle, col", "dtype": "float32",
                                    "unit": "attenuation", "size": "any number of views; 256 "
                                    "columns at a time"}},
            "outputs": {"slice": {"axes": "n, y, x", "dtype": "float32", "unit": "1/px"}},
            "references": list(tool.Sharp.card.references),
            "differences": "one fully connected layer of 256 columns and the mean view for all "
            "views, begun as filtered back-projection, whose rays and ramp stay; a latent of 16 "
            "numbers for each look at a place; three levels of 48, 64 and 96 channels and three "
            "blocks of 40; each module's ablation, trained beside it on the same examples for as "
            "many steps, lies in the same file: plain filtered back-projection (fixed), no "
            "denoiser, one sub-pixel convolution in place of the super-resolution, and a latent "
            "of one number for each look at a place",
            "licence": "Apache-2.0",
        }  # fmt: skip


def table(metrics: dict[str, float], names: Sequence[str]) -> str:
    """SHARP's table, measured and as published (RMSE and PSNR by the range of the truth)."""
    lines = ["| way | RMSE | PSNR dB | MS-SSIM | time / FBP | published RMSE, PSNR, MS-SSIM |",
             "|---|---:|---:|---:|---:|---:|"]  # fmt: skip
    for name in names:
        rmse, decibels, similar, slower = (
            metrics[f"{figure}_{name}"]
            for figure in ("rmse", "psnr_db", "ms_ssim", "time_over_fbp")
        )
        told = PUBLISHED.get(name)
        beside = f"{told[0]:.4f}, {told[1]:.2f}, {told[2]:.3f}" if told else ""
        lines.append(f"| {name} | {rmse:.4f} | {decibels:.2f} | {similar:.3f} | {slower:.1f} | "
                     f"{beside} |")  # fmt: skip
    return "\n".join(lines)


def example_views() -> Image:
    """A small sinogram ``angle, col`` of two discs in noise."""
    angles, at = np.linspace(0, np.pi, 100, endpoint=False), np.arange(96) - 47.5
    lines = np.zeros((100, 96))
    for x, y, radius, dense in ((0.0, 0.0, 40.0, 0.02), (12.0, -9.0, 8.0, 0.02)):
        away = at - (x * np.cos(angles) + y * np.sin(angles))[:, None]
        lines += 2 * dense * np.sqrt(np.maximum(radius**2 - away**2, 0))
    noise = np.random.default_rng(0).normal(0, 0.05, lines.shape)
    return np.asarray(lines + noise, np.float32)


def _seconds(find: Callable[[Case], Image], case: Case) -> float:
    """Of a processor, for one slice: the quicker of two times, as the first prepares."""
    found = []
    for _ in range(2):
        began = time.process_time()
        find(case)
        found.append(time.process_time() - began)
    return min(found)


def _best(
    known: Sequence[Case], choices: Sequence[Choice], find: Callable[[Case, Choice], Image]
) -> Choice:
    """The choice with the highest mean PSNR on some cases."""
    return max(choices, key=lambda s: float(np.mean([c.psnr(find(c, s)) for c in known])))
