"""``tomoplan train adapter``: from a folder of labelled images to a tool with its card.

Of slices it becomes a segmentation, by adapters over a frozen backbone; of projections and
sinograms, in which 0 is what is well, a correction that fills in the rest. For these the backbone
is where the training of the whole network begins: frozen, it finds what is marked far less well
(``tomoplan bench marks``).
"""

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
from simulators.training.adapter.fitting import Schedule, Trained, batch, fit, scaled
from simulators.training.adapter.labelled_slices import NOTHING, LabelledSlices, read_labelled
from simulators.training.publish import write
from toolbox.learned.adapters import (
    NAME,
    START,
    TUNING,
    Tuning,
    adapter_start,
    adapters_folder,
    frozen_backbone,
    kept,
    last_layer,
    network,
    shares,
)
from toolbox.learned.model_card import ModelCard
from toolbox.metrics import mean_iou
from toolbox.registry import known_tools, shipped_tools
from toolbox.tools.segment.forest import Forest

if TYPE_CHECKING:
    import torch

FEW = 4  # of fewer slices, blocks are held out instead of slices
SHOWN = 48  # crops that say where the classes lie when adapters begin
EVERY = 5  # one slice of so many is held out
SEGMENTED = "reconstruction"  # the domain whose images are segmented; in others marks are filled in
WELL = 0  # label of what stays as it is there
IMAGES = {"reconstruction": "slices", "sinogram": "sinograms", "projection": "projections"}
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
    tuning: Tuning = TUNING,
) -> dict[str, Any]:
    """Train adapters and a head over a backbone on the labelled images of a folder; the tool
    ``name`` is there when this returns. ``suits``: traits of scans between which the planner may
    offer it; ``tuning``: what is learned over a frozen backbone. Returns the card, which tells
    what was measured on labels held out."""
    schedule = schedule or Schedule()
    _check(name, domain)
    data = read_labelled(folder, unlabelled)
    if domain != SEGMENTED and WELL not in data.values:
        raise InputError(
            f"The labels in {folder} are {', '.join(map(str, data.values))}; in {IMAGES[domain]} "
            f"{WELL} is expected to be what stays as it is, and other numbers what is filled in."
        )
    base = frozen_backbone(domain)
    split = hold_out(data, IMAGES[domain])
    began = time.monotonic()
    whole = domain != SEGMENTED
    begun = None if whole else adapter_start(domain, tuning)
    net, how = adapt(base, data.images, split.train, len(data.values), schedule, tell, whole, begun,
                     tuning)  # fmt: skip
    rounded(net, whole)
    seconds = time.monotonic() - began
    metrics = measured(net, data, split)
    weights = _packed(net, whole)
    card = {
        "name": name,
        **_facts(data, split, domain, schedule, how),
        "tuning": tuning.value,
        "begun_from": ModelCard.of(START).version if begun is not None else None,
        "training": {
            "command": f"tomoplan train adapter --backbone {domain} --labels {folder} "
            f"--name {name}" + ("" if tuning is TUNING else f" --tuning {tuning}"),
            "steps": how.steps,
            "minutes": round(seconds / 60, 2),
            "ended_by": "steps" if how.steps == schedule.steps else "budget",
        },
        "parameters": sum(p.numel() for p in net.parameters()),
        "trained_parameters": sum(p.numel() for p in kept(net, whole).values()),
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
    whole: bool = False,
    begun: torch.nn.Module | None = None,
    tuning: Tuning = TUNING,
) -> tuple[torch.nn.Module, Trained]:
    """Adapters and a head of ``classes`` over a copy of a backbone that stays as it is, or with
    ``whole`` is where the training of all of it begins. ``begun``: where adapters and head begin
    (:func:`toolbox.learned.adapters.start`); ``tuning``: what is learned."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(schedule.seed)
        net = network(classes, copy.deepcopy(base).cpu(), tuning)
    if begun is not None:
        _begin(net, copy.deepcopy(begun).cpu(), images, labels, classes, schedule)
    return net, fit(net, kept(net, whole).values(), images, labels, schedule, tell)


def _begin(
    net: torch.nn.Module, begun: Any, images: Sequence[Image], labels: Sequence[Labels],
    classes: int, schedule: Schedule,
) -> None:  # fmt: skip
    """Give a network the adapters and head that others ended with, and a last layer that tells
    classes by the means of what these make of some labelled crops."""
    import torch

    crops, said = batch(
        [scaled(image) for image in images], labels,
        dataclasses.replace(schedule, batch=SHOWN), np.random.default_rng(schedule.seed),
    )  # fmt: skip
    with torch.no_grad():
        embedded = begun.embed(net.backbone, torch.from_numpy(crops)).movedim(1, -1).flatten(0, -2)
        weights, biases = last_layer(
            embedded, torch.from_numpy(said).flatten(), classes, begun.sharpness
        )
    last = f"head.{len(begun.head)}"
    given = {n: p for n, p in begun.state_dict().items() if n != "sharpness"}
    given |= {f"{last}.weight": weights[:, :, None, None], f"{last}.bias": biases}
    net.load_state_dict(given, strict=False)


def hold_out(data: LabelledSlices, images: str = IMAGES[SEGMENTED]) -> Split:
    """Every fifth slice; of fewer than four slices the lower quarter of each, where the next
    ones down to an eighth are used for neither, so that the two do not touch. ``images``: what
    they are called."""
    count = len(data.images)
    if count >= FEW:
        held = set(range(min(EVERY // 2, count - 1), count, EVERY))
        train = [np.full_like(s, NOTHING) if i in held else s for i, s in enumerate(data.labels)]
        test = [s if i in held else np.full_like(s, NOTHING) for i, s in enumerate(data.labels)]
        how = f"{len(held)} of {count} {images}"
    else:
        train, test = [s.copy() for s in data.labels], [s.copy() for s in data.labels]
        for one, other in zip(train, test, strict=True):
            height = len(one)
            one[height * 5 // 8 :] = NOTHING
            other[: height * 3 // 4] = NOTHING
        how = f"the lower quarter of {count} {images}, neighbours of what was trained on"
    seen = {int(v) for s in train for v in np.unique(s)} - {NOTHING}
    lacking = [data.values[k] for k in range(len(data.values)) if k not in seen]
    if lacking or not any((s != NOTHING).any() for s in test):
        raise InputError(
            f"Of the labels, {how} are held out to measure the tool, and then "
            + (f"nothing is left of the classes {lacking}" if lacking else "nothing is held out")
            + f"; expected every class in several {images}, top and bottom. Label more {images}."
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


def rounded(net: torch.nn.Module, whole: bool = False) -> None:
    """The parameters that are kept as they are stored (float16)."""
    for parameter in kept(net, whole).values():
        parameter.data = parameter.data.half().float()


def _packed(net: torch.nn.Module, whole: bool) -> bytes:
    from safetensors.torch import save

    return bytes(save({n: p.detach().half().contiguous() for n, p in kept(net, whole).items()}))


def _check(name: str, domain: str) -> None:
    if not NAME.fullmatch(name):
        raise InputError(
            f"The name of the new tool is {name!r}; expected small letters, digits and _, the "
            f"first a letter, 40 at most."
        )
    if name in shipped_tools():
        raise InputError(f"There is a tool called {name} already; give another --name.")
    frozen_backbone(domain)  # one clear error for a domain without weights comes first


def _facts(
    data: LabelledSlices, split: Split, domain: str, schedule: Schedule, how: Trained
) -> dict[str, Any]:
    backbone = ModelCard.of(f"backbone_{domain}")
    (digest,) = backbone.weights.values()
    seen = hashlib.sha256()
    for image, said in zip(data.images, data.labels, strict=True):
        seen.update(image.tobytes())
        seen.update(said.tobytes())
    return {
        "version": "1",
        "task": _task(data, domain),
        "intended_use": f"{IMAGES[domain]} like the labelled ones: same specimens, resolution, "
        f"noise",
        "backbone": domain,
        "backbone_version": backbone.version,
        "backbone_sha256": digest,
        "values": list(data.values),
        "data_source": f"{len(data.images)} labelled {IMAGES[domain]} "
        f"(sha256 {seen.hexdigest()[:12]}…), held out for the test: {split.how}",
        "slices": list(data.names),
        "held_out": split.how,
        "notes": list(data.notes),
        "settings": dataclasses.asdict(schedule),
        "loss": round(how.loss, 4),
        "licence": f"as the labelled {IMAGES[domain]}",
    }


def _task(data: LabelledSlices, domain: str) -> str:
    if domain == SEGMENTED:
        return f"segment slices into the classes {', '.join(map(str, data.values))}"
    marked = ", ".join(str(v) for v in data.values if v != WELL)
    return f"find what is marked {marked} in {IMAGES[domain]}, and fill it in from about it"


def _summary(card: Mapping[str, Any]) -> str:
    found, images = card["metrics"], IMAGES[card["backbone"]]
    where = "" if card["suits"] else " Offered for any scan: it was trained without --scan."
    return (
        f"Trained on {len(card['slices'])} labelled {images} and good for {images} like them only. "
        f"On labels held out ({card['held_out']}): mean IoU {found['iou']:.3f}; a forest trained "
        f"on the same labels {found['iou_pixel_classifier']:.3f}, thresholds "
        f"{found['iou_thresholds']:.3f}.{where}"
    )


def _by_brightness(data: LabelledSlices, split: Split) -> Labels:
    """The class of each rank of grey value, dark to bright."""
    grey = np.concatenate([i.ravel() for i in data.images])
    said = np.concatenate([s.ravel() for s in split.train])
    return np.argsort([grey[said == k].mean() for k in range(len(data.values))])
