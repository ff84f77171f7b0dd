"""The stripe network: sinograms with rings of every kind → the stripes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulators import SimulatedScan, World, simulate
from simulators.faults.rings import rings
from simulators.training.attenuation import attenuation
from simulators.training.part import Arrays, Measured, Tensors
from toolbox.kinds import Stage
from toolbox.metrics import affine_fit, circle_mask
from toolbox.registry import known_tools, make_tool
from toolbox.tools.destripe import stripe_network as tool
from toolbox.tools.destripe.destriper import WITHIN_THE_FIELD
from toolbox.values import Block, Center

if TYPE_CHECKING:
    import torch

VALIDATION, TEST, CHOICE = 104, 204, 304  # seeds of worlds kept apart from training
NAME = "stripe_network"
KINDS = ("rings", "partial_rings", "wide_rings", "intermittent_rings")
FLOOR = 3e-3  # of a crop's mean square after the ramp filter: better does not count
COHERENT = 4.0  # weight of what all views share: it makes rings, the rest blurs
STRENGTHS = (1, 3, 5, 9, 15)  # of conventional tools, to choose from
MEASURED = (224, 448)  # columns of the worlds that are measured
CLEAN_PART = 30.0  # % of the circle's pixels, those that rings touch least
SPARED = 0.005  # of SSIM: where rings themselves change it by less, that part is clean indeed
Image = NDArray[np.float32]


class Part:
    """``options``: ``families`` trained on, ``held_out`` ones for the test, ``crop`` (blocks,
    columns), ``columns`` from … to, numbers of worlds for ``validation``, for the ``choice`` of
    strengths and of each kind for the ``test``."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.families: tuple[str, ...] = tuple(options["families"])
        self.held_out: tuple[str, ...] = tuple(options["held_out"])

    # ---- examples --------------------------------------------------------------------------

    def example(self, rng: np.random.Generator) -> Arrays:
        """Block means of a scan without rings, and what the noise of its flats did to it."""
        world = draw(rng, self.families, tuple(self.options["columns"]))
        scan = simulate(world)
        flats = flat_error(scan)
        means = tool.block_means(attenuation(scan).values[0]) - flats
        return {"means": means.astype(np.float32), "flats": flats,
                "views": np.array(world.projections)}  # fmt: skip

    def batch(self, examples: Sequence[Arrays], rng: np.random.Generator) -> Arrays:
        """Crops with rings drawn anew; every other way round, seen from the other side."""
        blocks, columns = self.options["crop"]
        found = []
        for one in examples:
            views = int(one["views"])
            drawn = stripes_drawn(rng, views, one["means"].shape[1])
            truth = tool.block_means(drawn) + one["flats"]
            both = np.stack([one["means"] + truth, truth])
            found.append(_seen(*_turned(_cropped(both, blocks, columns, rng), rng)))
        return {name: np.stack([one[name] for one in found]) for name in found[0]}

    # ---- learning --------------------------------------------------------------------------

    def network(self) -> torch.nn.Module:
        return tool.network()

    def loss(self, network: torch.nn.Module, batch: Tensors) -> torch.Tensor:
        """Logarithm of the mean square that is left after the ramp filter of reconstruction, so
        that heavy rings do not rule; what all views share counts more."""
        weights = network(batch["seen"]).float()
        left = (weights[:, :-1] * batch["plain"]).sum(1) + weights[:, -1] - batch["truth"]
        return 0.5 * (_energy(left) + FLOOR).log().mean()

    def validate(self, network: torch.nn.Module) -> dict[str, float]:
        """Decibels of ring energy taken off crops of known families' other specimens (mean), and
        what is put into crops without rings, in dB of the usual scatter."""
        import torch

        from toolbox.learned.weights import infer

        gains, harm = [], []
        for batch in self._validation:
            weights = infer(network, torch.from_numpy(batch["seen"])).cpu()
            plain, truth = torch.from_numpy(batch["plain"]), torch.from_numpy(batch["truth"])
            left = _energy((weights[:, :-1] * plain).sum(1) + weights[:, -1] - truth)
            before = _energy(truth)
            gains += (10 * ((before + FLOOR) / (left + FLOOR)).log10()).tolist()
            harm += (10 * (left + FLOOR)[before < 10 * FLOOR].log10()).tolist()
        return {"score": float(np.mean(gains)), "harm": float(np.mean(harm)) if harm else 0.0}

    @cached_property
    def _validation(self) -> list[Arrays]:
        rng = np.random.default_rng(VALIDATION)
        count = int(self.options["validation"])
        examples = [self.example(rng) for _ in range(count)]
        return [self.batch(examples[i : i + 8], rng) for i in range(0, count, 8)]

    # ---- what it is worth ------------------------------------------------------------------

    def measure(self, network: torch.nn.Module) -> Measured:
        """Against every conventional ring removal, as it is by default, at the strength that it
        finds by itself, and at the one that is best on other worlds."""
        choice = list(cases(CHOICE, int(self.options["choice"]), self.families))
        contenders: dict[str, Callable[[Block], Block]] = {}
        for name, kind in sorted(known_tools().items()):
            if kind.card.stage is not Stage.DESTRIPE or name == NAME:
                continue
            fixed = min(STRENGTHS, key=lambda s, n=name: _left(choice, n, s))  # type: ignore[misc]
            contenders[f"{name} at {fixed}"] = partial(_cleaned, name, fixed)
            contenders[name] = partial(_cleaned, name, "default")
            strength = next(p for p in kind.describe_parameters() if p.name == "strength")
            if strength.about.auto and strength.default is not None:
                contenders[f"{name} by trial"] = partial(_cleaned, name, None)
        contenders[NAME] = lambda s: s.with_values(
            np.stack([tool.clean(network, row) for row in s.values])
        )
        rows = []
        for case in cases(TEST, int(self.options["test"]), self.held_out):
            figures = {name: case.figures(find(case.sinogram)) for name, find in contenders.items()}
            figures["nothing"] = case.figures(case.sinogram)
            rows.append((case, figures))
            own, none = figures[NAME], figures["nothing"]
            print(f"{case.kind}, {case.world.specimen}: ring energy {none.energy:.3g} → "
                  f"{own.energy:.3g}, SSIM of clean parts {own.spared:+.4f}",
                  flush=True)  # fmt: skip
        striped = [(c, f) for c, f in rows if c.kind != "none"]
        bare = [f for c, f in rows if c.kind == "none"]
        drop = {n: _drop(striped, n) for n in contenders}
        rival = max(set(contenders) - {NAME}, key=lambda n: drop[n])
        ssim = {
            n: float(np.mean([f[n].ssim for _, f in striped])) for n in (NAME, rival, "nothing")
        }
        metrics = {
            "ring_energy_db_taken": round(drop[NAME], 2),
            "ring_energy_db_taken_by_best_conventional": round(drop[rival], 2),
            "ring_energy_ratio": round(10 ** (drop[NAME] / 10), 2),
            "ring_energy_ratio_best_conventional": round(10 ** (drop[rival] / 10), 2),
            "ssim": round(ssim[NAME], 4),
            "ssim_best_conventional": round(ssim[rival], 4),
            "ssim_nothing_done": round(ssim["nothing"], 4),
            "ssim_change_of_clean_parts": _mean(f[NAME].spared for _, f in striped),
            "ssim_change_of_clean_parts_best_conventional":
                _mean(f[rival].spared for _, f in striped),
            "ssim_change_of_parts_that_rings_spare":
                _mean(f[NAME].spared for f in _sparing(striped)),
            "ssim_change_of_parts_that_rings_spare_best_conventional":
                _mean(f[rival].spared for f in _sparing(striped)),
            "scans_with_parts_that_rings_spare": float(len(_sparing(striped))),
            "ssim_change_without_rings": _mean(f[NAME].spared for f in bare),
            "ssim_change_without_rings_best_conventional": _mean(f[rival].spared for f in bare),
            "ssim_change_without_rings_worst": round(min(f[NAME].spared for f in bare), 4),
            "scans": float(len(rows)),
        }  # fmt: skip
        for name in sorted(drop, key=lambda n: -drop[n])[:8]:
            print(f"{name}: {drop[name]:.2f} dB of ring energy taken")
        example = tool.StripeNetwork.example_row()
        return Measured(
            metrics,
            compared(rows),
            "dB of ring energy taken off, more than by the best conventional tool there",
            wins=drop[NAME] > drop[rival],
            suits=WITHIN_THE_FIELD,
            reference={"input": example, "output": tool.clean(network, example)},
        )

    def card(self) -> dict[str, Any]:
        families = ", ".join(sorted(set(self.families)))
        return {
            "version": "0.3.0",
            "changelog": {
                "0.1.0": "first weights, trained small on one busy CPU core",
                "0.2.0": "0.1.0 trained further, three times as many steps",
                "0.3.0": "0.2.0 with estimates of narrower blocks of views and of broader stripes "
                "beside (their channels began as zeros), trained further; what is left "
                "of heavy stripes is looked for once more",
            },
            "task": "find and take off the stripes of a sinogram (rings of the slices)",
            "intended_use": "sinograms of transmission, attenuation or phase with stripes of up to "
            "some 30 columns that last for some views or all; not where specimen and stripes "
            "cannot be told apart, as in a tube about the axis",
            "data_source": f"simulated specimens of the families {families}; held out of "
            f"training for the test: {', '.join(self.held_out)}",
            "data_type": "simulated counts with photon noise, corrected by the toolbox, with full, "
            "partial, wide and intermittent rings; truth: the gain of each column and view and "
            "the noise of the flats",
            "inputs": {"seen": {"axes": "n, channel, block, col",
                                "channels": tool.SEEN, "dtype": "float32",
                                "unit": "arcsinh of multiples of the usual difference of "
                                "neighbouring columns", "size": "any; tiles above 1024 columns"}},
            "outputs": {"weights": {"axes": "n, channel, block, col",
                                    "channels": tool.ESTIMATES + 1, "dtype": "float32",
                                    "unit": "of each plain estimate; last: added stripes"}},
            "references": list(tool.StripeNetwork.card.references),
            "differences": "works on means of blocks of 4 views; weighs plain estimates of the "
            "stripes instead of drawing them; log mean square after the ramp filter as loss; "
            "AdamW with a moving average; simulated specimens",
            "licence": "Apache-2.0",
        }  # fmt: skip


