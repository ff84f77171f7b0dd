"""The image-text model as the training harness sees it: ``tomoplan train perception``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from planner.language.features import embedded
from planner.language.normal import normal
from planner.perception import network as model
from planner.perception.captions import LANGUAGES, caption, claims
from planner.perception.conditions import VISIBLE, draw
from planner.perception.measuring import auroc, linear_probe, recall
from planner.perception.scenes import pictures_of
from planner.task import Condition
from simulators.training.part import Arrays, Measured, Tensors

if TYPE_CHECKING:
    import torch

VALIDATION, TEST = 101, 202  # seeds of worlds kept apart from training
CLAIMS_WEIGHT = 1.0
RETRIEVED = 5  # of how many first answers one must be right


class Part:
    """``options``: ``families`` trained on, ``held_out`` ones for the test, ``apart`` (pairs of
    conditions that meet in the test only), numbers of worlds for ``validation`` and ``test``."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.families: tuple[str, ...] = tuple(options["families"])
        self.held_out: tuple[str, ...] = tuple(options["held_out"])
        self.apart = [frozenset(Condition(c) for c in pair) for pair in options["apart"]]

    # ---- examples --------------------------------------------------------------------------

    def example(self, rng: np.random.Generator) -> Arrays:
        """Pictures (``picture, panel, y, x``), embeddings of a caption in each language, and the
        severity of each condition that a picture can show."""
        return self._example(rng, self.families)

    def _example(self, rng: np.random.Generator, families: Sequence[str], apart: bool = False
                 ) -> Arrays:  # fmt: skip
        while True:
            drawn = draw(rng, families, without=() if apart else self.apart)
            if not apart or any(pair <= set(drawn.shown) for pair in self.apart):
                break
        texts = [caption(rng, drawn.world.specimen, drawn.shown, lang) for lang in LANGUAGES]
        return {
            "pictures": pictures_of(drawn.world, rng).stacked().astype(np.float16),
            "meaning": np.stack([embedded(normal(text)) for text in texts]).astype(np.float16),
            "severity": np.array([drawn.shown.get(c, 0) for c in VISIBLE], np.int8),
        }

    def batch(self, examples: Sequence[Arrays], rng: np.random.Generator) -> Arrays:
        """One caption of each; mirrored at random, which turns the scan the other way round."""
        pictures = [e["pictures"][..., ::-1] if rng.random() < 0.5 else e["pictures"]
                    for e in examples]  # fmt: skip
        spoken = rng.integers(len(LANGUAGES), size=len(examples))
        return {
            "pictures": np.stack(pictures).astype(np.float32),
            "meaning": np.stack([e["meaning"][i] for e, i in zip(examples, spoken, strict=True)])
            .astype(np.float32),
            "severity": np.stack([e["severity"] for e in examples]).astype(np.float32),
        }  # fmt: skip

    # ---- learning --------------------------------------------------------------------------

    def network(self) -> torch.nn.Module:
        return model.network(model.open_clip_tower())

    def loss(self, network: Any, batch: Tensors) -> torch.Tensor:
        """CLIP's contrastive loss of pictures and captions, and the cross-entropy of what is
        claimed of each condition: that it is there, or that it is not."""
        import torch
        from open_clip.loss import ClipLoss

        seen = network.look(batch["pictures"])
        scale = network.scale.clamp(0, 4.6).exp()  # at most 100, as in the paper
        contrast = ClipLoss()(seen, network.read(batch["meaning"]), scale)
        there = (batch["severity"] > 0).float()
        odds = scale * seen @ self._directions(network).T
        claimed = torch.nn.functional.binary_cross_entropy_with_logits(odds, there)
        return contrast + CLAIMS_WEIGHT * 10 * claimed

    def _directions(self, network: Any) -> torch.Tensor:
        """From absent to there, for each condition, ``condition, SPACE``."""
        import torch

        device = next(network.parameters()).device
        found = []
        for there, absent in self._claims:
            ends = [network.read(torch.from_numpy(m).to(device)).mean(0) for m in (there, absent)]
            found.append(ends[0] - ends[1])
        return torch.stack(found)

    @cached_property
    def _claims(self) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        return [tuple(np.stack([embedded(normal(text)) for text in texts])  # type: ignore[misc]
                      for texts in claims(c)) for c in VISIBLE]  # fmt: skip

    def validate(self, network: Any) -> dict[str, float]:
        """How well claims tell conditions (area under the curve, mean over them) on other
        specimens of the families learned from."""
        areas = self._areas(network, self._validation)
        return {"score": float(np.mean(areas)), "worst": float(np.min(areas))}

    @cached_property
    def _validation(self) -> list[Arrays]:
        rng = np.random.default_rng(VALIDATION)
        return [self.example(rng) for _ in range(int(self.options["validation"]))]

    def _areas(self, network: Any, examples: Sequence[Arrays]) -> list[float]:
        seen = looked(network, examples)
        odds = seen @ self._directions(network).detach().float().cpu().numpy().T
        there = np.stack([e["severity"] for e in examples]) > 0
        return [auroc(odds[:, i], there[:, i]) for i in range(len(VISIBLE))]

    # ---- what it is worth ------------------------------------------------------------------

    def measure(self, network: Any) -> Measured:
        """On families held out: each condition by claims alone, beside a linear probe that was
        given labels; retrieval of captions among combinations of conditions never seen."""
        rng = np.random.default_rng(TEST)
        count = int(self.options["test"])
        test = [self._example(rng, self.held_out) for _ in range(count)]
        new = [self._example(rng, self.held_out, apart=True) for _ in range(count // 4)]
        areas = self._areas(network, test)
        known = np.stack([e["severity"] for e in self._validation]) > 0
        there = np.stack([e["severity"] for e in test]) > 0
        probed = linear_probe(looked(network, self._validation), known, looked(network, test))
        probe = [auroc(probed[:, i], there[:, i]) for i in range(len(VISIBLE))]
        rows = [{"world": c.value, "scans": int(there[:, i].sum()), "conventional": "linear probe",
                 "conventional_auroc": round(probe[i], 3), "own_auroc": round(areas[i], 3),
                 "gain": round(areas[i] - probe[i], 3)} for i, c in enumerate(VISIBLE)]  # fmt: skip
        metrics = {"mean_auroc": round(float(np.mean(areas)), 4),
                   "mean_auroc_linear_probe": round(float(np.mean(probe)), 4),
                   "scans": float(count)}  # fmt: skip
        for i, language in enumerate(LANGUAGES):
            meant = read(network, np.stack([e["meaning"][i] for e in new]).astype(np.float32))
            share = recall(looked(network, new), meant, RETRIEVED)
            metrics[f"recall_at_{RETRIEVED}_of_{len(new)}_new_combinations_{language}"] = round(
                share, 3
            )
        example = self._validation[:2]
        pictures = np.stack([e["pictures"] for e in example]).astype(np.float32)
        return Measured(
            metrics,
            rows,
            "area under the curve over a linear probe with labels",
            wins=metrics["mean_auroc"] >= 0.9,
            reference={"input": pictures, "output": looked(network, example)},
        )

    def card(self) -> dict[str, Any]:
        return {
            "version": "0.1.0",
            "changelog": {"0.1.0": "first weights"},
            "task": "bring pictures of a scan and words about it into one space",
            "intended_use": "conditions that a picture shows, without labels; likeness of scans",
            "data_source": f"simulated specimens of the families {', '.join(self.families)}; "
            f"held out of training for the test: {', '.join(self.held_out)}",
            "data_type": "projection, sinogram and quick slice, whole and middle, resized alike; "
            "captions in English and Chinese from a grammar",
            "inputs": {"pictures": {"axes": "n, picture, panel, y, x", "channels": 3,
                                    "dtype": "float32", "unit": "median 0, span of 96 % 1",
                                    "size": "96 x 96"}},
            "outputs": {"embedding": {"axes": "n, 128", "dtype": "float32", "unit": "unit vector"}},
            "references": ["Radford et al. 2021, ICML, Learning transferable visual models from "
                           "natural language supervision (CLIP)"],
            "differences": "a ResNet of 0.9 million weights (open_clip's model class) that sees "
            "two pictures; the text side stands on frozen multilingual-e5-small; beside the "
            "contrast, sentences that claim or deny each condition",
            "licence": "Apache-2.0",
        }  # fmt: skip


def looked(network: Any, examples: Sequence[Arrays]) -> NDArray[np.float32]:
    """Embeddings of examples, ``n, SPACE``."""
    import torch

    device = next(network.parameters()).device
    network.eval()
    pictures = torch.from_numpy(np.stack([e["pictures"] for e in examples]).astype(np.float32))
    with torch.inference_mode():
        return torch.cat([network.look(p.to(device)) for p in pictures.split(64)]).cpu().numpy()


def read(network: Any, meaning: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same of sentence embeddings."""
    import torch

    with torch.inference_mode():
        device = next(network.parameters()).device
        return network.read(torch.from_numpy(meaning).to(device)).cpu().numpy()
