"""The view network: sparse sinograms → what a noiseless scan of four times as many views sees."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulators import simulate
from simulators.training.attenuation import attenuation
from simulators.training.compared import compared
from simulators.training.part import Arrays, Measured, Tensors
from simulators.training.parts.fbpconvnet import (
    CHOICE,
    KINDS,
    MEASURED,
    STRENGTHS,
    SUITS,
    TEST,
    VALIDATION,
    Case,
    best,
    cases,
    draw,
)
from simulators.training.slice_error import slice_error
from toolbox.learned.weights import trained
from toolbox.operators.blocks import solve_rows
from toolbox.tools.denoise import fbpconvnet
from toolbox.tools.reconstruct import view_network as tool

if TYPE_CHECKING:
    import torch

NAME, IMAGE_SIDE = "view_network", "fbpconvnet"
FLOOR = 1e-7  # of the mean square in the slice, in units: better does not count
Image = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Sparse:
    """Looks ``look, angle, col`` at a sparse scan, and all views without noise ``angle, col``."""

    case: Case
    looks: Image
    truth: Image

    @classmethod
    def of(cls, case: Case) -> Sparse:
        found: list[Any] = []

        def solver(A: Any, y: Any) -> Any:
            found.append(tool.looks(A, y)[1][0])
            return A.fbp(y)

        solve_rows(case.sinogram, case.center, None, solver)
        world = dataclasses.replace(case.world, photons=None, rings=0.0,
                                    projections=tool.TIMES * case.world.projections)  # fmt: skip
        return cls(case, found[0], attenuation(simulate(world)).values[0])


class Part:
    """``options``: ``families`` trained on, ``held_out`` ones for the test, ``crop`` (groups of
    views, columns), ``columns`` from … to, numbers of worlds for ``validation``, for the
    ``choice`` of strengths and for the ``test``."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.families: tuple[str, ...] = tuple(options["families"])
        self.held_out: tuple[str, ...] = tuple(options["held_out"])

    # ---- examples --------------------------------------------------------------------------

    def example(self, rng: np.random.Generator) -> Arrays:
        """Looks and truth in units of the scan."""
        world = draw(rng, self.families, tuple(self.options["columns"]))
        found = Sparse.of(Case.of(world, rng))
        unit = tool.unit(found.looks)
        return {"looks": (found.looks / unit).astype(np.float16),
                "truth": (found.truth / unit).astype(np.float16)}  # fmt: skip

    def batch(self, examples: Sequence[Arrays], rng: np.random.Generator) -> Arrays:
        """Crops, at times seen in a mirror."""
        groups, columns = self.options["crop"]
        high = groups * tool.TIMES
        looks, truths = [], []
        for one in examples:
            views, wide = one["truth"].shape
            top = int(rng.integers(0, (views - high) // tool.TIMES + 1)) * tool.TIMES
            left = int(rng.integers(0, wide - columns + 1))
            place = np.s_[..., top : top + high, left : left + columns]
            pair = one["looks"][place], one["truth"][place]
            mirrored = slice(None, None, -1 if rng.random() < 0.5 else 1)
            looks.append(pair[0][..., mirrored])
            truths.append(pair[1][..., mirrored])
        return {"looks": np.stack(looks).astype(np.float32),
                "truth": np.stack(truths).astype(np.float32)}  # fmt: skip

    # ---- learning --------------------------------------------------------------------------

    def network(self) -> torch.nn.Module:
        return tool.network()

    def loss(self, network: torch.nn.Module, batch: Tensors) -> torch.Tensor:
        """Logarithm of what the mean square error of the slice would be."""
        error = network(batch["looks"]).float() - batch["truth"]
        return 0.5 * (slice_error(error) + FLOOR).log().mean()

    def validate(self, network: torch.nn.Module) -> dict[str, float]:
        """Decibels gained over filtered back-projection, on known families' other specimens."""
        gains = [c.psnr(reconstructed(network, c)) - c.psnr(c.slice) for c in self._validation]
        return {"score": float(np.mean(gains)), "worst": float(np.min(gains))}

    @cached_property
    def _validation(self) -> list[Case]:
        return cases(VALIDATION, int(self.options["validation"]), self.families, (224, 224))

    # ---- what it is worth ------------------------------------------------------------------

    def measure(self, network: torch.nn.Module) -> Measured:
        """Against filtered back-projection and total variation (automatic, and at the strength
        that is best on other worlds), on the worlds that FBPConvNet was measured on; that, which
        works on the slices, stands beside."""
        choice = cases(CHOICE, int(self.options["choice"]), self.families, MEASURED)
        fixed = best(choice, STRENGTHS, lambda c, s: c.tv(s))
        first = trained(IMAGE_SIDE, fbpconvnet.network)
        copies = fbpconvnet.FBPConvNet().copies
        contenders: dict[str, Callable[[Case], Image]] = {
            "fbp": lambda c: c.slice,
            "tv_automatic": lambda c: c.tv(None),
            "tv_fixed": lambda c: c.tv(fixed),
            IMAGE_SIDE: lambda c: fbpconvnet.averaged(first, c.slice, copies),
            NAME: lambda c: reconstructed(network, c),
        }
        rows = []
        for one in cases(TEST, int(self.options["test"]), self.held_out, MEASURED):
            figures = {name: one.psnr(find(one)) for name, find in contenders.items()}
            rows.append((one, figures))
            found = ", ".join(f"{n} {v:.2f}" for n, v in figures.items())
            print(f"{one.world.specimen}, {one.world.projections} views: {found}", flush=True)
        mean = {n: float(np.mean([f[n] for _, f in rows])) for n in contenders}
        metrics = {f"psnr_db_{n}": round(v, 2) for n, v in mean.items()}
        metrics |= {
            f"gain_db_over_{n}": round(mean[NAME] - v, 2) for n, v in mean.items() if n != NAME
        }
        looks = Sparse.of(cases(VALIDATION, 1, self.families, (64, 64))[0]).looks
        return Measured(
            metrics | {"strength_tv_fixed": fixed, "scans": float(len(rows))},
            compared(
                [(case.world, f) for case, f in rows],
                KINDS,
                NAME,
                sorted(set(rows[0][1]) - {NAME, IMAGE_SIDE}),
            ),
            "dB of PSNR gained over the best conventional tool there",
            wins=all(mean[NAME] > v for n, v in mean.items() if n != NAME),
            suits=SUITS,
            reference={"input": looks, "output": tool.clean(network, looks)},
        )

    def card(self) -> dict[str, Any]:
        families = ", ".join(sorted(set(self.families)))
        return {
            "version": "0.1.1",
            "changelog": {
                "0.1.0": "first weights, trained small on one busy CPU core",
                "0.1.1": "the same weights in short floats, row by row",
            },
            "task": "say what lies between the views of a sparse scan",
            "intended_use": "half-turn absorption scans of 60 to 120 views; not for limited "
            "angles, not where single pixels decide",
            "data_source": f"simulated specimens of the families {families}; held out of "
            f"training for the test: {', '.join(self.held_out)}",
            "data_type": "simulated counts with photon noise, corrected by the toolbox; truth: the "
            "attenuation of four times as many views without noise",
            "inputs": {"looks": {"axes": "n, look, angle, col", "channels": tool.LOOKS,
                                 "dtype": "float32", "unit": "of the 99th percentile of the "
                                 "attenuation: straight lines between neighbouring views, and what "
                                 "projections of the plain reconstruction have over them",
                                 "size": "views a multiple of 4; tiles above 1024 columns"}},
            "outputs": {"views": {"axes": "n, angle, col", "dtype": "float32",
                                  "unit": "as the first look"}},
            "references": list(tool.ViewNetwork.card.references),
            "differences": "four views of a group as channels; the projection of the plain "
            "reconstruction beside straight lines; square error after the square root of the ramp "
            "filter; AdamW with a moving average; simulated specimens",
            "licence": "Apache-2.0",
        }  # fmt: skip


def reconstructed(network: torch.nn.Module, case: Case) -> Image:
    """What the tool gives with a network."""
    solver = partial(tool.solve, network)
    return np.asarray(solve_rows(case.sinogram, case.center, None, solver).values[0])
