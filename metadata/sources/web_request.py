"""Asking a server again, later and later, until it answers."""

from __future__ import annotations

import http.client
import threading
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field

from metadata.errors import InputError, WorkError

LONGEST_WAIT = 60.0


@dataclass
class WebRequest:
    """``attempts`` before it is given up; the first wait, in s, doubles with each; ``timeout`` for
    an answer. ``stop`` ends the waiting. A server that says when to come back (Retry-After) is
    obeyed."""

    attempts: int = 6
    wait: float = 0.5
    timeout: float = 30.0
    stop: threading.Event = field(default_factory=threading.Event)

    def get(self, address: str) -> bytes:
        """The body of the answer; InputError where the server refuses the question, WorkError
        where it stays silent."""
        wait, why = self.wait, ""
        for attempt in range(self.attempts):
            if attempt:
                self.stop.wait(min(wait, LONGEST_WAIT))
                wait *= 2
            if self.stop.is_set():
                break
            try:
                with urllib.request.urlopen(address, timeout=self.timeout) as answer:
                    body: bytes = answer.read()
                    return body
            except urllib.error.HTTPError as error:
                why = f"status {error.code} {error.reason}"
                later = error.headers.get("Retry-After")
                error.close()
                if error.code < 500 and error.code not in (408, 425, 429):
                    raise InputError(
                        f"{address} was refused ({why}). Expected data; check the host, the path "
                        f"and the names in the address."
                    ) from error
                if later and later.strip().isdigit():
                    wait = max(wait, float(later))
            except (
                OSError,
                EOFError,
                http.client.HTTPException,
            ) as error:  # URLError is an OSError
                why = str(getattr(error, "reason", error)) or type(error).__name__
        raise WorkError(
            f"{host_of(address)} gave no answer in {self.attempts} attempts ({why}). Check that "
            f"the server runs and can be reached from here, and start again: what was read is kept."
        )


def host_of(address: str) -> str:
    """The server's name and port."""
    return urllib.parse.urlsplit(address).netloc or address
