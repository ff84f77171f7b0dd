"""What comes while the watch runs: a table that grows, documents of a RunEngine, a terminal."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from metadata.series import Limits
from metadata.sources.bluesky_documents import BlueskyStream
from metadata.sources.csv_file import CsvFile
from metadata.watch.dashboard import Dashboard
from metadata.watch.ledger import Ledger
from metadata.watch.limit_book import LimitBook
from metadata.watch.line_output import LineOutput
from metadata.watch.standing import acknowledge_problems
from metadata.watch.voice import Voice
from metadata.watch.watch import Watch

PATIENCE = 60.0  # s, on a machine that does much else


def wait_for(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_table_that_grows_is_followed_and_gone_on_with(tmp_path: Path, ramp: Path) -> None:
    rows = ramp.read_text().splitlines(keepends=True)
    table, out = tmp_path / "t.csv", tmp_path / "out"
    table.write_text("".join(rows[:200]))

    def watched(store: Ledger, until: int) -> None:
        source = CsvFile(table)
        book = LimitBook(alone=Limits(high=2.5))
        watch = Watch([source], store, "k", limits=book)
        watch.outlets.out = LineOutput.appending(out, kept=watch.kept_sizes.get("out"))
        stop = threading.Event()

        def grow() -> None:
            with table.open("a") as file:
                for start in range(written[0], until, 100):
                    file.write("".join(rows[start : start + 100]))
                    file.flush()
                    time.sleep(0.05)
            written[0] = until
            wait_for(lambda: len(out.read_text().splitlines()) >= until - 1)
            stop.set()

        other = threading.Thread(target=grow)
        other.start()
        watch.run(follow=True, stop=stop)
        other.join()

    written = [200]
    with Ledger(tmp_path / "s.sqlite") as store:
        watched(store, 700)
        watched(store, len(rows))
        said = [json.loads(line) for line in out.read_text().splitlines()]
        assert [d["time"] for d in said] == [float(row.split(",")[0]) for row in rows[1:]]
        assert said[-1]["state"] == "alarm"
        whole = tmp_path / "whole"
        once = Watch([CsvFile(ramp)], store, "other", limits=LimitBook(alone=Limits(high=2.5)))
        once.outlets.out = LineOutput.appending(whole)
        once.run()
    assert whole.read_text() == out.read_text()


def test_a_run_engine_is_watched_and_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bluesky = pytest.importorskip("bluesky")
    pytest.importorskip("ophyd")
    from bluesky import plan_stubs
    from bluesky.plans import count
    from ophyd.sim import SynSignal

    from metadata.store_file import default_store_path
    from metadata.watch.suspender import drift_suspender

    monkeypatch.setenv("TOMOPLAN_HOME", str(tmp_path))
    store = default_store_path()
    readings = iter([1.0, 1.1, 1.0, 1.2, 3.9, 4.0, 4.1, 4.2, *[4.0] * 30])
    axis = SynSignal(func=lambda: next(readings), name="axis")
    stream, stop = BlueskyStream(), threading.Event()

    def watch() -> None:
        with Ledger(store) as ledger:
            book = LimitBook.given(["axis=:3.5"])
            Watch([stream], ledger, "k", limits=book, keep_samples=True).run(follow=True, stop=stop)

    watching = threading.Thread(target=watch)
    engine = bluesky.RunEngine({})
    engine.subscribe(stream)
    suspender = drift_suspender(["axis"], every=0.05)
    engine.install_suspender(suspender)
    held: list[str] = []

    def release() -> None:
        wait_for(lambda: suspender.tripped)
        held.extend(suspender._sig.why)
        acknowledge_problems(["axis"], [], by="shift 3")

    other = threading.Thread(target=release)
    watching.start()
    other.start()

    def patiently(detectors: Any) -> Any:
        yield from plan_stubs.checkpoint()
        yield from plan_stubs.trigger_and_read(list(detectors))
        yield from plan_stubs.sleep(0.02)
        taken.append(1)
        if len(taken) == 6:  # the watch is another thread: it is given the time to see it
            for _ in range(int(PATIENCE / 0.05)):
                if not other.is_alive():
                    break
                yield from plan_stubs.checkpoint()
                yield from plan_stubs.sleep(0.05)

    taken: list[int] = []
    engine(count([axis], num=8, per_shot=patiently))
    other.join()
    stop.set()
    watching.join()
    engine.remove_suspender(suspender)
    suspender._sig.close()
    assert held == ["axis: Has reached its limit of 3.5."]
    with Ledger(store) as ledger:
        (standing,) = ledger.standing()
        assert standing.problem.metric == "axis"
        assert len(ledger.read("axis")) >= 8
    assert "acknowledged" in capsys.readouterr().out


def test_the_dashboard_shows_the_worst_first(tmp_path: Path, ramp: Path) -> None:
    from rich.console import Console

    other = tmp_path / "b.csv"
    other.write_text("time,[red]calm\n" + "".join(f"{1767225600 + 900 * i},{i % 5}\n"
                                                  for i in range(1344)))  # fmt: skip
    for language, words in (("en", ("alarm", "to the limit")), ("zh", ("报警", "距限值"))):
        with Ledger(tmp_path / f"{language}.sqlite") as ledger:
            board = Dashboard(["ramp"], ledger.path, Voice("plain", language=language))
            book = LimitBook.given(["value=2.5"])
            Watch([CsvFile(ramp), CsvFile(other)], ledger, "k", limits=book,
                  listeners={"dashboard": board}).run()  # fmt: skip
        drawn = io.StringIO()
        Console(file=drawn, width=160).print(board.draw())
        text = drawn.getvalue()
        assert all(word in text for word in words)
        lines = text.splitlines()
        assert next(i for i, line in enumerate(lines) if "value" in line) < next(
            i for i, line in enumerate(lines) if "calm" in line)  # fmt: skip
        assert "█" in text
