"""The graph network as the training harness sees it: ``tomoplan train graph_network``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.graph_network import measuring, network
from planner.graph_network.context import ASKED
from planner.graph_network.encoding import vocabulary
from planner.graph_network.examples import encoded, picked, situated, together
from planner.graph_network.tried import tried
from planner.outcomes.reward import task_of
from planner.outcomes.settings import SIMULATED
from simulators.outcomes import Outcomes, ScanOutcomes
from simulators.training.part import Arrays, Measured, Tensors

if TYPE_CHECKING:
    import torch

LEAST_QUALITY = 0.01  # logits are of qualities from here to one minus this
TEMPERATURE = 0.03  # of quality: how sharply the list's best stands out
SIDES = (0.05, 0.95)
NAME = "graph_network"
ENOUGH = 10  # scans whose request has a goal, for the network to be asked of it
GIVEN = ("tools", "nodes", "edges", "kinds", "graph", "rules", "context", "scan")


class Part:
    """``options``: ``graphs`` of a scan in an example (complete ones first), ``begun`` among
    them, ``validated`` of a scan in validation, and the ``table`` (none: the shipped one); where
    given, ``without`` is the number of a tool that no example holds, and ``families`` the only
    specimens that are learned from."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options

    # ---- examples --------------------------------------------------------------------------

    def example(self, rng: np.random.Generator) -> Arrays:
        """Some pipelines of one scan: graphs, the scan's vector, and what was measured."""
        split = self._split("train")
        return self._some(split[int(rng.integers(len(split)))], rng)

    def _split(self, name: str) -> tuple[ScanOutcomes, ...]:
        whole = _table(str(self.options.get("table") or SIMULATED)).split(name)
        families = self.options.get("families")
        return tuple(s for s in whole if families is None or specimen(s) in families)

    def _some(self, scan: ScanOutcomes, rng: np.random.Generator | None) -> Arrays:
        """Pipelines drawn from a scan, or all that are complete."""
        whole = encoded(scan)
        ends = whole["complete"]
        if rng is None:
            return picked(whole, np.flatnonzero(ends))
        count, begun = int(self.options["graphs"]), int(self.options["begun"])
        there = np.ones(len(ends), bool)
        if self.options.get("without") is not None:
            there[whole["graph"][whole["tools"] == self.options["without"]]] = False
        chosen = rng.permutation(np.flatnonzero(ends & there))[: count - begun]
        other = rng.permutation(np.flatnonzero(~ends & there))[:begun]
        return picked(whole, np.concatenate([chosen, other]))

    def batch(self, examples: Sequence[Arrays], rng: np.random.Generator) -> Arrays:
        return together(examples)

    # ---- learning --------------------------------------------------------------------------

    def network(self) -> torch.nn.Module:
        import torch

        made: Any = network.network(len(vocabulary()))
        known = np.array([situated(s)[0][:ASKED] for s in self._split("train")])
        if len(known):
            made.mean.copy_(torch.from_numpy(known.mean(axis=0)))
            made.spread.copy_(torch.from_numpy(known.std(axis=0) + 0.05))
        return made

    def loss(self, network: Any, batch: Tensors) -> torch.Tensor:
        """Within each scan: listwise cross-entropy of qualities (Cao et al. 2007) and absolute
        errors about the scan's mean; over all: absolute errors, pinball losses of the sides
        (Koenker & Bassett 1978), absolute errors of the costs, as a whole and of each step."""
        said = network.each(*(batch[name] for name in GIVEN))
        losses = [_loss(found, each, batch) for found, each in said]
        total: torch.Tensor = sum(losses[1:], losses[0]) / len(losses)
        return total

    def validate(self, network: Any) -> dict[str, float]:
        """Kendall's τ within scans of the validation split, and what its first choice lacks; makes
        the intervals conformal there."""
        said = [predicted(network, one) for one in self._validation]
        measuring.calibrate(network, list(zip(said, self._validation, strict=True)))
        found = [measuring.ranked(f, one) for f, one in zip(said, self._validation, strict=True)]
        tau = [f.tau for f in found if np.isfinite(f.tau)]
        return {"score": float(np.mean(tau)) - 2 * float(np.mean([f.regret for f in found])),
                "tau": float(np.mean(tau)),
                "regret": float(np.mean([f.regret for f in found]))}  # fmt: skip

    @cached_property
    def _validation(self) -> list[Arrays]:
        """Some complete pipelines of each scan, always the same."""
        found, rng = [], np.random.default_rng(0)
        for scan in self._split("validation"):
            whole = self._some(scan, None)
            drawn = rng.permutation(len(whole["quality"]))[: int(self.options["validated"])]
            found.append(picked(whole, drawn))
        return found

    # ---- what it is worth ------------------------------------------------------------------

    def measure(self, network: Any) -> Measured:
        """On unseen families, faults and wordings, beside gradient-boosted trees on flat features
        and the rules; intervals as made conformal on the validation split."""
        test = [(scan, self._some(scan, None)) for scan in self._split("test")]
        train = [self._some(scan, None) for scan in self._split("train")]
        return measuring.measured(network, train, self._validation, test, predicted)

    def card(self) -> dict[str, Any]:
        return {
            "version": "0.2.1",
            "changelog": {"0.1.0": "first weights",
                          "0.2.0": "five times as many steps, more of the scan hidden",
                          "0.2.1": "intervals that hold on a further scan"},
            "task": "predict quality, seconds and peak memory of a pipeline, whole or begun",
            "intended_use": "ranking valid pipelines for one scan and request",
            "data_source": "outcome tables of simulated scans (python -m planner.outcomes)",
            "data_type": "typed graphs of tools; traits, request and size of the scan",
            "inputs": {"pipeline": {"axes": "node; edge", "dtype": "float32"}},
            "outputs": {"prediction": {"axes": "graph, 5", "dtype": "float32",
                                       "unit": "logit of quality, its sides, log10 s, log10 B"}},
            "references": ["Hu et al. 2020, ICLR, Strategies for pre-training graph neural "
                           "networks (GINE)", "Cao et al. 2007, ICML (listwise loss)",
                           "Romano, Patterson & Candès 2019, NeurIPS (conformalised quantiles)",
                           "Lee, Barber & Willett 2023, arXiv:2306.06342 (of grouped data)"],
            "differences": "cards of tools and the scan condition the nodes; small",
            "tools": list(vocabulary()),
            "goals": known_goals(self._split("train")),
            "sees": bool(tried().seen),
            "licence": "Apache-2.0",
        }  # fmt: skip


