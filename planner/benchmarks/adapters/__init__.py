"""A frozen backbone with adapters beside the same network from scratch and a pixel classifier."""

from planner.benchmarks.adapters.comparison import run

__all__ = ["run"]
