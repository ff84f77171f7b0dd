"""A soft IOC on loopback: ``python soft_ioc.py PORT``."""

from __future__ import annotations

import os
import sys
from typing import Any

port = sys.argv[1]
os.environ.update(
    EPICS_CA_SERVER_PORT=port, EPICS_CAS_SERVER_PORT=port, EPICS_CAS_BEACON_ADDR_LIST="127.0.0.1",
    EPICS_CAS_AUTO_BEACON_ADDR_LIST="NO", EPICS_CA_ADDR_LIST="127.0.0.1",
    EPICS_CA_AUTO_ADDR_LIST="NO", EPICS_CAS_BEACON_PORT=str(int(port) + 1),
)  # fmt: skip

from caproto.server import PVGroup, pvproperty, run  # noqa: E402


class Instrument(PVGroup):
    """A channel that counts on, one of whose readings is invalid, and one that is written to."""

    temperature = pvproperty(value=20.0, units="degC", precision=3, upper_alarm_limit=25.0,
                             lower_alarm_limit=15.0)  # fmt: skip
    gap = pvproperty(value=11.5, units="mm")
    label = pvproperty(value="open", max_length=20)

    @temperature.scan(period=0.05)
    async def temperature(self, instance: Any, async_lib: Any) -> None:
        await instance.write(instance.value + 0.001)


if __name__ == "__main__":
    group = Instrument(prefix="sim:")
    run(group.pvdb, interfaces=["127.0.0.1"], log_pv_names=False)
