"""Simulated clusters: requests that share a node or a few, event by event."""

from simulators.clusters.job import Job, Step, Truth
from simulators.clusters.machine import Device, Machine
from simulators.clusters.outcome import Outcome
from simulators.clusters.placement import Placement, Waiting
from simulators.clusters.queue import simulate
from simulators.clusters.scheduler import Scheduler
from simulators.clusters.situation import Situation

__all__ = ["Device", "Job", "Machine", "Outcome", "Placement", "Scheduler", "Situation", "Step",
           "Truth", "Waiting", "simulate"]  # fmt: skip
