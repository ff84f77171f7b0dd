"""Pauses a Bluesky plan before a limit is passed, and lets it go on when that is over."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from metadata.errors import WorkError
from metadata.watch.duration import parse_duration
from metadata.watch.plan_hold import POLL_SECONDS, TRUSTED, PlanHold


def drift_suspender(
    metrics: Collection[str] | None = None, ahead: str | float = "10min", *,
    store: Path | None = None, every: float = POLL_SECONDS, trusted: float = TRUSTED,
    **options: Any,
) -> Any:  # fmt: skip
    """A suspender for ``RE.install_suspender``::

        from metadata.watch.suspender import drift_suspender
        RE.install_suspender(drift_suspender(["axis_position"], ahead="30min"))

    It holds every plan while one of ``metrics`` (None: any) has reached its limit or may reach it
    within ``ahead`` (the lower end of the 90 % interval; seconds, or as ``30min``), as a
    ``tomoplan watch`` in this process or another one has found and kept in the ``store`` (None: the
    default one), which is asked each ``every`` seconds. A problem that a person acknowledges or
    snoozes lets the plan go on; a worse one holds it again. ``options`` are those of Bluesky's
    suspenders: ``sleep``, ``pre_plan``, ``post_plan``.

    Raises WorkError where Bluesky is not installed or the store cannot be opened.
    """
    try:
        from bluesky.suspenders import SuspendBoolHigh
    except ImportError:
        raise WorkError(
            "A suspender needs Bluesky, which is not installed. Install it (pip install bluesky), "
            "or run `tomoplan watch` beside your plans without it."
        ) from None
    seconds = ahead if isinstance(ahead, int | float) else parse_duration(ahead)

    class DriftSuspender(SuspendBoolHigh):
        """Says in its justification what is expected."""

        def _get_justification(self) -> str:
            return "\n".join(self._sig.why)

    hold = PlanHold(store, ahead=float(seconds), metrics=metrics, trusted=trusted, every=every)
    return DriftSuspender(hold, **options)
