"""The same arrays from a Dask cluster, lost workers included."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from metadata import open_scan
from metadata.errors import WorkError
from toolbox import Pipeline
from toolbox.execution import run

STEPS = ["flat_field", "air_normalisation", "minus_log", ("stripe_sorting", {"strength": 7})]


@pytest.fixture
def cluster(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A cluster of two workers on this machine, or of one that is a process and can be killed."""
    from distributed import LocalCluster

    processes = getattr(request, "param", False)
    # Workers in this process count all its memory as theirs, and pause when it is too much
    with LocalCluster(
        n_workers=1 if processes else 2, threads_per_worker=1, processes=processes,
        dashboard_address=":0", memory_limit="2GiB" if processes else "32GiB",
    ) as cluster:  # fmt: skip
        yield cluster


@pytest.fixture(scope="module")
def scan_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scan in a file, as the workers need it."""
    path = tmp_path_factory.mktemp("scan") / "scan.h5"
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        file["implements"] = "exchange:measurement"
        file["/exchange/data"] = rng.integers(500, 900, (30, 24, 32)).astype(np.uint16)
        file["/exchange/data_white"] = rng.integers(900, 1000, (5, 24, 32)).astype(np.uint16)
        file["/exchange/data_dark"] = rng.integers(90, 110, (5, 24, 32)).astype(np.uint16)
        file["/exchange/theta"] = np.linspace(0, 180, 30, endpoint=False)
        file["/exchange/theta"].attrs["units"] = "deg"
    return path


def test_a_cluster_gives_the_same(cluster: Any, scan_path: Path, tmp_path: Path) -> None:
    pipeline = Pipeline.chain(STEPS)
    with open_scan(scan_path) as scan:
        run(pipeline, [scan], tmp_path / "threads.h5")
        record = run(pipeline, [scan], tmp_path / "cluster.h5",
                     scheduler=cluster.scheduler_address)  # fmt: skip
    with h5py.File(tmp_path / "threads.h5") as a, h5py.File(tmp_path / "cluster.h5") as b:
        np.testing.assert_array_equal(a["/entry/data/data"][()], b["/entry/data/data"][()])
    assert record.node_seconds["stripe_sorting"] > 0


@pytest.mark.parametrize("cluster", [True], indirect=True, ids=["processes"])
def test_a_killed_worker_is_replaced(cluster: Any, scan_path: Path, tmp_path: Path) -> None:
    deaths = []

    def progress(done: float, total: float, left: float | None, text: str) -> None:
        if done > 0.3 and not deaths:
            deaths.append(next(iter(cluster.workers.values())).pid)
            os.kill(deaths[0], signal.SIGKILL)

    pipeline = Pipeline.chain(STEPS)
    with open_scan(scan_path) as scan:
        run(pipeline, [scan], tmp_path / "threads.h5")
        run(pipeline, [scan], tmp_path / "cluster.h5", scheduler=cluster.scheduler_address,
            progress=progress)  # fmt: skip
    assert deaths
    with h5py.File(tmp_path / "threads.h5") as a, h5py.File(tmp_path / "cluster.h5") as b:
        np.testing.assert_array_equal(a["/entry/data/data"][()], b["/entry/data/data"][()])


def test_no_scheduler_there(scan_path: Path, tmp_path: Path) -> None:
    from toolbox.execution import cluster as module

    with open_scan(scan_path) as scan, pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CONNECT_SECONDS", 1)
        with pytest.raises(WorkError, match="No Dask scheduler answers"):
            run(Pipeline.chain(STEPS), [scan], tmp_path / "out.h5", scheduler="tcp://127.0.0.1:9")
    assert not list(tmp_path.iterdir())


def test_a_cluster_that_loses_all_workers(scan_path: Path, tmp_path: Path) -> None:
    from distributed import LocalCluster

    from toolbox.execution import cluster as module

    with (
        LocalCluster(n_workers=0, processes=False, dashboard_address=":0") as empty,
        open_scan(scan_path) as scan,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(module, "ALONE_SECONDS", 0.5)
        with pytest.raises(WorkError, match="has no workers"):
            run(Pipeline.chain(STEPS), [scan], tmp_path / "out.h5",
                scheduler=empty.scheduler_address)  # fmt: skip


def test_a_cluster_that_pauses_for_want_of_memory_is_an_error(
    scan_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dask
    from distributed import LocalCluster

    import toolbox.execution.cluster as module

    monkeypatch.setattr(module, "ALONE_SECONDS", 1.0)
    with (
        dask.config.set({"distributed.worker.memory.pause": 0.001}),
        LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0",
                     memory_limit="32GiB") as small,
        open_scan(scan_path) as scan,
        pytest.raises(WorkError, match=r"have paused.*memory-limit"),
    ):  # fmt: skip
        run(Pipeline.chain(STEPS), [scan], tmp_path / "out.h5",
            scheduler=small.scheduler_address)  # fmt: skip
    assert not (tmp_path / "out.h5").exists()