def draw(rng: np.random.Generator, families: Sequence[str], columns: tuple[int, int]) -> World:
    """A believable scan without rings: dose, size, views, and a mild fault now and then."""
    width = int(rng.integers(columns[0] // 16, columns[1] // 16 + 1)) * 16
    whole = rng.random() < 0.15
    return World(
        specimen=str(rng.choice(list(families))),
        columns=width,
        rows=1,
        projections=int(np.exp(rng.uniform(np.log(120), np.log(800)))),
        range_deg=360.0 if whole else 180.0,
        start_deg=float(rng.uniform(0, 180)),
        center=(width - 1) / 2 + float(rng.uniform(-0.05, 0.05)) * width,
        fill=float(rng.uniform(1.05, 1.5) if rng.random() < 0.2 else rng.uniform(0.6, 0.97)),
        attenuation=float(np.exp(rng.uniform(np.log(0.4), np.log(2.5)))),
        photons=float(10 ** rng.uniform(3.3, 5.5)),
        flats=int(rng.integers(8, 40)),
        blur_px=float(rng.uniform(0.2, 1.0)) if rng.random() < 0.4 else 0.0,
        fringes=float(rng.uniform(0, 0.4)) if rng.random() < 0.15 else 0.0,
        monitor_drop=float(rng.uniform(0, 0.05)) if rng.random() < 0.2 else 0.0,
        seed=int(rng.integers(1 << 31)),
    )


def flat_error(scan: SimulatedScan) -> Image:
    """What the noise of the flats adds to the first row's attenuation in all views, one value a
    column, about its median."""
    quiet = simulate(replace(scan.world, photons=None))
    seen, true = (s.flats()[:, 0].mean(0) - s.darks()[:, 0].mean(0) for s in (scan, quiet))
    error = np.log(np.maximum(seen, 1) / np.maximum(true, 1))
    return np.asarray(error - np.median(error), np.float32)


def stripes_drawn(rng: np.random.Generator, views: int, columns: int) -> Image:
    """Stripes of attenuation, axes ``angle, col``: rings of the kinds that the worlds know, now
    and then with broader or changing ones; one time in five none."""
    from scipy.ndimage import gaussian_filter1d

    if rng.random() < 0.2:
        return np.zeros((views, columns), np.float32)
    severities: dict[str, Any] = {k: float(rng.beta(1, 1.5)) for k in KINDS if rng.random() < 0.5}
    severities |= {k: v**2 for k, v in severities.items() if rng.random() < 0.4}
    world = World(columns=columns, rows=1, projections=views, **severities,
                  seed=int(rng.integers(1 << 31)))  # fmt: skip
    found: NDArray[np.floating] = stripes_of(world)
    if rng.random() < 0.3:
        broad = gaussian_filter1d(rng.standard_normal(columns), float(rng.uniform(0.5, 6)))
        found = found + np.float32(0.03 * rng.random() ** 2 / broad.std()) * broad
    if rng.random() < 0.25:  # as where the beam or the response changes
        found = found * (1 + rng.uniform(-0.6, 0.6) * np.linspace(-1, 1, views)[:, None])
    return np.asarray(found, np.float32)


def stripes_of(world: World) -> Image:
    """What the rings of a world's first row add to its attenuation, axes ``angle, col``."""
    gain = rings(world, 0).gain(slice(None), world.projections)
    whole = np.broadcast_to(gain, (world.projections, world.columns))
    return np.asarray(-np.log(np.maximum(whole, 0.02)), np.float32)


def _cropped(values: Image, blocks: int, columns: int, rng: np.random.Generator) -> Image:
    """A window of this size, axes ``…, block, col``, mirrored up to it where there is less."""
    have = values.shape[-2:]
    short = [(0, max(0, n - m)) for n, m in zip((blocks, columns), have, strict=True)]
    whole = np.pad(values, [(0, 0), *short], mode="symmetric") if np.any(short) else values
    top, left = (int(rng.integers(0, m - n + 1))
                 for n, m in zip((blocks, columns), whole.shape[-2:], strict=True))  # fmt: skip
    return whole[..., top : top + blocks, left : left + columns]


def _turned(values: Image, rng: np.random.Generator) -> Image:
    """Now and then the other way round, now and then from the other side."""
    for axis in (-2, -1):
        if rng.random() < 0.5:
            values = np.flip(values, axis)
    return np.ascontiguousarray(values)


def _seen(means: Image, truth: Image) -> Arrays:
    unit = tool.scatter(means)
    scaled = means / unit
    fine = tool.fine_parts(scaled)
    plain = tool.estimates(fine)
    return {"seen": tool.seen(scaled, fine, plain), "plain": plain, "truth": truth / unit}


def _energy(stripes: torch.Tensor) -> torch.Tensor:
    """Mean square after the ramp filter, axes ``n, block, col`` → ``n``; that of what all blocks
    share counted once more, with its weight."""
    import torch

    def ramped(lines: torch.Tensor) -> torch.Tensor:
        size = 2 * lines.shape[-1]
        spectrum = torch.fft.rfft(lines, n=size) * (2 * torch.fft.rfftfreq(size))
        return (spectrum.abs() ** 2).mean((1, 2)) * (2 / lines.shape[-1])

    return ramped(stripes) + COHERENT * ramped(stripes.mean(1, keepdim=True))


@dataclass(frozen=True)
class Figures:
    """``energy``: mean square in the circle that rings and their removal leave in a slice;
    ``ssim`` to the truth; ``spared``: change of that in the parts where rings hardly are (a world
    without rings: anywhere)."""

    energy: float
    ssim: float
    spared: float


@dataclass(frozen=True, eq=False)
class Case:
    """A simulated scan with rings, its slice as it would be without them, and the truth."""

    kind: str
    world: World
    sinogram: Block
    center: Center
    without: Image
    truth: Image

    @classmethod
    def of(cls, kind: str, world: World) -> Case:
        scan = simulate(world)
        sinogram = attenuation(scan)
        center = Center(scan.truth_center, scan.truth_center, scan.truth_center)
        bare = sinogram.values - (stripes_of(world) + flat_error(scan))[None]
        found = cls(kind, world, sinogram, center, np.zeros((1, 1), np.float32),
                    scan.truth(0).astype(np.float32))  # fmt: skip
        return replace(found, without=found.slice(sinogram.with_values(bare.astype(np.float32))))

    def slice(self, sinogram: Block) -> Image:
        return np.asarray(make_tool("fbp", {})(sinogram=sinogram, center=self.center).values[0])

    @cached_property
    def clean_parts(self) -> NDArray[np.bool_]:
        from scipy.ndimage import gaussian_filter

        inside = circle_mask(len(self.truth))
        if self.kind == "none":
            return inside
        touched = gaussian_filter((self.slice(self.sinogram) - self.without) ** 2, 2)
        return inside & (touched <= np.percentile(touched[inside], CLEAN_PART))

    def figures(self, cleaned: Block) -> Figures:
        found = self.slice(cleaned)
        inside = circle_mask(len(found))
        local, reference = self._likeness(found), self._likeness(self.without)
        return Figures(
            float(np.mean((found - self.without)[inside] ** 2)),
            float(local[inside].mean()),
            float((local - reference)[self.clean_parts].mean()),
        )

    def _likeness(self, image: Image) -> Image:
        """Structural similarity to the truth, pixel by pixel."""
        from skimage.metrics import structural_similarity

        inside = circle_mask(len(image))
        span = float(np.ptp(self.truth[inside]))
        fitted = affine_fit(image, self.truth, inside)
        return np.asarray(structural_similarity(fitted, self.truth, data_range=span, full=True)[1])


def cases(seed: int, count: int, families: Sequence[str]) -> Iterator[Case]:
    """Cases of a seed, always the same: ``count`` of each kind of rings, of all together and of
    none, each family in turn."""
    rng = np.random.default_rng(seed)
    for kind in (*KINDS, "all", "none"):
        for index in range(count):
            world = replace(draw(rng, [families[index % len(families)]], MEASURED), fill=0.9,
                            fringes=0.0, projections=int(rng.integers(240, 720)))  # fmt: skip
            kinds = KINDS if kind == "all" else () if kind == "none" else (kind,)
            severities: dict[str, Any] = {k: float(rng.uniform(0.3, 1)) for k in kinds}
            yield Case.of(kind, replace(world, **severities))


def _cleaned(name: str, strength: int | str | None, sinogram: Block) -> Block:
    given = {} if strength == "default" else {"strength": strength}
    found: Block = make_tool(name, given)(sinogram=sinogram)
    return found


def _left(known: Sequence[Case], name: str, strength: int) -> float:
    """Mean logarithm of the energy that a tool leaves on some cases."""
    return float(np.mean([
        np.log(c.figures(_cleaned(name, strength, c.sinogram)).energy) for c in known
    ]))  # fmt: skip


def _drop(rows: Sequence[tuple[Case, dict[str, Figures]]], name: str) -> float:
    """Ring energy taken off in dB, mean over scans."""
    return float(np.mean([10 * np.log10(f["nothing"].energy / f[name].energy) for _, f in rows]))


def _sparing(rows: Sequence[tuple[Case, dict[str, Figures]]]) -> list[dict[str, Figures]]:
    """Scans whose part that rings touch least they hardly change: rings in every column leave no
    part clean, and what they and their rest do there is no harm of the tool."""
    return [figures for _, figures in rows if abs(figures["nothing"].spared) < SPARED]


def _mean(values: Iterator[float]) -> float:
    return round(float(np.mean(list(values))), 4)


def compared(rows: Sequence[tuple[Case, dict[str, Figures]]]) -> list[dict[str, Any]]:
    """For each kind of world: the conventional tool that takes off most there, and the gain."""
    kinds: dict[str, Callable[[Case], bool]] = {
        "full rings": lambda c: c.kind == "rings",
        "partial rings": lambda c: c.kind == "partial_rings",
        "wide rings": lambda c: c.kind == "wide_rings",
        "intermittent rings": lambda c: c.kind == "intermittent_rings",
        "all kinds together": lambda c: c.kind == "all",
        "no rings beside the noise of the flats": lambda c: c.kind == "none",
    }
    families = sorted({c.world.specimen for c, _ in rows})
    kinds |= {f"{f} (unseen family)": partial(_is_of, f) for f in families}
    found = []
    for name, of_kind in kinds.items():
        some = [(c, f) for c, f in rows if of_kind(c)]
        if some:
            drop = {n: _drop(some, n) for n in some[0][1]}
            rival = max(set(drop) - {NAME}, key=lambda n: drop[n])
            found.append({"world": name, "scans": len(some), "conventional": rival,
                          "conventional_db": round(drop[rival], 2), "own_db": round(drop[NAME], 2),
                          "gain": round(drop[NAME] - drop[rival], 2)})  # fmt: skip
    return found


def _is_of(family: str, case: Case) -> bool:
    return case.kind != "none" and case.world.specimen == family
