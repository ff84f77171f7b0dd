"""An archiver appliance, played by a server on loopback that answers as the real one does."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from metadata.errors import InputError, WorkError
from metadata.series import Limits, Mark
from metadata.sources import open_source
from metadata.sources.archiver import Archiver
from metadata.sources.web_request import WebRequest
from tests.metadata.sources.reading import Following, joined

START = 1767225600  # 2026-01-01T00:00:00Z
DAY = 86400


class Archive:
    """Samples of some channels, and what goes wrong with the next answers."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.meta: dict[str, dict[str, str]] = {}
        self.faults: list[str] = []
        self.asked: list[dict[str, list[str]]] = []
        self.most = 10**9  # samples in an answer before it is cut off

    def add(self, pv: str, time: float, value: Any, **more: Any) -> None:
        row = {"secs": int(time), "val": value, "nanos": int(time % 1 * 1e9), "severity": 0,
               "status": 0}  # fmt: skip
        self.rows.setdefault(pv, []).append(row | more)

    def answer(self, pv: str, start: float, stop: float) -> list[dict[str, Any]]:
        rows = self.rows.get(pv, [])
        inside = [r for r in rows if start <= r["secs"] + r["nanos"] / 1e9 <= stop]
        # The appliance puts the last sample before the time asked for in front.
        before = [r for r in rows if r["secs"] + r["nanos"] / 1e9 < start][-1:]
        return before + inside


