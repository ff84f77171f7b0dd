"""The feature network: views of specimens with grains of metal in them → where the grains are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulators import World, simulate
from simulators.faults.metal import grains
from simulators.training.attenuation import attenuation
from simulators.training.part import Arrays, Measured, Tensors
from simulators.training.parts import align_network
from simulators.training.parts.align_network import RIVALS, Case, Kinds, both, cases, found, left
from toolbox.registry import make_tool
from toolbox.tools.align import align_feature as tool
from toolbox.values import Shifts

if TYPE_CHECKING:
    import torch

VALIDATION, TEST = 108, 208  # seeds of worlds kept apart from training
NAME, LEARNED = "align_feature", "align_network"
NONE = 0.15  # of the worlds that are learned from have no grains
ROWS = 56
METAL = {"metal": 0.8, "rows": ROWS}
KINDS: Kinds = {
    "in the field": METAL,
    "wider than the field": METAL | {"fill": 1.3},
    "few photons": METAL | {"photons": 600.0},
    "wider than the field, few photons": METAL | {"fill": 1.3, "photons": 600.0},
}
BARE: Kinds = {"no grains": {"rows": ROWS}}
CORE = 0.6  # of a grain is looked for: grains before one another stay apart for longer
SUITS = {"jitter": (0.3, 20.0)}


class Part:
    """``options``: ``families`` trained on, ``held_out`` ones for the test, ``columns`` and
    ``rows`` from … to, ``crop`` (rows, columns), ``views`` of each scan, numbers of worlds for
    ``validation``, for the ``test``, and of those without grains (``bare``)."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.families: tuple[str, ...] = tuple(options["families"])
        self.held_out: tuple[str, ...] = tuple(options["held_out"])

    # ---- examples --------------------------------------------------------------------------

    def example(self, rng: np.random.Generator) -> Arrays:
        """Some views of a scan, and where the grains are in them."""
        world = draw(rng, self.families, self.options)
        scan = simulate(world)
        some = rng.choice(world.projections, int(self.options["views"]), replace=False)
        seen = tool.looks(attenuation(scan).values)[some, :, : world.rows, : world.columns]
        shown = shadows(world, scan.truth_shifts)[some]
        return {"looks": seen.astype(np.float16), "grains": shown}

    def batch(self, examples: Sequence[Arrays], rng: np.random.Generator) -> Arrays:
        """Crops of one size, mirrored at times, the edge going on where there is less."""
        rows, columns = self.options["crop"]
        seen, shown = [], []
        for one in examples:
            views = np.concatenate([one["looks"], one["grains"][:, None]], axis=1)
            high, wide = views.shape[-2:]
            short = ((0, 0), (0, 0), (0, max(rows - high, 0)), (0, max(columns - wide, 0)))
            views = np.pad(views, short, mode="edge")
            top, start = (int(rng.integers(0, max(m - n, 0) + 1))
                          for n, m in ((rows, high), (columns, wide)))  # fmt: skip
            part = views[..., top : top + rows, start : start + columns]
            for axis in (2, 3):
                if rng.random() < 0.5:
                    part = np.flip(part, axis)
            seen.append(part[:, :2])
            shown.append(part[:, 2])
        return {"looks": np.concatenate(seen).astype(np.float32),
                "grains": np.concatenate(shown).astype(np.float32)}  # fmt: skip

    # ---- learning --------------------------------------------------------------------------

    def network(self) -> torch.nn.Module:
        return tool.network()

    def loss(self, network: torch.nn.Module, batch: Tensors) -> torch.Tensor:
        """Cross-entropy, and what is missing of the overlap (Milletari, Navab & Ahmadi 2016,
        3DV), since grains are few."""
        import torch

        said = network(batch["looks"])[:, 0].float()
        entropy = torch.nn.functional.binary_cross_entropy_with_logits(said, batch["grains"])
        sure = said.sigmoid()
        shared = 2 * (sure * batch["grains"]).sum() + 1
        return entropy + 1 - shared / (sure.sum() + batch["grains"].sum() + 1)

    def validate(self, network: torch.nn.Module) -> dict[str, float]:
        """Logarithm of what is left of the shifts, on known families' other specimens."""
        after = [left(tool.AlignFeature().found(network, c.scan), c) for c in self._validation]
        across, along = np.mean(after, axis=0)
        return {"score": -float(np.log(after).mean()), "across": float(across),
                "along": float(along)}  # fmt: skip

    @cached_property
    def _validation(self) -> list[Case]:
        return cases(VALIDATION, int(self.options["validation"]), self.families[2:], KINDS)

    # ---- what it is worth ------------------------------------------------------------------

    def measure(self, network: torch.nn.Module) -> Measured:
        """Against the conventional estimators of shifts, and the alignment network, on specimens
        with grains of metal; on specimens without them it is to say that it found nothing."""
        names = (*RIVALS, LEARNED, NAME)
        finds: dict[str, Callable[[Case], Shifts]] = {n: partial(found, n) for n in RIVALS}
        finds[LEARNED] = lambda c: make_tool(LEARNED, {})(projections=c.scan)
        finds[NAME] = lambda c: tool.AlignFeature().found(network, c.scan)
        rows = [
            (case, align_network.left_by(case, {n: partial(find, case) for n, find in
                                                finds.items()}))
            for case in cases(TEST, int(self.options["test"]), self.held_out, KINDS)
        ]  # fmt: skip
        bare = cases(TEST + 1, int(self.options["bare"]), self.held_out, BARE)
        without = [finds[NAME](case) for case in bare]
        mean = {n: both([f[n] for _, f in rows]) for n in names}
        metrics = {f"both_px_{n}": round(v, 3) for n, v in mean.items()}
        metrics |= {
            f"{axis}_px_{n}": round(float(np.mean([f[n][i] for _, f in rows])), 3)
            for i, axis in enumerate(("across", "along")) for n in names
        }  # fmt: skip
        moved = [bool(shifts.pixels.any()) for shifts in without]
        metrics["share_moved_without_grains"] = round(float(np.mean(moved)), 3)
        for name, of in ((NAME, without), ("nothing", [found("nothing", case) for case in bare])):
            rest = both([left(shifts, case) for shifts, case in zip(of, bare, strict=True)])
            metrics[f"both_px_{name}_without_grains"] = round(rest, 3)
        image = tool.AlignFeature.reference_looks()
        return Measured(
            metrics | {"scans": float(len(rows)), "scans_without_grains": float(len(bare))},
            align_network.compared(rows, NAME, (*RIVALS, LEARNED)),
            "px RMS of shift along and across less than by the best other tool there",
            wins=mean[NAME] < min(v for n, v in mean.items() if n != NAME) and not any(moved),
            suits=SUITS,
            reference={"input": image, "output": _answer(network, image)},
        )

    def card(self) -> dict[str, Any]:
        families = ", ".join(sorted(set(self.families)))
        return {
            "version": "0.1.0",
            "changelog": {"0.1.0": "first weights, trained small on one busy CPU core"},
            "task": "segment what is dense and compact in views, to follow it",
            "intended_use": "absorption scans with something dense and compact, a marker or a "
            "grain of metal, in nearly all views",
            "data_source": f"simulated specimens of the families {families}; held out of "
            f"training for the test: {', '.join(self.held_out)}",
            "data_type": "simulated counts with photon noise and rings, corrected by the toolbox, "
            "views jittered, up to four ellipsoids of metal in the specimen; truth: their shadows",
            "inputs": {"looks": {"axes": "n, look, row, col", "channels": 2, "dtype": "float32",
                                 "unit": "of the scan's highest attenuation, -1 to 1; what is "
                                 "narrow in it, four times", "size": "multiples of 16"}},
            "outputs": {"grains": {"axes": "n, channel, row, col", "channels": 1,
                                   "dtype": "float32", "unit": "above 0: a grain"}},
            "references": list(tool.AlignFeature.card.references),
            "differences": "the U-Net of FBPConvNet, half as wide; cross-entropy and overlap as "
            "loss; several features followed together; AdamW with a moving average; simulated "
            "specimens",
            "licence": "Apache-2.0",
        }  # fmt: skip


