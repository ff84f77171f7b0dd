"""MD-Unet: slices of a scan that drifted → the sample where it stood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulators import World, simulate
from simulators.training.compared import Kinds, compared
from simulators.training.part import Arrays, Measured, Tensors
from simulators.training.parts import align_network, fbpconvnet
from toolbox.kinds import DataKind
from toolbox.learned.grey_levels import grey_levels
from toolbox.metrics import psnr, ssim_in_circle
from toolbox.registry import make_tool
from toolbox.tools.align.gauge import without_gauge
from toolbox.tools.denoise import md_unet as tool
from toolbox.values import Center, Shifts

if TYPE_CHECKING:
    import torch

VALIDATION, TEST, CHOICE = 108, 208, 308  # seeds of worlds kept apart from training
MEASURED = (192, 224)  # columns of the worlds that are measured …
ROWS = 40  # … and their rows, so that views can be moved along the axis
NAME = "md_unet"
FLOOR = 1e-3  # of a crop's distance from the truth: better does not count
FREQUENCY = 0.1  # what the distance between Fourier transforms counts
ALIGNERS = (*(n for n in align_network.RIVALS if n != "nothing"), "align_network")
KINDS: Kinds = {
    "half turn": lambda w: w.range_deg < 270,
    "full turn": lambda w: w.range_deg >= 270,
    "under 4 px along the axis": lambda w: abs(w.thermal_px) < 4,
    "4 px and more along the axis": lambda w: abs(w.thermal_px) >= 4,
    "in the field": lambda w: w.fill <= 1,
    "wider than the field": lambda w: w.fill > 1,
}
Image = NDArray[np.float32]
Pair = tuple[Image, Image]  # a slice, and the truth where it stands


class Part(fbpconvnet.Part):
    """``options`` as of FBPConvNet; crops are drawn as there."""

    # ---- examples --------------------------------------------------------------------------

    def example(self, rng: np.random.Generator) -> Arrays:
        found = Case.of(draw(rng, self.families, tuple(self.options["columns"]), 1), rng)
        image, truth = found.moved_by(None)
        level, spread = grey_levels(image)
        return {name: ((values - level) / spread).astype(np.float16)
                for name, values in (("slice", image), ("truth", truth))}  # fmt: skip

    # ---- learning --------------------------------------------------------------------------

    def network(self) -> torch.nn.Module:
        return tool.network()

    def loss(self, network: torch.nn.Module, batch: Tensors) -> torch.Tensor:
        """As of MIMO-UNet the mean distance at each scale, of the slices and, for a tenth, of
        their Fourier transforms; its logarithm for each crop, so that the worst do not rule."""
        import torch

        truth, total = batch["truth"], torch.zeros(())
        for found in network.scales(batch["slice"]):  # type: ignore[operator]
            error = found.float() - truth
            waves = torch.fft.rfft2(error, norm="ortho").abs()
            distance = error.abs().mean((1, 2, 3)) + FREQUENCY * waves.mean((1, 2, 3))
            total = total + (distance + FLOOR).log().mean()
            truth = torch.nn.functional.avg_pool2d(truth, 2)
        return total

    def validate(self, network: torch.nn.Module) -> dict[str, float]:
        """Decibels gained over filtered back-projection, on known families' other specimens."""
        gains = [psnr(tool.clean(network, image), truth) - psnr(image, truth)
                 for image, truth in self._seen]  # fmt: skip
        return {"score": float(np.mean(gains)), "worst": float(np.min(gains))}

    @cached_property
    def _seen(self) -> list[Pair]:
        count = int(self.options["validation"])
        some = cases(VALIDATION, count, self.families[::2], MEASURED, 1)
        return [case.moved_by(None) for case in some]

    # ---- what it is worth ------------------------------------------------------------------

    def measure(self, network: torch.nn.Module) -> Measured:
        """Against the tools that measure shifts, whose views are moved back before filtered
        back-projection, and against a denoiser of slices, alone and behind the aligner that does
        best on other worlds; beside it, the network behind that aligner. Each is judged against
        the sample where it stands after its own shifts, about the axis that fits them, as no
        projection can tell these."""
        choice = cases(CHOICE, int(self.options["choice"]), self.families, MEASURED, ROWS)
        best = max(ALIGNERS, key=lambda n: float(np.mean([psnr(*c.aligned(n)) for c in choice])))
        denoised, after = f"{best}_denoise_bm3d", f"{NAME}_after_{best}"
        names = ("fbp", "denoise_bm3d", *ALIGNERS, denoised, NAME, after)
        rows = []
        for one in cases(TEST, int(self.options["test"]), self.held_out, MEASURED, ROWS):
            pairs = {"fbp": one.moved_by(None)} | {n: one.aligned(n) for n in ALIGNERS}
            for name, of, clean in (
                ("denoise_bm3d", "fbp", one.denoised), (denoised, best, one.denoised),
                (NAME, "fbp", partial(tool.clean, network)),
                (after, best, partial(tool.clean, network)),
            ):  # fmt: skip
                image, truth = pairs[of]
                pairs[name] = clean(image), truth
            figures = {name: psnr(*pairs[name]) for name in names}
            figures |= {f"ssim {name}": ssim_in_circle(*pairs[name]) for name in names}
            rows.append((one.world, figures))
            said = ", ".join(f"{n} {figures[n]:.2f}" for n in names)
            print(f"{one.world.specimen}, {one.world.range_deg:.0f} degrees, "
                  f"{one.world.thermal_px:.1f} px: {said}", flush=True)  # fmt: skip
        mean = {n: float(np.mean([f[n] for _, f in rows])) for n in rows[0][1]}
        rivals = [name for name in names if name not in (NAME, after)]
        metrics = {f"psnr_db_{n}": round(mean[n], 2) for n in names}
        metrics |= {f"ssim_{n}": round(mean[f"ssim {n}"], 4) for n in names}
        metrics |= {f"gain_db_over_{n}": round(mean[NAME] - mean[n], 2) for n in rivals}
        example = tool.MDUnet.example()
        image = example[1]["volume"].values[0]
        return Measured(
            metrics | {"scans": float(len(rows))},
            compared(rows, KINDS, NAME, rivals),
            "dB of PSNR gained over the best conventional tool there",
            wins=mean[NAME] > max(mean[n] for n in rivals),
            suits=SUITS,
            reference={"input": image, "output": tool.clean(network, image)},
        )

    def card(self) -> dict[str, Any]:
        families = ", ".join(sorted(set(self.families)))
        axes = {"axes": "n, channel, y, x", "channels": 1, "dtype": "float32"}
        return {
            "version": "0.1.0",
            "changelog": {"0.1.0": "first weights, trained small on one busy CPU core"},
            "task": "take out of slices what a slow drift of the sample left in them",
            "intended_use": "absorption scans whose projections are not at hand any more, after "
            "filtered back-projection about the axis that fits best; where they are, align them",
            "data_source": f"simulated specimens of the families {families}; held out of "
            f"training for the test: {', '.join(self.held_out)}",
            "data_type": "simulated counts with photon noise, corrected and reconstructed by the "
            "toolbox, the sample drifting; truth: its attenuation where it stood on average",
            "inputs": {"slice": axes | {"unit": "of the slice: brought to about -1 to 1 by its 2nd "
                                        "and 98th percentile", "size": "any; tiles above 1024 px"}},
            "outputs": {"slice": axes | {"unit": "as the input"}},
            "references": list(tool.MDUnet.card.references),
            "differences": "dense blocks in place of all residual blocks of MIMO-UNet, narrower; "
            "two pixels folded into channels each way; logarithm of the distance as loss; AdamW "
            "with a moving average; simulated specimens",
            "licence": "Apache-2.0",
        }  # fmt: skip


