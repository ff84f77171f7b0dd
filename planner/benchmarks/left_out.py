"""Whether a tool that no training saw is ranked sensibly from its card: each left out once.

A short training of the graph network on the outcome table without the pipelines that hold the
tool, and one with them; then Kendall's τ over the pairs of pipelines of the test scans of which
one holds the tool and the other does not. And families of specimens, in groups: by how much wider
than on scans of families that it learned from the intervals of the quality must be to hold on the
others, all of the split of training. Settings in ``configs/benchmarks/left_out.yaml``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.graph_network.encoding import UNKNOWN, Arrays, vocabulary
from planner.graph_network.examples import encoded, picked
from planner.graph_network.measuring import DIFFER, stretches
from planner.graph_network.training import Part, predicted, specimen
from planner.outcomes.settings import SIMULATED
from simulators.outcomes import Outcomes, ScanOutcomes

FIRST = 2  # number of the first tool of the vocabulary


@cache
def settings() -> dict[str, Any]:
    """``configs/benchmarks/left_out.yaml``."""
    import yaml

    path = files("configs").joinpath("benchmarks", "left_out.yaml")
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def run(output: Path) -> dict[str, Any]:
    """One row a tool, kept in ``OUTPUT/left_out.parts`` as they come, so that a stopped run goes
    on; the network that saw all is trained once, first."""
    folder = output / "left_out.parts"
    folder.mkdir(parents=True, exist_ok=True)
    tests = Outcomes.load(SIMULATED).split("test")
    every = [_complete(scan) for scan in tests]
    print(families := _families(folder), flush=True)
    rows: dict[str, Any] = {}
    whole: Any = None
    for tool in settings()["tools"]:
        path = folder / f"{tool}.json"
        if not path.exists():
            whole = whole or learned()
            number = vocabulary().index(tool) + FIRST
            found = against(whole, learned(without=number), every, number)
            path.write_text(json.dumps(found), encoding="utf-8")
        rows[tool] = json.loads(path.read_text(encoding="utf-8"))
        print(f"{tool}: {rows[tool]}", flush=True)
    return {"tools": rows, "families": families, "settings": settings()}


def _families(folder: Path) -> dict[str, float]:
    """How many times wider the intervals must be on families that were left out, by group, and
    the mean; kept in ``folder``."""
    path = folder / "families.json"
    if path.exists():
        return dict(json.loads(path.read_text(encoding="utf-8")))
    outcomes = Outcomes.load(SIMULATED)
    train, validation = outcomes.split("train"), outcomes.split("validation")
    every = sorted({specimen(scan) for scan in train})
    found = {}
    for at in range(settings()["groups"]):
        out = every[at :: settings()["groups"]]
        network = learned(families=[f for f in every if f not in out])
        known = [s for s in validation if specimen(s) not in out]
        strange = [s for s in (*train, *validation) if specimen(s) in out]
        sides = [stretches([(predicted(network, one), one) for one in map(_complete, scans)])
                 for scans in (known, strange)]  # fmt: skip
        found["+".join(out)] = round(float(np.mean(np.divide(sides[1], sides[0]))), 3)
    found["mean"] = round(float(np.mean(list(found.values()))), 3)
    path.write_text(json.dumps(found), encoding="utf-8")
    return found


def _complete(scan: ScanOutcomes) -> Arrays:
    one = encoded(scan)
    return picked(one, np.flatnonzero(one["complete"]))


def learned(**options: Any) -> Any:
    """The network after a short training with some options of
    :class:`planner.graph_network.training.Part`."""
    import torch

    how = settings()
    torch.manual_seed(how["seed"])
    part = Part(how["options"] | options)
    network: Any = part.network()
    optimiser = torch.optim.AdamW(network.parameters(), lr=how["rate"])
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, how["rate"],
                                                   total_steps=how["steps"])  # fmt: skip
    rng = np.random.default_rng(how["seed"])
    network.train()
    for _ in range(how["steps"]):
        arrays = part.batch([part.example(rng) for _ in range(how["batch"])], rng)
        batch = {n: torch.from_numpy(np.ascontiguousarray(v)) for n, v in arrays.items()}
        loss = part.loss(network, batch)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    return network.eval()


def against(whole: Any, without: Any, tests: Sequence[Arrays], number: int) -> dict[str, float]:
    """τ over the pairs that the tool parts: of the network that saw it, of the one that did not
    (and knows it by its card alone), and of the rules."""
    rows = []
    for one in tests:
        has = holds(one, number)
        if not (has.any() and (~has).any()):
            continue
        hidden = one | {"tools": np.where(one["tools"] == number, UNKNOWN, one["tools"])}
        scores = (predicted(whole, one)[:, 0], predicted(without, hidden)[:, 0],
                  one["rules"][:, -1])  # fmt: skip
        rows.append([parted(score, one["quality"], has) for score in scores])
    names = ("seen", "card_alone", "rules")
    means = np.nanmean(np.array(rows, np.float64).reshape(-1, len(names)), axis=0)
    found = dict(zip(names, (round(float(m), 3) for m in means), strict=True))
    return {"scans": float(len(rows)), **found}


def holds(one: Arrays, number: int) -> NDArray[np.bool_]:
    """Which graphs hold a tool."""
    found = np.zeros(len(one["rules"]), bool)
    found[one["graph"][one["tools"] == number]] = True
    return found


def parted(score: NDArray, quality: NDArray, has: NDArray[np.bool_]) -> float:
    """Pairs in order less pairs out of order, over those of one with and one without, further
    apart in quality than 0.01; NaN where there is none.

    >>> parted(np.array([1.0, 0.0]), np.array([0.9, 0.5]), np.array([True, False]))
    1.0
    """
    more = quality[has][:, None] - quality[~has][None]
    said = np.sign(score[has][:, None] - score[~has][None]) * np.sign(more)
    pairs = np.abs(more) > DIFFER
    return float(said[pairs].mean()) if pairs.any() else float("nan")


def table(result: dict[str, Any]) -> str:
    """The result as a Markdown table."""
    lines = ["| tool | scans | seen in training | card alone | rules |", "|---|---|---|---|---|"]
    lines += [f"| `{tool}` | {row['scans']:.0f} | {row['seen']:.3f} | {row['card_alone']:.3f} | "
              f"{row['rules']:.3f} |" for tool, row in result["tools"].items()]  # fmt: skip
    lines += ["", "| families left out | intervals wider by |", "|---|---|"]
    lines += [f"| {name} | {factor:.2f} |" for name, factor in result["families"].items()]
    return "\n".join(lines)
