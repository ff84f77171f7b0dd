"""The image-text model as the training harness sees it: ``tomoplan train perception``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from planner.perception import network as model
from planner.perception.captions import LANGUAGES, Caption, caption, claims, meaning, plain
from planner.perception.conditions import Combination
from planner.perception.examples import combinations, gathered
from planner.perception.gauges import SIDE
from planner.perception.measuring import Retrieval, auroc, linear_probe, logistic
from planner.perception.pictures import MARGIN, stacked
from planner.perception.shown import SHOWN, VISIBLE
from planner.perception.traits import score_of
from planner.task import Condition
from simulators.training.part import Arrays, Measured, Tensors

if TYPE_CHECKING:
    import torch

CLAIMS_WEIGHT = 10.0  # of what is claimed of conditions, over the contrast
PROBED = 1500  # labelled embeddings that the linear probe is given
Array = NDArray[np.float32]


class Part:
    """``options``: ``families`` trained on, ``held_out`` ones for the test, ``apart``
    (combinations of family and condition that are in the test only), how many scans each set has
    (``train``, ``validation``, ``test``, ``new``), ``probability`` of each condition, ``seed``, and
    how many ``workers`` simulate."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options

    # ---- examples --------------------------------------------------------------------------

    def example(self, rng: np.random.Generator) -> Arrays:
        """One of the scans to learn from."""
        return self._train[int(rng.integers(len(self._train)))]

    @cached_property
    def _train(self) -> list[Arrays]:
        self._validation  # noqa: B018 - simulated with them, before the clock starts
        return gathered(self.options, "train")

    @cached_property
    def _validation(self) -> list[Arrays]:
        return gathered(self.options, "validation")

    def batch(self, examples: Sequence[Arrays], rng: np.random.Generator) -> Arrays:
        """Mirrored and moved at random, which changes nothing of what is said, each with a caption
        made for it now."""
        return {
            "pictures": np.stack([_varied(e, rng) for e in examples]).astype(np.float32),
            "meaning": np.stack([captioned(e, rng).meaning for e in examples]),
            "severity": np.stack([e["severity"] for e in examples]).astype(np.float32),
        }  # fmt: skip

    # ---- learning --------------------------------------------------------------------------

    def network(self) -> torch.nn.Module:
        return model.network()

    def loss(self, network: Any, batch: Tensors) -> torch.Tensor:
        """CLIP's contrastive loss of pictures and captions, and the cross-entropy of what is
        claimed of each condition: that it is there, or that it is not."""
        import torch
        from open_clip.loss import ClipLoss

        seen = network.look(batch["pictures"])
        scale = network.scale.clamp(0, 4.6).exp()  # at most 100, as in the paper
        contrast = ClipLoss()(seen, network.read(batch["meaning"]), scale)
        there = (batch["severity"] > 0).float()
        odds = scale * seen @ self._directions(network).T + network.rarity
        claimed = torch.nn.functional.binary_cross_entropy_with_logits(odds, there)
        return contrast + CLAIMS_WEIGHT * claimed

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
    def _claims(self) -> list[tuple[Array, Array]]:
        return [tuple(np.stack([meaning(text) for text in texts])  # type: ignore[misc]
                      for texts in claims(c)) for c in SHOWN]  # fmt: skip

    def validate(self, network: Any) -> dict[str, float]:
        """How well claims tell conditions (area under the curve, mean over the visible ones) on
        other specimens of the families learned from; what use needs is kept in the network."""
        import torch

        directions = self._directions(network).detach().float()
        seen = looked(network, self._validation)
        way = seen @ directions.cpu().numpy().T
        there = _there(self._validation)
        odds = np.array([logistic(way[:, i], there[:, i]) for i in range(len(SHOWN))], np.float32)
        with torch.no_grad():
            network.directions.copy_(directions)
            network.slope.copy_(torch.from_numpy(odds[:, 0]))
            network.offset.copy_(torch.from_numpy(odds[:, 1]))
        areas = [auroc(way[:, i], there[:, i]) for i, c in enumerate(SHOWN) if c in VISIBLE]
        return {"score": float(np.nanmean(areas)), "worst": float(np.nanmin(areas))}

    # ---- what it is worth ------------------------------------------------------------------

    def measure(self, network: Any) -> Measured:
        """On families held out: each condition by claims alone, beside a linear probe that was
        given labels; retrieval of captions among combinations never seen."""
        known = gathered(self.options | {"train": min(PROBED, self.options["train"])}, "train")
        test = gathered(self.options, "test")
        seen, there = looked(network, test), _there(test)
        directions = network.directions.float().cpu().numpy()
        way = seen @ directions.T
        known_seen = looked(network, known)
        probed = linear_probe(known_seen, _there(known), seen)
        traits = np.stack([e["traits"] for e in test])
        rows: list[dict[str, Any]] = []
        for i, condition in enumerate(SHOWN):
            own, probe = auroc(way[:, i], there[:, i]), auroc(probed[:, i], there[:, i])
            by_trait = auroc(score_of(condition, traits), there[:, i])
            rows.append({"world": condition.value, "scans": int(there[:, i].sum()),
                         "visible": condition in VISIBLE,
                         "conventional": "hand-made trait of the scan",
                         "conventional_auroc": _rounded(by_trait), "own_auroc": _rounded(own),
                         "linear_probe_auroc": _rounded(probe),
                         "gain": _rounded(own - by_trait)})  # fmt: skip
        visible = [row for row in rows if row["visible"]]
        metrics = {
            "mean_auroc": _mean([row["own_auroc"] for row in visible]),
            "mean_auroc_linear_probe": _mean([row["linear_probe_auroc"] for row in visible]),
            "mean_auroc_traits": _mean([row["conventional_auroc"] for row in visible]),
            "scans": float(len(test)),
            **self._captions(known),
            **self._retrieval(network, known, known_seen),
        }
        example = self._validation[:2]
        return Measured(
            metrics,
            rows,
            "area under the curve over the hand-made trait",
            wins=metrics["mean_auroc"] > metrics["mean_auroc_traits"],
            reference={"pictures": _pictures(example), "output": looked(network, example)},
        )

    def _captions(self, known: Sequence[Arrays]) -> dict[str, float]:
        """Among ten for each picture in each language (training draws new ones for ever)."""
        rng = np.random.default_rng(0)
        texts = {captioned(one, rng, language).text
                 for one in known for language in LANGUAGES for _ in range(10)}  # fmt: skip
        return {"distinct_captions": float(len(texts))}

    def _retrieval(self, network: Any, known: Sequence[Arrays], known_seen: Array
                   ) -> dict[str, float]:  # fmt: skip
        """Among one caption for every combination of a family and a condition (or none)."""
        new = gathered(self.options, "new")
        families = sorted(self.options["families"])
        nothing_or: tuple[Condition | None, ...] = (None, *VISIBLE)
        grid: list[Combination] = [(f, c) for f in families for c in nothing_or]
        apart = combinations(self.options)
        own = np.array([grid.index(apart[n % len(apart)]) for n in range(len(new))], np.intp)
        specimens = np.array([families.index(f) for f, _ in grid], np.intp)
        conditions = np.array([nothing_or.index(c) for _, c in grid], np.intp)
        seen = looked(network, new)
        found = {}
        for language in LANGUAGES:
            # The mean of the ways to say it
            meant = np.stack([
                read(network, np.stack([c.meaning for c in plain(one, language)])).mean(axis=0)
                for one in grid])  # fmt: skip
            meant /= np.linalg.norm(meant, axis=1, keepdims=True)
            found[language] = Retrieval.of(seen @ meant.T, own, specimens, conditions)
        found["linear_probe"] = Retrieval.of(
            _probed(known, known_seen, seen, grid, families), own, specimens, conditions
        )
        named = {"first": "recall_at_1", "five": "recall_at_5", "specimen": "right_specimen",
                 "condition": "right_condition"}  # fmt: skip
        shares = {f"{named[k]}_{how}": round(v, 3)
                  for how, one in found.items() for k, v in asdict(one).items()}  # fmt: skip
        return {"new_combinations": float(len(apart)), "new_scans": float(len(new)),
                "captions_to_choose_from": float(len(grid)), **shares}  # fmt: skip

    def card(self) -> dict[str, Any]:
        return {
            "version": "2.0.0",
            "changelog": {
                "1.0.0": "first weights",
                "2.0.0": "six more panels, of stripes, noise, places of the views, edges and "
                "spectrum, with a network of their own; embeddings are others",
            },
            "task": "bring pictures of a scan and words about it into one space",
            "intended_use": "conditions that a picture shows, without labels; likeness of scans; "
            "an embedding for the planner",
            "data_source": "simulated specimens of the families "
            f"{', '.join(self.options['families'])}; "
            f"held out of training for the test: {', '.join(self.options['held_out'])}, and the "
            f"combinations {', '.join(' with '.join(pair) for pair in self.options['apart'])}",
            "data_type": "projection, sinogram and quick slice, whole and middle, resized alike; "
            "stripes, noise, places of the views, edges and spectrum as pictures; captions in "
            "English and Chinese from a grammar",
            "inputs": {"pictures": {"axes": "n, picture, panel, y, x", "channels": 3,
                                    "dtype": "float32", "unit": "of the first two median 0, span "
                                    "of 96 % 1; of the others their own",
                                    "size": f"{SIDE} x {SIDE}"}},
            "outputs": {"embedding": {"axes": f"n, {model.SPACE}", "dtype": "float32",
                                      "unit": "unit vector"}},
            "references": ["Radford et al. 2021, ICML, Learning transferable visual models from "
                           "natural language supervision (CLIP)"],
            "differences": "two small ResNets (open_clip's model class and loss) that see two "
            "pictures of three panels each; the text side stands on frozen multilingual-e5-small; "
            "beside the contrast a supervised loss: sentences that claim or deny each condition "
            "are held against what was simulated",
            "licence": "Apache-2.0",
            "tells": bool(self.options["tells"]),
        }  # fmt: skip


