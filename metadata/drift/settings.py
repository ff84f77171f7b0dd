"""What the user of the early warning may set; all of it has a default that needs no tuning."""

from __future__ import annotations

from dataclasses import dataclass

from metadata.errors import InputError


@dataclass(frozen=True)
class MonitorSettings:
    """``false_alarm_days``: expected time between two false warnings of one metric, days (a
    warning that stands counts as one a day). ``causes``: how many causes are named at most.
    ``remember``: whether set-points are remembered that were not in force for forty days.
    ``network``: whether the time to the limit takes what a small network says into account
    (docs/drift.md: the score of the interval is better for it).

    >>> MonitorSettings(false_alarm_days=200).false_alarm_days
    200
    """

    false_alarm_days: float = 100.0
    causes: int = 5
    remember: bool = True
    network: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.false_alarm_days <= 1e5:
            raise InputError(
                f"The time between false alarms is {self.false_alarm_days:g} days; expected 1 to "
                f"100000 days, for instance 100."
            )
