"""``tomoplan bench planner``: ways of choosing a pipeline, beside each other on measured ones."""

from planner.benchmarks.planner.report import run, table

__all__ = ["run", "table"]
