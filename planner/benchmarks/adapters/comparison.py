"""``tomoplan bench adapters``: what a backbone is worth where few slices are labelled.

Each family and seed is one trial; what is done is kept in the folder of the results, so that the
same command goes on where it was stopped. The page in docs is written when all trials are done.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from planner.benchmarks.adapters.report import table, write_report
from simulators.training.adapter.fitting import Schedule, fit
from simulators.training.adapter.making import Segment, adapt, forest_of, held_labels, rounded
from simulators.training.adapter.simulated_labels import Labelled, labelled
from toolbox.learned.adapters import (
    START,
    TUNING,
    Tuning,
    adapter_start,
    frozen_backbone,
    light,
    network,
    shares,
)
from toolbox.metrics import mean_iou

BACKBONE = "backbone_reconstruction"


def run(output: Path, page: Path | None = None, config: Path | None = None) -> dict[str, Any]:
    """Measure all trials that are not yet in ``output``, and write the page."""
    import yaml

    config = config or Path(str(files("configs").joinpath("benchmarks", "adapters.yaml")))
    settings = yaml.safe_load(config.read_text(encoding="utf-8"))
    done = Done(output / "adapters-trials.jsonl", settings)
    rates = chosen_rates(settings, done)
    for seed in settings["seeds"]:
        for family in settings["families"]:
            if done.get(family, seed) is None:
                row = trial(family, seed, settings, rates)
                done.add(row)
                print(f"{family}, {seed}: {row['iou']}, seconds {row['seconds']}", file=sys.stderr)
    others, done_others = other_ways(settings, output)
    result = {"settings": settings, "rates": rates, "light_share": light_share(),
              "rows": [r for r in done.rows if r["kind"] == "trial"],
              "other_rates": others, "other_shares": {way: light_share(way) for way in others},
              "other_rows": [r for r in done_others.rows if r["kind"] == "trial"]}  # fmt: skip
    write_report(result, page)
    print(table(result))
    return result


def other_ways(settings: Mapping[str, Any], output: Path) -> tuple[dict[str, float], Done]:
    """All ways of tuning a frozen backbone, begun from nothing: the rate of each, and trials."""
    how = {**settings, "rates": settings["others"]["rates"]}
    done = Done(output / "adapters-other-ways.jsonl", how)
    rates = chosen_rates(how, done)
    for seed in settings["others"]["seeds"]:
        for family in settings["families"]:
            if done.get(family, seed) is None:
                both = labelled(family, seed, settings["train"], settings["test"],
                                settings["slices"])  # fmt: skip
                found = {way: network_iou(way, *both, _schedule(settings, seed, rate))
                         for way, rate in rates.items()}  # fmt: skip
                done.add({"kind": "trial", "family": family, "seed": seed,
                          "iou": {way: f[0] for way, f in found.items()},
                          "seconds": {way: f[1] for way, f in found.items()}})  # fmt: skip
                print(f"{family}, {seed}: {done.rows[-1]['iou']}", file=sys.stderr)
    return rates, done


class Done:
    """Trials kept in a file, one JSON a line; those of other settings or weights do not count."""

    def __init__(self, path: Path, settings: Mapping[str, Any], *backbones: str) -> None:
        from toolbox.learned.model_card import ModelCard

        measured = {k: v for k, v in settings.items() if k not in ("families", "seeds", "others")}
        weights = [ModelCard.of(name).weights for name in backbones or (BACKBONE, START)]
        self._of = json.dumps([measured, *weights], sort_keys=True)
        self._path = path
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        found = [json.loads(line) for line in text.splitlines()]
        self.rows = [row for row in found if row["of"] == self._of]

    def get(self, family: str, seed: int) -> dict[str, Any] | None:
        return next((r for r in self.rows if r["family"] == family and r["seed"] == seed), None)

    def add(self, row: dict[str, Any]) -> None:
        row["of"] = self._of
        self.rows.append(row)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def chosen_rates(settings: Mapping[str, Any], done: Done) -> dict[str, float]:
    """The learning rate of each way that is best on the family of the choice."""
    family, seed = settings["choice"]["family"], settings["choice"]["seed"]
    row = done.get(family, seed)
    if row is None:
        train, test = labelled(family, seed, settings["train"], settings["test"],
                               settings["slices"])  # fmt: skip
        tried = {way: {str(rate): network_iou(way, train, test, _schedule(settings, seed, rate))[0]
                       for rate in rates}
                 for way, rates in settings["rates"].items()}  # fmt: skip
        row = {"kind": "choice", "family": family, "seed": seed, "tried": tried}
        done.add(row)
    return {way: float(max(found, key=found.__getitem__)) for way, found in row["tried"].items()}


def trial(
    family: str, seed: int, settings: Mapping[str, Any], rates: Mapping[str, float]
) -> dict[str, Any]:
    """One family and seed by all three ways."""
    train, test = labelled(family, seed, settings["train"], settings["test"], settings["slices"])
    return {"kind": "trial", "family": family, "seed": seed,
            **three_ways(train, test, settings, seed, rates)}  # fmt: skip


def three_ways(
    train: Labelled, test: Labelled, settings: Mapping[str, Any], seed: int,
    rates: Mapping[str, float], domain: str = "reconstruction",
) -> dict[str, Any]:  # fmt: skip
    """Mean IoU on the other specimen, and seconds of processor and of wall clock to train."""
    from toolbox.tools.segment.pixel_features import pixel_features

    iou, seconds, wall = {}, {}, {}
    for way in rates:
        schedule = _schedule(settings, seed, rates[way])
        iou[way], seconds[way], wall[way] = network_iou(way, train, test, schedule, domain)
    watch = Watch()
    forest = forest_of(train.images, train.labels, seed)
    seconds["pixel_classifier"], wall["pixel_classifier"] = watch.read()
    iou["pixel_classifier"] = _iou(
        lambda image: (
            forest.shares(pixel_features(image).reshape(image.size, -1))
            .argmax(axis=1)
            .reshape(image.shape)
        ),
        test,
    )
    return {"classes": train.classes, "iou": iou, "seconds": seconds, "wall": wall}


def network_iou(
    way: str, train: Labelled, test: Labelled, schedule: Schedule, domain: str = "reconstruction"
) -> tuple[float, float, float]:
    """Mean IoU and seconds (processor, wall clock) of the network: over a frozen backbone
    (``adapter``: begun where others ended; a :class:`Tuning`: from nothing), all of it from the
    backbone on (``whole``) or from scratch."""
    import torch

    whole = way == "whole"
    base = frozen_backbone(domain) if way != "scratch" else None
    watch = Watch()
    if base is not None:
        net, _ = adapt(base, train.images, train.labels, train.classes, schedule,
                       whole=whole, begun=adapter_start(domain) if way == "adapter" else None,
                       tuning=Tuning(way) if way in list(Tuning) else TUNING)  # fmt: skip
        rounded(net, whole)
    else:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(schedule.seed)
            net = network(train.classes)
        fit(net, net.parameters(), train.images, train.labels, schedule)
    seconds, wall = watch.read()
    return _iou(lambda image: shares(net, image).argmax(axis=0), test), seconds, wall


class Watch:
    """Seconds of processor and of wall clock since it was made."""

    def __init__(self) -> None:
        self._began = time.process_time(), time.perf_counter()

    def read(self) -> tuple[float, float]:
        processor, wall = self._began
        return round(time.process_time() - processor, 2), round(time.perf_counter() - wall, 2)


def light_share(way: str = TUNING) -> float:
    """The part of the parameters that an adapter of four classes trains."""
    net = network(4, tuning=Tuning(way))
    trained = sum(p.numel() for p in light(net).values())
    return round(trained / sum(p.numel() for p in net.parameters()), 4)


def _schedule(settings: Mapping[str, Any], seed: int, rate: float) -> Schedule:
    shared = {name: int(settings[name]) for name in ("steps", "batch", "crop")}
    return dataclasses.replace(Schedule(**shared, rate=rate, seed=seed), minutes=60.0)


def _iou(way: Segment, test: Labelled) -> float:
    return round(mean_iou(*held_labels(way, test.images, test.labels)), 4)
