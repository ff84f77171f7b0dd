"""Test rigs with several channels read together, and the moments at which something changed.

A pump, a vacuum or a cooling stand: a few states (speed, load, the room) move all channels at
once, each channel has noise of its own, and a fault comes and goes while the rest carries on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

START = 1767571200.0
FAULTS = ("shift", "ramp", "spread", "uncoupled", "swing")
LENGTHS_S = (500, 1600)
RAMP_S = 60  # the longest time in which a fault comes to its size


@dataclass(frozen=True, eq=False)
class RigRecord:
    """``times`` (n,) unix s, once a second; ``channels`` by name (n,); ``changes`` the unix s at
    which a fault begins or ends; ``faults`` their kinds, one for each two changes (the last may
    not have ended)."""

    times: Values
    channels: dict[str, Values]
    changes: Values
    faults: tuple[str, ...]


def draw_rig(seed: int, *, healthy: bool = False) -> RigRecord:
    """The record of a random rig.

    4 to 10 channels; one to three common states with memories of 5 to 120 s; channels that
    are noisy, heavy-tailed, read in steps, or slow with a trend of their own; one to three
    faults of 60 to 400 s in the later two thirds, in one to half of the channels, 1.5 to 8 of
    their deviations large. ``healthy``: none.

    >>> record = draw_rig(3)
    >>> len(record.channels) >= 4, len(record.changes) >= 1
    (True, True)
    >>> len(draw_rig(3, healthy=True).changes)
    0
    """
    rng = np.random.default_rng([seed, 0x716])
    count, many = int(rng.integers(*LENGTHS_S)), int(rng.integers(4, 11))
    common = range(rng.integers(1, 4))
    memories = (float(np.exp(rng.uniform(np.log(5), np.log(120)))) for _ in common)
    states = np.stack([ornstein_uhlenbeck(rng, count, memory) for memory in memories])
    gains = rng.normal(0, 1, (many, len(states))) * rng.choice([0.0, 0.4, 1.2], (many, 1))
    own = np.stack([_own(rng, count) for _ in range(many)])
    changes, faults = _faults(rng, own, gains, states, healthy)
    values = own + gains @ states
    for row in values:
        if rng.random() < 0.3:  # read in steps
            step = rng.choice([0.5, 1.0, 2.0]) * float(np.std(np.diff(row)))
            row[:] = np.round(row / step) * step
    scale, base = np.exp(rng.normal(0, 2, many)), rng.normal(0, 30, many)
    channels = {f"channel_{k}": scale[k] * (values[k] + base[k]) for k in range(many)}
    return RigRecord(START + np.arange(float(count)), channels, START + np.array(changes), faults)


def ornstein_uhlenbeck(rng: np.random.Generator, count: int, memory: float) -> Values:
    """A unit Ornstein-Uhlenbeck process (n,) with a memory of so many steps."""
    keep = np.exp(-1 / memory)
    row = rng.standard_normal(count)
    row[1:] *= np.sqrt(1 - keep**2)
    for k in range(1, count):
        row[k] += keep * row[k - 1]
    return row


def _own(rng: np.random.Generator, count: int) -> Values:
    """What a channel does by itself, of unit deviation."""
    kind = rng.choice(["plain", "remembers", "heavy", "slow"], p=[0.4, 0.2, 0.2, 0.2])
    if kind == "heavy":
        row = rng.standard_t(3, count)
        return row / np.sqrt(3.0)
    row = ornstein_uhlenbeck(rng, count, float(rng.uniform(1, 4))) if kind == "remembers" else (
        rng.standard_normal(count))  # fmt: skip
    if kind == "slow":  # a temperature: warming up, and wandering
        warm = rng.normal(0, 6) * np.exp(-np.arange(count) / rng.uniform(100, 800))
        row += warm + 2 * ornstein_uhlenbeck(rng, count, float(rng.uniform(200, 1500)))
    return row


def _faults(
    rng: np.random.Generator, own: Values, gains: Values, states: Values, healthy: bool
) -> tuple[list[int], tuple[str, ...]]:
    """Put faults into what the channels do by themselves; when they begin and end."""
    many, count = own.shape
    changes: list[int] = []
    kinds: list[str] = []
    at = int(count * rng.uniform(0.33, 0.6))
    for _ in range(0 if healthy else rng.integers(1, 4)):
        length = int(np.exp(rng.uniform(np.log(60), np.log(400))))
        if at + 60 > count:
            break
        end = min(at + length, count)
        kind = str(rng.choice(FAULTS, p=[0.45, 0.15, 0.2, 0.1, 0.1]))
        hit = rng.choice(many, int(rng.integers(1, max(2, many // 2) + 1)), replace=False)
        coming = np.clip((np.arange(count) - at) / rng.uniform(1, RAMP_S), 0, 1)
        coming[end:] = 0
        for k in hit:
            size = float(np.exp(rng.uniform(np.log(1.5), np.log(8)))) * rng.choice([-1, 1])
            if kind == "shift":
                own[k] += size * coming
            elif kind == "ramp":
                rising = np.clip((np.arange(count) - at) / max(end - at, 1), 0, None)
                own[k] += 1.5 * size * np.where(coming > 0, rising, 0)
            elif kind == "spread":
                own[k] += coming * rng.standard_normal(count) * abs(size)
            elif kind == "uncoupled":
                own[k] -= coming * (2 * gains[k] @ states)
            else:
                phase = 2 * np.pi * np.arange(count) / rng.uniform(4, 40)
                own[k] += size * coming * np.sin(phase)
        changes.append(at)
        if end < count:
            changes.append(end)
        kinds.append(kind)
        at = end + int(rng.uniform(70, 400))
    return changes, tuple(kinds)
