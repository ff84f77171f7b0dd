"""An EPICS Archiver Appliance over HTTP, page by page."""

from __future__ import annotations

import threading
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import numpy as np

from metadata.errors import InputError, WorkError
from metadata.series import MetricInfo, Samples
from metadata.sources.archiver_answer import TornAnswer, parse_csv, parse_json
from metadata.sources.source import BLOCK, Entry, pieces
from metadata.sources.timestamps import parse_time
from metadata.sources.web_request import WebRequest, host_of

DAY = 86400.0
RECENT = 30 * DAY  # what is asked for where nothing says from when
LONGEST_PAGE = 30 * DAY
SHORTEST_PAGE = 60.0
EXAMPLE = "archiver:http://host:17668/retrieval?pv=SR:CURRENT&from=2026-01-01T00:00:00Z"


class Archiver:
    """Channels of an archive: ``archiver:http://HOST:PORT/retrieval?pv=A&pv=B&from=…&to=…``.

    ``from`` and ``to`` in ISO-8601 (UTC where nothing is said) or unix s; without ``from`` the last
    30 days, without ``to`` up to now and then on (:attr:`live`). ``pv=mean_3600(PV)`` bins at the
    server. ``format=csv`` asks for the smaller answers, which say neither units nor restarts.
    ``page``: s that one question goes over, adapted to how much comes; ``poll``: s between
    questions for what is new.
    """

    def __init__(
        self,
        address: str,
        *,
        request: WebRequest | None = None,
        page: float = DAY,
        poll: float = 10.0,
    ) -> None:
        split = urllib.parse.urlsplit(address.removeprefix("archiver:"))
        asked = urllib.parse.parse_qs(split.query)
        self.pvs = [name for given in asked.get("pv", ()) for name in _names(given)]
        if split.scheme not in ("http", "https") or not split.netloc or not self.pvs:
            raise InputError(
                f"{address} names no archive. Expected its retrieval address and at least one "
                f"channel, for instance {EXAMPLE}."
            )
        self.csv = asked.get("format", ["json"])[0].lower() == "csv"
        path = split.path.rstrip("/")
        if not path.endswith(("getData.json", "getData.csv")):
            path += f"/data/getData.{'csv' if self.csv else 'json'}"
        self.csv = path.endswith(".csv")
        self.address = urllib.parse.urlunsplit((split.scheme, split.netloc, path, "", ""))
        self.name = f"{', '.join(self.pvs)} of {split.netloc}"
        self.start = _time(asked, "from", address)
        self.stop = _time(asked, "to", address)
        self.live = self.stop is None
        self.warnings: list[str] = []
        self.request = request or WebRequest()
        self.page, self.poll = page, poll
        self._infos = {pv: MetricInfo(pv) for pv in self.pvs}
        self._latest: dict[str, float] = {}
        self._reached: float | None = None

    def metrics(self) -> dict[str, MetricInfo]:
        return dict(self._infos)

    def history(self, since: Mapping[str, float] | None = None) -> Iterator[Entry]:
        stop = time.time() if self.stop is None else self.stop
        known = [since[pv] for pv in self.pvs if since and pv in since]
        start = self.start if self.start is not None else stop - RECENT
        if len(known) == len(self.pvs):
            start = max(start, min(known))
        self._latest = dict(since or {})
        yield from self._pages(start, stop)
        self._reached = stop
        silent = [pv for pv in self.pvs if pv not in self._latest]
        if silent:
            self.warnings.append(
                f"{host_of(self.address)} has nothing of {', '.join(silent)} in that time. Check "
                f"the names; what is not archived is not there."
            )

    def follow(self, stop: threading.Event) -> Iterator[Entry]:
        if self.stop is not None:
            return
        self.request.stop = stop
        while not stop.wait(self.poll):
            now = time.time()
            # Samples come to the archive some time after they were taken.
            begin = min([*self._latest.values(), self._reached or now]) if self._latest else now
            try:
                yield from self._pages(max(begin, now - RECENT), now)
            except WorkError:
                if stop.is_set():
                    return
                raise
            self._reached = now

    def close(self) -> None:
        """No connection is kept between questions."""

    def _pages(self, start: float, stop: float) -> Iterator[Samples]:
        page = self.page
        while start < stop and not self.request.stop.is_set():
            end = min(start + page, stop)
            try:
                blocks = [self._ask(pv, start, end) for pv in self.pvs]
            except TornAnswer as error:
                if page <= SHORTEST_PAGE:
                    raise WorkError(
                        f"{host_of(self.address)} answers what cannot be read ({error}), even for "
                        f"a minute. Expected JSON or CSV of an Archiver Appliance; check the "
                        f"address, or ask for format=csv."
                    ) from error
                page = max(page / 4, SHORTEST_PAGE)
                continue
            for samples in blocks:
                yield from pieces(samples)
            most = max(map(len, blocks))
            if most > BLOCK:
                page = max(page / 2, SHORTEST_PAGE)
            elif most < BLOCK / 8:
                page = min(page * 2, LONGEST_PAGE)
            start = end

    def _ask(self, pv: str, start: float, end: float) -> Samples:
        """Samples after ``start`` and after what is known: the first of an answer is the last one
        before the time asked for, which then came already."""
        query = urllib.parse.urlencode({"pv": pv, "from": _iso(start), "to": _iso(end)})
        text = self.request.get(f"{self.address}?{query}").decode("utf-8", "replace")
        found = Samples.of(pv, np.empty(0), np.empty(0))
        if self.csv:
            found = parse_csv(text, pv)
        else:
            for info, samples in parse_json(text):
                self._infos[pv] = MetricInfo(pv, info.unit, info.limits, info.about)
                found = Samples(pv, samples.times, samples.values, samples.marks, info.unit)
        known = self._latest.get(pv, -np.inf)
        found = found[(found.times > known) & (found.times >= start) & (found.times <= end)]
        if len(found):
            self._latest[pv] = float(found.times.max())
        return found


def _names(given: str) -> list[str]:
    """Channels at commas, but for those within the brackets of an operator."""
    names, depth, begin = [], 0, 0
    for i, letter in enumerate(given):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            names.append(given[begin:i])
            begin = i + 1
    return [name.strip() for name in (*names, given[begin:]) if name.strip()]


def _time(asked: Mapping[str, list[str]], name: str, address: str) -> float | None:
    if name not in asked:
        return None
    said = asked[name][0].replace(" ", "+") if "T" in asked[name][0] else asked[name][0]
    found = parse_time(said)
    if found is None:
        raise InputError(
            f"{name}={asked[name][0]} of {address} is no time. Expected ISO-8601 such as "
            f"2026-01-01T00:00:00Z, or unix seconds."
        )
    return found


def _iso(time: float) -> str:
    return (
        datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
