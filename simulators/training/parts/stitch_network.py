"""The stitching network: what two distorted tiles share → how far apart they show it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulators import World
from simulators.acquisition.mosaic import Mosaic, mosaic
from simulators.faults.distortion import undistorted
from simulators.training.attenuation import attenuation
from simulators.training.compared import Kinds, compared
from simulators.training.part import Arrays, Measured, Tensors
from toolbox.kinds import DataKind
from toolbox.metrics import psnr
from toolbox.registry import make_tool
from toolbox.tools.stitch import stitch_network as tool
from toolbox.tools.stitch.distortion import GROUPS, found, overlapping, slopes
from toolbox.tools.stitch.optics import undistorted as put_back
from toolbox.values import Block, Center

if TYPE_CHECKING:
    import torch

VALIDATION, TEST = 109, 219  # seeds of worlds kept apart from training
NAME = "stitch_network"
BESIDE = "known_distortion"
RIVALS = ("stitch_tiles", "stitch_tiles_known_overlap", "window_correlation", "stitch_distorted")
WINDOW, STEP = 24, 6  # columns of the correlation of windows
AXES = np.arange(-5.0, 5.01, 0.25)  # px that the axis is looked for within
KINDS: Kinds = {
    "no distortion": lambda w: not w.distortion_px,
    "up to 2 px": lambda w: 0 < abs(w.distortion_px) <= 2,
    "over 2 px": lambda w: abs(w.distortion_px) > 2,
}
SUITS: dict[str, tuple[float, float]] = {}
Image = NDArray[np.float32]


class Part:
    """``options``: ``families`` trained on, ``held_out`` ones for the test, ``crop`` views and
    columns, ``columns`` of a tile from … to, numbers of worlds for ``validation`` and for the
    ``test``."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.families: tuple[str, ...] = tuple(options["families"])
        self.held_out: tuple[str, ...] = tuple(options["held_out"])

    # ---- examples --------------------------------------------------------------------------

    def example(self, rng: np.random.Generator) -> Arrays:
        """Strips ``tile, angle, col`` and how far apart they are, px, axis ``col``."""
        case = draw(rng, self.families, tuple(self.options["columns"]), self.options["crop"][1])
        overlap = case.overlap + float(rng.normal(0, 1.5))
        strips = overlapping(*case.tiles, overlap)[:, 0]
        return {"strips": strips.astype(np.float16), "apart": case.apart(overlap)}

    def batch(self, examples: Sequence[Arrays], rng: np.random.Generator) -> Arrays:
        """Crops, some with the views in reverse."""
        views, columns = self.options["crop"]
        strips, apart = [], []
        for one in examples:
            have = one["strips"].shape
            first = int(rng.integers(have[1] - views + 1))
            left = int(rng.integers(have[2] - columns + 1))
            part = one["strips"][:, first : first + views, left : left + columns]
            strips.append(part[:, ::-1] if rng.random() < 0.5 else part)
            apart.append(one["apart"][left : left + columns])
        return {"strips": np.stack(strips).astype(np.float32),
                "apart": np.stack(apart)[:, None, None].astype(np.float32)}  # fmt: skip

    # ---- learning --------------------------------------------------------------------------

    def network(self) -> torch.nn.Module:
        return tool.network()

    def loss(self, network: torch.nn.Module, batch: Tensors) -> torch.Tensor:
        """Likelihood of the distance under a Laplace distribution, whose width is one over the
        weight: what nobody can tell costs little where the network says so."""
        apart, sure = network(batch["strips"]).float().split(1, 1)
        return ((apart - batch["apart"]).abs() * sure.exp() - sure).mean()

    def validate(self, network: torch.nn.Module) -> dict[str, float]:
        """Logarithm of the error of the distortion, px, on known families' other specimens."""
        errors = [abs(self.told(network, c) - c.world.distortion_px) for c in self._validation]
        return {"score": -float(np.log(np.array(errors) + 0.1).mean()),
                "error_px": float(np.mean(errors))}  # fmt: skip

    @cached_property
    def _validation(self) -> list[Case]:
        return cases(VALIDATION, int(self.options["validation"]), self.families)

    @staticmethod
    def told(network: torch.nn.Module, case: Case) -> float:
        """The distortion that the tool finds with a network, px."""
        return found(tool.seen_by(network), *case.tiles, case.found_overlap)[0]

    # ---- what it is worth ------------------------------------------------------------------

    def measure(self, network: torch.nn.Module) -> Measured:
        """Against stitching the tiles as they are, at the overlap that correlation finds and at
        the true one, and against the same fit to what correlation of windows says of the
        overlap and to registration along its slopes (``stitch_distorted``); beside it, stitching
        with the distortion known. A slice is reconstructed about the axis that fits best, for
        each alike."""
        ways: dict[str, Callable[[Case], float]] = {
            "window_correlation": lambda c: found(windows, *c.tiles, c.found_overlap)[0],
            "stitch_distorted": lambda c: found(slopes, *c.tiles, c.found_overlap)[0],
            NAME: partial(self.told, network),
            BESIDE: lambda c: c.world.distortion_px,
        }
        names = (*RIVALS, NAME, BESIDE)
        rows, seams, seconds = [], [], dict.fromkeys(ways, 0.0)
        errors: list[dict[str, float]] = []
        for one in cases(TEST, int(self.options["test"]), self.held_out):
            told = {"stitch_tiles": 0.0, "stitch_tiles_known_overlap": 0.0}
            for name, tell in ways.items():
                began = time.process_time()
                told[name] = tell(one)
                seconds[name] += time.process_time() - began
            known = {"stitch_tiles_known_overlap": one.overlap}
            joined = {name: one.joined(by, known.get(name)) for name, by in told.items()}
            rows.append((one.world, {name: one.psnr(joined[name][0]) for name in names}))
            seams.append({name: joined[name][1] for name in names})
            errors.append({name: abs(told[name] - one.world.distortion_px) for name in names})
            said = ", ".join(f"{n} {rows[-1][1][n]:.2f} ({told[n]:.2f} px)" for n in names)
            print(f"{one.world.specimen}, {one.world.distortion_px:.1f} px: {said}", flush=True)
        metrics = {"scans": float(len(rows))}
        for name in names:
            metrics[f"psnr_db_{name}"] = round(float(np.mean([f[name] for _, f in rows])), 2)
            metrics[f"seam_{name}"] = round(float(np.mean([s[name] for s in seams])), 4)
            metrics[f"distortion_error_px_{name}"] = round(
                float(np.mean([e[name] for e in errors])), 3
            )
        metrics |= {f"gain_db_over_{n}": round(metrics[f"psnr_db_{NAME}"]
                                               - metrics[f"psnr_db_{n}"], 2)
                    for n in RIVALS}  # fmt: skip
        metrics["time_over_stitch_distorted"] = round(
            seconds[NAME] / seconds["stitch_distorted"], 2
        )
        strips = overlapping(*cases(VALIDATION, 1, self.families)[0].tiles, 40.0)
        strips = np.ascontiguousarray(strips[:, :, :48])
        return Measured(
            metrics,
            compared(rows, KINDS, NAME, RIVALS),
            "dB of PSNR of a slice gained over the best conventional way there",
            wins=all(metrics[f"gain_db_over_{n}"] > 0 for n in RIVALS),
            suits=SUITS,
            reference={"input": strips, "output": tool.clean(network, strips)},
        )

    def card(self) -> dict[str, Any]:
        families = ", ".join(sorted(set(self.families)))
        axes = {"axes": "n, channel, angle, col", "channels": 2, "dtype": "float32"}
        return {
            "version": "0.1.0",
            "changelog": {"0.1.0": "first weights, trained small on one busy CPU core"},
            "task": "tell how far apart two tiles show what both see, for the distortion of the "
            "optics",
            "intended_use": "two tiles side by side through optics that distort alike, sharing 24 "
            "columns or more; not for tiles that were turned or moved while they were scanned",
            "data_source": f"simulated specimens of the families {families}; held out of "
            f"training for the test: {', '.join(self.held_out)}",
            "data_type": "simulated counts with photon noise and rings, corrected by the toolbox, "
            "in two tiles with distortion; truth: where each column's rays would fall without it",
            "inputs": {"strips": axes | {"unit": "attenuation of both tiles, without what stands "
                                         "still, of unit deviation", "size": "any"}},
            "outputs": {"apart": axes | {"unit": "px along the columns; logarithm of a weight"}},
            "references": list(tool.StitchNetwork.card.references),
            "differences": "how far each point was displaced in place of a corrected image, two "
            "strips in place of one image; a narrow U-Net; sinogram strips; AdamW with a moving "
            "average; simulated specimens",
            "licence": "Apache-2.0",
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Case:
    """Two tiles of a specimen, attenuation ``angle, row, col``, and what is true of them."""

    world: World
    mosaic: Mosaic
    tiles: tuple[Block, Block]

    @classmethod
    def of(cls, world: World, overlap_px: int) -> Case:
        made = mosaic(world, overlap_px=overlap_px, stage_error_px=1.0)
        first, second = (attenuation(t).as_kind(DataKind.PROJECTIONS) for t in made.tiles)
        return cls(world, made, (first, second))

    @property
    def overlap(self) -> float:
        return self.world.columns - float(self.mosaic.offsets_px[1, 1])

    @cached_property
    def found_overlap(self) -> float:
        """As stitching finds it on the tiles as they are."""
        tuned = make_tool("stitch_tiles", {}).tune(left=self.tiles[0], right=self.tiles[1]).tool
        return float(tuned.parameters()["overlap"])

    def apart(self, overlap: float) -> NDArray[np.float64]:
        """How far, px, what the left tile shows in each shared column lies from there in the
        right one."""
        shared = round(overlap)
        left, right = self.mosaic.tiles
        at = np.arange(shared, dtype=np.float64)
        first, _ = undistorted(left.world, at + left.world.columns - shared, 0.0)
        second, _ = undistorted(right.world, at + overlap - shared, 0.0)
        return np.asarray(first - second - self.mosaic.offsets_px[1, 1])

    def joined(self, by: float, overlap: float | None) -> tuple[Block, float]:
        """The tiles joined after this distortion is taken out, and the seam: RMS difference of
        what both show, by its deviation."""
        left, right = (put_back(tile, by) for tile in self.tiles)
        join = make_tool("stitch_tiles", {"overlap": overlap, "order": "as_given"})
        join = join.tune(left=left, right=right).tool
        columns = float(join.parameters()["overlap"])
        first, second = overlapping(left, right, columns)
        seam = float(np.sqrt(np.mean((first - second) ** 2)) / first.std())
        return join(left=left, right=right), seam

    def psnr(self, stitched: Block) -> float:
        """Of the slice about the axis that fits best, dB."""
        side = stitched.values.shape[-1]
        truth = self.mosaic.whole.truth(0, side)
        sinogram = stitched.as_kind(DataKind.SINOGRAM)
        sharp = []
        for away in AXES:
            column = self.mosaic.whole.truth_center + float(away)
            center = Center(column, column - 0.25, column + 0.25)
            volume = make_tool("fbp", {})(sinogram=sinogram, center=center)
            sharp.append(psnr(volume.values[0], truth))
        return max(sharp)


def windows(strips: Image, inside: Image) -> tuple[Image, Image]:
    """What correlation of windows says in place of the network, of their slopes and fading to
    their borders: how far apart strips ``tile, row, angle, col`` are, by stretches of views, and
    equal weights, axes ``row, stretch, col``."""
    from skimage.registration import phase_cross_correlation

    rows, views, columns = strips.shape[1:]
    starts = np.arange(0, max(columns - WINDOW, 0) + 1, STEP)
    middles = starts + (WINDOW - 1) / 2
    nearest = np.abs(np.arange(columns)[:, None] - middles).argmin(1)
    fade = np.hanning(min(WINDOW, columns) + 2)[1:-1]
    slope = np.asarray(np.gradient(strips, axis=-1), np.float32)
    stretches = np.array_split(np.arange(views), GROUPS)
    apart = np.zeros((rows, GROUPS, columns), np.float32)
    for row in range(rows):
        for at, some in enumerate(stretches):
            pairs = [[fade * tile[row, some, s : s + WINDOW] for tile in slope]
                     for s in starts]  # fmt: skip
            told = [
                -phase_cross_correlation(*pair, upsample_factor=20, normalization=None)[0][1]
                for pair in pairs
            ]
            apart[row, at] = np.array(told)[nearest]
    return apart, np.broadcast_to(inside[:, None], apart.shape)


def draw(
    rng: np.random.Generator, families: Sequence[str], columns: tuple[int, int], least: int
) -> Case:
    """Two believable tiles that share a fifth to a half of their columns."""
    width = int(rng.integers(columns[0] // 8, columns[1] // 8 + 1)) * 8
    overlap = max(int(width * rng.uniform(0.2, 0.5)), least + 6)
    world = World(
        specimen=str(rng.choice(list(families))),
        columns=width,
        rows=1,
        projections=int(rng.integers(100, 320)),
        start_deg=float(rng.uniform(0, 180)),
        fill=float(rng.uniform(1.05, 1.4) if rng.random() < 0.25 else rng.uniform(0.6, 0.95)),
        attenuation=float(rng.uniform(0.6, 2.5)),
        photons=float(10 ** rng.uniform(3.3, 5.0)),
        rings=float(rng.uniform(0, 0.5)) if rng.random() < 0.5 else 0.0,
        distortion_px=0.0 if rng.random() < 0.15 else width / 24 * float(rng.uniform(-1, 1)),
        seed=int(rng.integers(1 << 31)),
    )
    return Case.of(world, overlap)


def cases(seed: int, count: int, families: Sequence[str]) -> list[Case]:
    """Cases of a seed: always the same, families and distortions in turn."""
    rng = np.random.default_rng(seed)
    drawn = []
    for index in range(count):
        of = [families[(index + index // 4) % len(families)]]
        some = draw(rng, of, (144, 176), 40)
        by = (0.0, 1.0, 2.5, 5.0)[index % 4] * float(rng.choice([-1.0, 1.0]))
        overlap = int(some.world.columns - some.mosaic.nominal_px[1, 1])
        drawn.append(Case.of(replace(some.world, distortion_px=by), overlap))
    return drawn