def draw(rng: np.random.Generator, families: Sequence[str], options: dict[str, Any]) -> World:
    """A believable scan with jitter, most with grains of metal, some wider than the field."""
    world = align_network.draw(rng, families, options | {"rows": [8, 8]})
    rows = int(rng.integers(options["rows"][0] // 8, options["rows"][1] // 8 + 1)) * 8
    metal = 0.0 if rng.random() < NONE else float(rng.uniform(0.35, 1.0))
    return replace(world, rows=rows, metal=metal, projections=int(rng.integers(24, 48)))


def shadows(world: World, shifts: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where the cores of a world's grains are in its views, axes ``angle, row, col``: the shadow
    of an ellipsoid is an ellipse."""
    shown = np.zeros((world.projections, world.rows, world.columns), bool)
    if not world.metal:
        return shown
    row, column = np.mgrid[: world.rows, : world.columns]
    cos, sin = (f(world.angles_rad)[:, None, None] for f in (np.cos, np.sin))
    down, across = (shifts[:, axis, None, None] for axis in (0, 1))
    bodies = grains(world, 1)
    for (x, y, z), axes in zip(bodies.center, bodies.axes, strict=True):
        a, b, c = np.diag(axes)
        off = column - world.axis - across - (x * cos + y * sin)
        up = row - (world.rows - 1) / 2 - down - z
        shown |= off**2 / ((a * cos) ** 2 + (b * sin) ** 2) + (up / c) ** 2 < CORE**2
    return shown


def _answer(network: torch.nn.Module, image: NDArray[np.float32]) -> NDArray[np.float32]:
    import torch

    from toolbox.learned.weights import infer

    return np.asarray(infer(network, torch.from_numpy(image)).cpu().numpy(), np.float32)
