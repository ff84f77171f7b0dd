"""A receiver on loopback that is slow, fails, refuses and comes back; the watch never waits."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from metadata import InputError
from metadata.drift.verdict import State, TimeToLimit, Verdict
from metadata.watch.ledger import Ledger, Step
from metadata.watch.notice import Notice, NoticeKind
from metadata.watch.problem import Problem
from metadata.watch.webhook import Webhook


class Receiver(ThreadingHTTPServer):
    """Answers each POST with the next of ``answers`` (then 200), and keeps what it took."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[int] = []
        self.taken: list[dict[str, Any]] = []
        self.tried: list[float] = []
        self.delay = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.tried.append(time.monotonic())
        time.sleep(self.server.delay)
        status = self.server.answers.pop(0) if self.server.answers else 200
        if status == 200:
            assert self.headers["Content-Type"].startswith("application/json")
            self.server.taken.append(json.loads(body))
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing on standard error."""


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def keep(store: Path, *times: float) -> list[str]:
    """Notices as a watch keeps them; their ids."""
    made = []
    for at in times:
        verdict = Verdict(at, "axis", State.WARNING, 0.9, 3.0, 3.5, TimeToLimit(2e5, 1e5, 4e5))
        made.append(Notice(NoticeKind.NEW, verdict, Problem.first(verdict), "px"))
    with Ledger(store) as ledger:
        step = Step({}, b"", {}, {}, notices=[(n, f"Said at {n.verdict.time:g}.") for n in made])
        ledger.write("k", ["s"], step)
    return [n.id for n in made]


def test_each_notice_comes_once_in_order_after_failures(receiver: Receiver, tmp_path: Path) -> None:
    store = tmp_path / "s.sqlite"
    receiver.answers = [503, 500, 429]
    ids = keep(store, 1.0, 2.0, 3.0)
    hook = Webhook(receiver.url, "k", store, first_wait=0.05)
    assert hook.close(10)
    assert [d["id"] for d in receiver.taken] == ids
    first = receiver.taken[0]
    assert (first["metric"], first["state"], first["kind"]) == ("axis", "warning", "new")
    assert first["message"] == "Said at 1."
    assert first["seconds_to_limit"] == {"value": 2e5, "low": 1e5, "high": 4e5}
    waits = [b - a for a, b in zip(receiver.tried, receiver.tried[1:4], strict=False)]
    assert [w > expected for w, expected in zip(waits, (0.05, 0.1, 0.2), strict=True)] == [True] * 3


def test_what_is_refused_is_said_and_not_sent_again(
    receiver: Receiver, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = tmp_path / "s.sqlite"
    receiver.answers = [400]
    ids = keep(store, 1.0, 2.0)
    assert Webhook(receiver.url, "k", store).close(10)
    assert [d["id"] for d in receiver.taken] == ids[1:]
    assert "does not take" in caplog.text


def test_a_receiver_that_is_gone_holds_up_nothing_and_is_served_later(
    receiver: Receiver, tmp_path: Path
) -> None:
    store = tmp_path / "s.sqlite"
    ids = keep(store, 1.0)
    gone = Webhook("http://127.0.0.1:9/hook", "k", store, first_wait=0.02)
    gone.wake()  # comes back at once
    assert not gone.close(0.3)
    with Ledger(store) as ledger:
        assert [d["id"] for d in ledger.unsent("k")] == ids
    back = Webhook(receiver.url, "k", store)
    assert back.close(10)
    assert [d["id"] for d in receiver.taken] == ids
    again = Webhook(receiver.url, "k", store)  # nothing is sent twice
    assert again.close(10)
    assert len(receiver.taken) == 1


def test_what_comes_while_the_receiver_is_slow_is_not_lost(
    receiver: Receiver, tmp_path: Path
) -> None:
    store = tmp_path / "s.sqlite"
    receiver.delay = 0.1
    hook = Webhook(receiver.url, "k", store)
    ids = []
    for at in range(4):
        ids += keep(store, float(at))
        hook.wake()
        time.sleep(0.03)
    assert hook.close(10)
    assert [d["id"] for d in receiver.taken] == ids


def test_an_address_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="http://"):
        Webhook("ftp://x", "k", tmp_path / "s.sqlite")
