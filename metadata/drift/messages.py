"""The sentence that goes with a verdict (its Chinese: configs/language/sentences.yaml)."""

from __future__ import annotations

from metadata.drift.verdict import Cause, State, TimeToLimit

#: How likely the first of the causes has to be for a sentence to name it: a true cause that is
#: recorded mostly is likelier, the first of others that happen to move mostly is not.
CLEAR = 0.9


def message(
    state: State,
    regime: str,
    limit: float | None,
    unit: str,
    left: TimeToLimit | None,
    causes: tuple[Cause, ...] | None,
) -> str:
    """One sentence or two for a person.

    >>> message(State.WARNING, "operation", 12.5, "px", TimeToLimit(3e5, 1e5, 9e5), None)
    'Expected to reach its limit of 12.5 px in 3.5 d (28 h to 10 d).'
    """
    if state is State.GAP:
        return "Nothing was read: no value, or one that no longer changes."
    if state is State.QUIET:
        return "" if regime == "operation" else f"Not judged during this time: {regime}."
    place = "" if limit is None else f"{limit:.6g} {unit}".strip()
    if regime == "away" and state is State.MOVING:
        return "Outside its limits, where it was before and came back from by itself."
    if state is State.ALARM:
        told = f"Has reached its limit of {place}."
    elif state is State.WARNING and left is not None:
        told = (
            f"Expected to reach its limit of {place} in {duration(left.value)} "
            f"({duration(left.low)} to {duration(left.high)})."
        )
    elif left is not None:
        told = (
            f"Moves toward its limit of {place}; it would be there in {duration(left.value)} "
            f"({duration(left.low)} to {duration(left.high)})."
        )
    else:
        told = "Has left its normal."
    if causes and causes[0].score >= CLEAR:
        told += f" Most likely because of {causes[0].metric}."
    return told


def duration(seconds: float) -> str:
    """A time as people say it.

    >>> duration(50.0), duration(5400.0), duration(3.2e5)
    ('50 s', '1.5 h', '3.7 d')
    """
    for size, unit in ((86400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= 1.2 * size:
            return f"{seconds / size:.2g} {unit}"
    return f"{seconds:.0f} s"
