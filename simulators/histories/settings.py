"""The settings of one simulated instrument history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from typing import Annotated, Any

from metadata.errors import InputError
from simulators.histories.drift_shapes import SHAPES
from simulators.histories.metrics import METRICS, causes_of, moved_by
from toolbox.card import Param, Parameter, parameters_of

DAY = 86400.0


def _each(doc: str, unit: str, high: float | None = None) -> Param:
    return Param(doc, unit, 0, high)


@dataclass(frozen=True)
class History:
    """An instrument over months: what is recorded, what drifts, and what else happens.

    ``metric`` drifts from ``onset_day`` on and its true value reaches its limit ``life_days``
    later (to about a day: the swing and the wander decide the hour), through ``cause``
    or by itself. Settings that make no sense raise one :class:`InputError` that names them all.

    >>> History(shape="wear", life_days=5).life_days
    5
    >>> History(metric="axis", days=-1)
    Traceback (most recent call last):
    metadata.errors.InputError: This history cannot be: days is -1, expected at least 0.01 days; ...
    """

    days: Annotated[float, Param("length", "days", 0.01, 20000)] = 60.0
    cadence_s: Annotated[float | None, Param("time between samples (none: once a scan)", "s", 0.1,
                                             86400)] = 900.0  # fmt: skip
    start: Annotated[float, Param("of the record, unix time", "s", 0)] = 1767571200.0
    metrics: Annotated[tuple[str, ...], Param("what is recorded (none: all)")] = ()
    seed: Annotated[int, Param("of everything that is drawn", "", 0)] = 0

    # the drift
    metric: Annotated[str, Param("what drifts to its limit")] = "axis_position"
    cause: Annotated[str, Param("the metric that moves it (empty: itself)")] = ""
    shape: Annotated[str, Param("of the drift", choices=("none", *SHAPES))] = "linear"
    power: Annotated[float, Param("of the time, for wear", "", 1, 3)] = 1.3
    direction: Annotated[int, Param("to the upper (1) or the lower (-1) limit", "", -1, 1)] = 1
    onset_day: Annotated[float, _each("when the drift begins", "days")] = 20.0
    life_days: Annotated[float, Param("from the onset to the limit", "days", 0.01)] = 12.0
    repeat_days: Annotated[float | None, Param("time from one drift to the next, of drawn metric "
                           "and shape (none: only one)", "days", 1)] = None  # fmt: skip
    repair_days: Annotated[float | None, Param("from the limit to the repair (none: never)",
                                               "days", 0)] = None  # fmt: skip
    limit_sigma: Annotated[float, Param("from the regular swing to the limits", "noise deviations",
                                        1, 1000)] = 10.0  # fmt: skip

    # what is normal
    wander_sigma: Annotated[float, _each("slow wander", "noise deviations", 3)] = 0.5
    wander_days: Annotated[float, Param("memory of the wander", "days", 0.05)] = 2.0
    step_share: Annotated[float, _each("largest harmless step after maintenance, of the way to "
                                       "the limit", "", 0.3)] = 0.15  # fmt: skip
    swing: Annotated[float, _each("factor on the day's swing", "", 100)] = 1.0
    season: Annotated[float, _each("factor on the weather and the year's swing", "", 100)] = 1.0
    noise: Annotated[float, Param("factor on the readings' noise", "", 1e-3, 1e3)] = 1.0
    outliers: Annotated[float, _each("part of the readings with six times the noise and more", "",
                                     0.2)] = 0.001  # fmt: skip

    # the beam and the facility
    ring_ma: Annotated[float, Param("current after a refill", "mA", 0.01, 2000)] = 100.97
    refill_ma: Annotated[float, Param("step of a refill", "mA", 1e-3)] = 0.985
    lifetime_h: Annotated[float, Param("of the stored beam", "h", 0.1, 1000)] = 9.2
    maintenance_every_days: Annotated[float, Param("machine days", "days", 1)] = 14.0
    maintenance_hours: Annotated[float, Param("length of one", "h", 0.1)] = 8.0
    shutdowns_per_year: Annotated[float, _each("long stops", "1/year", 50)] = 4.0
    shutdown_days: Annotated[float, Param("length of one", "days", 0.1)] = 6.0
    dumps_per_month: Annotated[float, _each("beam losses", "1/month", 300)] = 2.0
    energy_changes_per_month: Annotated[float, _each("energy changes", "1/month", 3000)] = 4.0
    gap_moves_per_day: Annotated[float, _each("moves of the insertion device", "1/day", 500)] = 3.0
    objectives_per_year: Annotated[float, _each("new set-points, limits move with them", "1/year",
                                                50)] = 0.0  # fmt: skip

    # the record's faults
    gaps_per_month: Annotated[float, _each("times nothing is recorded", "1/month", 300)] = 2.0
    gap_hours: Annotated[float, Param("typical length of one", "h", 1e-3)] = 5.0
    disconnects_per_month: Annotated[float, _each("times a metric shows its last value", "1/month",
                                                  300)] = 1.0  # fmt: skip
    disconnect_hours: Annotated[float, Param("typical length of one", "h", 1e-3)] = 8.0
    clock_faults_per_month: Annotated[float, _each("jumps back, duplicates, disorder", "1/month",
                                                   300)] = 0.5  # fmt: skip

    def __post_init__(self) -> None:
        object.__setattr__(self, "metrics", tuple(self.metrics))
        found = [p.problem(getattr(self, p.name)) for p in settings() if p.name != "metrics"]
        problems = [p for p in found if p] + list(self._misfits())
        if problems:
            raise InputError(f"This history cannot be: {'; '.join(problems)}.")

    @property
    def end(self) -> float:
        """Unix s."""
        return self.start + self.days * DAY

    @property
    def names(self) -> tuple[str, ...]:
        """The metrics that are recorded."""
        return self.metrics or tuple(METRICS)

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain values; ``History(**settings)`` is the same history."""
        return asdict(self) | {"metrics": list(self.metrics)}

    def _misfits(self) -> Iterator[str]:
        unknown = [name for name in self.metrics if name not in METRICS]
        if unknown:
            yield f"metrics has {', '.join(unknown)}, expected some of {', '.join(METRICS)}"
        if len(set(self.metrics)) < len(self.metrics):
            yield "metrics names one twice"
        if self.direction == 0:
            yield "direction is 0, expected 1 or -1"
        if self.refill_ma >= self.ring_ma:
            yield f"refill_ma is {self.refill_ma}, expected less than ring_ma ({self.ring_ma})"
        if self.repeat_days is not None and self.repair_days is None:
            yield "repeat_days is given without repair_days, expected both or neither"
        if self.shape == "none" or unknown:
            return
        limited = [n for n in self.names if METRICS[n].limited]
        if self.metric not in limited:
            yield (
                f"metric is {self.metric!r}, expected one of those recorded that have a limit: "
                f"{', '.join(limited) or 'none is'}"
            )
        elif self.cause and (self.metric not in moved_by(self.cause)
                             or self.cause not in self.names):  # fmt: skip
            causes = [c for c in causes_of(self.metric) if c in self.names]
            yield (
                f"cause is {self.cause!r}, expected one of those recorded that move "
                f"{self.metric}: {', '.join(causes) or 'none does'}"
            )
        if self.onset_day >= self.days:
            yield f"onset_day is {self.onset_day}, expected less than days ({self.days})"


@cache
def settings() -> tuple[Parameter, ...]:
    """Every setting of a history with its meaning, unit and bounds."""
    return parameters_of(History)