def specimen(scan: ScanOutcomes) -> str:
    """The family of a simulated scan's specimen."""
    return str(scan.document["world"]["specimen"])


def known_goals(scans: Sequence[ScanOutcomes]) -> list[str]:
    """The goals that enough requests of some scans have."""
    count = Counter(goal.value for scan in scans for goal in task_of(scan).goals)
    return sorted(goal for goal, times in count.items() if times >= ENOUGH)


@lru_cache(maxsize=2)
def _table(path: str) -> Outcomes:
    return Outcomes.load(path)


def run(network: Any, batch: Tensors) -> tuple[torch.Tensor, torch.Tensor]:
    """The network on a batch: what it says of each graph, and of each node."""
    return network(*(batch[name] for name in GIVEN))


def predicted(network: Any, one: Arrays) -> np.ndarray:
    """What the network says of graphs, ``graph, OUTPUTS``."""
    import torch

    device = next(network.parameters()).device
    network.eval()
    with torch.inference_mode():
        batch = {n: torch.from_numpy(np.ascontiguousarray(v)).to(device) for n, v in one.items()}
        return run(network, batch)[0].float().cpu().numpy()


def _loss(found: torch.Tensor, each: torch.Tensor, batch: Tensors) -> torch.Tensor:
    """The loss of one member, as :meth:`Part.loss` says."""
    import torch

    middle, below, above = found[:, 0].sigmoid(), found[:, 1], found[:, 2]
    quality, scan = batch["quality"], batch["scan"]
    listed = found.new_zeros(())
    count = int(scan.max()) + 1
    for one in range(count):
        here = (scan == one) & batch["complete"]
        wanted, said = quality[here], middle[here]
        share = (wanted / TEMPERATURE).softmax(0)
        listed = listed - (share * (said / TEMPERATURE).log_softmax(0)).sum() / 4
        listed = listed + 8 * ((said - said.mean()) - (wanted - wanted.mean())).abs().mean()
    logit = torch.logit(quality.clamp(LEAST_QUALITY, 1 - LEAST_QUALITY))
    error = logit - found[:, 0].detach()
    sides = _pinball(error + below, SIDES[0]) + _pinball(error - above, SIDES[1])
    costs = ((found[:, 3:] - batch["costs"]).abs() * batch["costed"]).sum() / (
        batch["costed"].sum() + 1
    )
    steps = ((each - batch["step_costs"]).abs() * batch["step_costed"]).sum() / (
        batch["step_costed"].sum() + 1
    )
    straight = (middle - quality).abs().mean()
    return listed / count + 2 * straight + sides.mean() + 2 * (costs + steps)


def _pinball(error: torch.Tensor, share: float) -> torch.Tensor:
    return (share * error).maximum((share - 1) * error)
