"""TVConvNet: total variation and filtered back-projection from few views or a limited angle → the
truth."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from simulators import World
from simulators.training.part import Arrays, Measured, Tensors
from simulators.training.parts.fbpconvnet import (
    CHOICE,
    FLOOR,
    MEASURED,
    STRENGTHS,
    TEST,
    VALIDATION,
    Case,
    Image,
    best,
    cases,
)
from simulators.training.parts.fbpconvnet import draw as sparse
from toolbox.learned.weights import trained
from toolbox.metrics import ssim_in_circle
from toolbox.operators.blocks import solve_rows
from toolbox.tools.denoise import fbpconvnet
from toolbox.tools.reconstruct import tvconvnet as tool

if TYPE_CHECKING:
    import torch

NAME, FIRST = "tvconvnet", "fbpconvnet"
LIMITED = (90.0, 130.0)  # degrees
KINDS = ("sparse", "sparse", "sparse", "limited", "limited", "half")
# As of FBPConvNet, with up to as many views as columns within the limited angles
SUITS = {"view_sufficiency": (0.07, 0.65), "angular_coverage": (85.0, 180.0)}
HALF_TURN = {"angular_coverage": (175.0, 180.0)}  # all that it is for, unless it wins elsewhere
RIVALS = ("tv_automatic", "tv_fixed")
# Of total variation, alone or not: where directions are missing it settles slowly
ITERATIONS = {"sparse": 60, "half": 60, "limited": 240}
Figures = dict[str, tuple[float, float]]  # PSNR in dB and SSIM, of each contender


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
        looks, level, spread = seen(case, ITERATIONS[kind], 10 ** rng.uniform(-0.3, 0.3))
        return {"looks": looks.astype(np.float16),
                "truth": ((case.truth - level) / spread).astype(np.float16)}  # fmt: skip

    def batch(self, examples: Sequence[Arrays], rng: np.random.Generator) -> Arrays:
        side = int(self.options["crop"])
        looks, truths = [], []
        for one in examples:
            size = len(one["truth"])
            # The crop's middle lies in the circle, so no crop is all air
            away = max(size / 2 - side / 2, 0) * np.sqrt(rng.random())
            angle = rng.uniform(0, 2 * np.pi)
            top, left = (int(np.clip((size - side) / 2 + away * f(angle), 0, size - side))
                         for f in (np.sin, np.cos))  # fmt: skip
            turns, mirror = int(rng.integers(4)), bool(rng.random() < 0.5)
            place = np.s_[..., top : top + side, left : left + side]
            looks.append(tool.turned(one["looks"][place], turns, mirror))
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
                looks, level, spread = seen(case, ITERATIONS[kind])
                found.append((case, looks, (case.truth - level) / spread))
        return found

    # ---- what it is worth ------------------------------------------------------------------

    def measure(self, network: torch.nn.Module) -> Measured:
        """Against filtered back-projection, total variation (automatic, and at the strength that
        is best on other worlds; with 240 iterations for limited angles) and FBPConvNet, on the
        worlds that FBPConvNet was measured on and on limited angles of the same families."""
        count = int(self.options["test"])
        rows: list[tuple[str, World, Figures]] = []
        metrics: dict[str, float] = {"scans": 2.0 * count}
        for kind in ("sparse", "limited"):
            known = drawn_cases(CHOICE, int(self.options["choice"]), self.families, MEASURED, kind)
            long = ITERATIONS[kind]
            fixed = best(known, STRENGTHS, lambda c, s, n=long: c.tv(s, n))  # type: ignore[misc]
            metrics[f"strength_tv_fixed_{kind}"] = fixed
            contenders = self._contenders(network, fixed, long)
            some = drawn_cases(TEST, count, self.held_out, MEASURED, kind)
            for case in some:
                images = {name: find(case) for name, find in contenders.items()}
                figures = {n: (case.psnr(i), similarity(case, i)) for n, i in images.items()}
                rows.append((kind, case.world, figures))
                told = ", ".join(f"{n} {p:.2f} {s:.3f}" for n, (p, s) in figures.items())
                print(f"{kind}, {case.world.specimen}, {case.world.projections} views: {told}",
                      flush=True)  # fmt: skip
            for name in contenders:
                psnr, ssim = (float(np.mean([f[name][i] for k, _, f in rows if k == kind]))
                              for i in (0, 1))  # fmt: skip
                metrics[f"psnr_db_{name}_{kind}"] = round(psnr, 2)
                metrics[f"ssim_{name}_{kind}"] = round(ssim, 4)
        better = {
            kind: all(metrics[f"psnr_db_{NAME}_{kind}"] > metrics[f"psnr_db_{r}_{kind}"]
                      and metrics[f"ssim_{NAME}_{kind}"] > metrics[f"ssim_{r}_{kind}"]
                      for r in RIVALS)
            for kind in ("sparse", "limited")
        }  # fmt: skip
        looks = seen(drawn_cases(VALIDATION, 1, self.families, (64, 64), "sparse")[0], 60)[0]
        return Measured(
            metrics,
            compared(rows),
            "dB of PSNR gained over the best conventional tool there",
            wins=better["sparse"],
            suits=SUITS if better["limited"] else SUITS | HALF_TURN,
            reference={"input": looks, "output": tool.clean(network, looks)},
        )

    @staticmethod
    def _contenders(
        network: torch.nn.Module, fixed: float, long: int
    ) -> dict[str, Callable[[Case], Image]]:
        first = trained(FIRST, fbpconvnet.network)
        return {
            "fbp": lambda c: c.slice,
            "tv_automatic": lambda c: c.tv(None, long),
            "tv_fixed": lambda c: c.tv(fixed, long),
            FIRST: lambda c: fbpconvnet.averaged(first, c.slice, fbpconvnet.FBPConvNet().copies),
            NAME: lambda c: reconstructed(network, c, long),
        }

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


def draw(
    rng: np.random.Generator, families: Sequence[str], columns: tuple[int, int], kind: str
) -> World:
    """A scan of few views, of a limited angle, or (half) a half turn with more views."""
    world = sparse(rng, families, columns)
    if kind == "limited":
        return dataclasses.replace(
            world, range_deg=float(rng.uniform(*LIMITED)),
            projections=int(world.columns * rng.uniform(0.35, 1.0)),
        )  # fmt: skip
    if kind == "half":
        return dataclasses.replace(world, projections=int(world.columns * rng.uniform(0.4, 1.0)))
    return world


def drawn_cases(
    seed: int, count: int, families: Sequence[str], columns: tuple[int, int], kind: str
) -> list[Case]:
    """Cases of a seed: always the same, each family in turn; of few views those of
    FBPConvNet."""
    if kind == "sparse":
        return cases(seed, count, families, columns)
    rng = np.random.default_rng([seed, 1])
    return [Case.of(draw(rng, [families[i % len(families)]], columns, kind), rng)
            for i in range(count)]  # fmt: skip


def seen(
    case: Case, iterations: int, times: float = 1.0
) -> tuple[tool.Looks, np.float32, np.float32]:
    """Looks ``look, y, x`` at a case, at so many times the usual strength, and the level and
    spread that were taken out."""
    found: list[Any] = []
    strength = times * tool.usual_strength(case.sinogram)

    def solver(A: Any, y: Any) -> Any:
        looks, levels = tool.looks(A, y, strength, iterations)
        found.append((looks[0], *levels[0]))
        return A.fbp(y)

    solve_rows(case.sinogram, case.center, None, solver)
    looks, level, spread = found[0]
    return looks, level, spread


def reconstructed(network: torch.nn.Module, case: Case, iterations: int) -> Image:
    """What the tool gives with a network."""
    solver = partial(
        tool.solve,
        network,
        strength=tool.usual_strength(case.sinogram),
        iterations=iterations,
        copies=tool.TVConvNet().copies,
    )
    return np.asarray(solve_rows(case.sinogram, case.center, None, solver).values[0])


def similarity(case: Case, image: Image) -> float:
    """SSIM within the circle."""
    return float(ssim_in_circle(image[None], case.truth[None]))


def compared(rows: list[tuple[str, World, Figures]]) -> list[dict[str, Any]]:
    """For each kind of world: the conventional tool with the highest mean there, and the gain."""
    families = sorted({world.specimen for _, world, _ in rows})
    kinds: dict[str, Callable[[str, World], bool]] = {
        f"{kind}, {family} (unseen family)": partial(_is_of, kind, family)
        for kind in ("sparse", "limited")
        for family in families
    }
    kinds |= {
        "60 to 80 views": lambda k, w: k == "sparse" and w.projections < 80,
        "80 to 120 views": lambda k, w: k == "sparse" and w.projections >= 80,
        "90 to 110 degrees": lambda k, w: k == "limited" and w.range_deg < 110,
        "110 to 130 degrees": lambda k, w: k == "limited" and w.range_deg >= 110,
    }
    found = []
    for name, of_kind in kinds.items():
        some = [figures for kind, world, figures in rows if of_kind(kind, world)]
        if some:
            mean = {n: float(np.mean([f[n][0] for f in some])) for n in some[0]}
            rival = max(set(mean) - {NAME, FIRST}, key=lambda n: mean[n])
            found.append({"world": name, "scans": len(some), "conventional": rival,
                          "conventional_db": round(mean[rival], 2), "own_db": round(mean[NAME], 2),
                          "gain": round(mean[NAME] - mean[rival], 2)})  # fmt: skip
    return found


def _is_of(kind: str, family: str, of_kind: str, world: World) -> bool:
    return of_kind == kind and world.specimen == family