def captioned(one: Arrays, rng: np.random.Generator, language: str | None = None) -> Caption:
    """A caption of an example, in one of the languages."""
    shown = {c: int(s) for c, s in zip(SHOWN, one["severity"], strict=True) if s}
    language = language or LANGUAGES[int(rng.integers(len(LANGUAGES)))]
    return caption(rng, str(one["family"]), shown, language)


def _varied(one: Arrays, rng: np.random.Generator) -> NDArray[Any]:
    """``picture, panel, y, x``: those that show the scan mirrored, the middles cut a little beside
    the middle."""
    top, left = rng.integers(2 * MARGIN + 1, size=2)
    whole, detail = one["whole"], one["detail"]
    spots = detail[:1, MARGIN:-MARGIN, MARGIN:-MARGIN]  # of the whole sinogram
    parts = detail[1:, top : top + SIDE, left : left + SIDE]
    shown = np.concatenate([whole, spots, parts])
    if rng.random() < 0.5:
        shown = shown[..., ::-1]
    if rng.random() < 0.5:
        shown = shown[..., ::-1, :]
    return stacked(shown[:3], shown[3:], one["gauged"])


def _pictures(examples: Sequence[Arrays]) -> Array:
    cut = slice(MARGIN, -MARGIN)
    return np.stack([stacked(e["whole"], e["detail"][:, cut, cut], e["gauged"])
                     for e in examples]).astype(np.float32)  # fmt: skip