def serve(archive: Archive) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            split = urlsplit(self.path)
            asked = parse_qs(split.query)
            archive.asked.append(asked)
            fault = archive.faults.pop(0) if archive.faults else ""
            if fault == "drop":
                self.connection.close()
                return
            if fault:
                code, _, later = fault.partition(" ")
                self.send_response(int(code))
                if later:
                    self.send_header("Retry-After", later)
                self.end_headers()
                return
            times = [datetime.fromisoformat(asked[k][0]).timestamp() for k in ("from", "to")]
            pv = asked["pv"][0]
            rows = archive.answer(pv, *times)
            if split.path.endswith(".csv"):
                columns = ("secs", "val", "severity", "status", "nanos")
                body = "".join(",".join(str(r[c]) for c in columns) + "\n" for r in rows)
            else:
                meta = {"name": pv, "PREC": "6"} | archive.meta.get(pv, {})
                body = json.dumps([{"meta": meta, "data": rows}] if pv in archive.rows else [])
                body = body if len(rows) <= archive.most else body[: len(body) // 2]
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
    return server


@pytest.fixture
def archive() -> Archive:
    return Archive()


@pytest.fixture
def place(archive: Archive) -> Iterator[str]:
    server = serve(archive)
    yield f"archiver:http://127.0.0.1:{server.server_address[1]}/retrieval"
    server.shutdown()
    server.server_close()


def quick(address: str, **more: Any) -> Archiver:
    return Archiver(address, request=WebRequest(wait=0.01), **more)


def days(count: int) -> str:
    stop = datetime.fromtimestamp(START + count * DAY).astimezone().isoformat()
    return f"from=2026-01-01T00:00:00Z&to={stop}"


def test_pages_fit_together_without_a_sample_twice(archive: Archive, place: str) -> None:
    for i in range(-2, 4 * 24):
        archive.add("SR:CURRENT", START + 3600 * i, 100.0 + i)
    archive.meta["SR:CURRENT"] = {"EGU": "mA", "HIHI": "300.0", "LOLO": "10.0", "DESC": "ring"}
    source = quick(f"{place}?pv=SR:CURRENT&{days(4)}", page=DAY / 2)
    found = joined(source.history())["SR:CURRENT"]
    assert found.values.tolist() == [100.0 + i for i in range(96)]
    assert found.times[0] == START
    info = source.metrics()["SR:CURRENT"]
    assert (info.unit, info.limits, info.about) == ("mA", Limits(10.0, 300.0), "ring")
    assert 3 <= len(archive.asked) <= 6  # pages grow where little comes
    assert archive.asked[0]["from"] == ["2026-01-01T00:00:00.000Z"]
    late = joined(source.history({"SR:CURRENT": START + 3600.0 * 90}))["SR:CURRENT"]
    assert late.values.tolist() == [191.0, 192.0, 193.0, 194.0, 195.0]


def test_csv_says_the_same(archive: Archive, place: str) -> None:
    for i in range(50):
        archive.add("A", START + 60.5 * i, i / 7, severity=3 if i == 9 else 0)
    times = [joined(quick(f"{place}?pv=A&format={form}&{days(1)}").history())["A"]
             for form in ("json", "csv")]  # fmt: skip
    np.testing.assert_array_equal(times[0].times, times[1].times)
    np.testing.assert_array_equal(times[0].values, times[1].values)
    assert times[0].marks.tolist() == times[1].marks.tolist()
    assert times[0].marks[9] == Mark.INVALID


def test_gaps_restarts_and_bare_nan(archive: Archive, place: str) -> None:
    archive.add("A", START, 1.0)
    archive.add("A", START + 10, float("nan"))  # json.dumps writes a bare NaN
    archive.add("A", START + 500, 2.0, fields={
        "cnxlostepsecs": str(START + 20), "cnxregainedepsecs": str(START + 499)})  # fmt: skip
    archive.add("A", START + 510, 3.0, fields={"startup": "true"})
    archive.add("A", START + 520, 3.0, severity=3904)
    found = joined(quick(f"{place}?pv=A&{days(1)}").history())["A"]
    assert found.times.tolist() == [START + t for t in (0, 10, 20, 500, 510, 520)]
    assert found.marks.tolist() == [
        Mark.GOOD, Mark.INVALID, Mark.DISCONNECTED, Mark.RESTARTED, Mark.RESTARTED,
        Mark.DISCONNECTED,
    ]  # fmt: skip


def test_samples_out_of_order_and_values_that_are_no_numbers(archive: Archive, place: str) -> None:
    for t, value in ((0, 1), (2, 3), (1, 2), (3, "Open"), (4, [5.0]), (5, [1.0, 2.0]), (6, None)):
        archive.add("A", START + t, value)
    found = joined(quick(f"{place}?pv=A&{days(1)}").history())["A"]
    assert found.times.tolist() == [START + t for t in range(7)]
    np.testing.assert_array_equal(found.values, [1, 2, 3, np.nan, 5, np.nan, np.nan])


def test_several_channels_and_operators(archive: Archive, place: str) -> None:
    for pv in ("A", "mean_3600(B,C)"):
        archive.add(pv, START + 5, 1.0)
    source = quick(f"{place}?pv=A,mean_3600(B,C)&pv=GONE&{days(1)}")
    assert set(joined(source.history())) == {"A", "mean_3600(B,C)"}
    assert "has nothing of GONE" in source.warnings[0]


def test_a_server_in_trouble_is_asked_again(archive: Archive, place: str) -> None:
    archive.add("A", START + 5, 1.0)
    archive.faults = ["503", "drop", "429 0", "500"]
    assert len(joined(quick(f"{place}?pv=A&{days(1)}").history())["A"]) == 1
    archive.faults = ["503"] * 6
    with pytest.raises(
        WorkError, match=r"gave no answer in 6 attempts \(status 503.*what was read"
    ):
        list(quick(f"{place}?pv=A&{days(1)}").history())
    archive.faults = ["404"]
    with pytest.raises(InputError, match=r"was refused \(status 404.*check the host, the path"):
        list(quick(f"{place}?pv=A&{days(1)}").history())


def test_answers_that_break_off_are_asked_for_in_smaller_pieces(
    archive: Archive, place: str
) -> None:
    for i in range(200):
        archive.add("A", START + 400 * i, i)
    archive.most = 30
    found = joined(quick(f"{place}?pv=A&{days(1)}").history())["A"]
    assert found.values.tolist() == list(range(200))
    archive.most = 0
    with pytest.raises(WorkError, match="answers what cannot be read"):
        list(quick(f"{place}?pv=A&{days(1)}").history())


def test_what_comes_later_is_followed(archive: Archive, place: str) -> None:
    now = time.time()
    archive.add("A", now - 100, 1.0)
    source = quick(f"{place}?pv=A", poll=0.05)
    assert source.live
    assert len(joined(source.history())["A"]) == 1
    with Following(source) as following:
        archive.add("A", time.time(), 2.0)
        following.until(lambda found: "A" in found)
        archive.add("A", time.time(), 3.0)
        following.until(lambda found: len(found["A"]) == 2)
        assert following.finish()["A"].values.tolist() == [2.0, 3.0]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("archiver:http://host/retrieval", "names no archive. Expected its retrieval address"),
        ("archiver:", "names no archive"),
        ("archiver:http://h/r?pv=A&from=soon", "from=soon of .* is no time. Expected ISO-8601"),
    ],
)
def test_addresses_that_cannot_be_used(address: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        open_source(address)


def test_answers_that_were_kept_in_files(tmp_path: Path) -> None:
    row = {"secs": 5, "val": 1.5, "nanos": 0, "severity": 0, "status": 0}
    said = [{"meta": {"name": "A", "EGU": "mA"}, "data": [row]}]
    (tmp_path / "a.json").write_text(json.dumps(said))
    source = open_source(tmp_path / "a.json")
    assert source.metrics()["A"].unit == "mA"
    assert joined(source.history())["A"].values.tolist() == [1.5]
    (tmp_path / "RING.csv").write_text("1767225600,1.5,0,0,500000000\n1767225601,NaN,3,17,0\n")
    found = joined(open_source(tmp_path / "RING.csv").history())["RING"]
    assert found.times.tolist() == [START + 0.5, START + 1]
    assert found.marks.tolist() == [Mark.GOOD, Mark.INVALID]
    (tmp_path / "torn.json").write_text(json.dumps(said)[:-20])
    with pytest.raises(InputError, match="no whole answer of an archiver"):
        open_source(tmp_path / "torn.json")
