"""Bluesky documents from real files, from a pipe and from a running RunEngine."""

from __future__ import annotations

import io
import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metadata.errors import InputError
from metadata.series import Limits, MetricInfo
from metadata.sources import open_source
from metadata.sources.bluesky_documents import BlueskyFile, BlueskyPipe, BlueskyStream
from metadata.sources.bluesky_reader import BlueskyReader
from tests.metadata.sources.reading import Following, joined

KEY = {"source": "SIM", "dtype": "number", "shape": []}


def run(uid: str = "r", start: float = 100.0, count: int = 3) -> list[tuple[str, dict[str, Any]]]:
    keys = {
        "ring": KEY | {"units": "mA", "limits": {
            "control": {"low": 0, "high": 300}, "warning": {"low": 90, "high": 110},
            "alarm": {"low": 80, "high": None}}},
        "camera": KEY | {"dtype": "array", "shape": [5, 5]},
        "name": KEY | {"dtype": "string"},
        "th": KEY | {"object_name": "th"},
    }  # fmt: skip
    documents: list[tuple[str, dict[str, Any]]] = [
        ("start", {"uid": uid, "time": start, "motors": ["th"], "plan_name": "scan"}),
        ("descriptor", {"uid": f"{uid}-d", "run_start": uid, "time": start, "name": "primary",
                        "data_keys": keys}),
    ]  # fmt: skip
    for i in range(count):
        data = {"ring": 100.0 + i, "name": "x", "th": float(i)}
        documents.append(("event", {
            "uid": f"{uid}-{i}", "descriptor": f"{uid}-d", "seq_num": i + 1, "time": start + i,
            "data": data, "timestamps": dict.fromkeys(data, start)}))  # fmt: skip
    documents.append(("stop", {"uid": f"{uid}-s", "run_start": uid, "time": start + count,
                               "exit_status": "success"}))  # fmt: skip
    return documents


def lines(documents: list[tuple[str, dict[str, Any]]]) -> str:
    return "".join(json.dumps(document) + "\n" for document in documents)


@pytest.mark.parametrize("shape", ["lines", "list", "objects"])
def test_documents_in_a_file(tmp_path: Path, shape: str) -> None:
    documents = run()
    path = tmp_path / "run.jsonl"
    path.write_text({
        "lines": lines(documents),
        "list": json.dumps(documents),
        "objects": "".join(json.dumps({"name": n, "doc": d}) + "\n" for n, d in documents),
    }[shape])  # fmt: skip
    source = open_source(path)
    assert isinstance(source, BlueskyFile)
    assert source.metrics() == {"ring": MetricInfo("ring", "mA", Limits(80.0, np.inf), "SIM")}
    found = joined(source.history())["ring"]
    assert found.times.tolist() == [100, 101, 102]
    assert found.values.tolist() == [100, 101, 102]
    assert found.unit == "mA"
    assert len(joined(source.history({"ring": 101.0}))["ring"]) == 1
    assert joined(open_source(f"bluesky:{path}").history())["ring"].values.tolist()[0] == 100


def test_pages_say_the_same_as_events() -> None:
    reader = BlueskyReader()
    _, descriptor, *events, _ = run()
    reader.take(*descriptor)
    one = [s for name, document in events for s in reader.take(name, document)]
    page = {
        "descriptor": "r-d", "time": [e["time"] for _, e in events],
        "data": {k: [e["data"][k] for _, e in events] for k in ("ring", "name", "th")},
        "timestamps": {}, "seq_num": [1, 2, 3], "uid": ["a", "b", "c"],
    }  # fmt: skip
    paged = reader.take("event_page", page)
    for name, found in joined(paged).items():
        np.testing.assert_array_equal(found.values, joined(one)[name].values)
        np.testing.assert_array_equal(found.times, joined(one)[name].times)
    bulk = reader.take("bulk_events", {"primary": [e for _, e in events]})
    assert joined(bulk)["ring"].values.tolist() == [100, 101, 102]


def test_real_runs(data: Path) -> None:
    source = open_source(data / "bluesky_documents")
    found = joined(source.history())
    assert not source.warnings
    # Two readings of the baseline in each of six runs, at the time they were read
    assert len(found["motor1"]) == 12
    assert np.all(np.diff(found["motor1"].times) > 0)
    assert len(found["det"]) == 15
    one = next((data / "bluesky_documents").glob("0bffac43*"))
    assert joined(open_source(one).history())["det"].values.tolist() == [1.0] * 5


def test_a_file_that_grows(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    path.write_text(lines(run()))
    source = open_source(path)
    assert len(joined(source.history())["ring"]) == 3
    with Following(source) as following:
        with path.open("a") as file:
            file.write(lines(run("q", 200.0)) + '["sta')
        following.until(lambda found: len(found.get("ring", ())) == 3)
        assert following.finish()["ring"].times.tolist() == [200, 201, 202]


def test_documents_on_a_pipe() -> None:
    pipe = BlueskyPipe(io.StringIO(lines(run())))
    assert pipe.live
    found = joined(pipe.follow(threading.Event()))  # ends with the pipe
    assert found["ring"].values.tolist() == [100, 101, 102]
    assert pipe.metrics()["ring"].limits == Limits(80.0, np.inf)
    broken = BlueskyPipe(io.StringIO(lines(run()) + "nonsense\n"))
    assert len(joined(broken.follow(threading.Event()))["ring"]) == 3
    assert "no Bluesky document: 'nonsense" in broken.warnings[0]


@pytest.mark.parametrize("text", ["nonsense", '["start", {"uid": "r"}]\n', "[]"])
def test_files_without_documents(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(text)
    with pytest.raises(InputError, match="no Bluesky d"):
        open_source(f"bluesky:{path}")
    with pytest.raises(InputError, match=r"bluesky:none does not exist. Expected a file"):
        open_source("bluesky:none")


def test_events_without_a_descriptor_are_told(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    stray = ("event", {"descriptor": "lost", "time": 5.0, "data": {"a": 1.0}, "timestamps": {}})
    path.write_text(lines([*run(), stray]))
    source = open_source(path)
    list(source.history())
    assert "1 events of" in source.warnings[0]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_callback_of_a_run_engine() -> None:
    pytest.importorskip("ophyd")
    bluesky = pytest.importorskip("bluesky")
    from bluesky.plans import count, scan
    from bluesky.preprocessors import SupplementalData
    from ophyd.sim import SynAxis, SynGauss, SynSignal

    engine = bluesky.RunEngine({})
    temperature = SynSignal(name="temperature", func=lambda: 21.5)
    motor = SynAxis(name="motor")
    detector = SynGauss("detector", motor, "motor", center=0, Imax=1, sigma=1)
    engine.preprocessors.append(SupplementalData(baseline=[temperature]))
    stream = BlueskyStream()
    engine.subscribe(stream)
    engine(count([detector], num=3))
    history = joined(stream.history())
    assert len(history["detector"]) == 3
    assert history["temperature"].values.tolist() == [21.5, 21.5]
    with Following(stream) as following:
        engine(scan([detector], motor, -1, 1, 5))
        following.until(lambda found: len(found.get("temperature", ())) == 2)
        found = following.finish()
    assert len(found["detector"]) == 5
    assert "motor" not in found  # moved by the plan
    assert np.all(np.diff(found["detector"].times) > 0)
