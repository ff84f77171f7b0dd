"""How data is processed: typed tools, pipelines, execution."""

from toolbox.card import Param, Port, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.pipeline import Edge, Node, Pipeline
from toolbox.registry import known_tools, make_tool, tool_class
from toolbox.tool import Cost, Tool, Tuned
from toolbox.values import (
    Block,
    Center,
    Displacement,
    Geometry,
    Pattern,
    Quantities,
    Quantity,
    Shape,
    Shifts,
    Transform,
)

__all__ = [
    "Block", "Center", "Cost", "DataKind", "Displacement", "Domain", "Edge", "Geometry",
    "GreyState", "Node", "Param", "Pattern", "Pipeline", "Port", "Quantities", "Quantity", "Shape",
    "Shifts", "Split", "Stage", "Tool", "ToolCard", "Transform", "Tuned", "grey", "known_tools",
    "make_tool", "tool_class",
]  # fmt: skip
