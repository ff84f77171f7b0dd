"""What is known to move what at a beamline: pairs of metrics that are worth a second look."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Signature:
    """``source`` moves ``target`` (patterns of names) after about ``lag_s`` seconds."""

    source: str
    target: str
    kind: str
    lag_s: float


TEMPERATURE = r"temp|hutch|air|water|cool"
# Thermal masses answer within hours (12-23 um/m/K of steel and aluminium); bearings show at once;
# refills heat optics within minutes.
SIGNATURES = (
    Signature(TEMPERATURE, r"axis|center|centre|encoder|position|pitch|shift", "thermal", 7200.0),
    Signature(r"water|cool|chill", r"optic|crystal|mono|mirror|beam|flat", "cooling", 1800.0),
    Signature(r"optic|crystal|mono|mirror", r"beam|flat|flux|intensity", "optics", 2400.0),
    Signature(r"runout.*harmonic|bearing", r"runout|harmonic|vibration", "bearing", 0.0),
    Signature(r"hz|line|pump", r"vibration", "vibration line", 0.0),
    Signature(r"ring.*curr|refill|dcct", r"beam|position|optic|flat", "refill", 300.0),
    Signature(r"gap|energy", r"beam|flat|position", "set-point", 0.0),
)


def signature(source: str, target: str) -> Signature | None:
    """The first that fits the names of two metrics.

    >>> signature("hutch_temperature", "axis_position").kind
    'thermal'
    """
    for known in SIGNATURES:
        if re.search(known.source, source, re.I) and re.search(known.target, target, re.I):
            return known
    return None
