"""Dates as beamlines write them, to ISO-8601."""

from __future__ import annotations

from datetime import datetime

FORMATS = (
    "%B %d, %Y %H:%M:%S",
    "%m/%d/%y %H:%M:%S",  # Xradia, in the American order
    "%m/%d/%Y %H:%M:%S",
    "%a %b %d %H:%M:%S %Y",
    "%d %b %Y %H:%M:%S",
    "%d-%b-%Y %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
)


def iso_date(said: str | None) -> str | None:
    """The date in ISO-8601, or None where it cannot be understood.

    >>> iso_date("September 25, 2020 12:43:25")
    '2020-09-25T12:43:25'
    """
    if not said:
        return None
    said = said.strip()
    try:
        return datetime.fromisoformat(said).isoformat()
    except ValueError:
        pass
    for form in FORMATS:
        try:
            return datetime.strptime(said, form).isoformat()
        except ValueError:
            continue
    return None
