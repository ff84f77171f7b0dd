"""EPICS process variables over PV Access."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from metadata.series import Limits, MetricInfo
from metadata.sources.channels import Channels
from metadata.sources.missing_client import client
from metadata.sources.source import Entry

ALARMS = (("lowAlarmLimit", "highAlarmLimit"), ("lowWarningLimit", "highWarningLimit"))


class PvAccess(Channels):
    """``pva://PV`` or ``pva://PV1,PV2``: each change of a normative scalar, with the server's time
    and severity; units and limits from its ``display`` and ``valueAlarm``. Where the connection is
    lost, a sample says so. Servers are found as ``EPICS_PVA_ADDR_LIST`` says.

    ``timeout``: s to wait for the channels; ``every``: s between blocks.
    """

    def __init__(self, pvs: Sequence[str], *, timeout: float = 5.0, every: float = 1.0,
                 configuration: Mapping[str, str] | None = None) -> None:  # fmt: skip
        super().__init__("pva", pvs, every)
        threads = client("p4p.client.thread", "p4p", "pva://")
        self._disconnected = threads.Disconnected
        if configuration is None:
            self._context = threads.Context("pva", nt=False)
        else:
            self._context = threads.Context("pva", nt=False, conf=dict(configuration), useenv=False)
        self._seen = threading.Condition()
        self._subscriptions: list[Any] = []
        with ExitStack() as undone:
            undone.callback(self.close)
            for pv in self.pvs:
                self._subscriptions.append(
                    self._context.monitor(pv, self._callback(pv), notify_disconnect=True)
                )
            with self._seen:
                self._seen.wait_for(lambda: len(self._infos) == len(self.pvs), timeout)
                self._judge_silence(timeout, "EPICS_PVA_ADDR_LIST")
            undone.pop_all()

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
