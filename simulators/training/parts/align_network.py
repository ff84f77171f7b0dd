"""The alignment network: views beside their reprojections → how far they are from their place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulators import World, simulate
from simulators.training.attenuation import attenuation
from simulators.training.part import Arrays, Measured, Tensors
from toolbox.kinds import DataKind
from toolbox.registry import make_tool
from toolbox.tools.align import align_network as tool
from toolbox.tools.align.volume_reprojection import VolumeReprojection, free_shifts
from toolbox.values import Block, Shifts

if TYPE_CHECKING:
    import torch

VALIDATION, TEST = 107, 207  # seeds of worlds kept apart from training
JITTER = 3.0  # px RMS along both axes, where it is measured
STAGES = (1.0, 0.5, 0.2, 0.07, 0.0)  # of the shifts: left, where a network is to find them
SOFT = 0.02  # px: smaller errors count as their square
NAME = "align_network"
UNTRAINED = "align_network_before_training"
RIVALS = ("nothing", "align_cross_correlation", "align_center_of_mass", "align_reprojection",
          "align_cross_correlation_then_reprojection")  # fmt: skip


class Part:
    """``options``: ``families`` trained on, ``held_out`` ones for the test, ``columns`` and
    ``rows`` from … to, ``views`` shown of each state of a world, numbers of worlds for
    ``validation`` and for the ``test``."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.families: tuple[str, ...] = tuple(options["families"])
        self.held_out: tuple[str, ...] = tuple(options["held_out"])

    # ---- examples --------------------------------------------------------------------------

    def example(self, rng: np.random.Generator) -> Arrays:
        """Some views of a scan on its way to alignment, beside their reprojections: what is left
        of the shifts goes from all to nothing."""
        world = draw(rng, self.families, self.options)
        scan = simulate(world)
        values, angles = attenuation(scan).values, scan.info.angles_rad
        truth = free_shifts(scan.truth_shifts, angles)
        axis = scan.truth_center + float(rng.normal(0, 1.0))
        level = VolumeReprojection(values, angles, axis, world.fill > 1, threads=1)
        looks, shifts = [], []
        # what is left along differs from what is left across: the centre of mass finds the latter
        for stage in zip(STAGES, rng.permutation(STAGES), strict=True):
            error = truth * stage
            error = error + rng.normal(0, rng.choice([0.02, 0.1, 0.3]), truth.shape)
            # the axis off its place, the sample moved: nothing that views are to be moved for
            gauge = scan.truth_shifts - truth
            at = truth - error + gauge * float(rng.random() < 0.5)
            moved, expected = level.pairs(at)
            some = rng.choice(len(angles), int(self.options["views"]), replace=False)
            looks.append(tool.looks(moved, expected, at)[some])
            shifts.append(free_shifts(truth - at, angles)[some])
        return {
            "looks": np.stack(looks).astype(np.float16), "shifts": np.stack(shifts),
            "along": np.array(len(values) >= tool.FEWEST_ROWS),
        }  # fmt: skip

    def batch(self, examples: Sequence[Arrays], rng: np.random.Generator) -> Arrays:
        """Crops of one size, mirrored at times; ``scale``: what the shifts of each measure."""
        rows, columns = self.options["crop"]
        views = int(self.options["views"]) // 2
        seen, shifts, scale, axes = [], [], [], []
        for one in examples:
            stage = int(rng.integers(len(one["looks"])))
            some = rng.choice(one["looks"].shape[1], views, replace=False)
            part = _cropped(one["looks"][stage][some], rows, columns, rng)
            left = one["shifts"][stage][some].copy()
            for axis in (0, 1):
                if rng.random() < 0.5:
                    part = np.flip(part, 2 + axis)
                    left[:, axis] *= -1
            seen.append(part)
            shifts.append(left)
            scale.append(np.full(views, 0.1 + np.sqrt(np.mean(left**2))))
            axes.append(np.tile([[float(one["along"]), 1.0]], (views, 1)))
        return {"looks": np.concatenate(seen).astype(np.float32),
                "shifts": np.concatenate(shifts).astype(np.float32),
                "scale": np.concatenate(scale).astype(np.float32),
                "axes": np.concatenate(axes).astype(np.float32)}  # fmt: skip

    # ---- learning --------------------------------------------------------------------------

    def network(self) -> torch.nn.Module:
        return tool.network()

    def loss(self, network: torch.nn.Module, batch: Tensors) -> torch.Tensor:
        """Distance from the shifts, in what those of the scan measure, so that near alignment
        counts as much as far from it."""
        error = (network(batch["looks"]) - batch["shifts"]) * batch["axes"]
        return (((error**2).sum(1) + SOFT**2).sqrt() / batch["scale"]).mean()

    def validate(self, network: torch.nn.Module) -> dict[str, float]:
        """Logarithm of what is left of the shifts, on known families' other specimens."""
        after = [left(tool.AlignNetwork().found(network, c.scan), c) for c in self._validation]
        across, along = np.mean(after, axis=0)
        return {"score": -float(np.log(after).mean()), "across": float(across),
                "along": float(along)}  # fmt: skip

    @cached_property
    def _validation(self) -> list[Case]:
        return cases(VALIDATION, int(self.options["validation"]), self.families[3:])

    # ---- what it is worth ------------------------------------------------------------------

    def measure(self, network: torch.nn.Module) -> Measured:
        """Against the conventional estimators of shifts, alone and one after the other; beside
        it the network before any training, which weighs all places alike."""
        plain = self.network().eval()
        names = (*RIVALS, UNTRAINED, NAME)
        rows = []
        for one in cases(TEST, int(self.options["test"]), self.held_out):
            finds: dict[str, Callable[[], Shifts]] = {n: partial(found, n, one) for n in RIVALS}
            for name, net in ((UNTRAINED, plain), (NAME, network)):
                finds[name] = partial(tool.AlignNetwork().found, net, one.scan)
            rows.append((one, left_by(one, finds)))
        metrics = {
            f"{axis}_px_{name}": round(float(np.mean([f[name][i] for _, f in rows])), 3)
            for i, axis in enumerate(("across", "along")) for name in names
        }  # fmt: skip
        metrics |= {
            f"across_px_{name}_in_the_field": _mean(
                f[name][0] for c, f in rows if c.kind == "in the field"
            )
            for name in names
        }
        whole = {name: both([f[name] for _, f in rows]) for name in names}
        metrics |= {f"both_px_{name}": round(v, 3) for name, v in whole.items()}
        image = tool.AlignNetwork.reference_looks()
        return Measured(
            metrics | {"scans": float(len(rows))},
            compared(rows),
            "px RMS of shift along and across less than by the best conventional tool there",
            wins=whole[NAME] < min(whole[name] for name in RIVALS),
            suits=SUITS,
            reference={"input": image,
                       "output": tool.steps(network, image).astype(np.float32)},
        )  # fmt: skip

    def card(self) -> dict[str, Any]:
        families = ", ".join(sorted(set(self.families)))
        return {
            "version": "0.1.0",
            "changelog": {"0.1.0": "first weights, trained small on one busy CPU core"},
            "task": "find how far each view is from its place, along and across the axis",
            "intended_use": "absorption scans of 8 rows and more whose views jitter by up to 5 px "
            "RMS; not for what changes while it is scanned",
            "data_source": f"simulated specimens of the families {families}; held out of "
            f"training for the test: {', '.join(self.held_out)}",
            "data_type": "simulated counts with photon noise and rings, corrected by the toolbox, "
            "views jittered; truth: the shift of each",
            "inputs": {"looks": {"axes": "n, look, row, col", "channels": 3, "dtype": "float32",
                                 "unit": "of the view's projection: about its mean, over its "
                                 "standard deviation", "size": "any"}},
            "outputs": {"shifts": {"axes": "n, axis", "channels": 2, "dtype": "float32",
                                   "unit": "px along and across the axis"}},
            "references": list(tool.AlignNetwork.card.references),
            "differences": "weighs the places of the view in a registration along the slope, and "
            "lets them vote, in place of one fully connected answer; "
            "distance over what the scan's shifts measure as loss; AdamW with a moving average; "
            "simulated specimens; started from the centre of mass",
            "licence": "Apache-2.0",
        }  # fmt: skip


