"""The axis network: patches of slices at candidate axes → which candidate is nearest."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from simulators import World, simulate
from simulators.training.attenuation import attenuation
from simulators.training.part import Arrays, Measured, Tensors
from toolbox.centering.patches import patches, spread_places
from toolbox.centering.sample import Sample
from toolbox.registry import make_tool
from toolbox.tools.center import cnn as tool
from toolbox.values import Center

if TYPE_CHECKING:
    import torch

VALIDATION, TEST = 101, 202  # seeds of worlds kept apart from training
CANDIDATES = 11  # in a list that is learned from
SHARP = 0.4  # binned px: how far from the axis a candidate is as good as right
LEAST = 96  # binned columns
KINDS = ("half", "full", "offset", "sparse", "limited", "truncated")
TURNS = ("half", "full", "offset", "limited")  # in training, each with few views or truncated, too
RIVALS = ("center_consensus", "center_sharpness")
NAME = "center_cnn"


class Part:
    """``options``: ``families`` trained on, ``held_out`` ones for the test, ``columns`` from … to,
    ``places`` (patches an example), numbers of worlds for ``validation`` and ``test``."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.families: tuple[str, ...] = tuple(options["families"])
        self.held_out: tuple[str, ...] = tuple(options["held_out"])

    # ---- examples --------------------------------------------------------------------------

    def example(self, rng: np.random.Generator) -> Arrays:
        """Patches ``place, candidate, y, x`` and how far each candidate lies from the axis
        (binned px)."""
        world = draw(rng, self.families, tuple(self.options["columns"]))[1]
        sample, truth = scanned(world)
        bin_ = int(rng.integers(1, max(world.columns // LEAST, 1) + 1))
        step = float(rng.choice([0.25, 0.5, 0.5, 1.0, 1.0, 2.0, 4.0]))
        place = rng.uniform(0.5, CANDIDATES - 1.5)  # of the axis within the list
        distance = (np.arange(CANDIDATES) - place) * step
        if rng.random() < 0.4:  # as at the first look: one near the axis, the others anywhere
            step = 2.0
            distance = (rng.uniform(*sample.limits, CANDIDATES) - truth) / bin_
            distance[0] = rng.uniform(-1, 1)
            distance.sort()
        return {
            "patches": _patches(sample, truth + distance * bin_, bin_,
                                int(self.options["places"]), rng.uniform(0, 2 * np.pi)),
            "distance": distance.astype(np.float32),
            "step": np.array([step], np.float32),
        }  # fmt: skip

    def batch(self, examples: Sequence[Arrays], rng: np.random.Generator) -> Arrays:
        found = []
        for one in examples:
            part = np.rot90(one["patches"], int(rng.integers(4)), axes=(-2, -1))
            found.append(part[..., ::-1] if rng.random() < 0.5 else part)
        return {"patches": np.stack(found).astype(np.float32),
                "distance": np.stack([one["distance"] for one in examples]),
                "step": np.stack([one["step"] for one in examples])}  # fmt: skip

    # ---- learning --------------------------------------------------------------------------

    def network(self) -> torch.nn.Module:
        return tool.network()

    def loss(self, network: torch.nn.Module, batch: Tensors) -> torch.Tensor:
        """Cross-entropy between the candidates' scores and a bell over their distances."""
        images = batch["patches"]  # example, place, candidate, y, x
        side = images.shape[-1]
        scores = network(images.reshape(-1, 1, side, side)).float().reshape(images.shape[:3])
        width = (SHARP**2 + (0.35 * batch["step"]) ** 2).sqrt()
        bell = (-0.5 * (batch["distance"] / width) ** 2).softmax(1)
        return -(bell[:, None] * scores.log_softmax(2)).sum(2).mean()

    def validate(self, network: torch.nn.Module) -> dict[str, float]:
        """How well the scores of all patches of a list together tell the axis, on known families:
        median distance of the candidate chosen, and share of choices within 1 px or the
        candidates next to the axis."""
        import torch

        from toolbox.learned.weights import infer

        losses, errors, right = [], [], []
        for one in self._validation:
            images = torch.from_numpy(one["patches"].astype(np.float32))
            shape = images.shape
            scores = infer(network, images.reshape(-1, 1, *shape[2:])).cpu().reshape(shape[:2])
            both = {name: torch.from_numpy(one[name])[None] for name in ("distance", "step")}
            both["patches"] = images[None]
            losses.append(float(self.loss(lambda _, s=scores: s.reshape(-1), both)))  # type: ignore[arg-type, misc]
            best = int(scores.sum(0).argmax())
            errors.append(abs(float(one["distance"][best])))
            right.append(errors[-1] <= max(1.0, 0.6 * float(one["step"][0])))
        return {"score": -float(np.mean(losses)), "right": float(np.mean(right)),
                "median_error": float(np.median(errors))}  # fmt: skip

    @cached_property
    def _validation(self) -> list[Arrays]:
        rng = np.random.default_rng(VALIDATION)
        return [self.example(rng) for _ in range(int(self.options["validation"]))]

    # ---- what it is worth ------------------------------------------------------------------

    def measure(self, network: torch.nn.Module) -> Measured:
        """On specimens of families held out, beside the consensus of the conventional methods
        and the sharpness of slices."""
        rng = np.random.default_rng(TEST)
        rows = []
        for index in range(int(self.options["test"])):
            kind, world = draw(rng, self.held_out, (192, 384), KINDS[index % len(KINDS)])
            scan = simulate(world)
            sinogram = attenuation(scan)
            truth = scan.truth_center + float(scan.truth_shifts[:, 1].mean())
            found = {NAME: tool.find(network, Sample.of(sinogram, tool.ROWS))}
            found |= {name: make_tool(name, {})(sinogram=sinogram) for name in RIVALS}
            rows.append((kind, world, truth, found))
            answers = ", ".join(f"{n} {c.column:.2f}" for n, c in found.items())
            print(f"{kind} {world.specimen}: truth {truth:.2f}, {answers}", flush=True)
        names = (NAME, *RIVALS)
        metrics = {f"within_half_px_{n}": within(rows, n) for n in names}
        metrics |= {f"median_error_px_{n}": round(float(np.median(errors(rows, n))), 3)
                    for n in names}  # fmt: skip
        inside = [c[NAME].low <= truth <= c[NAME].high for _, _, truth, c in rows]
        width = [c[NAME].high - c[NAME].low for _, _, _, c in rows]
        example = np.random.default_rng(5).normal(size=(3, 1, tool.SIDE, tool.SIDE))
        images = example.astype(np.float32)
        return Measured(
            metrics | {"scans": float(len(rows)),
                       "truth_in_95_percent_interval": round(float(np.mean(inside)), 3),
                       "median_interval_px": round(float(np.median(width)), 2)},
            compared(rows),
            "share of scans with the axis within 0.5 px, over center_consensus",
            wins=metrics[f"within_half_px_{NAME}"] > metrics["within_half_px_center_consensus"],
            suits=tool.SUITS,
            reference={"input": images, "output": _scores(network, images)},
        )  # fmt: skip

    def card(self) -> dict[str, Any]:
        return {
            "version": "0.3.0",
            "changelog": {
                "0.1.0": "first weights, trained small on one busy CPU core",
                "0.2.0": "eleven families instead of nine, longer training in one run; on one "
                "core of a CPU, so still small",
                "0.3.0": "0.2.0 trained further on scans that have few views, a limited angle and "
                "a specimen wider than the field together, on tubes about the axis, and on more "
                "blur and stray radiation; searches only near the best places found before",
            },
            "task": "rank candidate rotation axes by patches of the slices that they give",
            "intended_use": "half and full turns, also offset axes and few views; an axis that "
            "leans needs another tool",
            "data_source": f"simulated specimens of the families {', '.join(self.families)}; "
            f"held out of training for the test: {', '.join(self.held_out)}",
            "data_type": "simulated counts with noise, rings, zingers, jitter and drift, "
            "corrected by the toolbox; truth: the axis of the world",
            "inputs": {"patches": {"axes": "n, channel, y, x", "channels": 1, "dtype": "float32",
                                   "unit": "band-passed slice over its RMS", "size": "64 x 64"}},
            "outputs": {"scores": {"axes": "n", "dtype": "float32",
                                   "unit": "log odds up to a constant of the scan"}},
            "references": list(tool.CenterCNN.card.references),
            "differences": "patches of band-passed slices; no dense layers over pixels; ranks "
            "candidates of one scan instead of telling good slices from bad",
            "licence": "Apache-2.0",
        }  # fmt: skip


def draw(
    rng: np.random.Generator, families: Sequence[str], columns: tuple[int, int], kind: str = ""
) -> tuple[str, World]:
    """A scan of some kind with its noise and small faults drawn. Where no kind is given, each turn
    comes with many or few views, and whole or wider than the field, as it happens on beamlines."""
    given = bool(kind)
    kinds = {kind}
    if not given:
        kind = str(rng.choice(TURNS))
        kinds = {kind} | {k for k in ("sparse", "truncated") if rng.random() < 0.35}
    width = int(rng.integers(columns[0], columns[1] + 1))
    views, turn = int(width * rng.uniform(0.4, 1.1)), 180.0
    center = (width - 1) / 2 + rng.uniform(-0.08, 0.08) * width
    fill = rng.uniform(0.4, 0.92)
    if kinds & {"full", "offset"}:
        turn, views = 360.0, 2 * views
    if "offset" in kinds:
        near = rng.uniform(0.1, 0.25)
        center = (width - 1) * (near if rng.random() < 0.5 else 1 - near)
    if "limited" in kinds:
        turn = rng.uniform(110, 160)
        views = int(views * turn / 180)
    if "sparse" in kinds:
        views = int(rng.integers(40, 90)) * (2 if turn == 360 else 1)
    if "truncated" in kinds:
        fill = rng.uniform(1.1, 1.7)
    return kind, World(
        specimen=str(rng.choice(list(families))),
        columns=width,
        rows=1,
        projections=views,
        range_deg=turn,
        start_deg=float(rng.uniform(0, 180)),
        center=float(center),
        fill=float(fill),
        attenuation=float(rng.uniform(0.5, 2.5)),
        photons=float(10 ** rng.uniform(3.0, 5.0)),
        rings=float(rng.choice([0.0, 0.2, 0.6])),
        partial_rings=float(rng.choice([0.0, 0.0, 0.4])),
        wide_rings=float(rng.choice([0.0, 0.0, 0.4])),
        # The worlds of the test stay those of earlier versions
        blur_px=float(rng.choice([0.0, 0.0, 0.6, 1.2] if given else [0.0, 0.0, 0.6, 1.2, 2.4])),
        zingers=float(rng.choice([0.0, 0.0, 0.2] if given else [0.0, 0.0, 0.2, 0.6])),
        flat_drift=float(rng.choice([0.0, 0.0, 0.3])),
        fringes=float(rng.choice([0.0, 0.0, 0.5])),
        jitter_px=float(rng.choice([0.0, 0.0, 0.2])),
        seed=int(rng.integers(1 << 31)),
    )


def scanned(world: World) -> tuple[Sample, float]:
    """What the tool sees of a world, and the axis as it is in the mean over the views, px."""
    scan = simulate(world)
    sample = Sample.of(attenuation(scan), tool.ROWS)
    return sample, scan.truth_center + float(scan.truth_shifts[:, 1].mean())


def _patches(sample: Sample, columns: Any, bin_: int, count: int, turn: float) -> Any:
    views = sample.thinned(tool.VIEWS).views(bin_, fine=0.7, coarse=8.0, limit=1.0)
    places = spread_places(count, tool.reach(sample, views, columns), turn)
    return patches(views, columns, places, tool.SIDE)[0].astype(np.float16)


def _scores(network: torch.nn.Module, images: Any) -> Any:
    import torch

    from toolbox.learned.weights import infer

    return infer(network, torch.from_numpy(images)).cpu().numpy()


Row = tuple[str, World, float, dict[str, Center]]


def errors(rows: Sequence[Row], name: str) -> list[float]:
    """How far a tool's axis is from the truth, px."""
    return [abs(found[name].column - truth) for _, _, truth, found in rows]


def within(rows: Sequence[Row], name: str, limit: float = 0.5) -> float:
    """The share of scans with the axis within ``limit`` px."""
    return round(float(np.mean([e <= limit for e in errors(rows, name)])), 3)


def compared(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """For each kind of scan and each family: the own share against that of the consensus."""
    found = []
    names = [*KINDS, *sorted({world.specimen for _, world, _, _ in rows})]
    for name in names:
        some = [row for row in rows if name in (row[0], row[1].specimen)]
        if some:
            own, rival = within(some, NAME), within(some, "center_consensus")
            found.append({"world": name, "scans": len(some), "conventional": "center_consensus",
                          "conventional_share": rival, "own_share": own,
                          "gain": round(own - rival, 3)})  # fmt: skip
    return found
