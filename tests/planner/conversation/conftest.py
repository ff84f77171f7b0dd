"""A small scan to talk of."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulators import World
from simulators.writing import write_scan


@pytest.fixture(scope="session")
def foam(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Path:
    """A scan of few columns, with rings."""
    path = tmp_path_factory.mktemp("talk") / "foam.nxs"
    world = World("foam", columns=96, rows=3, projections=120, photons=1e5, rings=1.0, center=45.0)
    write_scan(world, path)
    return path