def _there(examples: Sequence[Arrays]) -> NDArray[np.bool_]:
    """``n, condition`` of :data:`SHOWN`."""
    return np.stack([e["severity"] for e in examples]) > 0


def _probed(
    known: Sequence[Arrays], known_seen: Array, seen: Array, grid: Sequence[Combination],
    families: Sequence[str],
) -> NDArray[np.floating[Any]]:  # fmt: skip
    """Scores ``n, combination`` of a linear probe for the specimen and one for each condition."""
    labels = np.array([[str(e["family"]) == f for f in families] for e in known])
    there = _there(known)
    specimen = linear_probe(known_seen, labels, seen)
    faults = linear_probe(known_seen, there, seen)
    faults -= linear_probe(known_seen, there, known_seen).mean(axis=0)
    nothing = np.zeros(len(seen))
    return np.stack([specimen[:, families.index(f)]
                     + (nothing if c is None else faults[:, SHOWN.index(c)])
                     for f, c in grid], axis=1)  # fmt: skip


def looked(network: Any, examples: Sequence[Arrays]) -> Array:
    """Embeddings of examples, ``n, SPACE``."""
    import torch

    device = next(network.parameters()).device
    network.eval()
    pictures = torch.from_numpy(_pictures(examples))
    with torch.inference_mode():
        return torch.cat([network.look(p.to(device)) for p in pictures.split(64)]).cpu().numpy()


def read(network: Any, meanings: NDArray[Any]) -> Array:
    """The same of sentence embeddings."""
    import torch

    with torch.inference_mode():
        device = next(network.parameters()).device
        given = torch.from_numpy(meanings.astype(np.float32))
        return network.read(given.to(device)).cpu().numpy()


def _rounded(value: float) -> float:
    return round(value, 3)


def _mean(values: Sequence[float]) -> float:
    return round(float(np.nanmean(values)), 4)
