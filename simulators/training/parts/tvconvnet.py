"""TVConvNet: total variation and filtered back-projection from few views or a limited angle → the
truth."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from simulators.training.crops import in_circle
from simulators.training.missing_views import (
    ITERATIONS,
    Finding,
    compared,
    contest,
    draw,
    drawn_cases,
    is_better,
    reconstructed,
    seen,
)
from simulators.training.part import Arrays, Measured, Tensors
from simulators.training.parts.fbpconvnet import FLOOR, VALIDATION, Case, Image
from toolbox.learned.weights import trained
from toolbox.tools.denoise import fbpconvnet
from toolbox.tools.reconstruct import tvconvnet as tool

if TYPE_CHECKING:
    import torch

NAME, FIRST = "tvconvnet", "fbpconvnet"
KINDS = ("sparse", "sparse", "sparse", "limited", "limited", "half")
# As of FBPConvNet, with up to as many views as columns within the limited angles
SUITS = {"view_sufficiency": (0.07, 0.65), "angular_coverage": (85.0, 180.0)}
HALF_TURN = {"angular_coverage": (175.0, 180.0)}  # all that it is for, unless it wins elsewhere


class Part:
    """``options`` as of FBPConvNet; ``test`` counts worlds of few views, and as many of limited
    angles come to them."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.families: tuple[str, ...] = tuple(options["families"])
        self.held_out: tuple[str, ...] = tuple(options["held_out"])

    # ---- examples --------------------------------------------------------------------------

    def example(self, rng: np.random.Generator) -> Arrays:
        """Looks ``look, y, x`` and truth ``y, x``, at a strength near the usual one."""
        kind = str(rng.choice(KINDS))
        case = Case.of(draw(rng, self.families, tuple(self.options["columns"]), kind), rng)
        times = 10 ** rng.uniform(-0.3, 0.3)
        looks, levels = seen(tool.looks, case.sinogram, case.center, ITERATIONS[kind], times)
        level, spread = levels[0]
        return {"looks": looks[0].astype(np.float16),
                "truth": ((case.truth - level) / spread).astype(np.float16)}  # fmt: skip

    def batch(self, examples: Sequence[Arrays], rng: np.random.Generator) -> Arrays:
        side = int(self.options["crop"])
        looks, truths = [], []
        for one in examples:
            place = in_circle(rng, len(one["truth"]), side)
            turns, mirror = int(rng.integers(4)), bool(rng.random() < 0.5)
            looks.append(tool.turned(one["looks"][(..., *place)], turns, mirror))
            truth = one["truth"][place]
            truths.append(np.rot90(truth[:, ::-1] if mirror else truth, turns))
        return {"looks": np.stack(looks).astype(np.float32),
                "truth": np.stack(truths)[:, None].astype(np.float32)}  # fmt: skip

    # ---- learning --------------------------------------------------------------------------

    def network(self) -> torch.nn.Module:
        """Begins with what FBPConvNet's layers look for, half in each of the two slices, and with
        the total variation reconstruction as its output."""
        import torch

        net = tool.network()
        known = dict(trained(FIRST, fbpconvnet.network).state_dict())
        first = next(name for name, value in known.items() if value.ndim == 4)
        shared = known[first] / 2
        nothing = torch.zeros_like(shared)
        known[first] = torch.cat([shared, shared, nothing, nothing], 1)
        for name in ("last.weight", "last.bias"):
            known[name] = torch.zeros_like(known[name])
        net.load_state_dict(known)
        return net

    def loss(self, network: torch.nn.Module, batch: Tensors) -> torch.Tensor:
        """As of FBPConvNet: the logarithm of the mean square error of each crop."""
        error = (network(batch["looks"]) - batch["truth"]).float()
        return 0.5 * ((error**2).mean((1, 2, 3)) + FLOOR).log().mean()

    def validate(self, network: torch.nn.Module) -> dict[str, float]:
        """Decibels gained over the total variation that it begins with, on known families' other
        specimens, half of few views, half of a limited angle."""
        gains = []
        for _, looks, truth in self._validation:
            error = tool.clean(network, looks) - truth
            gains.append(10 * np.log10(np.mean((looks[0] - truth) ** 2) / np.mean(error**2)))
        half = len(gains) // 2
        return {"score": float(np.mean(gains)), "sparse": float(np.mean(gains[:half])),
                "limited": float(np.mean(gains[half:])), "worst": float(np.min(gains))}  # fmt: skip

    @cached_property
    def _validation(self) -> list[tuple[Case, tool.Looks, Image]]:
        found = []
        half = int(self.options["validation"]) // 2
        for kind in ("sparse", "limited"):
            for case in drawn_cases(VALIDATION, half, self.families, (224, 224), kind):
                looks, levels = seen(tool.looks, case.sinogram, case.center, ITERATIONS[kind])
                level, spread = levels[0]
                found.append((case, looks[0], (case.truth - level) / spread))
        return found

    # ---- what it is worth ------------------------------------------------------------------

    def measure(self, network: torch.nn.Module) -> Measured:
        """Beside FBPConvNet, on the worlds that it was measured on and on limited angles of the
        same families."""
        first, copies = trained(FIRST, fbpconvnet.network), fbpconvnet.FBPConvNet().copies
        networks: dict[str, Finding] = {
            FIRST: lambda c, _: fbpconvnet.averaged(first, c.slice, copies),
            NAME: lambda c, iterations: reconstructed(tool, network, c, iterations),
        }
        rows, metrics = contest(("sparse", "limited"), self.options, networks)
        case = drawn_cases(VALIDATION, 1, self.families, (64, 64), "sparse")[0]
        looks = seen(tool.looks, case.sinogram, case.center, 60)[0][0]
        limited = is_better(metrics, NAME, "limited")
        return Measured(
            metrics,
            compared(rows, NAME, [FIRST]),
            "dB of PSNR gained over the best conventional tool there",
            wins=is_better(metrics, NAME, "sparse"),
            suits=SUITS if limited else SUITS | HALF_TURN,
            reference={"input": looks, "output": tool.clean(network, looks)},
        )

    def card(self) -> dict[str, Any]:
        families = ", ".join(sorted(set(self.families)))
        return {
            "version": "0.2.0",
            "changelog": {
                "0.1.0": "begun from FBPConvNet 0.6.0, trained on one core of a CPU",
                "0.2.0": "0.1.0 trained further on total variation reconstructions that settle "
                "sooner where directions are missing",
            },
            "task": "reconstruct slices from few views or a limited angle",
            "intended_use": "absorption scans of 60 views and more over a half turn; of 90 to 130 "
            "degrees it is no better than total variation that ran until it settled; not where "
            "single pixels decide: what no view saw is guessed",
            "data_source": f"simulated specimens of the families {families}; held out of "
            f"training for the test: {', '.join(self.held_out)}",
            "data_type": "simulated counts with photon noise, corrected and reconstructed by the "
            "toolbox; truth: the specimen's attenuation",
            "inputs": {"looks": {"axes": "n, look, y, x", "channels": tool.LOOKS,
                                 "dtype": "float32", "unit": "total variation reconstruction and "
                                 "filtered back-projection, brought to about -1 to 1 by the 2nd "
                                 "and 98th percentile of the first; part of the half turn that is "
                                 "missing, times cosine and sine of twice its direction",
                                 "size": "any; tiles above 1024 px"}},
            "outputs": {"slice": {"axes": "n, channel, y, x", "channels": 1, "dtype": "float32",
                                  "unit": "as the first look"}},
            "references": list(tool.TVConvNet.card.references),
            "differences": "total variation instead of shearlets, filtered back-projection and "
            "missing directions beside it; the U-Net of FBPConvNet at a quarter of its channels, "
            "begun from its weights",
            "licence": "Apache-2.0",
        }  # fmt: skip
