"""``tomoplan train adapter``: from a folder of labelled slices to a tool with its card."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError
from simulators.training.adapter.fitting import Schedule, Trained, fit
from simulators.training.adapter.labelled_slices import NOTHING, LabelledSlices, read_labelled
from simulators.training.publish import write
from toolbox.metrics import mean_iou
from toolbox.registry import known_tools, shipped_tools
from toolbox.tools.segment.adapter import (
    NAME,
    adapters_folder,
    frozen_backbone,
    light,
    network,
    shares,
)
from toolbox.tools.segment.forest import Forest

if TYPE_CHECKING:
    import torch

FEW = 4  # of fewer slices, blocks are held out instead of slices
EVERY = 5  # one slice of so many is held out
SEGMENTED = "reconstruction"  # the domain whose images are segmented
Image = NDArray[np.float32]
Labels = NDArray[np.int64]
Segment = Callable[[Image], Labels]


@dataclass(frozen=True, eq=False)
class Split:
    """Labels to train on and labels held out, each slice's with −1 for the others."""

    train: tuple[Labels, ...]
    test: tuple[Labels, ...]
    how: str


def train_adapter(
    folder: Path,
    name: str,
    domain: str = SEGMENTED,
    schedule: Schedule | None = None,
    unlabelled: int | None = None,
    suits: Mapping[str, tuple[float, float]] | None = None,
    tell: Callable[[float, float], None] = lambda done, loss: None,
) -> dict[str, Any]:
    """Train adapters and a head over a frozen backbone on the labelled slices of a folder; the
    tool ``name`` is there when this returns. ``suits``: traits of scans between which the planner
    may offer it. Returns the card, which tells what was measured on labels held out."""
    schedule = schedule or Schedule()
    _check(name, domain)
    data = read_labelled(folder, unlabelled)
    base = frozen_backbone(domain)
    split = hold_out(data)
    began = time.monotonic()
    net, how = adapt(base, data.images, split.train, len(data.values), schedule, tell)
    rounded(net)
    seconds = time.monotonic() - began
    metrics = measured(net, data, split)
    weights = _packed(net)
    card = {
        "name": name,
        **_facts(data, split, domain, schedule, how),
        "training": {
            "command": f"tomoplan train adapter --backbone {domain} --labels {folder} "
            f"--name {name}",
            "steps": how.steps,
            "minutes": round(seconds / 60, 2),
            "ended_by": "steps" if how.steps == schedule.steps else "budget",
        },
        "parameters": sum(p.numel() for p in net.parameters()),
        "trained_parameters": sum(p.numel() for p in light(net).values()),
        "sha256": hashlib.sha256(weights).hexdigest(),
        "bytes": len(weights),
        "metrics": metrics,
        "unit": "mean intersection over union, 0 to 1",
        "suits": {trait: list(span) for trait, span in (suits or {}).items()},
    }
    card["summary"] = _summary(card)
    path = adapters_folder() / f"{name}.safetensors"
    write(path, weights)
    write(path.with_suffix(".json"),
          (json.dumps(card, indent=1, ensure_ascii=False) + "\n").encode())  # fmt: skip
    known_tools.cache_clear()
    return card


