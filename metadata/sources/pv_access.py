"""EPICS process variables over PV Access."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from metadata.errors import InputError, WorkError
from metadata.series import Limits, MetricInfo
from metadata.sources.missing_client import client
from metadata.sources.source import Entry
from metadata.sources.updates import Updates

ALARMS = (("lowAlarmLimit", "highAlarmLimit"), ("lowWarningLimit", "highWarningLimit"))


class PvAccess:
    """``pva://PV`` or ``pva://PV1,PV2``: each change of a normative scalar, with the server's time
    and severity; units and limits from its ``display`` and ``valueAlarm``. Where the connection is
    lost, a sample says so. Servers are found as ``EPICS_PVA_ADDR_LIST`` says.

    ``timeout``: s to wait for the channels; ``every``: s between blocks.
    """

    live = True

    def __init__(self, pvs: Sequence[str], *, timeout: float = 5.0, every: float = 1.0,
                 configuration: Mapping[str, str] | None = None) -> None:  # fmt: skip
        threads = client("p4p.client.thread", "p4p", "pva://")
        self.pvs = [pv.strip() for pv in pvs if pv.strip()]
        if not self.pvs:
            raise InputError("pva:// names no channel. Expected pva://PV or pva://PV1,PV2.")
        self.name = f"pva://{','.join(self.pvs)}"
        self.warnings: list[str] = []
        self._updates = Updates(every)
        self._infos: dict[str, MetricInfo] = {}
        self._disconnected = threads.Disconnected
        if configuration is None:
            self._context = threads.Context("pva", nt=False)
        else:
            self._context = threads.Context("pva", nt=False, conf=dict(configuration), useenv=False)
        self._seen = threading.Condition()
        self._subscriptions = [
            self._context.monitor(pv, self._callback(pv), notify_disconnect=True) for pv in self.pvs
        ]
        with self._seen:
            self._seen.wait_for(lambda: len(self._infos) == len(self.pvs), timeout)
            silent = [pv for pv in self.pvs if pv not in self._infos]
        if len(silent) == len(self.pvs):
            self.close()
            raise WorkError(
                f"No server answers for {', '.join(silent)} within {timeout:g} s. Expected a "
                f"running server; check the names and EPICS_PVA_ADDR_LIST."
            )
        if silent:
            self.warnings.append(
                f"No server answers for {', '.join(silent)} yet; they are taken up when one does."
            )

    def metrics(self) -> dict[str, MetricInfo]:
        return {pv: self._infos.get(pv, MetricInfo(pv)) for pv in self.pvs}

    def history(self, since: Mapping[str, float] | None = None) -> Iterator[Entry]:
        """A channel knows no past."""
        return iter(())

    def follow(self, stop: threading.Event) -> Iterator[Entry]:
        return self._updates.follow(stop)

    def close(self) -> None:
        for subscription in self._subscriptions:
            subscription.close()
        self._context.close()

    def _callback(self, pv: str) -> Any:
        def changed(value: Any) -> None:
            if isinstance(value, Exception):
                # The first word of a channel that was not yet found is that it is not connected.
                if isinstance(value, self._disconnected) and pv in self._infos:
                    self._updates.lost(pv)
                return
            with self._seen:
                if pv not in self._infos:
                    self._infos[pv] = _info(pv, value)
                    self._seen.notify_all()
            self._updates.read(pv, *_reading(value), self._infos[pv].unit)

        return changed


def _reading(value: Any) -> tuple[float, float, int]:
    """Time, number and severity of a structure; NaN where it is no scalar of numbers."""
    try:
        number = float(value.value.index if hasattr(value.value, "index") else value.value)
    except (TypeError, ValueError, AttributeError):
        number = np.nan
    stamp = value.get("timeStamp", None)
    at = time.time() if stamp is None else stamp.secondsPastEpoch + stamp.nanoseconds / 1e9
    alarm = value.get("alarm", None)
    return float(at), number, 0 if alarm is None else int(alarm.severity)


def _info(pv: str, value: Any) -> MetricInfo:
    display, alarm = value.get("display", None), value.get("valueAlarm", None)
    limits = None
    for low, high in ALARMS if alarm is not None else ():
        below, above = (float(alarm.get(side, np.nan)) for side in (low, high))
        if below < above:
            limits = Limits(below, above)
            break
    unit = "" if display is None else str(display.get("units", "") or "")
    return MetricInfo(pv, unit, limits)
