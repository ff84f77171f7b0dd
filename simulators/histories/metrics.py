"""What the instrument's sensors report: units, noise, and how each follows the beam and the day."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """One sensor, in its own ``unit``.

    ``noise`` is the standard deviation of one reading; a ``memory_share`` of it (in amplitude) is
    correlated over ``memory_s``; readings come in steps of ``resolution`` (0: any). ``swing`` and
    ``season`` are the amplitudes of the day and of the year, ``weather`` the standard deviation
    of slow changes over two days. ``refill`` is the change from the bottom to the top of the
    refill saw-tooth; ``gap`` and ``energy`` are the change per unit of the insertion device's and
    of the monochromator's state (−1 … 1); ``heat`` is how far it is off when the optics are cold,
    ``dip`` how far the flux takes it when the shutter opens.
    ``activity`` scales intermittent jumps on a quiet background (the multilayer's stripes).
    ``light``: proportional to the light on it, and dark when the shutter is closed. ``silent``:
    measured with the beam, no reading without it. ``limited``: there is a tolerance.
    """

    name: str
    unit: str
    base: float
    noise: float
    about: str
    swing: float = 0.0
    season: float = 0.0
    refill: float = 0.0
    gap: float = 0.0
    energy: float = 0.0
    heat: float = 0.0
    dip: float = 0.0
    weather: float = 0.0
    activity: float = 0.0
    resolution: float = 0.0
    memory_s: float = 0.0
    memory_share: float = 0.0
    light: bool = False
    silent: bool = False
    limited: bool = True


# Magnitudes: ring and ion chambers from PETRA III P09, barometer from APS 33-ID, beam position
# from TPS 13A, hutch from the Diamond nanoprobe, stripes and vibration lines from APS 2-BM, stage
# from MAX IV TomoWISE's targets. The rest has no published value and is assumed.
_ALL = (
    Metric("ring_current", "mA", 0.0, 0.0007, "stored current", limited=False,
           memory_s=4.0, memory_share=0.5),
    Metric("beam_x", "um", 0.0, 1.2, "horizontal beam position", swing=1.0, refill=8.0, gap=6.0,
           energy=2.0, heat=-12.0, silent=True, memory_s=30.0, memory_share=0.5),
    Metric("beam_y", "um", 0.0, 0.8, "vertical beam position", swing=0.4, refill=5.0, gap=2.0,
           energy=4.0, heat=-15.0, silent=True, memory_s=30.0, memory_share=0.5),
    Metric("outdoor_temperature", "degC", 12.0, 0.15, "air outside", swing=4.5, season=10.0,
           weather=3.0, resolution=0.01, limited=False, memory_s=600.0, memory_share=0.7),
    Metric("barometer", "hPa", 1001.0, 0.03, "air pressure", weather=7.0, resolution=0.001,
           limited=False),
    Metric("cooling_water", "degC", 22.0, 0.02, "water of the optics", swing=0.04,
           season=0.1, resolution=0.001),
    Metric("ring_temperature", "degC", 25.0, 0.03, "air of the ring tunnel", swing=0.12,
           season=0.2, resolution=0.001),
    Metric("hutch_temperature", "degC", 23.5, 0.005, "air of the experimental hutch", swing=0.014,
           season=0.02, resolution=0.001, memory_s=120.0, memory_share=0.5),
    Metric("optics_temperature", "degC", 27.0, 0.02, "first crystal or multilayer", swing=0.02,
           resolution=0.001, refill=0.01, gap=0.05, heat=-1.5),
    Metric("axis_position", "px", 1024.0, 0.03, "rotation axis on the detector", silent=True),
    Metric("encoder_error", "urad", 0.0, 0.6, "encoder against commanded angle", swing=0.3),
    Metric("stage_runout", "nm", 90.0, 3.0, "radial runout of the rotation stage"),
    Metric("runout_harmonic_1", "nm", 45.0, 1.2, "runout, once per turn"),
    Metric("runout_harmonic_2", "nm", 18.0, 0.8, "runout, twice per turn"),
    Metric("runout_harmonic_3", "nm", 8.0, 0.6, "runout, three times per turn"),
    Metric("vibration_low", "nm", 28.0, 1.5, "vibration 1-20 Hz, RMS", swing=2.5, memory_s=300.0,
           memory_share=0.6),
    Metric("vibration_high", "nm", 11.0, 0.5, "vibration 20-100 Hz, RMS", swing=0.5,
           memory_s=300.0, memory_share=0.6),
    Metric("vibration_29_8_hz", "nm", 7.0, 0.4, "line at 29.8 Hz, amplitude", swing=0.2),
    Metric("vibration_46_hz", "nm", 4.5, 0.3, "line at 46.0 Hz, amplitude", swing=0.2),
    Metric("flat_level", "1", 1.0, 0.002, "flat field over ring current", gap=0.002, energy=0.006,
           heat=-0.03, dip=-0.006, silent=True),
    Metric("flat_shift", "px", 0.0, 0.05, "shift of the flat field's stripes", energy=0.3,
           heat=12.0, activity=1.0, silent=True, memory_s=180.0, memory_share=0.95),
    Metric("ion_chamber_1", "counts", 26900.0, 16.0, "before the sample", light=True,
           resolution=0.5, dip=-0.006, memory_s=8.0, memory_share=0.9, limited=False),
    Metric("ion_chamber_2", "counts", 11230.0, 6.5, "behind the slits", light=True,
           resolution=0.5, dip=-0.006, memory_s=8.0, memory_share=0.9, limited=False),
    Metric("id_gap", "mm", 11.2, 0.0002, "insertion device gap", gap=0.6, resolution=1e-4,
           limited=False),
    Metric("photon_energy", "keV", 25.0, 0.0003, "monochromator energy", energy=8.0,
           resolution=1e-5, limited=False),
)  # fmt: skip

METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}


@dataclass(frozen=True)
class Coupling:
    """``target`` follows ``source`` by ``gain`` (target's unit per source's), after ``lag_s``.

    The lag is that of a first-order low pass (a thermal mass); 0: at once.
    """

    source: str
    target: str
    gain: float
    lag_s: float
    about: str


# Causes come before what they move. 0.1 K over 0.3 m of steel is 0.4-0.7 um: at 1 um pixels some
# 5 px/K; the other gains are assumed so that a source's normal swing shows in its target.
COUPLINGS: tuple[Coupling, ...] = (
    Coupling("outdoor_temperature", "cooling_water", 0.004, 3600.0, "cooling tower"),
    Coupling("outdoor_temperature", "hutch_temperature", 0.001, 10800.0, "walls"),
    Coupling("outdoor_temperature", "ring_temperature", 0.008, 14400.0, "tunnel roof"),
    Coupling("cooling_water", "optics_temperature", 0.8, 1800.0, "crystal cooling"),
    Coupling("hutch_temperature", "axis_position", 5.0, 7200.0, "thermal expansion"),
    Coupling("hutch_temperature", "encoder_error", 30.0, 5400.0, "expansion of the scale"),
    Coupling("optics_temperature", "beam_y", 20.0, 2400.0, "bending of the crystal"),
    Coupling("optics_temperature", "flat_level", -0.06, 2400.0, "detuning"),
    Coupling("beam_y", "flat_shift", 0.05, 0.0, "stripes move with the beam"),
    Coupling("beam_y", "ion_chamber_2", -4.0, 0.0, "slit edge"),
    Coupling("runout_harmonic_1", "stage_runout", 1.5, 0.0, "bearing wear"),
    Coupling("runout_harmonic_1", "runout_harmonic_2", 0.5, 0.0, "bearing wear"),
    Coupling("runout_harmonic_1", "vibration_low", 0.6, 0.0, "bearing wear"),
    Coupling("vibration_29_8_hz", "vibration_high", 0.8, 0.0, "pump on the floor"),
)


def couplings_into(target: str) -> tuple[Coupling, ...]:
    """What moves a metric directly."""
    return tuple(c for c in COUPLINGS if c.target == target)


def moved_by(source: str) -> tuple[str, ...]:
    """Every metric that follows ``source``, directly or through others, in causal order.

    >>> moved_by("hutch_temperature")
    ('axis_position', 'encoder_error')
    """
    found: list[str] = []
    for coupling in COUPLINGS:  # ordered: a source is complete before it is used
        if coupling.source in (source, *found) and coupling.target not in found:
            found.append(coupling.target)
    return tuple(found)


def causes_of(metric: str) -> tuple[str, ...]:
    """Every metric that moves this one, in causal order.

    >>> causes_of("axis_position")
    ('outdoor_temperature', 'hutch_temperature')
    """
    return tuple(name for name in METRICS if metric in moved_by(name))