def adapt(
    base: torch.nn.Module,
    images: Sequence[Image],
    labels: Sequence[Labels],
    classes: int,
    schedule: Schedule,
    tell: Callable[[float, float], None] = lambda done, loss: None,
) -> tuple[torch.nn.Module, Trained]:
    """Adapters and a head of ``classes`` over a copy of a backbone that stays as it is."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(schedule.seed)
        net = network(classes, copy.deepcopy(base).cpu())
    return net, fit(net, light(net).values(), images, labels, schedule, tell)


def hold_out(data: LabelledSlices) -> Split:
    """Every fifth slice; of fewer than four slices the lower quarter of each, where the next
    ones down to an eighth are used for neither, so that the two do not touch."""
    count = len(data.images)
    if count >= FEW:
        held = set(range(min(EVERY // 2, count - 1), count, EVERY))
        train = [np.full_like(s, NOTHING) if i in held else s for i, s in enumerate(data.labels)]
        test = [s if i in held else np.full_like(s, NOTHING) for i, s in enumerate(data.labels)]
        how = f"{len(held)} of {count} slices"
    else:
        train, test = [s.copy() for s in data.labels], [s.copy() for s in data.labels]
        for one, other in zip(train, test, strict=True):
            height = len(one)
            one[height * 5 // 8 :] = NOTHING
            other[: height * 3 // 4] = NOTHING
        how = f"the lower quarter of {count} slices, neighbours of what was trained on"
    seen = {int(v) for s in train for v in np.unique(s)} - {NOTHING}
    lacking = [data.values[k] for k in range(len(data.values)) if k not in seen]
    if lacking or not any((s != NOTHING).any() for s in test):
        raise InputError(
            f"Of the labels, {how} are held out to measure the tool, and then "
            + (f"nothing is left of the classes {lacking}" if lacking else "nothing is held out")
            + "; expected every class in several slices, top and bottom. Label more slices."
        )
    return Split(tuple(train), tuple(test), how)


def measured(net: torch.nn.Module, data: LabelledSlices, split: Split) -> dict[str, float]:
    """Mean IoU on the labels held out: of the tool, of a forest trained on the same labels, of
    thresholds; and of each class."""
    from toolbox.tools.segment.pixel_features import pixel_features
    from toolbox.tools.segment.thresholds import multi_otsu

    forest = forest_of(data.images, split.train)
    grey = np.concatenate([i.ravel() for i in data.images])
    cuts, _ = multi_otsu(grey, len(data.values))
    order = _by_brightness(data, split)

    def by_forest(image: Image) -> Labels:
        features = pixel_features(image).reshape(image.size, -1)
        return forest.shares(features).argmax(axis=1).reshape(image.shape)

    ways: dict[str, Segment] = {
        "iou": lambda image: shares(net, image).argmax(axis=0),
        "iou_pixel_classifier": by_forest,
        "iou_thresholds": lambda image: order[np.digitize(image, cuts)],
    }
    found = {}
    for name, way in ways.items():
        labels, truth = held_labels(way, data.images, split.test)
        found[name] = round(mean_iou(labels, truth), 4)
        if name == "iou":
            for number, value in enumerate(data.values):
                here, there = labels == number, truth == number
                if there.any():
                    part = np.count_nonzero(here & there) / np.count_nonzero(here | there)
                    found[f"iou_of_{value}"] = round(part, 4)
    found["gain_over_pixel_classifier"] = round(found["iou"] - found["iou_pixel_classifier"], 4)
    found["gain_over_thresholds"] = round(found["iou"] - found["iou_thresholds"], 4)
    return found


def held_labels(
    way: Segment, images: Sequence[Image], test: Sequence[Labels]
) -> tuple[Labels, Labels]:
    """What a way of segmenting finds, and the truth, of all pixels held out."""
    both = zip(images, test, strict=True)
    asked = [(image, said, said != NOTHING) for image, said in both if (said != NOTHING).any()]
    pairs = [(way(image)[known], said[known]) for image, said, known in asked]
    return np.concatenate([a for a, _ in pairs]), np.concatenate([b for _, b in pairs])


def forest_of(images: Sequence[Image], labels: Sequence[Labels], seed: int = 0) -> Forest:
    """The toolbox's pixel classifier (multiscale features, a random forest), trained alike."""
    from toolbox.tools.segment.pixel_classifier import MOST_SAMPLES
    from toolbox.tools.segment.pixel_features import pixel_features

    rng = np.random.default_rng(seed)
    features, classes = [], []
    for image, said in zip(images, labels, strict=True):
        at = np.flatnonzero(said != NOTHING)
        if len(at):
            features.append(pixel_features(image).reshape(said.size, -1)[at])
            classes.append(said.ravel()[at])
    x, y = np.concatenate(features), np.concatenate(classes)
    drawn = [rng.permutation(np.flatnonzero(y == c))[:MOST_SAMPLES] for c in np.unique(y)]
    kept = np.sort(np.concatenate(drawn))
    return Forest.train(x[kept], y[kept], 40, 12, seed)


def rounded(net: torch.nn.Module) -> None:
    """The light parameters as they are stored (float16)."""
    for parameter in light(net).values():
        parameter.data = parameter.data.half().float()


def _packed(net: torch.nn.Module) -> bytes:
    from safetensors.torch import save

    return bytes(save({n: p.detach().half().contiguous() for n, p in light(net).items()}))


def _check(name: str, domain: str) -> None:
    if not NAME.fullmatch(name):
        raise InputError(
            f"The name of the new tool is {name!r}; expected small letters, digits and _, the "
            f"first a letter, 40 at most."
        )
    if name in shipped_tools():
        raise InputError(f"There is a tool called {name} already; give another --name.")
    frozen_backbone(domain)  # one clear error for a domain without weights comes first
    if domain != SEGMENTED:
        raise InputError(
            f"The backbone is that of the {domain} domain, but tools segment slices; expected "
            f"--backbone {SEGMENTED}."
        )


def _facts(
    data: LabelledSlices, split: Split, domain: str, schedule: Schedule, how: Trained
) -> dict[str, Any]:
    from toolbox.learned.model_card import ModelCard

    backbone = ModelCard.of(f"backbone_{domain}")
    (digest,) = backbone.weights.values()
    seen = hashlib.sha256()
    for image, said in zip(data.images, data.labels, strict=True):
        seen.update(image.tobytes())
        seen.update(said.tobytes())
    return {
        "version": "1",
        "task": f"segment slices into the classes {', '.join(map(str, data.values))}",
        "intended_use": "slices like the labelled ones: same specimens, resolution, noise",
        "backbone": domain,
        "backbone_version": backbone.version,
        "backbone_sha256": digest,
        "values": list(data.values),
        "data_source": f"{len(data.images)} labelled slices (sha256 {seen.hexdigest()[:12]}…), "
        f"held out for the test: {split.how}",
        "slices": list(data.names),
        "held_out": split.how,
        "notes": list(data.notes),
        "settings": dataclasses.asdict(schedule),
        "loss": round(how.loss, 4),
        "licence": "as the labelled slices",
    }


def _summary(card: Mapping[str, Any]) -> str:
    found = card["metrics"]
    where = "" if card["suits"] else " Offered for any scan: it was trained without --scan."
    return (
        f"Trained on {len(card['slices'])} labelled slices and good for slices like them only. On "
        f"labels held out ({card['held_out']}): mean IoU {found['iou']:.3f}; a forest trained on "
        f"the same labels {found['iou_pixel_classifier']:.3f}, thresholds "
        f"{found['iou_thresholds']:.3f}.{where}"
    )


def _by_brightness(data: LabelledSlices, split: Split) -> Labels:
    """The class of each rank of grey value, dark to bright."""
    grey = np.concatenate([i.ravel() for i in data.images])
    said = np.concatenate([s.ravel() for s in split.train])
    return np.argsort([grey[said == k].mean() for k in range(len(data.values))])
