"""Trains the judge of auditions: ``tomoplan train audition``."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError
from planner.audition.company import LEAST, Company
from planner.audition.judge import WEIGHTS, Judge
from planner.audition.table import auditions
from planner.exact_settings import exact_settings
from planner.forest import tensors
from planner.graph_network.measuring import kendall
from planner.outcomes.settings import SIMULATED
from simulators.outcomes import Outcomes, ScanOutcomes

SETTINGS = frozenset(
    ("seed", "members", "companies", "most", "spread", "doubt", "rounds", "rate", "leaves",
     "leaf_samples", "share", "heard")
)  # fmt: skip
Floats = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Lesson:
    """The auditions of one scan: what was expected, what they were like, what they were worth."""

    name: str
    expected: Floats
    company: Company
    quality: Floats


def train(config_path: str | Path, output: str | Path | None = None) -> dict[str, Any]:
    """Train by a YAML such as configs/training/audition.yaml on the outcome table and its
    auditions; returns the card that is written, with what the judge is worth on the test scans.

    Weights and card go to ``output``, by default the folder that the planner reads.
    """
    config = exact_settings(config_path, SETTINGS, "audition.yaml")
    outcomes, began = Outcomes.load(SIMULATED), time.monotonic()
    lessons = {split: lessons_of(outcomes.split(split))
               for split in ("train", "validation", "test")}  # fmt: skip
    if not lessons["train"]:
        raise InputError(
            "There are no auditions: make them with `python -m planner.audition.table`."
        )
    forests = [tensors(_fitted(lessons["train"], config, config["seed"] + at))
               for at in range(config["members"])]  # fmt: skip
    judge = Judge(forests)
    card = {
        "name": "audition",
        "task": "judge what pipelines give of one slice",
        "inputs": "planner.audition.company.Company.features",
        "outputs": "quality about the mean of the company",
        "method": "gradient-boosted trees (Friedman 2001, Ann. Stat. 29, 1189)",
        "training_data": "outcome tables of simulated scans and their auditions "
        "(python -m planner.audition.table)",
        "command": "tomoplan train audition",
        "config": config,
        "members": config["members"],
        "scans": {split: len(found) for split, found in lessons.items()},
        "minutes": round((time.monotonic() - began) / 60, 1),
        **{split: measured(judge, lessons[split], config["heard"])
           for split in ("validation", "test")},
        "limits": "Learned on simulated slices of 128 to 256 columns; what all pipelines do wrong "
        "alike is not seen.",
        "licence": "Apache-2.0",
    }  # fmt: skip
    return _written(forests, card, output)


def lessons_of(scans: Sequence[ScanOutcomes]) -> list[Lesson]:
    """What there is of some scans, with what the graph network expects."""
    from planner.benchmarks.planner.learned import GraphNetwork

    known, network, found = auditions(), GraphNetwork(), []
    network.learn((), 0)
    for scan in scans:
        if scan.name in known:
            nodes, company = known[scan.name]
            expected = network.predicted(scan)[0][nodes]
            found.append(Lesson(scan.name, expected, company, scan.main_quality[nodes]))
    return found


def measured(judge: Judge, lessons: Sequence[Lesson], heard: int) -> dict[str, float]:
    """Among the ``heard`` pipelines of which most is expected: the quality that the judge's choice
    lacks, that of the choice by expectation and of a random one, and Kendall's τ of both."""
    rows = []
    for one in lessons:
        best = np.argsort(-one.expected, kind="stable")[:heard]
        expected, quality = one.expected[best], one.quality[best]
        said = judge(one.company.some(best), expected)
        rows.append([quality.max() - quality[int(np.argmax(said))],
                     quality.max() - quality[int(np.argmax(expected))],
                     quality.max() - quality.mean(),
                     kendall(said, quality), kendall(expected, quality)])  # fmt: skip
    names = ("lacks", "lacks_as_expected", "lacks_at_random", "tau", "tau_as_expected")
    means = np.nanmean(np.array(rows, np.float64).reshape(-1, len(names)), axis=0)
    return {name: round(float(mean), 4) for name, mean in zip(names, means, strict=True)}


def _fitted(lessons: Sequence[Lesson], config: dict[str, Any], seed: int) -> Any:
    """One forest, on companies drawn from the scans: the expected best more often, and what is
    expected made as doubtful as it is of scans that the network did not learn from."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    rng = np.random.default_rng(seed)
    features, wanted = [], []
    for one in lessons:
        for _ in range(config["companies"]):
            expected = one.expected + config["doubt"] * rng.standard_normal(len(one.expected))
            order = np.argsort(-expected + config["spread"] * rng.standard_normal(len(expected)))
            size = int(rng.integers(LEAST, config["most"] + 1))
            best = order[:size]
            features.append(one.company.some(best).features(expected[best]))
            wanted.append(one.quality[best] - one.quality[best].mean())
    forest = HistGradientBoostingRegressor(
        max_iter=config["rounds"], learning_rate=config["rate"], max_leaf_nodes=config["leaves"],
        min_samples_leaf=config["leaf_samples"], l2_regularization=1.0,
        max_features=config["share"], random_state=seed,
    )  # fmt: skip
    return forest.fit(np.concatenate(features), np.concatenate(wanted))


def _written(forests: Sequence[dict[str, NDArray]], card: dict[str, Any],
             output: str | Path | None) -> dict[str, Any]:  # fmt: skip
    from safetensors.numpy import save_file

    folder = Path(output) if output else WEIGHTS.parent
    folder.mkdir(parents=True, exist_ok=True)
    save_file({f"{at}.{name}": np.ascontiguousarray(values)
               for at, forest in enumerate(forests) for name, values in forest.items()},
              folder / WEIGHTS.name)  # fmt: skip
    text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
    (folder / WEIGHTS.with_suffix(".json").name).write_text(text, encoding="utf-8")
    return card
