"""Where adapters of slices begin: labelled slices of many specimens → features in which the pixels
of a class lie together, whatever the classes are."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from simulators import World, simulate
from simulators.training.adapter.fitting import (
    Schedule,
    batch,
    class_weights,
    scaled,
    segmentation_loss,
)
from simulators.training.adapter.labelled_slices import NOTHING
from simulators.training.adapter.making import adapt, held_labels
from simulators.training.adapter.simulated_labels import APART, Labelled, labelled, labelled_scan
from simulators.training.mixed_specimens import mixed
from simulators.training.part import Arrays, Measured, Tensors
from toolbox.learned import adapters as tool
from toolbox.learned.model_card import ModelCard
from toolbox.metrics import mean_iou

if TYPE_CHECKING:
    import torch

DOMAIN = "reconstruction"
VALIDATION, TEST = 107, 207  # seeds of specimens kept apart from training
MOST = 8  # classes of an example
SHARPNESS = -2.0  # logarithm, at first


class Part:
    """Each example is a task of its own: some labelled slices of one specimen. Of its crops one
    half says where the classes lie, on the other half the loss is taken, as in use. ``options``:
    ``families`` trained on, ``held_out`` ones for the test, ``columns`` and number of ``slices`` of
    an example, ``views`` as part of the columns, ``photons_log10``, ``fill``, ``mixed``: part of
    the specimens of no family, ``rarest`` class asked for, ``crops`` of an example in a step and
    their side ``crop`` px, ``rate`` and ``steps`` of the adapters that are measured, numbers of
    specimens for ``validation`` and of each family for the ``test``."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.families: tuple[str, ...] = tuple(options["families"])
        self.held_out: tuple[str, ...] = tuple(options["held_out"])

    # ---- examples --------------------------------------------------------------------------

    def example(self, rng: np.random.Generator) -> Arrays:
        """Images ``slice, y, x`` about −1 to 1 and the class of each pixel (−1: not asked)."""
        while True:
            found = self._drawn(rng)
            if 2 <= found.classes <= MOST:
                images = np.stack([scaled(image) for image in found.images])
                labels = np.stack(found.labels).astype(np.int8)
                return {"images": images.astype(np.float16), "labels": labels}

    def _drawn(self, rng: np.random.Generator) -> Labelled:
        options = self.options
        width = int(options["columns"])
        world = World(
            specimen=str(rng.choice(self.families)),
            columns=width,
            rows=APART * int(options["slices"]),
            projections=int(width * rng.uniform(*options["views"])),
            photons=float(10 ** rng.uniform(*options["photons_log10"])),
            attenuation=float(rng.uniform(1.0, 2.0)),
            fill=float(rng.uniform(*options["fill"])),
            seed=int(rng.integers(1 << 31)),
        )
        other = rng.random() < float(options["mixed"])
        specimen = mixed(self.families, world.radius, world.height, rng) if other else None
        return labelled_scan(simulate(world, specimen), float(options["rarest"]))

    def batch(self, examples: Sequence[Arrays], rng: np.random.Generator) -> Arrays:
        """Crops ``task, crop, 1, y, x``, their classes and the weights of these."""
        count = int(self.options["crops"])
        schedule = Schedule(batch=count, crop=int(self.options["crop"]))
        found: dict[str, list[Any]] = {"images": [], "labels": [], "weights": []}
        for one in examples:
            images, labels = one["images"].astype(np.float32), one["labels"].astype(np.int64)
            crops, said = batch(list(images), list(labels), schedule, rng)
            weights = class_weights(list(labels), 1 + int(labels.max()))
            found["images"].append(crops)
            found["labels"].append(said)
            found["weights"].append(np.pad(weights, (0, MOST - len(weights))))
        return {name: np.stack(values) for name, values in found.items()}

    # ---- learning --------------------------------------------------------------------------

    def network(self) -> torch.nn.Module:
        network = tool.start()
        network.sharpness.data.fill_(SHARPNESS)  # type: ignore[union-attr, operator]
        return network

    @cached_property
    def _base(self) -> torch.nn.Module:
        return tool.frozen_backbone(DOMAIN)

    def loss(self, network: torch.nn.Module, batch: Tensors) -> torch.Tensor:
        """Of the second half of each task's crops, told by the first."""
        import torch

        images, labels = batch["images"], batch["labels"].long()
        embed: Any = network.embed
        sharpness: Any = network.sharpness
        embedded = embed(self._base, images.flatten(0, 1)).float().unflatten(0, images.shape[:2])
        half = images.shape[1] // 2
        losses = []
        for features, said, weights in zip(embedded, labels, batch["weights"], strict=True):
            classes = int((weights > 0).sum())
            told = said[:half].flatten()
            shown = features[:half].movedim(1, -1).flatten(0, -2)
            matrix, biases = tool.last_layer(shown, told, classes, sharpness)
            logits = torch.einsum("kc,ncyx->nkyx", matrix, features[half:])
            known = torch.isin(said[half:], told.unique())
            asked = torch.where(known, said[half:], NOTHING)
            losses.append(
                segmentation_loss(logits + biases[:, None, None], asked, weights[:classes])
            )
        return torch.stack(losses).mean()

    def validate(self, network: torch.nn.Module) -> dict[str, float]:
        """Mean IoU on another specimen of known families, told by means alone."""
        found = [self._iou(network, *both, steps=1) for _, both in self._validation]
        return {"score": float(np.mean(found)), "worst": float(np.min(found))}

    @cached_property
    def _validation(self) -> list[tuple[str, tuple[Labelled, Labelled]]]:
        count = int(self.options["validation"])
        names = [self.families[i % len(self.families)] for i in range(count)]
        return [(n, self._pair(n, 1000 * VALIDATION + i)) for i, n in enumerate(names)]

    def _pair(self, family: str, seed: int) -> tuple[Labelled, Labelled]:
        return labelled(family, seed, int(self.options["slices"]), 3, self.options)

    def _iou(
        self, network: torch.nn.Module | None, train: Labelled, test: Labelled, steps: int
    ) -> float:
        """Mean IoU on other slices after so many steps from ``network``, or from nothing."""
        schedule = Schedule(steps=steps, rate=float(self.options["rate"]), minutes=60.0)
        if steps == 1:
            schedule = dataclasses.replace(schedule, rate=1e-9)
        net, _ = adapt(self._base, train.images, train.labels, train.classes, schedule,
                       begun=network)  # fmt: skip
        labels, truth = held_labels(
            lambda image: tool.shares(net, image).argmax(axis=0), test.images, test.labels
        )
        return mean_iou(labels, truth)

    # ---- what it is worth ------------------------------------------------------------------

    def measure(self, network: torch.nn.Module) -> Measured:
        """Adapters of families never seen, begun here and begun from nothing."""
        rows = []
        steps = int(self.options["steps"])
        for family, both in self._test():
            found = {
                "own": self._iou(network, *both, steps=steps),
                "told": self._iou(network, *both, steps=1),
                "nothing": self._iou(None, *both, steps=steps),
            }
            rows.append((family, found))
            print(f"{family}: {', '.join(f'{n} {v:.3f}' for n, v in found.items())}", flush=True)
        mean = {name: float(np.mean([f[name] for _, f in rows])) for name in rows[0][1]}
        worlds = []
        for family in sorted({name for name, _ in rows}):
            own, rival = (float(np.mean([f[n] for name, f in rows if name == family]))
                          for n in ("own", "nothing"))  # fmt: skip
            worlds.append({"world": f"{family} (unseen family)",
                           "scans": sum(name == family for name, _ in rows),
                           "conventional": "adapters begun from nothing",
                           "conventional_iou": round(rival, 4), "own_iou": round(own, 4),
                           "gain": round(own - rival, 4)})  # fmt: skip
        picture = scaled(self._pair(self.families[0], 1000 * VALIDATION)[0].images[0])[:32, :32]
        return Measured(
            {
                "iou": round(mean["own"], 4),
                "iou_begun_from_nothing": round(mean["nothing"], 4),
                "iou_told_by_means_alone": round(mean["told"], 4),
                "specimens": float(len(rows)),
            },
            worlds,
            "mean intersection over union gained over adapters begun from nothing",
            wins=mean["own"] > mean["nothing"],
            reference={"input": picture, "output": embedded(network, self._base, picture)},
        )

    def _test(self) -> Iterator[tuple[str, tuple[Labelled, Labelled]]]:
        for number in range(int(self.options["test"])):
            for family in self.held_out:
                yield family, self._pair(family, 1000 * TEST + number)

    def card(self) -> dict[str, Any]:
        families = ", ".join(sorted(set(self.families)))
        (digest,) = ModelCard.of(f"backbone_{DOMAIN}").weights.values()
        return {
            "version": "0.3.0",
            "changelog": {
                "0.1.0": "first weights, trained on half a core of a CPU",
                "0.2.0": "0.1.0 trained further, on other specimens",
                "0.3.0": "0.2.0 trained further, half of the specimens of no family",
            },
            "task": "where adapters and head begin over the frozen backbone of slices",
            "intended_use": "segmentations of slices from a handful of labelled ones",
            "backbone": DOMAIN,
            "backbone_sha256": digest,
            "data_source": f"simulated specimens of the families {families}, and such mixed of "
            f"them; held out of training for the test: {', '.join(self.held_out)}",
            "data_type": "simulated counts with photon noise, corrected and reconstructed by the "
            "toolbox; truth: which material each pixel is of, those that absorb alike being one",
            "inputs": {"image": {"axes": "n, channel, y, x", "channels": 1, "dtype": "float32",
                                 "unit": "about -1 to 1 by the 2nd and 98th percentile",
                                 "size": "multiples of 8"}},
            "outputs": {"features": {"axes": "n, channel, y, x", "channels": tool.HEAD,
                                     "dtype": "float32", "unit": "none"}},
            "references": [
                "Snell, Swersky & Zemel 2017, NIPS, 4077 (prototypical networks)",
                "Houlsby et al. 2019, ICML, 2790 (adapters)",
            ],
            "differences": "pixels instead of images; over a backbone that stays as it is; the "
            "means become the last layer, which learns further with the adapters",
            "licence": "Apache-2.0",
        }  # fmt: skip


def embedded(network: Any, base: torch.nn.Module, image: Any) -> Any:
    """What begun adapters make of one image ``y, x``: ``channel, y, x``."""
    import torch

    device = next(network.parameters()).device
    with torch.inference_mode():
        given = torch.from_numpy(np.asarray(image, np.float32))[None, None].to(device)
        return network.embed(base.to(device), given)[0].cpu().numpy()
