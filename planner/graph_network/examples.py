"""Outcomes of scans as graphs to learn from."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from planner.graph_network.context import context
from planner.graph_network.encoding import Encoder, vocabulary
from planner.graph_network.rehearsal import NOTHING
from planner.graph_network.tried import tried
from planner.outcomes.remembered import remembered
from simulators.outcomes import ScanOutcomes
from simulators.outcomes.tree import path_of
from simulators.training.part import Arrays


@cache
def situated(scan: ScanOutcomes) -> tuple[np.ndarray, Encoder]:
    """The scan's vector, and the encoder of its pipelines."""
    situation, known = remembered(scan), tried()
    rehearsal = known.rehearsals.get(scan.name, NOTHING)
    vector = context(situation, known.seen.get(scan.name), rehearsal)
    return vector, Encoder(situation, vocabulary(), rehearsal)


_encoded: dict[str, Arrays] = {}


def encoded(scan: ScanOutcomes) -> Arrays:
    """Every node of a scan's tree as the pipeline that ends there, kept in memory: a complete one
    with its own quality, a begun one with the best that was reached from it."""
    if scan.name not in _encoded:
        vector, encoder = situated(scan)
        best = _reached(scan)
        known = np.flatnonzero(np.isfinite(best))
        arrays = encoder.encode([scan.recipe(int(n)) for n in known])
        costs = np.stack([scan.total_seconds, scan.total_peak_bytes], axis=1)[known]
        complete = np.isin(known, scan.complete)
        costed = np.isfinite(costs) & (costs > 0) & complete[:, None]
        own = _of_steps(scan, known, len(scan.document["scans"]))
        step_costed = np.isfinite(own) & (own > 0)
        _encoded[scan.name] = arrays | {
            "context": vector[None],
            "scan": np.zeros(len(known), np.int64),
            "quality": best[known].astype(np.float32),
            "costs": np.log10(np.where(costed, costs, 1.0)).astype(np.float32),
            "costed": costed.astype(np.float32),
            "complete": complete,
            "step_costs": np.log10(np.where(step_costed, own, 1.0)).astype(np.float32),
            "step_costed": step_costed.astype(np.float32),
        }
    return _encoded[scan.name]


def _of_steps(scan: ScanOutcomes, ends: np.ndarray, scans: int) -> np.ndarray:
    """Seconds and bytes of each node of the graphs that end at some nodes, axes ``node, 2``; NaN
    for sources, and where several scans make several nodes of a step."""
    rows: list[np.ndarray] = []
    costs = np.stack([scan.seconds, scan.peak_bytes], axis=1).astype(np.float64)
    for end in ends:
        path = path_of(scan.parent, int(end))
        if scans == 1:
            rows += [np.full((1, 2), np.nan), costs[list(path)]]
        else:
            count = len(situated(scan)[1].encode([scan.recipe(int(end))])["tools"])
            rows.append(np.full((count, 2), np.nan))
    return np.concatenate(rows)


def _reached(scan: ScanOutcomes) -> np.ndarray:
    """For each node the best quality of a complete pipeline at it (its own) or after it."""
    own = scan.main_quality
    best = own.copy()
    for node in range(len(best) - 1, -1, -1):
        parent = scan.parent[node]
        if parent >= 0 and not np.isfinite(own[parent]):
            best[parent] = np.fmax(best[parent], best[node])
    return best


def picked(whole: Arrays, chosen: np.ndarray) -> Arrays:
    """Some graphs of a scan, in the order given."""
    chosen = np.sort(chosen)
    place = np.full(int(whole["graph"][-1]) + 1, -1)
    place[chosen] = np.arange(len(chosen))
    nodes = place[whole["graph"]] >= 0
    renumber = np.cumsum(nodes) - 1
    edges = nodes[whole["edges"][0]]
    found = {"tools": whole["tools"][nodes], "nodes": whole["nodes"][nodes],
             "edges": renumber[whole["edges"][:, edges]], "kinds": whole["kinds"][edges],
             "graph": place[whole["graph"][nodes]], "context": whole["context"],
             "step_costs": whole["step_costs"][nodes],
             "step_costed": whole["step_costed"][nodes]}  # fmt: skip
    each = ("scan", "rules", "quality", "costs", "costed", "complete")
    return found | {name: whole[name][chosen] for name in each}


def together(examples: Sequence[Arrays]) -> Arrays:
    """Several scans' graphs in a row."""
    found: dict[str, list[np.ndarray]] = {name: [] for name in examples[0]}
    nodes = graphs = 0
    for number, one in enumerate(examples):
        moved = {"edges": one["edges"] + nodes, "graph": one["graph"] + graphs,
                 "scan": np.full(len(one["quality"]), number)}  # fmt: skip
        for name in found:
            found[name].append(moved.get(name, one[name]))
        nodes, graphs = nodes + len(one["tools"]), graphs + len(one["quality"])
    return {n: np.concatenate(v, axis=1 if n == "edges" else 0) for n, v in found.items()}