# Nobody knows before alignment how far a sample drifted: jitter is the nearest trait
SUITS = {"jitter": (0.3, 20.0)}


def draw(
    rng: np.random.Generator, families: Sequence[str], columns: tuple[int, int], rows: int
) -> World:
    """A believable half or full turn over which things warm up; some drift evenly, too."""
    width = int(rng.integers(columns[0] // 16, columns[1] // 16 + 1)) * 16
    turns = 1 + int(rng.random() < 0.5)
    way = width / 256 * float(np.exp(rng.uniform(np.log(1.0), np.log(10.0))))
    return World(
        specimen=str(rng.choice(list(families))),
        columns=width,
        rows=rows,
        projections=turns * int(rng.uniform(0.6, 1.2) * width),
        range_deg=180.0 * turns,
        start_deg=float(rng.uniform(0, 360)),
        center=(width - 1) / 2 + float(rng.uniform(-0.03, 0.03)) * width,
        fill=float(rng.uniform(1.05, 1.4) if rng.random() < 0.35 else rng.uniform(0.5, 0.95)),
        attenuation=float(rng.uniform(0.6, 2.5)),
        photons=float(10 ** rng.uniform(4.0, 5.3)),
        thermal_px=way * float(rng.choice([-1.0, 1.0])),
        drift_px=width / 256 * float(rng.uniform(-4, 4)) if rng.random() < 0.5 else 0.0,
        seed=int(rng.integers(1 << 31)),
    )


@dataclass(frozen=True, eq=False)
class Case:
    """A simulated scan that drifted, and by how much the axis is misplaced when it is found, px."""

    scan: align_network.Case
    axis_error: float

    @classmethod
    def of(cls, world: World, rng: np.random.Generator) -> Case:
        return cls(align_network.Case.of("drift", world), float(rng.normal(0, 0.1)))

    @property
    def world(self) -> World:
        return self.scan.world

    def aligned(self, name: str) -> Pair:
        """The slice after alignment by a tool, and the truth."""
        return self.moved_by(align_network.found(name, self.scan))

    def moved_by(self, shifts: Shifts | None) -> Pair:
        """The slice of the middle row, axes ``y, x``, of views moved back by shifts, and the truth
        where it then stands."""
        world, projections = self.world, self.scan.scan
        left = self.scan.truth
        if shifts is not None:
            left = left - shifts.pixels
            projections = make_tool("apply_shifts", {})(projections=projections, shifts=shifts)
        row = world.rows // 2
        sinogram = projections.as_kind(DataKind.SINOGRAM).take_rows(slice(row, row + 1))
        axis, x, y = place(left[:, 1], world.angles_rad)
        column = world.axis + axis + self.axis_error
        center = Center(column, column - 0.25, column + 0.25)
        volume = make_tool("fbp", {})(sinogram=sinogram, center=center)
        still = replace(
            world, thermal_px=0.0, drift_px=0.0, radius_px=world.radius, height_px=world.height,
            moved_x_px=x, moved_y_px=y, moved_z_px=float(np.mean(left[:, 0])),
        )  # fmt: skip
        return np.asarray(volume.values[0]), simulate(still).truth(row)

    def denoised(self, image: Image) -> Image:
        """By BM3D as it is by default."""
        volume = self.scan.scan.with_values(image[None], kind=DataKind.VOLUME)
        return np.asarray(make_tool("denoise_bm3d", {})(volume=volume).values[0])


def place(
    columns: NDArray[np.float64], angles_rad: NDArray[np.float64]
) -> tuple[float, float, float]:
    """What no projection can tell of shifts across the axis: how far they put the axis, and the
    sample along x and y, px.

    >>> angles = np.linspace(0, np.pi, 9)
    >>> [round(v, 6) for v in place(2 + 3 * np.cos(angles) - np.sin(angles), angles)]
    [2.0, 3.0, -1.0]
    """
    waves = np.stack([np.ones_like(angles_rad), np.cos(angles_rad), np.sin(angles_rad)], axis=1)
    free = columns - without_gauge(columns, angles_rad)
    axis, x, y = np.linalg.lstsq(waves, free, rcond=None)[0]
    return float(axis), float(x), float(y)


def cases(
    seed: int, count: int, families: Sequence[str], columns: tuple[int, int], rows: int
) -> list[Case]:
    """Cases of a seed: always the same, each family in turn."""
    rng = np.random.default_rng(seed)
    worlds = [draw(rng, [families[i % len(families)]], columns, rows) for i in range(count)]
    return [Case.of(world, rng) for world in worlds]
