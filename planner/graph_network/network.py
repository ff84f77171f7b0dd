"""The graph network: nodes are tools, edges typed data, all of it seen in the light of the scan."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from planner.graph_network.context import ASKED, SEEN, SUMMARY
from planner.graph_network.encoding import KINDS, NODE, RESPONSES, RULES

if TYPE_CHECKING:
    import torch

WIDTH, ROUNDS, TOOL, LOOK, SCAN = 64, 2, 12, 8, 32
MEMBERS = 3  # networks that are averaged, each begun and disturbed on its own
FORGET = 0.1  # share of tools that training hides, so that a new one can be judged by its card
BLIND = 0.5  # share of scans of which training hides the image embedding
UNTRIED = 0.3  # and of which it hides what was tried on them
HIDE, NOISE = 0.3, 0.15  # of what is known of the scan: share hidden, spread of what is added
OUTPUTS = 5  # quality (middle, below, above), log10 seconds and log10 bytes


def network(tools: int) -> torch.nn.Module:
    """Message passing by GINE (Hu et al. 2020, with edge features; torch-geometric) forth and back
    along the edges, ``tools`` of them with a learned embedding.

    ``forward(tools, nodes, edges, kinds, graph, rules, contexts, scan)``: nodes of many graphs in
    a row, ``graph`` the number of each node's graph, ``rules`` what the rules say of each graph,
    ``scan`` of each graph the row of ``contexts``. Yields ``graph, OUTPUTS``: the logit of the
    middle of the quality, how far its 5th and 95th percentile lie below and above (logits,
    positive), and powers of ten of seconds (the sum over the nodes) and bytes (the highest of
    them); and ``node, 2``: powers of ten of seconds and bytes of each node.

    ``members`` are as many such networks; the whole yields the mean of what they say.
    :mod:`planner.graph_network.inference` computes the same with NumPy.
    """
    import torch
    from torch import nn

    with warnings.catch_warnings():
        # torch-geometric 2.8 compiles a part of itself in a way that torch 2.15 has deprecated
        warnings.simplefilter("ignore", FutureWarning)
        from torch_geometric.nn import GINEConv
        from torch_geometric.utils import softmax

    def layers(inside: int, outside: int, width: int = WIDTH) -> nn.Sequential:
        return nn.Sequential(nn.Linear(inside, width), nn.GELU(), nn.Linear(width, outside))

    def convolutions() -> nn.ModuleList:
        made = (GINEConv(layers(WIDTH, WIDTH), edge_dim=len(KINDS)) for _ in range(ROUNDS))
        return nn.ModuleList(made)

    class Member(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tool = nn.Embedding(tools + 2, TOOL)
            self.look = nn.Linear(SEEN, LOOK)
            self.scan = layers(ASKED + LOOK, SCAN)
            self.node = layers(NODE + TOOL, WIDTH)
            self.light = nn.Linear(SCAN, 2 * WIDTH)
            self.cost = layers(WIDTH, 2, 32)
            self.forth, self.back = convolutions(), convolutions()
            self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(ROUNDS))
            self.attention = nn.Linear(WIDTH, 1)
            self.last = layers(2 * WIDTH + RULES, 3)
            self.level = nn.Linear(SCAN, 1)
            self.drop = nn.Dropout(0.15)

        def about(self, contexts: torch.Tensor) -> torch.Tensor:
            asked, seen = contexts[:, :ASKED], contexts[:, ASKED:]
            if self.training:
                asked = asked + NOISE * torch.randn_like(asked)
                asked = asked * (torch.rand_like(asked) > HIDE)
                seen = seen * (torch.rand(len(seen), 1, device=seen.device) > BLIND)
            return self.scan(torch.cat([asked, self.look(seen)], -1))

        def forward(
            self, tools: torch.Tensor, nodes: torch.Tensor, edges: torch.Tensor,
            kinds: torch.Tensor, graph: torch.Tensor, rules: torch.Tensor,
            contexts: torch.Tensor, scan: torch.Tensor,
        ) -> tuple[torch.Tensor, torch.Tensor]:  # fmt: skip
            if self.training:
                tools = torch.where(torch.rand(len(tools), device=tools.device) < FORGET, 0, tools)
            count = len(scan)
            about = self.about(contexts)[scan]  # graph, SCAN
            scale, shift = self.light(about)[graph].chunk(2, -1)
            h = self.node(torch.cat([nodes, self.tool(tools)], -1)) * (1 + scale) + shift
            each = self.cost(h).masked_fill(nodes[:, :1] > 0.5, -12.0)
            typed = nn.functional.one_hot(kinds, len(KINDS)).to(h.dtype)
            for forth, back, norm in zip(self.forth, self.back, self.norms, strict=True):
                h = h + self.drop(norm(forth(h, edges, typed) + back(h, edges.flip(0), typed)))
            weight = softmax(self.attention(h), graph, num_nodes=count)
            mean = h.new_zeros(count, WIDTH).index_add_(0, graph, weight * h)
            end = torch.searchsorted(graph.contiguous(), torch.arange(count, device=graph.device),
                                     right=True) - 1  # fmt: skip
            found = self.last(torch.cat([mean, h[end], rules], -1)).float()
            middle = found[:, :1] + self.level(about)
            sides = nn.functional.softplus(found[:, 1:]) + 1e-3
            seconds = each.new_zeros(count).index_add_(0, graph, 10 ** each[:, 0]).log10()
            peak = each.new_full((count,), -12.0).scatter_reduce(0, graph, each[:, 1], "amax")
            costs = torch.stack([seconds, peak + GIBI], -1)
            each = torch.stack([each[:, 0], each[:, 1] + GIBI], -1)
            return torch.cat([middle, sides, costs], -1), each

    class Network(nn.Module):
        mean: torch.Tensor
        spread: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.members = nn.ModuleList(Member() for _ in range(MEMBERS))
            # Conformal factors on the two sides of the interval, found on the validation split
            self.register_buffer("stretch", torch.ones(2))
            # What is known of a scan, brought to mean 0 and spread 1 over those of training
            self.register_buffer("mean", torch.zeros(ASKED))
            self.register_buffer("spread", torch.ones(ASKED))

        def each(
            self, tools: torch.Tensor, nodes: torch.Tensor, edges: torch.Tensor,
            kinds: torch.Tensor, graph: torch.Tensor, rules: torch.Tensor,
            contexts: torch.Tensor, scan: torch.Tensor,
        ) -> list[tuple[torch.Tensor, torch.Tensor]]:  # fmt: skip
            """What each member says."""
            asked = contexts[:, :ASKED]
            if self.training:
                tried = (torch.rand(len(asked), 1, device=asked.device) > UNTRIED).to(asked.dtype)
                asked, nodes = asked.clone(), nodes.clone()
                asked[:, SUMMARY] *= tried
                nodes[:, RESPONSES] *= tried[scan][graph]
            asked = ((asked - self.mean) / self.spread).clamp(-4, 4)
            about = torch.cat([asked, contexts[:, ASKED:]], -1)
            return [m(tools, nodes, edges, kinds, graph, rules, about, scan) for m in self.members]

        def forward(self, *given: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            found = self.each(*given)
            graphs, nodes = (torch.stack([f[i] for f in found]).mean(0) for i in (0, 1))
            return graphs, nodes

    return Network()


GIBI = 7.0  # log10 bytes about which memory is predicted
