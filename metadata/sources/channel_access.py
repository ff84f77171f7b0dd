"""EPICS process variables over Channel Access."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from metadata.series import Limits, MetricInfo
from metadata.sources.channels import Channels
from metadata.sources.missing_client import client
from metadata.sources.source import Entry

ALARMS = (("lower_alarm_limit", "upper_alarm_limit"),
          ("lower_warning_limit", "upper_warning_limit"))  # fmt: skip


class ChannelAccess(Channels):
    """``ca://PV`` or ``ca://PV1,PV2``: each change of a channel, with the server's time and
    severity. Units and limits (alarm, else warning) come from the channel itself. Where the
    connection is lost, a sample says so. Servers are found as ``EPICS_CA_ADDR_LIST`` says.

    ``timeout``: s to wait for the channels; ``every``: s between blocks.
    """

    def __init__(self, pvs: Sequence[str], *, timeout: float = 5.0, every: float = 1.0) -> None:
        super().__init__("ca", pvs, every)
        library = client("caproto.threading.client", "caproto", "ca://")
        self._context = library.Context(timeout=timeout)
        self._subscriptions: list[Any] = []  # caproto keeps none of the callbacks alive
        with ExitStack() as undone:
            undone.callback(self.close)
            self._channels = self._context.get_pvs(
                *self.pvs, timeout=timeout, connection_state_callback=self._connected
            )
            for channel in self._channels:
                try:
                    channel.wait_for_connection(timeout=timeout)
                    self._infos[channel.name] = _info(channel, timeout)
                except TimeoutError:
                    continue
            self._judge_silence(timeout, "EPICS_CA_ADDR_LIST")
            undone.pop_all()

    def follow(self, stop: threading.Event) -> Iterator[Entry]:
        if not self._subscriptions:
            for channel in self._channels:
                subscription = channel.subscribe(data_type="time")
                self._subscriptions.append(subscription)
                subscription.add_callback(self._changed)
        yield from self._updates.follow(stop)

    def close(self) -> None:
        self._context.disconnect(wait=True)

    def _changed(self, subscription: Any, response: Any) -> None:
        name = subscription.pv.name
        values = np.asarray(response.data).ravel()
        value = float(values[0]) if len(values) == 1 and values.dtype.kind in "iufb" else np.nan
        seen = response.metadata
        unit = self._infos[name].unit if name in self._infos else ""
        self._updates.read(name, float(seen.timestamp), value, int(seen.severity), unit)

    def _connected(self, channel: Any, state: str) -> None:
        if state == "disconnected":
            self._updates.lost(channel.name)


def _info(channel: Any, timeout: float) -> MetricInfo:
    """Units and limits of a channel of numbers; texts and choices have none."""
    try:
        seen = channel.read(data_type="control", timeout=timeout).metadata
    except (TimeoutError, ValueError):
        return MetricInfo(channel.name)
    unit = getattr(seen, "units", b"")
    unit = unit.decode("latin-1") if isinstance(unit, bytes) else str(unit)
    limits = None
    for low, high in ALARMS:
        below, above = (_number(getattr(seen, side, None)) for side in (low, high))
        if below < above:
            limits = Limits(below, above)
            break
    return MetricInfo(channel.name, unit, limits)


def _number(said: Any) -> float:
    """NaN for what a channel of text has in place of a limit."""
    try:
        return float(said)
    except (TypeError, ValueError):
        return float("nan")
