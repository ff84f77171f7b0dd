"""Trains what beamlines share: ``tomoplan train preference``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from planner.exact_settings import exact_settings
from planner.feedback.aspects import ASPECTS, Numbers
from planner.feedback.head import NAMES, WEIGHTS, Head
from planner.feedback.looks import LOOKS, Look, load
from planner.feedback.plan_aspects import PlanAspects, fitted
from planner.feedback.raters import choices, seeing_rater

SETTINGS = frozenset(("seed", "raters", "choices", "prompt", "prior"))


def train(config_path: str | Path, output: str | Path | None = None) -> dict[str, Any]:
    """Train by a YAML such as configs/training/preference.yaml; returns the card that is written.
    Of the looks only those of training scans are learned from."""
    config = exact_settings(config_path, SETTINGS, "preference.yaml")
    looks = [look for look in load(LOOKS) if look.split == "train"]
    head = learned(looks, config)
    plans = fitted([(look.recipes, look.aspects) for look in looks], head.within)
    card = {
        "name": "preference",
        "task": "which of two outcomes of one scan a beamline would choose",
        "inputs": list(ASPECTS),
        "outputs": f"worth, given a prompt of {head.size} numbers",
        "method": "Bradley–Terry (Biometrika 39, 324, 1952), the taste of each beamline normal "
        "about a general one with the covariance of simulated raters' tastes",
        "training_data": f"{len(looks)} simulated scans (configs/outcomes/looks.h5), "
        f"{config['raters']} simulated raters",
        "command": "tomoplan train preference",
        "config": config,
        "steps": list(plans.names),
        "limits": "Raters are simulated: they judge noise, rings, sharpness and time as measured "
        "without a reference. `tomoplan bench feedback` also has raters who judge by the truth.",
        "default_on": True,
        "licence": "Apache-2.0",
    }
    return _written(head, plans, card, output)


def learned(looks: Sequence[Look], config: dict[str, Any]) -> Head:
    """The head of which the general taste and the base are those of drawn raters: the taste of
    each is learned from many of their choices, then its mean and main directions are taken."""
    rng = np.random.default_rng(config["seed"])
    every = np.concatenate([look.aspects for look in looks])
    within = np.maximum(np.nanmean([look.aspects.std(axis=0) for look in looks], axis=0), 1e-3)
    low, middle, high = np.nanquantile(every, (0.25, 0.5, 0.75), axis=0)
    features = 3 * len(ASPECTS)
    plain = Head(middle, within, np.stack([low, high]), np.zeros(features),
                 config["prior"] * np.eye(features))  # fmt: skip
    tastes = []
    for _ in range(config["raters"]):
        said = choices(seeing_rater(rng, looks), looks, config["choices"], rng)
        tastes.append(config["prior"] * plain.tuned(said.better, said.worse))
    general, base = _main_directions(np.array(tastes), config["prompt"])
    return Head(middle, within, plain.knees, general, base)


def _main_directions(tastes: Numbers, count: int) -> tuple[Numbers, Numbers]:
    """The mean, and the directions in which they differ most, as long as they spread."""
    mean = tastes.mean(axis=0)
    _, spread, axes = np.linalg.svd(tastes - mean, full_matrices=False)
    spread = spread[:count] / np.sqrt(max(len(tastes) - 1, 1))
    return mean, axes[:count].T * spread


def _written(
    head: Head, plans: PlanAspects, card: dict[str, Any], output: str | Path | None
) -> dict[str, Any]:
    from safetensors.numpy import save_file

    folder = Path(output) if output else WEIGHTS.parent
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / WEIGHTS.name
    tensors = {name: getattr(head, name) for name in NAMES} | {"effects": plans.effects}
    save_file({n: np.ascontiguousarray(t, np.float16) for n, t in tensors.items()}, path)
    path.chmod(0o644)
    card["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
    path.with_suffix(".json").write_text(text, encoding="utf-8")
    return card
