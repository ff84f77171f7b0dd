"""Worlds with truth, to learn in and to test with."""

from simulators.world import SimulatedScan, World, simulate

__all__ = ["SimulatedScan", "World", "simulate"]