# Wider than the field, comparing neighbours and reprojection one after the other leave less
SUITS = {"jitter": (0.3, 20.0), "truncation": (0.0, 0.15)}


def draw(rng: np.random.Generator, families: Sequence[str], options: dict[str, Any]) -> World:
    """A believable half turn with jitter along and across, some wider than the field."""
    width, rows = (int(rng.integers(a // 8, b // 8 + 1)) * 8
                   for a, b in (options["columns"], options["rows"]))  # fmt: skip
    jitter = float(rng.uniform(0.5, 4.5))
    return World(
        specimen=str(rng.choice(list(families))),
        columns=width,
        rows=1 if rng.random() < 0.15 else rows,
        projections=int(rng.integers(72, 200)),
        range_deg=360.0 if rng.random() < 0.15 else 180.0,
        start_deg=float(rng.uniform(0, 180)),
        center=(width - 1) / 2 + float(rng.uniform(-0.05, 0.05)) * width,
        fill=float(rng.uniform(1.1, 1.5) if rng.random() < 0.25 else rng.uniform(0.4, 0.92)),
        attenuation=float(rng.uniform(0.5, 2.5)),
        photons=float(10 ** rng.uniform(2.7, 5.0)),
        rings=float(rng.uniform(0, 0.6)) if rng.random() < 0.6 else 0.0,
        jitter_px=jitter,
        vertical_jitter_px=jitter * float(rng.choice([0.0, 0.3, 1.0, 1.0])),
        seed=int(rng.integers(1 << 31)),
    )


@dataclass(frozen=True, eq=False)
class Case:
    """A simulated scan whose shifts are known, axes of ``truth``: ``angle, (row, col)``."""

    kind: str
    world: World
    scan: Block
    truth: NDArray[np.float64]

    @classmethod
    def of(cls, kind: str, world: World) -> Case:
        scan = simulate(world)
        return cls(kind, world, attenuation(scan).as_kind(DataKind.PROJECTIONS), scan.truth_shifts)


Kinds = Mapping[str, Mapping[str, Any]]
KINDS: Kinds = {
    "in the field": {"fill": 0.85},
    "wider than the field": {"fill": 1.3},
    "few photons": {"fill": 0.85, "photons": 600.0},
}


def cases(seed: int, count: int, families: Sequence[str], kinds: Kinds | None = None) -> list[Case]:
    """Cases of a seed, always the same: kinds (what they have other than the rest) in turn, each
    with other families in turn."""
    rng = np.random.default_rng(seed)
    kinds = KINDS if kinds is None else kinds
    found = []
    for index in range(count):
        kind = list(kinds)[index % len(kinds)]
        world = World(
            specimen=families[(index + index // len(kinds)) % len(families)],
            columns=160, rows=32, projections=180,
            center=79.5 + float(rng.uniform(-4, 4)), attenuation=float(rng.uniform(0.8, 2.0)),
            photons=1e4, rings=0.3, jitter_px=JITTER, vertical_jitter_px=JITTER,
            seed=int(rng.integers(1 << 31)),
        )  # fmt: skip
        found.append(Case.of(kind, replace(world, **kinds[kind])))
    return found


def found(name: str, case: Case) -> Shifts:
    """The shifts by a conventional tool, or by two: along the axis by the first, across by the
    second on views moved along."""
    if name == "nothing":
        return Shifts(np.zeros_like(case.truth), name, ())
    if not name.endswith("_then_reprojection"):
        shifts: Shifts = make_tool(name, {})(projections=case.scan)
        return shifts
    along = make_tool("align_cross_correlation", {})(projections=case.scan).pixels * (1, 0)
    moved = make_tool("apply_shifts", {})(
        projections=case.scan, shifts=Shifts(along, "cross-correlation", ())
    )
    across = make_tool("align_reprojection", {})(projections=moved).pixels
    return Shifts(along + across, name, ())


def left(shifts: Shifts, case: Case) -> tuple[float, float]:
    """RMS in px that is left across and along."""
    free = free_shifts(shifts.pixels - case.truth, case.scan.geometry.angles_rad)
    along, across = np.sqrt(np.mean(free**2, axis=0))
    return float(across), float(along)


def left_by(
    case: Case, finds: Mapping[str, Callable[[], Shifts]]
) -> dict[str, tuple[float, float]]:
    """What each leaves of a case's shifts; said at once."""
    after = {name: left(find(), case) for name, find in finds.items()}
    said = ", ".join(f"{n} {v[0]:.2f} {v[1]:.2f}" for n, v in after.items())
    print(f"{case.world.specimen}, {case.world.rows} rows, {case.kind}: {said}", flush=True)
    return after


def both(after: Sequence[tuple[float, float]]) -> float:
    """Mean over scans of the root of the mean square of both axes."""
    return float(np.mean([np.sqrt((a**2 + b**2) / 2) for a, b in after]))


def _mean(values: Any) -> float:
    return round(float(np.mean(list(values))), 3)


def _cropped(values: NDArray[Any], rows: int, columns: int, rng: np.random.Generator) -> Any:
    """A window of this size, axes ``…, row, col``, filled up where there is less."""
    have = values.shape[-2:]
    top, left = (int(rng.integers(0, max(m - n, 0) + 1))
                 for n, m in zip((rows, columns), have, strict=True))  # fmt: skip
    part = values[..., top : top + rows, left : left + columns]
    short = [(0, n - m) for n, m in zip((rows, columns), part.shape[-2:], strict=True)]
    return np.pad(part, [(0, 0)] * (values.ndim - 2) + short)


def compared(
    rows: Sequence[tuple[Case, dict[str, tuple[float, float]]]],
    own: str = NAME,
    rivals: Sequence[str] = RIVALS,
) -> list[dict[str, Any]]:
    """For each kind of world: the rival that leaves least there, and the gain over it."""
    of_kinds: dict[str, Callable[[Case], bool]] = {
        kind: partial(_is_kind, kind) for kind in dict.fromkeys(c.kind for c, _ in rows)
    }
    families = sorted({c.world.specimen for c, _ in rows})
    of_kinds |= {f"{f} (unseen family)": partial(_is_of, f) for f in families}
    table = []
    for name, of_kind in of_kinds.items():
        some = [left for case, left in rows if of_kind(case)]
        if some:
            mean = {n: both([f[n] for f in some]) for n in (*rivals, own)}
            rival = min(rivals, key=lambda n: mean[n])
            table.append({"world": name, "scans": len(some), "conventional": rival,
                          "conventional_px": round(mean[rival], 3),
                          "own_px": round(mean[own], 3),
                          "gain": round(mean[rival] - mean[own], 3)})  # fmt: skip
    return table


def _is_kind(kind: str, case: Case) -> bool:
    return case.kind == kind


def _is_of(family: str, case: Case) -> bool:
    return case.world.specimen == family
