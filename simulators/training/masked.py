"""Masked reconstruction, by which backbones learn: what is hidden, what is asked, what it is worth.

Of each crop about 60 % is hidden in squares, and the network says what is there: not the noisy
values, which nobody can know, but the truth of the simulated world. So it has to learn how
specimens look and what noise, streaks and rings look like, which is what segmentation needs.
Masked reconstruction and not contrast, as it teaches something about every pixel and needs no
large batches, which processors do not give. Real images have no truth: of them, only what is
hidden is asked for, as it was measured. Grey values are those of the whole image, not of each
square (as in He et al. 2022, CVPR, 16000): squares within one material have nothing but noise of
their own, and the level is what tells materials apart.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from simulators import World
from simulators.training.part import Arrays, Measured, Tensors
from simulators.training.real_images import real_images
from toolbox.learned import backbone
from toolbox.learned.grey_levels import grey_levels
from toolbox.learned.weights import infer

if TYPE_CHECKING:
    import torch

VALIDATION, TEST = 106, 206  # seeds of worlds kept apart from training
HIDDEN = (0.45, 0.75)  # part of a crop
WHOLE = 0.35  # of the simulated crops are shown whole: only their faults are to be undone
SQUARE = 8  # px
CUT = 128  # px: side of what is validated and measured
SIGMAS = (2.0, 4.0, 8.0)  # px, of the conventional way to fill in
Image = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Pair:
    """An image of a domain, as measured, and what it would be without faults, of one shape, in
    the same unit; ``truth`` is None for real ones."""

    image: Image
    truth: Image | None


class MaskedPart(ABC):
    """What the parts of the three domains share. ``options``: ``families`` trained on,
    ``held_out`` ones for the test, ``crop`` px, ``columns`` from … to, ``real``: which part of
    the examples is cut from real scans where ``TOMOPLAN_DATA`` is set, numbers of worlds for
    ``validation`` and for the ``test``."""

    domain: ClassVar[str]

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.families: tuple[str, ...] = tuple(options["families"])
        self.held_out: tuple[str, ...] = tuple(options["held_out"])

    def width(self, rng: np.random.Generator) -> int:
        """Columns of a world, in steps of 16."""
        low, high = self.options["columns"]
        return int(rng.integers(low // 16, high // 16 + 1)) * 16

    @abstractmethod
    def draw(self, rng: np.random.Generator, families: Sequence[str]) -> World:
        """A world that gives an image of the domain."""

    @abstractmethod
    def pair(self, world: World, rng: np.random.Generator) -> Pair:
        """Its image as measured, and without faults."""

    # ---- examples --------------------------------------------------------------------------

    def example(self, rng: np.random.Generator) -> Arrays:
        real = real_images(self.domain) if rng.random() < float(self.options["real"]) else ()
        if real:
            image = real[int(rng.integers(len(real)))]
            found = Pair(image, None)
        else:
            found = self.pair(self.draw(rng, self.families), rng)
        return scaled(found)

    def batch(self, examples: Sequence[Arrays], rng: np.random.Generator) -> Arrays:
        """Crops, turned, mirrored, some with dark and bright swapped, squares of them hidden."""
        side = int(self.options["crop"])
        found: dict[str, list[NDArray[Any]]] = {n: [] for n in ("image", "truth", "shown", "known")}
        for one in examples:
            top, left = (int(rng.integers(max(size - side, 0) + 1)) for size in one["image"].shape)
            turns, mirror = int(rng.integers(4)), rng.random() < 0.5
            sign = -1.0 if rng.random() < 0.2 else 1.0
            gain, level = float(np.exp(rng.normal(0, 0.15))), float(rng.normal(0, 0.15))
            for name in ("image", "truth"):
                part = one[name][top : top + side, left : left + side].astype(np.float32)
                short = [(0, side - n) for n in part.shape]
                part = np.rot90(np.pad(part, short, mode="symmetric"), turns)
                found[name].append(sign * gain * (part[:, ::-1] if mirror else part) + level)
            known = bool(one["known"])
            hidden = 0.0 if known and rng.random() < WHOLE else float(rng.uniform(*HIDDEN))
            found["shown"].append(squares((side, side), hidden, rng))
            found["known"].append(np.full((1, 1), known))
        return {name: np.stack(v)[:, None].astype(np.float32) for name, v in found.items()}

    # ---- learning --------------------------------------------------------------------------

    def network(self) -> torch.nn.Module:
        return backbone.network()

    def loss(self, network: torch.nn.Module, batch: Tensors) -> torch.Tensor:
        """Mean absolute error: what is hidden counts whole, what is shown, where a truth is
        known, too; so edges stay sharp, and the noisiest crops do not rule."""
        import torch

        shown = batch["shown"]
        found = network(torch.cat([batch["image"] * shown, shown], dim=1))
        asked = torch.maximum(1 - shown, batch["known"])
        return ((found.float() - batch["truth"]).abs() * asked).sum() / asked.sum().clamp(min=1)

    def validate(self, network: torch.nn.Module) -> dict[str, float]:
        """Decibels over the conventional filling of what is hidden, on known families' other
        specimens; ``mended``: decibels over images shown whole."""
        found = [measured(network, case) for case in self._validation]
        gained = float(np.mean([one["own"] - one["filled"] for one in found]))
        mended = float(np.mean([one["mended"] - one["raw"] for one in found]))
        return {"score": gained, "mended": mended}

    @cached_property
    def _validation(self) -> list[tuple[World, Arrays]]:
        return self.cases(VALIDATION, int(self.options["validation"]), self.families)

    def cases(self, seed: int, count: int, families: Sequence[str]) -> list[tuple[World, Arrays]]:
        """Images of a seed with what is hidden in them: always the same, each family in turn."""
        rng = np.random.default_rng(seed)
        found = []
        for at in range(count):
            world = self.draw(rng, [families[at % len(families)]])
            one = scaled(self.pair(world, rng))
            sides = [
                min(CUT, n // backbone.MULTIPLE * backbone.MULTIPLE) for n in one["image"].shape
            ]
            cut = tuple(slice((n - side) // 2, (n + side) // 2) for side, n in
                        zip(sides, one["image"].shape, strict=True))  # fmt: skip
            arrays = {n: one[n][cut].astype(np.float32) for n in ("image", "truth")}
            arrays["shown"] = squares(arrays["image"].shape, 0.6, rng)
            found.append((world, arrays))
        return found

    # ---- what it is worth ------------------------------------------------------------------

    def measure(self, network: torch.nn.Module) -> Measured:
        """Of families never seen: hidden squares against those filled in from what is about them,
        and whole images against what was measured."""
        rows: list[tuple[str, dict[str, float]]] = []
        for world, arrays in self.cases(TEST, int(self.options["test"]), self.held_out):
            rows.append((world.specimen, measured(network, (world, arrays))))
            said = ", ".join(f"{name} {value:.2f}" for name, value in rows[-1][1].items())
            print(f"{world.specimen}: {said}", flush=True)
        mean = {n: float(np.mean([f[n] for _, f in rows])) for n in rows[0][1]}
        worlds = []
        for family in sorted({name for name, _ in rows}):
            own, filled = (float(np.mean([f[n] for name, f in rows if name == family]))
                           for n in ("own", "filled"))  # fmt: skip
            worlds.append({"world": f"{family} (unseen family)",
                           "scans": sum(name == family for name, _ in rows),
                           "conventional": "normalised convolution",
                           "conventional_db": round(filled, 2), "own_db": round(own, 2),
                           "gain": round(own - filled, 2)})  # fmt: skip
        rng = np.random.default_rng(0)
        picture = scaled(self.pair(self.draw(rng, self.held_out), rng))["image"][:64, :64]
        picture = picture.astype(np.float32)
        return Measured(
            {
                "psnr_db_hidden": round(mean["own"], 2),
                "psnr_db_hidden_filled_conventionally": round(mean["filled"], 2),
                "gain_db_hidden": round(mean["own"] - mean["filled"], 2),
                "gain_db_shown_whole": round(mean["mended"] - mean["raw"], 2),
                "scans": float(len(rows)),
            },
            worlds,
            "dB of PSNR of hidden squares gained over filling them by normalised convolution",
            wins=mean["own"] > mean["filled"],
            reference={"input": picture, "output": whole(network, picture)},
        )

    def card(self) -> dict[str, Any]:
        families = ", ".join(sorted(set(self.families)))
        axes = {"axes": "n, channel, y, x", "dtype": "float32", "size": "multiples of 8"}
        scale = "about -1 to 1 by the 2nd and 98th percentile of the image"
        real = real_images(self.domain)
        share = float(self.options["real"])
        seen = (f"{100 * share:.0f} % of the crops from {len(real)} images of real scans"
                if real and share else "no real scans")  # fmt: skip
        return {
            "version": "0.1.0",
            "changelog": {"0.1.0": "first weights, trained small on part of a busy CPU core"},
            "task": f"features of images of the {self.domain} domain, for light heads",
            "intended_use": "frozen, under the adapters of `tomoplan train adapter`; not as a "
            "denoiser or to fill gaps in what is measured",
            "data_source": f"simulated specimens of the families {families}; {seen}; held out of "
            f"training for the test: {', '.join(self.held_out)}",
            "data_type": "simulated counts, corrected by the toolbox, and the truth of the world",
            "inputs": {"image": axes | {"channels": 2, "unit": f"{scale}; 1 where it is shown"}},
            "outputs": {"features": axes | {"channels": backbone.FEATURES, "unit": "none"}},
            "references": [
                "He et al. 2022, CVPR, 16000 (masked autoencoders)",
                "Pathak et al. 2016, CVPR, 2536 (context encoders)",
                "Tian et al. 2023, ICLR (SparK: masked modelling for convolutions)",
                "Liu et al. 2022, CVPR, 11976 (ConvNeXt)",
            ],
            "differences": "asked for is the noiseless truth; absolute error of all pixels; "
            "plain 3 × 3 convolutions; hidden squares are zero and marked in a second channel; a "
            "third of the crops is shown whole",
            "licence": "Apache-2.0",
        }


def scaled(pair: Pair) -> Arrays:
    """A pair on one scale of grey values, and whether its truth is known."""
    level, spread = grey_levels(pair.image)
    truth = pair.image if pair.truth is None else pair.truth
    image, truth = ((one - np.float32(level)) / np.float32(spread) for one in (pair.image, truth))
    return {
        "image": np.clip(image, -30, 30).astype(np.float16),
        "truth": np.clip(truth, -30, 30).astype(np.float16),
        "known": np.array(pair.truth is not None),
    }


def squares(shape: tuple[int, ...], hidden: float, rng: np.random.Generator) -> Image:
    """1 where an image is shown, 0 in squares of 8 px that make up the hidden part of it.

    >>> float(squares((32, 32), 0.75, np.random.default_rng(0)).mean())
    0.25
    """
    height, width = (-(-side // SQUARE) for side in shape)
    count = height * width
    flat = np.ones(count, np.float32)
    flat[rng.permutation(count)[: round(hidden * count)]] = 0
    grid = flat.reshape(height, width).repeat(SQUARE, 0).repeat(SQUARE, 1)
    return np.ascontiguousarray(grid[: shape[0], : shape[1]])


def measured(network: torch.nn.Module, case: tuple[World, Arrays]) -> dict[str, float]:
    """PSNR (dB) of what is hidden (``own``, ``filled``) and of the image shown whole (``mended``)
    and as it is (``raw``)."""
    import torch

    _, one = case
    image, truth, shown = one["image"], one["truth"], one["shown"]
    given = np.stack([image * shown, shown])
    found = infer(network, torch.from_numpy(given)[None])[0, 0].cpu().numpy()
    hidden = shown == 0
    return {
        "own": decibels(found, truth, hidden),
        "filled": max(decibels(filled(image, shown, s), truth, hidden) for s in SIGMAS),
        "mended": decibels(whole(network, image), truth, shown >= 0),
        "raw": decibels(image, truth, shown >= 0),
    }


def decibels(found: Image, truth: Image, where: NDArray[np.bool_]) -> float:
    """PSNR of some pixels; the peak is the range of the whole truth.

    >>> truth = np.eye(8, dtype=np.float32)
    >>> round(decibels(truth + np.float32(0.1), truth, truth >= 0), 1)
    20.0
    """
    error = float(np.mean((found - truth)[where].astype(np.float64) ** 2))
    span = float(truth.max() - truth.min()) or 1.0
    return float(10 * np.log10(span**2 / max(error, 1e-12)))


def whole(network: torch.nn.Module, image: Image) -> Image:
    """What the network makes of an image shown whole, both on the scale of grey values."""
    import torch

    return infer(network, backbone.shown(torch.from_numpy(image)[None, None]))[0, 0].cpu().numpy()


def filled(image: Image, shown: Image, sigma: float) -> Image:
    """What is hidden as the Gaussian mean of what is shown about it (normalised convolution,
    Knutsson & Westin 1993, CVPR, 515)."""
    from scipy.ndimage import gaussian_filter

    weight = gaussian_filter(shown, sigma, mode="mirror")
    mean = gaussian_filter(image * shown, sigma, mode="mirror") / np.maximum(weight, 1e-6)
    return np.asarray(np.where(shown > 0, image, mean), np.float32)
