"""Outcome tables: pipelines really run on simulated scans, with what they gave and cost."""

from simulators.outcomes.generation import generate
from simulators.outcomes.job import Job
from simulators.outcomes.table import Outcomes, ScanOutcomes
from simulators.outcomes.tree import Tree

__all__ = ["Job", "Outcomes", "ScanOutcomes", "Tree", "generate"]
