"""Worlds with truth, to learn in and to test with."""

from simulators.simulated_scan import SimulatedScan, simulate
from simulators.world import World

__all__ = ["SimulatedScan", "World", "simulate"]
