"""Posts notices to an address, again until they are taken, beside the watch."""

from __future__ import annotations

import json
import logging
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Any

from metadata.errors import InputError, WorkError
from metadata.watch.ledger import Ledger

log = logging.getLogger("tomoplan.watch")
FIRST_WAIT, LONGEST_WAIT = 1.0, 300.0  # s between tries, doubling
ANSWER_SECONDS = 10.0
PASSING = (408, 425, 429)  # refusals that time may mend
Post = Callable[[str, bytes], None]


class RefusedError(Exception):
    """The receiver will not take this document, however often it is sent."""


class Webhook:
    """Sends each notice that the ledger holds for a watch as one POST of JSON, oldest first.

    A thread of its own does it, so a receiver that is slow, down or gone never holds up the watch.
    What is not taken is tried again with waits that double up to five minutes, and after a restart.
    A lost answer makes the same notice come twice: its ``id`` is then the same. A document that the
    receiver refuses (4xx) is said in the log and not sent again.
    """

    def __init__(
        self, url: str, key: str, store: Path, *, first_wait: float = FIRST_WAIT,
        post: Post | None = None,
    ) -> None:  # fmt: skip
        if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
            raise InputError(
                f"The webhook {url!r} cannot be used; expected an address that begins with "
                f"http:// or https://."
            )
        self.url = url
        self._key, self._store, self._first_wait = key, store, first_wait
        self._post = post or post_json
        self._news, self._stopped = threading.Event(), threading.Event()
        self._idle = threading.Event()
        self._thread = threading.Thread(target=self._run, name="webhook", daemon=True)
        self._news.set()  # what a watch that was killed left unsent
        self._thread.start()

    def wake(self) -> None:
        """Look into the ledger: there may be something new."""
        self._idle.clear()
        self._news.set()

    def close(self, seconds: float = ANSWER_SECONDS) -> bool:
        """Stop, after all is sent or so many seconds; whether all was."""
        done = self._idle.wait(seconds)
        self._stopped.set()
        self._news.set()
        self._thread.join(ANSWER_SECONDS + 1)
        return done

    def _run(self) -> None:
        with Ledger(self._store) as ledger:
            wait = self._first_wait
            while not self._stopped.is_set():
                self._news.wait()
                self._news.clear()
                while not self._stopped.is_set() and not self._sent_all(ledger):
                    self._stopped.wait(wait)
                    wait = min(2 * wait, LONGEST_WAIT)
                wait = self._first_wait
                if not self._news.is_set():
                    self._idle.set()

    def _sent_all(self, ledger: Ledger) -> bool:
        try:
            return self._send_all(ledger)
        except WorkError as error:  # another program writes to the store for very long
            log.info("%s", error)
            return False

    def _send_all(self, ledger: Ledger) -> bool:
        """Whether nothing is left to send."""
        for document in ledger.unsent(self._key):
            try:
                self._post(self.url, json.dumps(document, ensure_ascii=False).encode())
            except RefusedError as refused:
                log.error("The webhook %s does not take %s (%s); it is not sent again.",
                          self.url, document["id"], refused)  # fmt: skip
            except (OSError, HTTPException) as error:
                log.info("The webhook %s does not answer (%s); it is tried again.", self.url, error)
                return False
            ledger.sent(self._key, [document["id"]])
            if self._stopped.is_set():
                break
        return True


def post_json(url: str, body: bytes) -> None:
    """Raises RefusedError where the receiver will never take it, OSError where it may later."""
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "tomoplan"}
    request = urllib.request.Request(url, body, headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
            answer.read()
    except urllib.error.HTTPError as error:
        with error:
            if 400 <= error.code < 500 and error.code not in PASSING:
                raise RefusedError(f"{error.code} {error.reason}") from None
            raise OSError(f"{error.code} {error.reason}") from None


def left_unsent(documents: list[dict[str, Any]]) -> str:
    """What to say where a watch ends before all was sent."""
    return (
        f"{len(documents)} notices were not taken by the webhook; they are sent when the watch "
        f"is started again."
    )
