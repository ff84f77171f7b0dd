"""How data is processed: typed tools, pipelines, execution."""

from toolbox.card import Param, Port, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.pipeline import Edge, Node, Pipeline
from toolbox.registry import known_tools, make_tool, tool_class
from toolbox.tool import Cost, Tool, Tuned
from toolbox.values import Block, Center, Geometry, Quantities, Quantity, Shape, Shifts

__all__ = [
    "Block", "Center", "Cost", "DataKind", "Domain", "Edge", "Geometry", "GreyState", "Node",
    "Param", "Pipeline", "Port", "Quantities", "Quantity", "Shape", "Shifts", "Split", "Stage",
    "Tool", "ToolCard", "Tuned", "grey", "known_tools", "make_tool", "tool_class",
]  # fmt: skip
