"""Scans of few views or of a limited angle, for the parts that reconstruct them: worlds, and what
networks are worth beside total variation."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from simulators import World
from simulators.training.parts.fbpconvnet import (
    CHOICE,
    MEASURED,
    STRENGTHS,
    TEST,
    Case,
    Image,
    best,
    cases,
)
from simulators.training.parts.fbpconvnet import draw as sparse
from toolbox.metrics import ssim_in_circle
from toolbox.operators.blocks import as_tensor, operator_for, solve_rows
from toolbox.tools.reconstruct.finished_slices import Levels, Looks, usual_strength
from toolbox.values import Block, Center

if TYPE_CHECKING:
    import torch

    from toolbox.operators.parallel_beam import ParallelBeam

LIMITED = (90.0, 130.0)  # degrees
RIVALS = ("tv_automatic", "tv_fixed")
# Of total variation, alone or not: where directions are missing it settles slowly
ITERATIONS = {"sparse": 60, "half": 60, "limited": 240}
PSNR, SSIM = 0, 1  # dB, and from 0 to 1
DIGITS = (2, 4)
Figures = dict[str, tuple[float, float]]  # PSNR and SSIM of each contender
Row = tuple[str, World, Figures]  # the kind of world, the world
Seeing = Callable[["ParallelBeam", "torch.Tensor", float, int], tuple[Looks, Levels]]
Finding = Callable[[Case, int], Image]  # a slice after so many iterations of total variation


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
    looks: Seeing, sinogram: Block, center: Center, iterations: int, times: float = 1.0
) -> tuple[Looks, Levels]:
    """Looks ``row, look, y, x`` of a tool at a sinogram, at so many times the usual strength, and
    the levels and spreads that were taken out."""
    A, y = operator_for(sinogram, center, precision=1e-4), as_tensor(sinogram)
    return looks(A, y, times * usual_strength(sinogram), iterations)


def reconstructed(tool: ModuleType, network: torch.nn.Module, case: Case, iterations: int) -> Image:
    """What a tool gives with a network, with as many copies as it takes by default."""
    solver = partial(
        tool.solve,
        network,
        strength=usual_strength(case.sinogram),
        iterations=iterations,
        copies=tool.COPIES,
    )
    return np.asarray(solve_rows(case.sinogram, case.center, None, solver).values[0])


def similarity(case: Case, image: Image) -> float:
    """SSIM within the circle."""
    return float(ssim_in_circle(image[None], case.truth[None]))


def contest(
    kinds: Sequence[str], options: Mapping[str, Any], networks: Mapping[str, Finding]
) -> tuple[list[Row], dict[str, float]]:
    """Networks beside filtered back-projection and total variation (automatic, and at the strength
    that is best on other worlds; with 240 iterations for limited angles), on so many worlds of
    each kind of the families held out: figures of each world, and their means."""
    rows: list[Row] = []
    count, families = int(options["test"]), tuple(options["families"])
    metrics: dict[str, float] = {"scans": float(len(kinds) * count)}
    for kind in kinds:
        known = drawn_cases(CHOICE, int(options["choice"]), families, MEASURED, kind)
        long = ITERATIONS[kind]
        fixed = best(known, STRENGTHS, lambda c, s, n=long: c.tv(s, n))  # type: ignore[misc]
        metrics[f"strength_tv_fixed_{kind}"] = fixed
        contenders: dict[str, Callable[[Case], Image]] = {
            "fbp": lambda c: c.slice,
            "tv_automatic": lambda c, n=long: c.tv(None, n),  # type: ignore[misc]
            "tv_fixed": lambda c, s=fixed, n=long: c.tv(s, n),  # type: ignore[misc]
        }
        contenders |= {name: partial(_after, find, long) for name, find in networks.items()}
        for case in drawn_cases(TEST, count, options["held_out"], MEASURED, kind):
            images = {name: find(case) for name, find in contenders.items()}
            figures = {n: (case.psnr(i), similarity(case, i)) for n, i in images.items()}
            rows.append((kind, case.world, figures))
            told = ", ".join(f"{n} {p:.2f} {s:.3f}" for n, (p, s) in figures.items())
            print(f"{kind}, {case.world.specimen}, {case.world.projections} views: {told}",
                  flush=True)  # fmt: skip
        for name in contenders:
            psnr, ssim = (float(np.mean([f[name][i] for k, _, f in rows if k == kind]))
                          for i in (PSNR, SSIM))  # fmt: skip
            metrics[f"psnr_db_{name}_{kind}"] = round(psnr, 2)
            metrics[f"ssim_{name}_{kind}"] = round(ssim, 4)
    return rows, metrics


def _after(find: Finding, iterations: int, case: Case) -> Image:
    return find(case, iterations)


def is_better(metrics: Mapping[str, float], name: str, kind: str) -> bool:
    """Whether a network has more PSNR and more SSIM than total variation, however strong."""
    return all(metrics[f"{figure}_{name}_{kind}"] > metrics[f"{figure}_{rival}_{kind}"]
               for rival in RIVALS for figure in ("psnr_db", "ssim"))  # fmt: skip


def compared(
    rows: Sequence[Row], own: str, learned: Sequence[str], figure: int = PSNR
) -> list[dict[str, Any]]:
    """For each kind of world: the conventional tool (none of the ``learned``) with the highest
    mean there, and the gain over it."""
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
    unit = ("_db", "_ssim")[figure]
    found = []
    for name, of_kind in kinds.items():
        some = [figures for kind, world, figures in rows if of_kind(kind, world)]
        if some:
            mean = {n: float(np.mean([f[n][figure] for f in some])) for n in some[0]}
            rival = max(set(mean) - {own, *learned}, key=lambda n: mean[n])
            digits = DIGITS[figure]
            found.append({"world": name, "scans": len(some), "conventional": rival,
                          f"conventional{unit}": round(mean[rival], digits),
                          f"own{unit}": round(mean[own], digits),
                          "gain": round(mean[own] - mean[rival], digits)})  # fmt: skip
    return found


def _is_of(kind: str, family: str, of_kind: str, world: World) -> bool:
    return of_kind == kind and world.specimen == family
