"""The graph network: nodes are tools, edges typed data, all of it seen in the light of the scan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.graph_network.context import SIZE as CONTEXT
from planner.graph_network.encoding import KINDS, NODE

if TYPE_CHECKING:
    import torch

WIDTH, ROUNDS, TOOL = 96, 3, 24
FORGET = 0.1  # share of tools that training hides, so that a new one can be judged by its card
OUTPUTS = 5  # quality (middle, below, above), log10 seconds and log10 bytes


def network(tools: int) -> torch.nn.Module:
    """Message passing by GINE (Hu et al. 2020, with edge features; torch-geometric) forth and back
    along the edges, ``tools`` of them with a learned embedding.

    ``forward(tools, nodes, edges, kinds, graph, contexts, scan)``: nodes of many graphs in a row,
    ``graph`` the number of each node's graph, ``scan`` of each graph the row of ``contexts``.
    Yields ``graph, OUTPUTS``: the logit of the middle of the quality, how far its 5th and 95th
    percentile lie below and above (logits, positive), and powers of ten of seconds and bytes.
    """
    import torch
    from torch import nn
    from torch_geometric.nn import GINEConv
    from torch_geometric.utils import softmax

    def layers(inside: int, outside: int) -> nn.Sequential:
        return nn.Sequential(nn.Linear(inside, WIDTH), nn.GELU(), nn.Linear(WIDTH, outside))

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tool = nn.Embedding(tools + 2, TOOL)
            self.node = layers(NODE + TOOL, WIDTH)
            self.scan = layers(CONTEXT, WIDTH)
            self.light = nn.Linear(WIDTH, 2 * WIDTH)
            self.forth = nn.ModuleList(
                GINEConv(layers(WIDTH, WIDTH), edge_dim=len(KINDS)) for _ in range(ROUNDS)
            )
            self.back = nn.ModuleList(
                GINEConv(layers(WIDTH, WIDTH), edge_dim=len(KINDS)) for _ in range(ROUNDS)
            )
            self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(ROUNDS))
            self.attention = nn.Linear(WIDTH, 1)
            self.last = layers(3 * WIDTH, OUTPUTS)
            # Conformal factors on the two sides of the interval, set when the training is over
            self.register_buffer("stretch", torch.ones(2))

        def forward(
            self, tools: torch.Tensor, nodes: torch.Tensor, edges: torch.Tensor,
            kinds: torch.Tensor, graph: torch.Tensor, contexts: torch.Tensor, scan: torch.Tensor,
        ) -> torch.Tensor:  # fmt: skip
            if self.training:
                tools = torch.where(torch.rand(len(tools), device=tools.device) < FORGET, 0, tools)
            count = len(scan)
            about = self.scan(contexts)[scan]  # graph, WIDTH
            scale, shift = self.light(about)[graph].chunk(2, -1)
            h = self.node(torch.cat([nodes, self.tool(tools)], -1)) * (1 + scale) + shift
            typed = nn.functional.one_hot(kinds, len(KINDS)).to(h.dtype)
            for forth, back, norm in zip(self.forth, self.back, self.norms, strict=True):
                h = h + norm(forth(h, edges, typed) + back(h, edges.flip(0), typed))
            weight = softmax(self.attention(h), graph, num_nodes=count)
            mean = h.new_zeros(count, WIDTH).index_add_(0, graph, weight * h)
            end = torch.searchsorted(graph.contiguous(), torch.arange(count, device=graph.device),
                                     right=True) - 1  # fmt: skip
            found = self.last(torch.cat([mean, h[end], about], -1)).float()
            middle, sides, costs = found.split([1, 2, 2], -1)
            return torch.cat([middle, nn.functional.softplus(sides) + 1e-3, costs], -1)

    return Network()
