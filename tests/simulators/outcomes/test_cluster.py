"""Outcomes made on a Dask cluster are those made here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from simulators import World, simulate
from simulators.outcomes import Job, generate
from toolbox.recipe import Step

RECIPE = (Step("flat_field"), Step("minus_log"), Step("center_fourier"), Step("fbp"))


def job(number: int) -> Job:
    world = World("foam", columns=64, rows=1, projections=60, photons=3e3, seed=number)
    return Job(f"train-{number}", [simulate(world)], [RECIPE], ("reconstruct",), {})


@pytest.mark.slow
def test_a_cluster_gives_the_same(tmp_path: Path) -> None:
    from distributed import LocalCluster

    here = generate(job, 2, tmp_path / "here.h5", workers=0)
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False,
                      dashboard_address=":0", memory_limit="32GiB") as cluster:  # fmt: skip
        there = generate(job, 2, tmp_path / "there.h5", scheduler=cluster.scheduler_address)
    for a, b in zip(here, there, strict=True):
        assert a.name == b.name
        np.testing.assert_array_equal(a.main_quality, b.main_quality)


@pytest.mark.slow
def test_processes_give_the_same(tmp_path: Path) -> None:
    here = generate(job, 2, tmp_path / "here.h5", workers=0)
    there = generate(job, 2, tmp_path / "there.h5", workers=2)
    for a, b in zip(here, there, strict=True):
        np.testing.assert_array_equal(a.main_quality, b.main_quality)
