"""Channel Access with a real soft IOC, PV Access with a real server, both on loopback."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from metadata.errors import InputError, WorkError
from metadata.series import Limits, Mark
from metadata.sources import open_source
from metadata.sources.updates import Updates
from tests.metadata.sources.reading import Following, joined


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def start_ioc(port: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("soft_ioc.py")), str(port)],
        stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    pytest.importorskip("caproto")
    found = free_port()
    for name, value in {
        "EPICS_CA_ADDR_LIST": "127.0.0.1", "EPICS_CA_AUTO_ADDR_LIST": "NO",
        "EPICS_CA_SERVER_PORT": str(found), "EPICS_CA_REPEATER_PORT": str(found + 2),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    return found


@pytest.fixture
def ioc(port: int) -> Iterator[subprocess.Popen[bytes]]:
    server = start_ioc(port)
    yield server
    server.kill()
    server.wait()


def test_channels_of_a_soft_ioc(ioc: subprocess.Popen[bytes], port: int) -> None:
    source = open_source("ca://sim:temperature,sim:gap,sim:label", timeout=30.0, every=0.05)
    try:
        assert source.live
        assert list(source.history()) == []
        info = source.metrics()["sim:temperature"]
        assert (info.unit, info.limits) == ("degC", Limits(15.0, 25.0))
        assert source.metrics()["sim:gap"].unit == "mm"
        with Following(source) as following:
            following.until(lambda f: len(f.get("sim:temperature", ())) >= 5 and "sim:gap" in f)
            found = joined(following.entries)
            readings = found["sim:temperature"]
            assert np.all(np.diff(readings.times) > 0)
            assert np.all(np.diff(readings.values) > 0)
            assert abs(readings.times[-1] - time.time()) < 30
            assert (readings.marks == Mark.GOOD).all()
            assert found["sim:gap"].values.tolist() == [11.5]
            assert (found["sim:label"].marks == Mark.INVALID).all()
            ioc.kill()
            following.until(lambda f: f["sim:gap"].marks[-1] == Mark.DISCONNECTED)
            assert following.finish()["sim:gap"].values[-1] == 11.5  # held, not read
    finally:
        source.close()


def test_channels_that_nobody_serves(port: int) -> None:
    with pytest.raises(WorkError, match=r"No server answers for sim:none within 0\.3 s.*ADDR_LIST"):
        open_source("ca://sim:none", timeout=0.3)
    with pytest.raises(InputError, match="ca:// names no channel"):
        open_source("ca://")


def test_pv_access() -> None:
    pytest.importorskip("p4p")
    from p4p.nt import NTScalar
    from p4p.server import Server, StaticProvider
    from p4p.server.thread import SharedPV

    kind = NTScalar("d", display=True, valueAlarm=True)
    pv = SharedPV(nt=kind, initial={
        "value": 5.0, "display.units": "um", "timeStamp.secondsPastEpoch": int(time.time()),
        "valueAlarm.lowAlarmLimit": -9.0, "valueAlarm.highAlarmLimit": 9.0})  # fmt: skip
    provider = StaticProvider("instrument")
    provider.add("sim:axis", pv)
    with Server(providers=[provider], isolate=True) as server:
        place = server.conf()
        source = open_source("pva://sim:axis", timeout=30.0, every=0.05, configuration=place)
        try:
            info = source.metrics()["sim:axis"]
            assert (info.unit, info.limits) == ("um", Limits(-9.0, 9.0))
            with Following(source) as following:
                following.until(lambda f: "sim:axis" in f)
                pv.post({"value": 6.0}, timestamp=time.time())
                pv.post({"value": 7.0, "alarm.severity": 3}, timestamp=time.time())
                following.until(lambda f: f["sim:axis"].values[-1] == 7.0)
                found = joined(following.entries)["sim:axis"]
                assert found.values[0] == 5.0
                assert found.marks[-1] == Mark.INVALID
                server.stop()
                following.until(lambda f: f["sim:axis"].marks[-1] == Mark.DISCONNECTED)
            with pytest.raises(WorkError, match=r"No server answers for sim:none .*PVA_ADDR_LIST"):
                open_source("pva://sim:none", timeout=0.2, configuration=place)
        finally:
            source.close()
    with pytest.raises(InputError, match="pva:// names no channel"):
        open_source("pva://")


def test_a_client_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "caproto.threading.client", None)
    with pytest.raises(InputError, match=r"needs the package caproto, .* pip install caproto"):
        open_source("ca://sim:axis")


def test_clocks_that_cannot_be_right() -> None:
    updates = Updates()
    now = time.time()
    updates.read("a", 631152000.0, 1.0, 0)  # never set
    updates.read("a", now + 1e6, 2.0, 0)
    updates.read("a", now - 1e6, 3.0, 0)  # has not changed for long
    updates.lost("a")
    [block] = updates.drain()
    assert block.marks.tolist() == [Mark.MISTIMED, Mark.MISTIMED, Mark.GOOD, Mark.DISCONNECTED]
    assert abs(block.times[0] - now) < 5
    assert block.values.tolist() == [1.0, 2.0, 3.0, 3.0]
    assert updates.drain() == []
