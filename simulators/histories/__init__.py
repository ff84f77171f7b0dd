"""Instrument histories: months of a beamline's metadata, with the truth beside them."""

from simulators.histories.sampling import draw_history
from simulators.histories.settings import History
from simulators.histories.simulate import SimulatedHistory, simulate_history
from simulators.histories.state import InstrumentState, instrument_state, world_at
from simulators.histories.truth import Truth

__all__ = [
    "History",
    "InstrumentState",
    "SimulatedHistory",
    "Truth",
    "draw_history",
    "instrument_state",
    "simulate_history",
    "world_at",
]
