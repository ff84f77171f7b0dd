"""One world: the state of the drifting instrument, and the scans it would make."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from metadata.errors import InputError
from simulators.histories.metrics import METRICS
from simulators.histories.schedule import REGIMES
from simulators.histories.simulate import SimulatedHistory
from simulators.world import World

AXIS_PIXEL_M = 1e-6  # axis_position and flat_shift are in pixels of this size
EVEN_FLAT_PX = 6.0  # even drift of the beam over a scan at severity 1 of World.flat_drift
JUMPING_FLAT_PX = 48.0  # range of the jumps at severity 1 of World.flat_jumps
SCAN_S = 600.0


@dataclass(frozen=True)
class InstrumentState:
    """The instrument's true state at one time and what changes over the scan that starts then.

    Lengths in m. ``axis_offset_m`` from where the axis belongs; ``axis_drift_m``, ``flat_drift_m``
    (even) and ``flat_range_m`` (of the jumps) over the scan; ``vibration_m`` RMS of all bands
    and lines; ``runout_m`` once per turn; ``light`` by full current; ``current_loss`` over
    the scan or between ``refills``.
    """

    time: float
    regime: str
    axis_offset_m: float
    axis_drift_m: float
    flat_drift_m: float
    flat_range_m: float
    vibration_m: float
    runout_m: float
    light: float
    current_loss: float
    refills: int


def instrument_state(
    history: SimulatedHistory, time: float, scan_s: float = SCAN_S
) -> InstrumentState:
    """The state at unix ``time`` for a scan of ``scan_s`` seconds, without sensor noise.

    Raises :class:`InputError` where the time lies outside the history, or has no beam.
    """
    settings, instrument = history.settings, history.whole  # the recorded metrics and the others
    if not settings.start <= time <= settings.end:
        raise InputError(
            f"Time {time} lies outside the history; expected unix seconds from {settings.start} "
            f"to {settings.end}."
        )
    seconds = np.linspace(time, time + scan_s, 61)
    regime = REGIMES[int(instrument.schedule.regime(seconds[:1])[0])]
    current = instrument.beam.current(seconds)
    if current[0] <= 0:
        raise InputError(
            f"There is no beam at {time} ({regime}); expected a time in operation, as those of "
            f"history.truth.regimes."
        )

    def at(name: str) -> float:
        return float(instrument.level(name, seconds[:1])[0])

    def change(name: str) -> float:
        first, last = instrument.level(name, seconds[[0, -1]])
        return float(last - first)

    set_point = METRICS["axis_position"].base
    set_point += float(instrument.set_point("axis_position", seconds[:1])[0])
    flats = instrument.level("flat_shift", seconds)
    even = np.linspace(0, change("flat_shift"), len(flats))
    lines = (at("vibration_29_8_hz"), at("vibration_46_hz"))
    vibration = np.sqrt(at("vibration_low") ** 2 + at("vibration_high") ** 2
                        + sum(a**2 / 2 for a in lines))  # fmt: skip
    refills = instrument.beam.refills
    first, last = np.searchsorted(refills, [time, time + scan_s])
    count = int(last - first)
    loss = settings.refill_ma / settings.ring_ma if count else 1 - current[-1] / current[0]
    return InstrumentState(
        time=time,
        regime=regime,
        axis_offset_m=(at("axis_position") - set_point) * AXIS_PIXEL_M,
        axis_drift_m=change("axis_position") * AXIS_PIXEL_M,
        flat_drift_m=change("flat_shift") * AXIS_PIXEL_M,
        flat_range_m=float(np.ptp(flats - even)) * AXIS_PIXEL_M,
        vibration_m=float(vibration) * 1e-9,
        runout_m=max(0.0, at("runout_harmonic_1")) * 1e-9,
        light=float(current[0] / settings.ring_ma) * max(0.0, at("flat_level")),
        current_loss=float(np.clip(loss, 0, 0.99)),
        refills=count,
    )


def world_at(history: SimulatedHistory, time: float, world: World, scan_s: float = SCAN_S) -> World:
    """The world as the instrument would scan it at unix ``time``: a drifting axis moves
    ``center`` and ``drift_px``, the flat field ``flat_drift`` and ``flat_jumps``, the ring
    ``monitor_drop``, ``refills`` and the photons, vibration the jitter, the stage ``wobble_px``.

    What the world has of its own stays: offsets add, RMS values add in squares.
    """
    state = instrument_state(history, time, scan_s)
    pixel = world.pixel_size_m
    across = state.vibration_m / pixel
    return replace(
        world,
        center=world.axis + state.axis_offset_m / pixel,
        drift_px=world.drift_px + state.axis_drift_m / pixel,
        jitter_px=float(np.hypot(world.jitter_px, across)),
        vertical_jitter_px=float(np.hypot(world.vertical_jitter_px, across)),
        wobble_px=world.wobble_px + state.runout_m / pixel,
        flat_drift=_severity(world.flat_drift, abs(state.flat_drift_m) / pixel / EVEN_FLAT_PX),
        flat_jumps=_severity(world.flat_jumps, state.flat_range_m / pixel / JUMPING_FLAT_PX),
        monitor_drop=1 - (1 - world.monitor_drop) * (1 - state.current_loss),
        refills=world.refills + state.refills,
        photons=None if world.photons is None else world.photons * state.light,
        flux=None if world.flux is None else world.flux * state.light,
    )


def _severity(own: float, more: float) -> float:
    return float(min(1.0, own + more))
